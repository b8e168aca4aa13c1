"""All usages of a row are found, and named as reasons not to delete it."""

import pytest
from PIL import Image

from procedures.figures.decoding import build_decoded_image
from procedures.figures.renditions import find_duplicate
from procedures.models import ClinicAnswer, Figure, Page, Series, SeriesItem
from procedures.publishing.checks import UsageKind, find_deletion_blockers, find_usages
from procedures.revisions.drafts import save_revision
from tests.factories import BODY, approve, make_clinic, make_figure, make_next, make_page, make_public, make_user
from tests.replay import built_once

pytestmark = pytest.mark.django_db


@pytest.fixture
@built_once
def needle() -> Figure:
    make_figure("before", size=(40, 40))
    return make_figure("needle")


def page_with(body: str, *, title: str = "Small cut") -> None:
    make_page(title=title, body=body, lead_figure=Figure.objects.get(slug="before"))


def test_a_new_figure_has_no_usages(needle: Figure) -> None:
    page_with("The word needle, ::: figure of speech.")

    assert find_usages(needle) == []
    assert find_deletion_blockers(needle) == []


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
def test_drafts_that_show_a_figure_are_found(needle: Figure, body: str) -> None:
    if body.startswith(":::figure"):
        body = body.replace("  ", " ")
    page_with(f"Text.\n\n{body}\n\nMore.")

    assert find_deletion_blockers(needle) == ["The draft of “Small cut” shows it."]


@pytest.mark.parametrize(
    "body", ["::: figure needle-two", "::: figure big-needle", "::: series needle", "::: note\nneedle\n:::"]
)
def test_drafts_that_show_something_else_are_not(needle: Figure, body: str) -> None:
    page_with(body)

    assert find_usages(needle) == []


def test_a_lead_figure_is_a_usage(needle: Figure) -> None:
    make_page(lead_figure=needle)

    assert [(use.kind, use.title) for use in find_usages(needle)] == [(UsageKind.DRAFT, "Small cut")]


def test_a_series_uses_its_figures(needle: Figure) -> None:
    series = Series.objects.create(slug="stages", language="en", title="Stages")
    for order in (0, 1):
        SeriesItem.objects.create(series=series, order=order, figure=needle, heading="One", text="Text.")

    assert find_deletion_blockers(needle) == ["The series “stages (en)” shows it."]


def test_a_usage_on_a_live_page_has_its_address(needle: Figure) -> None:
    make_clinic()
    page = make_page(body=BODY + "\n::: figure needle\n", lead_figure=Figure.objects.get(slug="before"))
    make_public(page)

    found = find_usages(needle)

    assert [(use.kind, use.title, use.href) for use in found] == [
        (UsageKind.DRAFT, "Small cut", ""),
        (UsageKind.LIVE, "Small cut", "/small-cut/"),
    ]
    assert [use.page for use in found] == [page, page]


def test_past_releases_keep_their_figures(needle: Figure) -> None:
    make_clinic()
    page = make_page(body=BODY + "\n::: figure needle\n", lead_figure=Figure.objects.get(slug="before"))
    make_public(page)
    page.refresh_from_db()
    page.body = BODY
    page.save()
    make_public(page)

    assert find_deletion_blockers(needle) == ["Patients once saw it on “Small cut”."]


def schedule_then_edit(page: Page, body: str) -> None:
    """Schedule the current text, then change the draft."""
    revision = save_revision(page, author=make_user())
    approve(revision)
    page.scheduled_revision = revision
    page.publish_at = "2030-01-01T00:00:00Z"
    page.body = body
    page.save()


def test_a_scheduled_text_keeps_its_figures(needle: Figure) -> None:
    make_clinic()
    page = make_page(
        body=BODY + "\n::: figure needle\n", lead_figure=Figure.objects.get(slug="before"), next_page=make_next()
    )
    schedule_then_edit(page, "No picture any more.")

    assert find_deletion_blockers(needle) == ["The scheduled text of “Small cut” shows it."]


def test_finding_usages_takes_a_fixed_number_of_queries(needle: Figure, django_assert_num_queries: object) -> None:
    for number in range(3):
        make_page(f"page-{number}", lead_figure=needle)

    with django_assert_num_queries(5):  # type: ignore[operator]
        assert len(find_usages(needle)) == 3


def test_a_duplicate_is_found_by_its_pixels(needle: Figure) -> None:
    same = build_decoded_image(Image.linear_gradient("L").resize((48, 48)))

    assert find_duplicate(same) == needle


def test_a_different_picture_is_not_a_duplicate(needle: Figure) -> None:
    assert find_duplicate(build_decoded_image(Image.new("L", (600, 600)))) is None


def test_an_answer_in_a_scheduled_text_cannot_be_deleted(needle: Figure) -> None:
    make_clinic()
    answer = ClinicAnswer.objects.create(key="driving", language="en", question="When?", answer="Tomorrow.")
    page = make_page(body=BODY + "\n::: care driving\n", lead_figure=needle, next_page=make_next())
    schedule_then_edit(page, "No answer any more.")

    assert find_deletion_blockers(answer) == ["The scheduled text of “Small cut” shows it."]


def test_an_answer_is_not_used_by_pages_in_other_languages(needle: Figure) -> None:
    answer = ClinicAnswer.objects.create(key="driving", language="es", question="When?", answer="Tomorrow.")
    make_page(body=BODY + "\n::: care driving\n", lead_figure=needle)

    assert find_deletion_blockers(answer) == []
