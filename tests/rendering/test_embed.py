"""Several articles in one document, and several components on one page: unique ids and working links."""

import re

import pytest
from django.test import Client
from django.utils.dateformat import format as date_format
from django.utils.safestring import SafeString
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures.admin.components import SampleResolver
from procedures.models import Figure, GuideItem, Series, SeriesItem, Source
from procedures.publishing.publish import publish_starter, rerelease_page
from procedures.publishing.review import record_translator_check
from procedures.rendering import render_page
from procedures.rendering.blocks import ID_PLACEHOLDER, get_block_types
from procedures.rendering.html import embed_article, extract_placeholders
from procedures.revisions.drafts import save_revision
from tests.factories import make_figure, make_page, make_public, make_supplied, make_translation, make_user
from tests.rendering.helpers import parse_html, render

SLUG = st.from_regex(r"[ab]{1,2}(-[ab]{1,2}){0,2}", fullmatch=True)


@pytest.mark.django_db
def test_booklet_ids_stay_unique_when_names_concatenate(clinic_content: Figure, client: Client) -> None:
    guide = make_page("first-visit", kind="guide")
    bodies = {"rest": "## Home driving\n\nRest.", "rest-home": "## Driving\n\nDrive. See [it](#driving)."}
    for order, (subject, body) in enumerate(bodies.items()):
        page = make_page(subject, kind="about", body=body)
        make_public(page)
        GuideItem.objects.create(guide=guide, page=page, order=order)
    make_public(guide)

    page = parse_html(client.get("/visits/first-visit/booklet/").content.decode().split("<main")[1].split("</main")[0],
                  strict=False)  # fmt: skip
    ids = page.ids()

    assert sorted(ids) == sorted(set(ids))
    assert {"rest__home-driving", "rest-home__driving"} <= set(ids)
    inside = {link["href"][1:] for link in page.find_all("a") if link.get("href", "").startswith("#")}
    assert "rest-home__driving" in inside
    assert inside <= set(ids) | {"main"}


def make_supplied_figures() -> None:
    """Let starter texts show all pictures."""
    for figure in Figure.objects.all():
        make_supplied(figure)


NOT_REVIEWED = "First version, not yet reviewed."
NOT_CHECKED = "Esta traducción todavía no la ha revisado un traductor calificado."


@pytest.mark.django_db
def test_each_part_of_a_booklet_has_its_own_review_status(clinic_content: Figure, client: Client) -> None:
    guide, page = make_page("first-visit", kind="guide"), make_page("rest", kind="about")
    make_supplied_figures()
    publish_starter(save_revision(page, author=None))
    GuideItem.objects.create(guide=guide, page=page)
    make_public(guide)

    cover, own, other = client.get("/visits/first-visit/booklet/").content.decode().split('class="booklet__part"')

    assert [html.count("Last reviewed") for html in (cover, own, other)] == [0, 1, 0]
    assert [html.count(NOT_REVIEWED) for html in (cover, own, other)] == [0, 0, 1]
    assert other.index('class="page__title"') < other.index(NOT_REVIEWED) < other.index('class="page__message"')
    assert "<!--" not in own + other.split("</main")[0]


@pytest.mark.django_db
def test_booklet_and_plain_text_say_that_a_translation_is_not_checked(clinic_content: Figure, client: Client) -> None:
    page = make_translation(make_page("rest"), slug="reposo")
    make_public(page)

    def count(name: str) -> int:
        return " ".join(client.get(f"/es/reposo/{name}").content.decode().split()).count(NOT_CHECKED)

    assert (count("plain.txt"), count("booklet/")) == (1, 1)
    record_translator_check(page.revisions.get(), actor=make_user("rita"), translator="Ana Ruiz")
    rerelease_page(page, actor=None)
    assert (count("plain.txt"), count("booklet/")) == (0, 0)


