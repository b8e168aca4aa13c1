"""``/admin/components/``: every component of the public pages in each of its states, with sample content.

Blocks are shown by the examples in the block registry. The page shows the effect of style sheet changes. The axe and
screenshot tests run against it.
"""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from procedures.enums import FigureKind, PageKind, SignLevel, SignTiming
from procedures.figures.presenters import FigureContext, NumberedMarker
from procedures.languages import DEFAULT
from procedures.models import ClinicAnswer, Figure, GlossaryTerm, Series, SeriesItem, Source
from procedures.rendering import ReferenceResolver, render_page
from procedures.rendering.blocks import get_block_types, render_component
from procedures.rendering.document import Document
from procedures.rendering.html import replace_placeholders
from procedures.rendering.references import LocalizedSign, PageLink
from procedures.rendering.renderer import render_fragment
from procedures.views.layout import base_context, load_clinic

PHONE = {"phone": "303-555-0100", "phone_href": "tel:+13035550100"}
LINKS = [{"title": "Kyphoplasty", "href": "#kyphoplasty"}, {"title": "Getting well", "href": "#getting-well"}]
TERM = {
    "key": "balloon",
    "term": "Balloon",
    "pronunciation": "buh-LOON",
    "definition": "A small bag that is filled in a bone.",
}
SOURCE = {"number": 1, "key": "nice", "organisation": "NICE", "title": "Guidance 279", "year": 2013, "url": ""}
# Markdown for the elements that the renderer produces without a component.
PROSE = """A paragraph with **bold** words and [a link](https://example.org/).

- One
- Two

> A quotation.

| When | What |
|---|---|
| Today | Rest |
| Tomorrow | Walk |

1. First
2. Second
"""


MARKERS = [
    NumberedMarker(number, shape.capitalize(), "What it is.", shape, *places, rx="15%", ry="10%")
    for number, (shape, places) in enumerate(
        {
            "point": ("20%", "15%", "35%", "25%"),
            "arrow": ("80%", "15%", "65%", "25%"),
            "circle": ("20%", "50%", "45%", "60%"),
            "region": ("20%", "85%", "60%", "85%"),
        }.items(),
        start=1,
    )
]


def _figure(slug: str, **values: Any) -> FigureContext:
    image_url = static("img/icon.svg")
    return FigureContext(
        **{
            "figure_id": 0,
            "slug": slug,
            "title": "Needle in a bone",
            "alt": "A needle in a bone.",
            "caption": "The needle is in the bone.",
            "paragraphs": [],
            "kind": FigureKind.FLUOROSCOPY,
            "simulated": False,
            "vector": False,
            "width": 600,
            "height": 600,
            "sources": [],
            "src": image_url,
            "sizes": "36rem",
            "large_href": "",
            "markers": [],
            "drawing": None,
            "thumbnail": {"src": image_url, "width": 144, "height": 144},
            **values,
        }
    )


