"""What a reader meets, word by word; where a comment belongs; which text can be published."""

import pytest

from procedures.enums import Decision
from procedures.models import Figure, Marker, Page
from procedures.publishing.diff import changes, compare, words
from procedures.publishing.drafts import save_revision
from procedures.publishing.publish import publish
from procedures.publishing.remarks import line_of
from procedures.publishing.restore import restore
from procedures.publishing.review import decide, newest_approved
from procedures.publishing.versions import Version, version
from procedures.publishing.wording import Block, article_blocks
from tests.factories import make_user
from tests.publishing.test_publish import approved, fresh


def marked(segments: list[object]) -> str:
    return "".join(f"[{s.text}]" if s.changed else s.text for s in segments)  # type: ignore[attr-defined]


def test_words_that_differ_are_marked_on_both_sides() -> None:
    old, new = words("Do not drive for two days.", "You must not drive for three days, please.")

    assert marked(old) == "[Do] not drive for [two] days."
    assert marked(new) == "[You must] not drive for [three] days[, please]."


def test_paragraphs_stand_beside_their_new_wording() -> None:
    old = [Block("Text", "One."), Block("Text", "You lie face down for an hour."), Block("List", "Gone.")]
    new = [Block("Heading", "New"), Block("Text", "One."), Block("Text", "You lie face down for two hours.")]

    rows = compare(old, new)

    assert [(row.kind, row.name) for row in rows] == [
        ("added", "Heading"),
        ("same", "Text"),
        ("changed", "Text"),
        ("removed", "List"),
    ]
    assert changes(rows) == 3


def test_nothing_changed_is_said_so(page: Page) -> None:
    revision = save_revision(page, author=None)
    blocks = Version(page, revision, None).reading()

    assert changes(compare(blocks, blocks)) == 0
    assert len(blocks) > 10


def test_pictures_and_the_places_of_marks_are_compared(page: Page) -> None:
    release = publish(approved(page), actor=make_user("max"))
    mark = Marker.objects.get()
    mark.target_x = 0.75
    mark.save()
    Figure.objects.update(image="figures/0123456789abcdef.png")
    before, after = version(page, f"v{release.number}"), version(page, "r1")
    assert before and after

    rows = [row for row in compare(before.reading(), after.reading()) if row.kind != "same"]

    assert [(row.name, row.kind) for row in rows] == [("Place of a mark", "changed")]
    assert marked(rows[0].new_words).endswith("points to [75]% 50%")


def test_a_replaced_picture_shows_as_one() -> None:
    html = '<figure><img src="/media/figures/{}-800.jpeg" alt="A needle."></figure>'

    (row,) = compare(article_blocks(html.format("aaaa1111")), article_blocks(html.format("bbbb2222")))

    assert (row.kind, row.name) == ("changed", "Picture")
    assert marked(row.new_words) == "A needle. [[bbbb2222]]"


def test_the_title_always_stands_beside_the_title() -> None:
    (row,) = compare([Block("Title", "Kyphoplasty")], [Block("Title", "A small cut")])

    assert row.kind == "changed"


def test_markdown_is_compared_line_by_line_whatever_its_number(page: Page) -> None:
    first = save_revision(page, author=None)
    page.body = "## First of all\n\n" + page.body
    page.save()
    second = save_revision(page, author=None)

    rows = compare(Version(page, first, None).source(), Version(page, second, None).source())

    assert [(row.kind, row.new.text) for row in rows if row.kind != "same" and row.new] == [
        ("added", "## First of all")
    ]


@pytest.mark.parametrize(
    ("quote", "line"),
    [
        ("It is safe to read.", 3),
        ("A small cut. We look after you. [1]", 8),
        ("When to call", 10),
        ("Nothing of the kind stands here at all", 0),
    ],
)
def test_a_comment_finds_its_paragraph(page: Page, quote: str, line: int) -> None:
    assert line_of(quote, page.body) == line


def test_a_comment_follows_its_paragraph_and_says_when_it_is_gone(page: Page) -> None:
    moved = "## New\n\nWords.\n\n" + page.body

    assert line_of("It is safe to read.", moved) == 7
    assert line_of("It is safe to read.", moved.replace("It is safe to read.", "Ask us.")) == 0


def test_the_text_to_publish_is_the_newest_approved_one(page: Page) -> None:
    first = approved(page)
    assert newest_approved(fresh(page)) == first
    publish(first, actor=make_user("max"))
    assert newest_approved(fresh(page)) is None
    second = approved(fresh(page), title="Second")
    Page.objects.filter(pk=page.pk).update(title="Third")
    save_revision(fresh(page), author=make_user("ed"))

    assert newest_approved(fresh(page)) == second
    decide(second, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="No.")
    assert newest_approved(fresh(page)) is None


def test_a_restored_text_is_the_same_text_so_its_approval_stands(page: Page) -> None:
    first = approved(page)
    publish(first, actor=make_user("max"))
    newer = approved(fresh(page), title="With a mistake")
    publish(newer, actor=make_user("max"))

    saved, missing = restore(first, actor=make_user("ed"), expected=fresh(page).draft_version)

    assert missing == []
    assert (saved.number, saved.content_hash) == (3, first.content_hash)
    assert fresh(page).title == "Small cut"
    assert fresh(page).live_release.title == "With a mistake"
    assert newest_approved(fresh(page)) == saved
    assert page.events.first().kind == "restored"


def test_what_is_gone_since_is_told(page: Page) -> None:
    first = save_revision(page, author=None)
    page.lead_figure = page.next_page = None
    page.save()
    save_revision(page, author=None)
    Figure.objects.update(slug="renamed")

    _, missing = restore(first, actor=make_user("ed"), expected=fresh(page).draft_version)

    assert missing == ["The picture “needle” is not here any more. Choose another one."]
    assert (fresh(page).lead_figure, fresh(page).next_page.subject) == (None, "contact")