@pytest.mark.django_db
def test_plain_text_ends_with_its_sources_and_review(clinic_content: Figure, client: Client) -> None:
    page = make_page("rest", kind="about")
    Source.objects.filter(key="nice").update(title="Guide & more", url="https://nice.org.uk/a")
    make_supplied_figures()
    publish_starter(save_revision(page, author=None))
    starter = client.get("/rest/plain.txt").content.decode()
    release = make_public(page)
    lines = client.get("/rest/plain.txt").content.decode().splitlines()

    assert NOT_REVIEWED in starter and NOT_REVIEWED not in "".join(lines)
    reviewed = f"Last reviewed {date_format(release.reviewed_on, 'N j, Y')} by rita."
    assert lines[lines.index("SOURCES") :][:6] == [
        "SOURCES",
        "",
        "1. NICE. Guide & more, 2013.",
        "https://nice.org.uk/a",
        "",
        reviewed,
    ]


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(st.lists(st.tuples(SLUG, SLUG), min_size=2, unique=True))
def test_parts_never_share_an_id(parts: list[tuple[str, str]]) -> None:
    htmls = [(SafeString(f'<p id="{ID_PLACEHOLDER}{name}"></p>'), prefix) for prefix, name in parts]
    found = [
        re.findall('id="([^"]+)"', embed_article(*extract_placeholders(html), prefix, "/"))[0] for html, prefix in htmls
    ]

    assert len(set(found)) == len(parts)


# Placeholder URLs that SampleResolver uses for pages.
SAMPLE_PAGES = {"#kyphoplasty", "#getting-well"}


@pytest.mark.django_db
def test_every_block_marks_its_ids_and_headings() -> None:
    resolver = SampleResolver("en")
    texts = {
        f"{one.name} {name}": text
        for one in get_block_types().values()
        for name, text in {"": one.example, **one.more_examples}.items()
    }
    texts["prose"] = "## One {#one .folded}\n\n[Back](#one), the mri [@nice].\n\n> ### Two\n\n### Three\n\n#### Four\n"
    content = {"title": "T", "key_message": "", "description": "", "lead_figure": "", "next_page": "", "next_label": ""}
    for name, text in texts.items():
        rendered = render_page({**content, "body": text}, kind="about", resolver=resolver)
        alone = parse_html(rendered.html)
        part = parse_html(embed_article(rendered.html, rendered.document.placeholder_offsets, "part", "/page/"))

        assert [tag for tag, _ in part.elements] == [
            f"h{int(tag[1]) + 1}" if re.fullmatch("h[1-6]", tag) else tag for tag, _ in alone.elements
        ], name
        for (_, before), (tag, after) in zip(alone.elements, part.elements, strict=True):
            for attribute, value in before.items():
                assert after[attribute] == _in_part(tag, attribute, value), (name, tag, attribute)


def _in_part(tag: str, attribute: str, value: str) -> str:
    """Return the value of an attribute in an article whose ids begin with "part"."""
    if attribute in {"id", "for", "aria-labelledby", "aria-describedby", "aria-controls"} or (tag, attribute) == (
        "input",
        "name",
    ):
        return f"part__{value}"
    if attribute == "aria-level":
        return str(int(value) + 1)
    if attribute == "href" and value.startswith("#") and value not in SAMPLE_PAGES:
        return f"#part__{value[1:]}"
    if attribute == "href" and value.startswith("picture/"):
        return f"/page/{value}"
    return value.replace("url(#", "url(#part__")


@pytest.mark.django_db
def test_concatenated_figure_and_series_names_do_not_collide(clinic_content: Figure) -> None:
    for slug in ("needle-cap", "needle-xray-1"):
        make_figure(slug, size=(48, 48))
    longer = Series.objects.create(slug="stages-title", language="en", title="More")
    SeriesItem.objects.create(series=longer, order=0, figure=clinic_content, heading="The needle", text="It goes in.")
    clinic_content.markers.update(shape="circle", size_x=0.1, size_y=0.1)

    names = ["figure needle", "figure needle-cap", "figure needle-xray-1", "series stages", "series stages-title"]
    ids = parse_html(render("\n\n".join(f"::: {name}" for name in names)).html).ids()

    assert sorted(ids) == sorted(set(ids))