class SampleResolver(ReferenceResolver):
    """A resolver that returns sample rows. It runs no queries and finds every key."""

    def fork(self) -> ReferenceResolver:
        """Return this resolver, because there are no dependencies to separate."""
        return self

    def record(self, kind: str, key: str, data: object, figure_id: int | None = None) -> None:
        """Record nothing."""

    def prefetch_document(self, document: Document, **_others: Any) -> None:
        """Load nothing."""

    @property
    def glossary_terms(self) -> list[GlossaryTerm]:
        """Two terms, one of them with everything that a term can have."""
        balloon = GlossaryTerm(**TERM, aliases=["bag"])
        return [balloon, GlossaryTerm(key="cement", term="Cement", definition="It sets hard in the bone.")]

    @property
    def clinic_values(self) -> dict[str, str]:
        """The clinic's values."""
        return {
            "clinic.name": "Clinic",
            "clinic.phone": PHONE["phone"],
            "clinic.after_hours_phone": "303-555-0199",
            "clinic.emergency_number": "911",
            "clinic.hours": "Monday to Friday",
        }

    def get_figure(self, slug: str) -> FigureContext:
        """Return a picture with markers of each shape, and a drawing for slugs that name a kind of picture."""
        image_url = static("img/icon.svg")
        drawing = {"light": image_url, "dark": image_url, "width": 600, "height": 600}
        if slug == "twin":
            text = ["The needle enters from the left."]
            values = {"drawing": drawing, "simulated": True, "paragraphs": text, "large_href": image_url}
            return _figure(slug, markers=MARKERS, **values)
        if slug == FigureKind.DRAWING:
            return _figure(slug, kind=slug, vector=True, drawing=drawing, markers=MARKERS)
        if slug in FigureKind.values:
            return _figure(slug, kind=slug, drawing=drawing)
        return _figure(slug, markers=MARKERS if slug == "needle" else [])

    def get_public_figures(self) -> list[FigureContext]:
        return [_figure("needle"), _figure("cement")]

    def get_series(self, slug: str) -> Series:
        """Return a series of two pictures."""
        return Series(slug=slug, title="Step by step")

    def get_series_items(self, series: Series) -> list[SeriesItem]:
        """Return the pictures of a series."""
        return [
            SeriesItem(figure=Figure(slug=slug), heading=f"Stage {slug}", text="What happens.")
            for slug in ("one", "two")
        ]

    def get_source(self, key: str) -> Source:
        return Source(key=key, organisation="NICE", title="Guidance 279", year=2013)

    def get_clinic_answer(self, key: str) -> ClinicAnswer:
        """Return an answer of the clinic."""
        return ClinicAnswer(key=key, question=f"What about {key}?", answer="Ask us after a day.")

    @property
    def all_warning_signs(self) -> tuple[list[LocalizedSign], bool]:
        """One sign of each level, not reviewed yet."""
        texts = ("You cannot move your legs.", "You have a fever.", "You have a rash.")
        signs = [
            LocalizedSign(level, level, SignTiming.BOTH, text, "", ("nice",))
            for level, text in zip(SignLevel, texts, strict=True)
        ]
        return signs, True

    def get_page(self, subject: str) -> PageLink:
        return PageLink(f"#{subject}", subject.capitalize(), "", {})

    def get_reading_levels(self) -> list[dict[str, Any]]:
        """Return the levels of two pages."""
        return [{**link, "kind": PageKind.PROCEDURE, "level": 6.2} for link in LINKS]

    def get_locations(self) -> list[dict[str, Any]]:
        office = {"key": "main", "name": "Main office", "address_lines": ["1 Main Street", "Denver"], "hours": "8 to 5"}
        return [{**office, **PHONE, "directions": "Use the east door."}]


def _block_states() -> Iterator[tuple[str, str, SafeString]]:
    """Yield the examples of all blocks, and pictures of each kind."""
    resolver = SampleResolver(DEFAULT)
    for block_type in get_block_types().values():
        component = block_type.template or block_type.name.replace("-", "_")
        examples = {block_type.name: block_type.example, **block_type.more_examples}
        for state, text in examples.items():
            yield component, state, render_fragment(text, resolver)
    yield (
        "folded_section",
        "",
        render_fragment("## More about it {#more .folded}\n\nOne paragraph.", resolver),
    )
    for slug in ("twin", *FigureKind.values):
        yield "figure", slug, render_fragment(f"::: figure {slug}", resolver)


