"""Headings: levels, anchors, and the list of contents."""

import re
from html import escape

import pytest

from procedures.models import Figure
from tests.factories import make_page, make_public
from tests.rendering.helpers import list_issues, parse_html, render

pytestmark = pytest.mark.django_db


def test_second_level_headings_form_the_table_of_contents() -> None:
    html = render("## One *thing*\n\n### Part\n\n## Two {#second}").html

    assert '<li><a class="contents__link" href="#one-thing">One thing</a></li>' in html
    assert '<li><a class="contents__link" href="#second">Two</a></li>' in html
    assert html.count("contents__link") == 2


def test_identical_headings_get_unique_anchors() -> None:
    ids = parse_html(render("## Pain\n\n## Pain\n\n### Pain").html).ids()

    assert [name for name in ids if name.startswith("pain")] == ["pain", "pain-2", "pain-3"]


def test_heading_without_letters_still_gets_an_anchor() -> None:
    assert '<h2 id="section">???</h2>' in render("## ???").html


def test_heading_anchor_never_collides_with_page_ids(subtests: pytest.Subtests) -> None:
    for heading in [
        "Main",
        "Sources",
        "Words",
        "Source 1",
        "Word canal",
        "Page contents",
        "Page sources",
        "Picture needle",
        "Top",
    ]:
        with subtests.test(heading=heading):
            rendered = render(f"## {heading}\n\ntext")

            assert f'<h2 id="about-{heading.lower().replace(" ", "-")}">' in rendered.html
            assert rendered.issues == []


def test_invalid_heading_is_reported_with_its_line(subtests: pytest.Subtests) -> None:
    for markdown, problem in [
        ("a\n\n# Title", "line 3: The page's title is a field. Start headings with ##."),
        ("Title\n===", "line 1: The page's title is a field. Start headings with ##."),
        ("a\n\n### Deep", "line 3: This heading skips a level: use ##."),
        ("## A\n\n#### Deep", "line 3: This heading skips a level: use ###."),
        ("## A\n\n### B\n\n#### C\n\n##### D", "line 7: A heading can have at most four # signs: ####."),
        ("a\n\n##", "line 3: This heading is empty."),
        ("## {#x}", "line 1: This heading is empty."),
        ("## A {#same}\n\n## B {#same}", "line 3: The section address #same is taken. Choose another one."),
        ("## A {#sources}", "line 1: The section address #sources is taken. Choose another one."),
        ("## A {#page-words}", "line 1: The section address #page-words is taken. Choose another one."),
    ]:
        with subtests.test(markdown=markdown, problem=problem):
            assert problem in list_issues(markdown)


def test_invalid_anchor_syntax_stays_text(subtests: pytest.Subtests) -> None:
    for braces in ["{#A}", "{#a b}", "{#a_b}", '{#a" onclick="x}', "{.x}", "{#-a}", "{#a--b}"]:
        with subtests.test(braces=braces):
            html = render(f"## Pain {braces}").html

            assert 'id="pain' in html
            assert "onclick=&quot;" in html or "onclick" not in braces
            assert "{" in html


def test_going_back_to_a_higher_heading_level_is_allowed() -> None:
    assert list_issues("## A\n\n### B\n\n#### C\n\n## D\n\n### E") == []


def test_section_titles_are_shown_without_markup_everywhere(clinic_content: Figure) -> None:
    heading = "## **Driving** and *home* at {clinic.name} [@nice] &amp; more {#driving}\n\nRest."
    page = make_page("homeward", kind="about", body=heading)
    wanted = "Driving and home at Test Spine Clinic & more"
    items = [{"page": "homeward", "section": "driving", "minutes": 5, "note": ""}]

    draft = render("", kind="guide", items=items).html
    make_public(page)
    public = render("", kind="guide", items=items).html

    assert f"Homeward: {escape(wanted)}</a>" in draft
    assert f"Homeward: {escape(wanted)}</a>" in public
    contents = render(heading).html.split("contents__link")[1]
    assert f">{escape(wanted)}</a>" in contents


def test_heading_anchor_does_not_depend_on_clinic_values(clinic_content: Figure) -> None:
    assert '<h2 id="call">' in render("## Call {clinic.name}").html


@pytest.mark.parametrize("heading", ["Care", "Series", "Word", "Levels 1", "Place"])
def test_identical_headings_do_not_use_component_anchors(heading: str) -> None:
    ids = re.findall(r'<h2 id="([^"]+)"', render(f"## {heading}\n\na\n\n## {heading}\n\nb").html)

    assert len(set(ids)) == 2
    assert not any(re.match("(?:care|series|word|levels|place)-", name) for name in ids)
