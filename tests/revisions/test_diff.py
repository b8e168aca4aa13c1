"""Comparison of versions, also for people who never see Markdown, and restoring earlier ones."""

import pytest

from procedures.models import Figure, Marker, Page, Revision
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
from procedures.revisions.history import Version, compare_versions, find_version
from tests.factories import make_user
from tests.publishing.test_publish import approved, fresh
from tests.rendering.helpers import render


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


TABLE = "| | Kyphoplasty | Brace |\n|---|---|---|\n| You go home the same day | {} | {} |\n"
NESTED = "- If you take blood thinners:\n  - Stop them five days before.\n{}- Take your other pills with water.\n"
# Two texts with the same words in the same order.
SAME_WORDS = {
    "another column": (TABLE.format("Yes", ""), TABLE.format("", "Yes")),
    "into a nested list": (NESTED.format(""), NESTED.format("  ")),
    "out of a nested list": (NESTED.format(""), NESTED.format("").replace("  - Stop", "- Stop")),
    "size of a heading": ("## At home\n\nRest.\n", "### At home\n\nRest.\n"),
    "numbers instead of bullets": ("- Wash.\n- Dress.\n", "1. Wash.\n2. Dress.\n"),
    "other numbers": ("1. Wash.\n2. Dress.\n", "4. Wash.\n5. Dress.\n"),
    "scale or list": ("::: scale\n- Wait.\n- Go.\n:::\n", "- Wait.\n- Go.\n"),
    "steps or list": ("::: steps\n1. Wash.\n2. Dress.\n:::\n", "1. Wash.\n2. Dress.\n"),
    "checklist or list": ("::: checklist\n- Pills.\n:::\n", "- Pills.\n"),
    "note or text": ("::: note\nRest.\n:::\n", "Rest.\n"),
    "quotation or text": ("> Rest.\n", "Rest.\n"),
    "bold": ("Do **not** drive.\n", "Do not drive.\n"),
    "italic": ("Do *not* drive.\n", "Do not drive.\n"),
    "bold or italic": ("Do **not** drive.\n", "Do *not* drive.\n"),
    "entry or paragraph in an entry": ("- Wash.\n\n- Dress.\n", "- Wash.\n\n  Dress.\n"),
    "two lists": ("- Wash.\n- Dress.\n", "- Wash.\n\n* Dress.\n"),
    "another section": ("## A {#a}\n\n[See](#a)\n\n## B {#b}\n", "## A {#a}\n\n[See](#b)\n\n## B {#b}\n"),
    "alignment": ("| a |\n|---|\n| b |\n", "| a |\n|--:|\n| b |\n"),
    "a rule": ("Wash.\n\nDress.\n", "Wash.\n\n---\n\nDress.\n"),
    "folded": ("## A\n\nWash.\n\n## B\n\nB.\n", "## A {.folded}\n\nWash.\n\n## B\n\nB.\n"),
}


@pytest.mark.parametrize("name", SAME_WORDS)
def test_a_change_that_keeps_the_words_is_still_a_change(page: Page, name: str) -> None:
    versions, html = [], []
    for body in SAME_WORDS[name]:
        page.body = f"## Start\n\n{body}"
        page.save()
        versions.append(Version(page, save_revision(page, author=None), None))
        html.append(render(page.body).html)

    assert html[0] != html[1]
    assert count_changes(compare_versions(*versions)) > 0
    assert count_changes(compare_versions(versions[1], versions[1])) == 0


def test_a_change_of_place_is_named(page: Page) -> None:
    documents = [render(body).document for body in SAME_WORDS["into a nested list"]]

    (row,) = [row for row in compare_blocks(*map(document_blocks, documents)) if row.kind != "same"]

    assert (row.kind, row.has_new_details) == ("changed", True)
    assert row.old and row.old.details == "Bulleted list"
    assert row.new and (row.new.text, row.new.details) == (
        "Take your other pills with water.",
        "Bulleted list › Bulleted list",
    )


def test_the_cells_of_a_row_are_compared_together(page: Page) -> None:
    before, after = (document_blocks(render(body).document) for body in SAME_WORDS["another column"])

    (row,) = [row for row in compare_blocks(before, after) if row.kind != "same"]

    assert row.old and row.old.text == "You go home the same day | Yes | –"
    assert row.new and row.new.text == "You go home the same day | – | Yes"


def test_the_minutes_of_a_reading_list_are_compared(page: Page) -> None:
    item = {"page": "contact", "section": "", "minutes": 5, "note": ""}
    old, new = (
        Version(page, Revision(page=page, content={**page.draft_content(), "items": [{**item, "minutes": n}]}), None)
        for n in (5, 9)
    )

    assert [row.name for row in compare_versions(old, new) if row.kind != "same"] == ["Reading list"]


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


def test_a_restored_text_that_a_newer_one_replaced_needs_a_new_approval(page: Page) -> None:
    first = approved(page)
    publish(first, actor=make_user("max"))
    newer = approved(fresh(page), title="With a mistake")
    publish(newer, actor=make_user("max"))

    saved, missing = restore_revision(first, actor=make_user("ed"), expected_version=fresh(page).draft_version)

    assert missing == []
    assert (saved.number, saved.content_hash) == (3, first.content_hash)
    assert fresh(page).title == "Small cut"
    assert fresh(page).live_release.title == "With a mistake"
    assert latest_approved_revision(fresh(page)) is None
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