def _states() -> Iterator[tuple[str, str, SafeString]]:
    """Yield the name of each component (that of its template), the state, and the HTML."""
    thumbnail = {"src": static("img/icon.svg"), "width": 144, "height": 144}
    guide = {"title": "First visit", "href": "#first-visit", "description": "What happens first."}
    today = {"published_at": None, "next_review_on": None, "translation_checked": True}
    reading = {"number": 1, "title": "Kyphoplasty", "href": "#kyphoplasty", "minutes": 4, "note": "Before you come."}
    feedback_values: dict[str, Any] = {
        "parts": [{"anchor": "a", "title": "A section"}],
        "typed": {},
        "error": "",
        "max_length": 300,
    }

    yield "ask_us", "", render_component("ask_us", **PHONE)
    crumbs = [
        {"label": "Home", "href": "/"},
        {"label": "Your visit", "href": "/visits/"},
        {"label": "Here", "href": None},
    ]
    yield "breadcrumbs", "", render_component("breadcrumbs", breadcrumbs=crumbs)
    yield "code_form", "", render_component("code_form", code_href="/p/")
    error = "We could not find this code. Check your letter."
    yield "code_form", "with an error", render_component("code_form", code_href="/p/", code="22222", error=error)
    yield "contact_line", "", render_component("contact_line", site=PHONE, home_href="/")
    contents = [{"title": f"Section {n}", "anchor": f"section-{n}"} for n in (1, 2, 3)]
    yield "contents", "", render_component("contents", contents=contents)
    yield "feedback_form", "", render_component("feedback_form", **feedback_values)
    yield (
        "feedback_form",
        "with an error",
        render_component("feedback_form", **{**feedback_values, "error": "Please choose Yes or No."}),
    )
    guides = [{**guide, "minutes": 12}, {**guide, "title": "After your procedure"}]
    yield "guide_list", "", render_component("guide_list", guides=guides)
    yield (
        "letterhead",
        "on paper only",
        render_component("letterhead", language=DEFAULT, site={"name": "Clinic", **PHONE}),
    )
    yield "next_step", "", render_component("next_step", next={"href": "#next", "title": "Getting well"})
    changed = {**today, "author_name": "Nina Editor", "reviewer_name": "Dr. Bell", "what_changed": "New pictures."}
    yield "page_meta", "", render_component("page_meta", release=changed)
    yield "part_status", "", render_component("part_status", release={**today, "is_starter": True}, is_translation=True)
    yield "page_status", "starter text", render_component("page_status", release={**today, "is_starter": True})
    yield "page_status", "reviewed", render_component("page_status", release={**changed, "minutes": 6})
    yield (
        "page_words",
        "",
        render_component("page_words", terms=[TERM, {**TERM, "key": "c", "term": "Cement", "pronunciation": ""}]),
    )
    yield "qr", "", render_component("qr", qr={"size": 3, "width": 96, "path": "M0 0h1v1H0zM2 1h1v2H2z"})
    yield "reader_tools", "", render_component("reader_tools")
    yield "reader_tools", "of a guide", render_component("reader_tools", booklet=True)
    again = {**reading, "number": 2, "section_title": "Driving", "note": ""}
    yield "reading_list", "", render_component("reading_list", items=[reading, again])
    found = [{**link, "snippet": format_html("Words with <mark>{}</mark> in them.", "cement")} for link in LINKS]
    yield "search_results", "", render_component("search_results", results=found)
    yield "search_form", "", render_component("search_form", search_href="/search/", field_id="search-empty")
    yield (
        "search_form",
        "filled",
        render_component("search_form", search_href="/search/", field_id="search-filled", query="needle"),
    )
    for stage in ("before", "day", "after"):
        yield "stages", stage, render_component("stages", stage=stage)
    linked = {**SOURCE, "number": 2, "url": "https://example.org/guidance", "identifier": "TA279"}
    yield "sources", "", render_component("sources", sources=[SOURCE, linked])
    yield "thumbnail", "", render_component("thumbnail", picture=thumbnail)
    yield "topic_links", "", render_component("topic_links", topics=LINKS)
    yield "write_in", "on paper only", render_component("write_in")
    yield from _block_states()


def _article() -> SafeString:
    """Render sample text as a page."""
    content = {
        "title": "A page",
        "key_message": "The one thing to remember.",
        "description": "",
        "lead_figure": "",
        "next_page": "",
        "next_label": "",
        "body": PROSE,
    }
    return render_page(content, kind=PageKind.ABOUT, resolver=ReferenceResolver(DEFAULT)).html


@require_safe
def components_view(request: HttpRequest) -> HttpResponse:
    """Show all components in the public layout."""
    states_by_component: dict[str, list[tuple[str, SafeString]]] = {}
    for number, (name, state, html) in enumerate([*_states(), ("page", "", _article())]):
        states_by_component.setdefault(name, []).append((state, replace_placeholders(html, f"c{number}-")))
    context = base_context(language=DEFAULT, clinic=load_clinic(DEFAULT)[0], title="Components")
    return render(
        request,
        "admin/procedures/components.html",
        {**context, "breadcrumbs": [], "robots": "noindex", "components": states_by_component},
    )


urlpatterns = [path("", admin.site.admin_view(cast("Any", components_view)), name="components")]
