"""``::: reading-levels``: the reading level of each public page, from its release."""

import re

import pytest
from pytest_django import DjangoAssertNumQueries

from procedures.models import Figure, Page
from procedures.rendering import ReferenceResolver
from tests.factories import make_clinic, make_page, make_public, make_translation
from tests.rendering.helpers import list_issues, render, render_body

pytestmark = pytest.mark.django_db

ROW = re.compile(
    r'<li class="reading-levels__row"><a class="reading-levels__link" href="([^"]*)">([^<]*)</a> <span class="reading-levels__value">([^<]*)</span>'
)


def listed(markdown: str = "::: reading-levels", language: str = "en") -> list[tuple[str, str, str]]:
    """Return the path, title, and level of each row."""
    return ROW.findall(render(markdown, language=language).html)


def test_each_public_page_of_the_language_is_listed_with_its_level(clinic_content: Figure) -> None:
    release = make_public(make_page("small-cut", title="A cut < 1 inch"))
    make_public(make_translation(release.page))
    make_page("draft", title="Not public")

    rows = {address: (title, level) for address, title, level in listed()}

    assert rows["/small-cut/"] == ("A cut &lt; 1 inch", f"Grade {max(1, round(release.grade))}")
    assert rows.keys() == {"/small-cut/", "/contact/"}
    assert list_issues("::: reading-levels") == []


def test_spanish_pages_have_scores_instead_of_grades() -> None:
    make_clinic()
    release = make_public(make_translation(make_page()))

    assert listed(language="es") == [(release.path, "Un corte chico", f"{round(release.grade)} puntos")]


def test_pages_are_grouped_by_topic(clinic_content: Figure) -> None:
    make_public(make_page("small-cut", title="A cut"))
    make_public(make_page("after-cut", kind="recovery", title="After it"))

    html = render("::: reading-levels").html
    lists = {
        name: re.findall(r'reading-levels__link" href="[^"]*">([^<]*)<', body)
        for name, body in re.findall(r'reading-levels__group"[^>]*>([^<]*)</p>(.*?)</ul>', html, re.DOTALL)
    }

    assert lists == {
        "Your back and your choices": ["A cut"],
        "Before and after a procedure": ["After it"],
        "About this site": ["Contact"],
    }


def test_without_public_pages_the_list_is_empty_and_valid(clinic_content: Figure) -> None:
    assert render_body("## A\n\n::: reading-levels") == '<h2 id="a">A</h2>'
    assert list_issues("## A\n\n::: reading-levels") == []


def test_page_with_the_list_is_excluded_and_does_not_become_stale(clinic_content: Figure) -> None:
    make_public(make_page("small-cut"))
    body = "## How hard?\n\n::: reading-levels\n\n## When to call {#when-to-call}\n\nCall us."
    release = make_public(make_page("hard", kind="about", body=body))
    noted = release.dependencies.get(kind="list", key="levels").fingerprint

    rendered = render(body, kind="about")

    assert "/hard/" not in {address for address, _, _ in ROW.findall(rendered.html)}
    assert [used.fingerprint for used in rendered.dependencies if used.key == "levels"] == [noted]


def test_new_public_page_makes_the_list_stale(clinic_content: Figure) -> None:
    def noted() -> list[str]:
        return [used.fingerprint for used in render("::: reading-levels").dependencies if used.kind == "list"]

    make_public(make_page("small-cut"))
    before = noted()
    make_public(make_page("other-cut"))

    assert len(before) == 1
    assert noted() != before


def test_list_is_not_author_text(clinic_content: Figure) -> None:
    make_public(make_page("small-cut", title="Percutaneous augmentation"))
    rendered = render("## A\n\nShort text.\n\n::: reading-levels")

    assert "Percutaneous augmentation" in rendered.html
    assert "Percutaneous" not in " ".join(section.text for section in rendered.sections)


def test_list_needs_one_query_for_any_number_of_pages(
    clinic_content: Figure, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for subject in ("one", "two", "three"):
        make_public(make_page(subject))
    assert Page.objects.published().count() >= 3

    with django_assert_num_queries(1):
        ReferenceResolver("en").get_reading_levels()


def test_block_takes_no_options_and_is_allowed_once(clinic_content: Figure) -> None:
    assert list_issues("a\n\n::: reading-levels all") == ["line 3: ::: reading-levels does not take options."]
    assert list_issues("::: reading-levels\n\n::: reading-levels") == [
        "line 3: A page can contain ::: reading-levels only once."
    ]
