"""Comparison of versions, also for people who never see Markdown, and restoring earlier ones."""

from procedures.models import Figure, Marker, Page
from procedures.publishing.publish import publish
from procedures.publishing.review import latest_approved_revision
from procedures.rendering.document import Document, Image
from procedures.revisions.diff import (
    DiffBlock,
    compare_blocks,
    count_changes,
    diff_for_reading,
    diff_words,
    document_blocks,
    to_reading_text,
)
from procedures.revisions.drafts import restore_revision, save_revision
from procedures.revisions.history import Version, find_version
from tests.factories import make_user
from tests.publishing.test_publish import approved, fresh


def marked(segments: list[object]) -> str:
    return "".join(f"[{s.text}]" if s.changed else s.text for s in segments)  # type: ignore[attr-defined]


def test_words_that_differ_are_marked_on_both_sides() -> None:
    old, new = diff_words("Do not drive for two days.", "You must not drive for three days, please.")

    assert marked(old) == "[Do] not drive for [two] days."
    assert marked(new) == "[You must] not drive for [three] days[, please]."


def test_changed_paragraphs_are_paired() -> None:
    old = [DiffBlock("Text", "One."), DiffBlock("Text", "You lie face down for an hour."), DiffBlock("List", "Gone.")]
    new = [
        DiffBlock("Heading", "New"),
        DiffBlock("Text", "One."),
        DiffBlock("Text", "You lie face down for two hours."),
    ]

    rows = compare_blocks(old, new)

    assert [(row.kind, row.name) for row in rows] == [
        ("added", "Heading"),
        ("same", "Text"),
        ("changed", "Text"),
        ("removed", "List"),
    ]
    assert count_changes(rows) == 3


def test_identical_versions_have_no_changes(page: Page) -> None:
    revision = save_revision(page, author=None)
    blocks = Version(page, revision, None).rendered_blocks()

    assert count_changes(compare_blocks(blocks, blocks)) == 0
    assert len(blocks) > 10


def test_pictures_and_marker_positions_are_compared(page: Page) -> None:
    release = publish(approved(page), actor=make_user("max"))
    mark = Marker.objects.get()
    mark.target_x = 0.75
    mark.save()
    Figure.objects.update(image="figures/0123456789abcdef.png")
    before, after = find_version(page, f"v{release.number}"), find_version(page, "r1")
    assert before and after

    rows = [row for row in compare_blocks(before.rendered_blocks(), after.rendered_blocks()) if row.kind != "same"]

    assert [(row.name, row.kind) for row in rows] == [("Position of a marker", "changed")]
    assert marked(rows[0].new_segments) == "Marker 1"


def test_a_replaced_picture_is_one_changed_row() -> None:
    old, new = (
        Document(body=[Image(src=f"/media/figures/{name}-800.jpeg", alt="A needle.")])
        for name in ("aaaa1111", "bbbb2222")
    )

    (row,) = compare_blocks(document_blocks(old), document_blocks(new))

    assert (row.kind, row.name) == ("changed", "Picture")
    assert (marked(row.new_segments), row.new and row.new.picture) == ("A needle.", "/media/figures/bbbb2222-800.jpeg")


def test_titles_are_always_paired() -> None:
    (row,) = compare_blocks([DiffBlock("Title", "Kyphoplasty")], [DiffBlock("Title", "A small cut")])

    assert row.kind == "changed"


def test_markdown_is_compared_by_line_regardless_of_line_numbers(page: Page) -> None:
    first = save_revision(page, author=None)
    page.body = "## First of all\n\n" + page.body
    page.save()
    second = save_revision(page, author=None)

    rows = compare_blocks(Version(page, first, None).markdown_blocks(), Version(page, second, None).markdown_blocks())

    assert [(row.kind, row.new.text) for row in rows if row.kind != "same" and row.new] == [
        ("added", "## First of all")
    ]


def test_a_restored_text_keeps_its_approval(page: Page) -> None:
    first = approved(page)
    publish(first, actor=make_user("max"))
    newer = approved(fresh(page), title="With a mistake")
    publish(newer, actor=make_user("max"))

    saved, missing = restore_revision(first, actor=make_user("ed"), expected_version=fresh(page).draft_version)

    assert missing == []
    assert (saved.number, saved.content_hash) == (3, first.content_hash)
    assert fresh(page).title == "Small cut"
    assert fresh(page).live_release.title == "With a mistake"
    assert latest_approved_revision(fresh(page)) == saved
    assert page.events.first().kind == "restored"


def test_restoring_reports_missing_references(page: Page) -> None:
    first = save_revision(page, author=None)
    page.lead_figure = page.next_page = None
    page.save()
    save_revision(page, author=None)
    Figure.objects.update(slug="renamed")

    _, missing = restore_revision(first, actor=make_user("ed"), expected_version=fresh(page).draft_version)

    assert missing == ["The picture “needle” no longer exists. Choose another one."]
    assert (fresh(page).lead_figure, fresh(page).next_page.subject) == (None, "contact")


READING_TEXTS = {
    "## Pain {#pain}": "Heading: Pain",
    "#### When\n": "Small heading: When\n",
    "- Rest.\n  - Walk.\n": "• Rest.\n  • Walk.\n",
    "Take **two** pills and _rest_.": "Take two pills and rest.",
    "See [our page](page:about).": "See our page (→ about).",
    "It helps. [@nice; @josr]": "It helps. (nice; josr)",
    "Call {clinic.phone}.": "Call (the clinic’s phone number).",
    "::: warning-signs both\n": "[Warning signs: both]\n",
    "::: checklist\n- Your card\n:::\n": "[Checklist]\n• Your card\n\n",
    "| Day | Dose |\n|---|---|\n| Mon | 5 mg |": "Day – Dose\nMon – 5 mg",
    "2 \\* 3 and \\{a\\} and \\## b": "2 * 3 and {a} and ## b",
    "5 * 3 and A_B_C": "5 * 3 and A_B_C",
    "> Rest.": "Rest.",
    "> 3 days, 10 < 20": "3 days, 10 < 20",
}


def test_markup_is_replaced_by_words() -> None:
    assert {text: found for text, wanted in READING_TEXTS.items() if (found := to_reading_text(text)) != wanted} == {}


def test_changes_are_shown_without_markup() -> None:
    assert diff_for_reading("## Pain\n\nRest.\n", "## Pain\n\nRest **now**.\n") == [
        ("=", "Heading: Pain\n\nRest"),
        ("+", " now"),
        ("=", ".\n"),
    ]


def test_a_change_of_markup_alone_is_shown() -> None:
    assert [sign for sign, _ in diff_for_reading("Rest now.", "Rest **now**.")] != ["="]
    assert diff_for_reading("Rest.", "Rest.") == [("=", "Rest.")]
