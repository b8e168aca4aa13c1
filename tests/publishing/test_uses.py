"""Every place that shows a picture is found, and named in the reason not to delete it."""

import pytest
from PIL import Image

from procedures.figures.decoding import build_decoded_image
from procedures.figures.renditions import find_duplicate
from procedures.models import ClinicAnswer, Figure, Page, Series, SeriesItem
from procedures.publishing.usage import UsageKind, deletion_blockers, find_usages
from procedures.revisions.drafts import save_revision
from tests.factories import BODY, approve, make_clinic, make_figure, make_next, make_page, make_public, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def needle() -> Figure:
    make_figure("before", size=(40, 40))
    return make_figure("needle")


def page_with(body: str, *, title: str = "Small cut") -> None:
    make_page(title=title, body=body, lead_figure=Figure.objects.get(slug="before"))


def test_a_new_picture_is_used_nowhere(needle: Figure) -> None:
    page_with("The word needle, ::: figure of speech.")

    assert find_usages(needle) == []
    assert deletion_blockers(needle) == []


@pytest.mark.parametrize(
    "body",
    [
        "::: figure needle",
        "::: compare before needle",
        "::: compare needle before",
        "> ::: figure needle",
        "- ::: figure needle",
        ":::figure  needle",
    ],
)
def test_drafts_that_show_a_picture_are_found(needle: Figure, body: str) -> None:
    if body.startswith(":::figure"):
        body = body.replace("  ", " ")
    page_with(f"Text.\n\n{body}\n\nMore.")

    assert deletion_blockers(needle) == ["The draft of “Small cut” shows it."]


@pytest.mark.parametrize(
    "body", ["::: figure needle-two", "::: figure big-needle", "::: series needle", "::: note\nneedle\n:::"]
)
def test_drafts_that_show_something_else_are_not(needle: Figure, body: str) -> None:
    page_with(body)

    assert find_usages(needle) == []


def test_the_picture_at_the_head_of_a_draft_is_in_use(needle: Figure) -> None:
    make_page(lead_figure=needle)

    assert [(use.kind, use.title) for use in find_usages(needle)] == [(UsageKind.DRAFT, "Small cut")]


def test_a_series_needs_its_stages(needle: Figure) -> None:
    series = Series.objects.create(slug="stages", language="en", title="Stages")
    for order in (0, 1):
        SeriesItem.objects.create(series=series, order=order, figure=needle, heading="One", text="Text.")

    assert deletion_blockers(needle) == ["The series “stages (en)” shows it."]


def test_what_patients_read_comes_with_its_address(needle: Figure) -> None:
    make_clinic()
    page = make_page(body=BODY + "\n::: figure needle\n", lead_figure=Figure.objects.get(slug="before"))
    make_public(page)

    found = find_usages(needle)

    assert [(use.kind, use.title, use.href) for use in found] == [
        (UsageKind.DRAFT, "Small cut", ""),
        (UsageKind.LIVE, "Small cut", "/small-cut/"),
    ]
    assert [use.page for use in found] == [page, page]


def test_what_patients_once_read_keeps_its_picture(needle: Figure) -> None:
    make_clinic()
    page = make_page(body=BODY + "\n::: figure needle\n", lead_figure=Figure.objects.get(slug="before"))
    make_public(page)
    page.refresh_from_db()
    page.body = BODY
    page.save()
    make_public(page)

    assert deletion_blockers(needle) == ["Patients once saw it on “Small cut”."]


def plan_and_go_on(page: Page, body: str) -> None:
    """The text as it is waits for its day; the draft says something else already."""
    revision = save_revision(page, author=make_user())
    approve(revision)
    page.scheduled_revision = revision
    page.publish_at = "2030-01-01T00:00:00Z"
    page.body = body
    page.save()


def test_a_text_that_waits_for_its_day_keeps_its_picture(needle: Figure) -> None:
    make_clinic()
    page = make_page(
        body=BODY + "\n::: figure needle\n", lead_figure=Figure.objects.get(slug="before"), next_page=make_next()
    )
    plan_and_go_on(page, "No picture any more.")

    assert deletion_blockers(needle) == ["The text of “Small cut” that waits for its day shows it."]


def test_uses_take_a_fixed_number_of_queries(needle: Figure, django_assert_num_queries: object) -> None:
    for number in range(3):
        make_page(f"page-{number}", lead_figure=needle)

    with django_assert_num_queries(5):  # type: ignore[operator]
        assert len(find_usages(needle)) == 3


def test_duplicate_is_found_by_what_it_shows(needle: Figure) -> None:
    same = build_decoded_image(Image.linear_gradient("L").resize((48, 48)))

    assert find_duplicate(same) == needle


def test_another_picture_is_no_duplicate(needle: Figure) -> None:
    assert find_duplicate(build_decoded_image(Image.new("L", (600, 600)))) is None


def test_an_answer_that_a_waiting_text_prints_is_kept(needle: Figure) -> None:
    make_clinic()
    answer = ClinicAnswer.objects.create(key="driving", language="en", question="When?", answer="Tomorrow.")
    page = make_page(body=BODY + "\n::: care driving\n", lead_figure=needle, next_page=make_next())
    plan_and_go_on(page, "No answer any more.")

    assert deletion_blockers(answer) == ["The text of “Small cut” that waits for its day shows it."]


def test_what_another_language_says_needs_no_answer_of_this_one(needle: Figure) -> None:
    answer = ClinicAnswer.objects.create(key="driving", language="es", question="When?", answer="Tomorrow.")
    make_page(body=BODY + "\n::: care driving\n", lead_figure=needle)

    assert deletion_blockers(answer) == []
