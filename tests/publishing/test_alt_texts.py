"""A page can be released only if all its figures have texts in its language, however they are shown."""

import pytest
from django.db import IntegrityError, transaction

from procedures.models import Figure, FigureText, Page, Series, SeriesItem
from procedures.publishing.publish import PublishError, publish
from procedures.revisions.drafts import save_revision
from tests.factories import BODY, approve, make_clinic, make_figure, make_next, make_page, make_translation, make_user
from tests.replay import built_once

pytestmark = pytest.mark.django_db
MISSING = "The picture “silent” has no texts in this language yet."


@pytest.fixture
@built_once
def silent() -> Figure:
    """A figure with only Spanish texts; its marker has texts in both languages."""
    make_clinic()
    make_next()
    figure = make_figure("silent", size=(300, 300))
    figure.texts.update(language="es")
    return figure


def refusal(page: Page) -> list[str]:
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)
    try:
        publish(revision, actor=make_user("max"))
    except PublishError as error:
        return [issue.message for issue in error.issues]
    return []


@pytest.mark.parametrize(
    "block", ["::: figure silent", "::: compare needle silent", "::: compare silent needle", "::: series stages"]
)
def test_a_figure_without_texts_in_the_page_language_blocks_publishing(silent: Figure, block: str) -> None:
    series = Series.objects.create(slug="stages", language="en", title="Stages")
    SeriesItem.objects.create(series=series, figure=silent, heading="One", text="Text.")
    page = make_page(body=f"{BODY}\n{block}\n", next_page=make_next(), lead_figure=Figure.objects.get(slug="needle"))

    assert MISSING in refusal(page)
    page.refresh_from_db()
    assert page.live_release is None

    FigureText.objects.create(figure=silent, language="en", title="Bone", alt="A bone.", caption="A bone.")
    assert refusal(page) == []


def test_a_lead_figure_without_texts_in_the_page_language_blocks_publishing(silent: Figure) -> None:
    page = make_page(next_page=make_next(), lead_figure=silent)

    assert MISSING in refusal(page)


def test_english_texts_are_not_enough_for_a_spanish_page(silent: Figure) -> None:
    needle = Figure.objects.get(slug="needle")
    page = make_translation(make_page(next_page=make_next(), lead_figure=needle), lead_figure=None)
    page.body += "\n::: figure needle\n"
    page.save()

    assert "The picture “needle” has no texts in this language yet." in refusal(page)


@pytest.mark.parametrize("alt", ["", None])
def test_the_database_rejects_an_empty_alt_text(silent: Figure, alt: str | None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        silent.texts.update(alt=alt)
