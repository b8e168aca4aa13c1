"""Sections that fold on phones: ``## Heading {#anchor .folded}``."""

import re

import pytest
from django.test import Client

from procedures.models import Figure, GuideItem, Page, Release
from procedures.revisions.diff import document_blocks
from tests.factories import make_page, make_public
from tests.rendering.helpers import list_issues, parse_html, render, render_body
from tests.rendering.test_lines import rendered

pytestmark = pytest.mark.django_db
BODY = """Before.

## Plain

One.

## Details {#details .folded}

Two [@nice].

### Part of it

::: note
Three.
:::

| a |
|---|
| b |

## After

Four.
"""


def test_folded_section_is_a_details_element_with_its_heading_in_the_summary(clinic_content: Figure) -> None:
    html = render_body(BODY)

    assert html.count("<details") == 1
    folded = html.split('<details class="folded-section">')[1].split("</details>")[0]
    assert folded.startswith('<summary class="folded-section__summary"><h2 id="details">Details</h2>')
    assert [word for word in ("One.", "Two", "Three.", "<td>b</td>", "Four.") if word in folded] == [
        "Two", "Three.", "<td>b</td>",
    ]  # fmt: skip
    parse_html(render(BODY).html)
    assert list_issues(BODY) == []


def test_folding_changes_nothing_else(clinic_content: Figure) -> None:
    folded, plain = render(BODY), render(BODY.replace(" .folded", ""))

    unfolded = [re.sub(r"\s+|</?(?:details|summary)[^>]*>", "", str(page.html)) for page in (folded, plain)]
    assert unfolded[0] == unfolded[1]
    assert folded.sections == plain.sections
    assert folded.text == plain.text
    assert document_blocks(folded.document) == document_blocks(plain.document)
    assert folded.document.anchors() == plain.document.anchors()
    assert '<a class="contents__link" href="#details">Details</a>' in folded.html


def test_preview_has_line_comments_in_folded_section() -> None:
    assert re.sub(r"<!--line \d+-->", "", rendered(BODY, with_lines=True)) == rendered(BODY, with_lines=False)
    assert '<!--line 7--><h2 id="details">' in rendered(BODY, with_lines=True)


def test_misplaced_fold_is_reported(clinic_content: Figure) -> None:
    only = "Only a section can be folded: write .folded after the address of a ## heading."
    for text, issue in {
        "## A\n\n### B {#b .folded}": f"line 3: {only}",
        "::: choices\n### A {#a .folded}\n#### X\nx\n### B\n#### X\nx\n:::": f"line 2: {only}",
        "## A {.folded}": "line 1: “{.folded}” is not a section address.",
        "## A {#a.folded}": "line 1: “{#a.folded}” is not a section address.",
    }.items():
        assert any(found.startswith(issue) for found in list_issues(text)), (text, list_issues(text))


def test_a_folded_section_keeps_its_anchors_and_is_in_the_booklet(clinic_content: Figure, client: Client) -> None:
    page = make_page("details-page", kind="about", body="## Old name {#old .folded}\n\nSome long words about it.\n")
    make_public(page)
    Page.objects.filter(pk=page.pk).update(body="## New name {#new .folded}\n\nSome long words about it.\n")
    release: Release = make_public(Page.objects.get(pk=page.pk))
    guide = make_page("first-visit", kind="guide")
    GuideItem.objects.create(guide=guide, page=page, order=0)
    make_public(guide)

    assert '<h2 id="new"><a id="old"></a>New name</h2>' in release.html
    booklet = client.get("/visits/first-visit/booklet/").content.decode()
    assert '<summary class="folded-section__summary"><h3 id="details-page__new">' in booklet
    assert "Some long words about it." in booklet
