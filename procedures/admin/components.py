"""``/admin/components/``: every component of the public pages in each of its states, with sample content.

It shows what a change to a style sheet does. The axe and screenshot tests run over it.
"""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from procedures.enums import PageKind
from procedures.languages import DEFAULT
from procedures.rendering import ReferenceResolver, render_page
from procedures.rendering.blocks import render_component
from procedures.rendering.sanitizer import namespace_ids
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


def _items(*texts: str) -> SafeString:
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((text,) for text in texts)))


def _figure(name: str, **values: Any) -> dict[str, Any]:
    image_url = static("img/icon.svg")
    target = {"target_x": "60%", "target_y": "60%", "rx": "15%", "ry": "10%"}
    markers = [
        {"number": number, "label": shape.capitalize(), "text": "What it is.", "shape": shape, **target, **at}
        for number, (shape, at) in enumerate(
            {
                "point": {"x": "20%", "y": "15%", "target_x": "35%", "target_y": "25%"},
                "arrow": {"x": "80%", "y": "15%", "target_x": "65%", "target_y": "25%"},
                "circle": {"x": "20%", "y": "50%", "target_x": "45%"},
                "region": {"x": "20%", "y": "85%", "target_y": "85%"},
            }.items(),
            start=1,
        )
    ]
    return {
        "slug": name,
        "dom_id": f"fig-{name}",
        "title": "Needle in a bone",
        "alt": "A needle in a bone.",
        "caption": "The needle is in the bone.",
        "paragraphs": [],
        "kind": "fluoroscopy",
        "simulated": False,
        "vector": False,
        "width": 600,
        "height": 600,
        "sources": [],
        "src": image_url,
        "sizes": "36rem",
        "large_href": "",
        "eager": False,
        "markers": markers,
        "drawing": None,
        **values,
    }


def _figures() -> Iterator[tuple[str, SafeString]]:
    image_url = static("img/icon.svg")
    drawing = {"light": image_url, "dark": image_url, "width": 600, "height": 600}
    yield "with markers of each shape", render_component("figure", figure=_figure("plain"))
    yield (
        "with a drawing, a longer description and a large picture",
        render_component(
            "figure",
            figure=_figure(
                "twin",
                drawing=drawing,
                simulated=True,
                paragraphs=["The needle enters from the left."],
                large_href=image_url,
            ),
        ),
    )
    yield "drawing", render_component("figure", figure=_figure("drawn", kind="drawing", vector=True, drawing=drawing))
    for kind in ("radiograph", "ct", "mri", "photo"):
        yield kind, render_component("figure", figure=_figure(kind, kind=kind, markers=[], drawing=drawing))


def _states() -> Iterator[tuple[str, str, SafeString]]:
    """Yield the component's name, which is its template's, the state, and the HTML."""
    html = render_component("figure", figure=_figure("a", markers=[]))
    other = render_component("figure", figure=_figure("b", markers=[]))
    thumbnail = {"src": static("img/icon.svg"), "width": 144, "height": 144}
    ordered = format_html("<ol>{}</ol>", format_html_join("", "<li>{}</li>", (("Stand up.",), ("Walk.",))))
    guide = {"title": "First visit", "href": "#first-visit", "description": "What happens first."}
    today = {"published_at": None, "next_review_on": None, "translation_checked": True}
    place = {"key": "main", "name": "Main office", "address_lines": ["1 Main Street", "Denver"], "hours": "8 to 5"}
    reading = {"number": 1, "title": "Kyphoplasty", "href": "#kyphoplasty", "minutes": 4, "note": "Before you come."}
    asked: dict[str, Any] = {"parts": [{"anchor": "a", "title": "A section"}], "typed": {}, "error": "", "most": 300}

    yield "ask_us", "", render_component("ask_us", **PHONE)
    crumbs = [
        {"label": "Home", "href": "/"},
        {"label": "Your visit", "href": "/visits/"},
        {"label": "Here", "href": None},
    ]
    yield "breadcrumbs", "", render_component("breadcrumbs", breadcrumbs=crumbs)
    for urgency, title in {
        "emergency": "Call 911 now",
        "urgent": "Call now",
        "call": "Call today",
        "note": "Note",
    }.items():
        number = {} if urgency == "note" else {"number": "303-555-0100", "number_href": "tel:+13035550100"}
        body = _items("You fell.", "You have a fever.")
        yield "care_card", urgency, render_component("care_card", urgency=urgency, title=title, body=body, **number)
    row = {"anchor": "care-driving", "question": "When can I drive?", "answer": "After a day."}
    yield (
        "care_table",
        "",
        render_component("care_table", rows=[row, {**row, "anchor": "care-work", "question": "And work?"}]),
    )
    for count, out_of in ((3, 10), (27, 100), (140, 1000)):
        sentence = format_html("<p>{}</p>", "get well without surgery.")
        values = {"count": count, "out_of": out_of, "sentence": sentence, "dom_id": f"chance-{out_of}"}
        yield "chance", f"out of {out_of}", render_component("chance", **values)
    yield "checklist", "", render_component("checklist", body=_items("Bring your card.", "Bring your pills."))
    aspects = [{"title": name, "body": format_html("<p>{}</p>", name)} for name in ("What it is", "How long it takes")]
    options = [
        {"name": name, "anchor": slugify(name), "old_anchors": [], "aspects": aspects} for name in ("Rest", "Brace")
    ]
    yield "choices", "two options", render_component("choices", options=options)
    third = {**options[0], "name": "Surgery", "anchor": "surgery"}
    yield "choices", "three options", render_component("choices", options=[*options, third])
    yield "code_form", "", render_component("code_form", code_href="/p/")
    error = "There is no such code. Look at your letter again."
    yield "code_form", "with an error", render_component("code_form", code_href="/p/", code="22222", error=error)
    yield "compare", "", render_component("compare", before_html=html, after_html=other, dom_id="compare")
    yield "contact_line", "", render_component("contact_line", site=PHONE, home_href="/")
    contents = [{"number": n, "title": f"Section {n}", "anchor": f"section-{n}"} for n in (1, 2, 3)]
    yield "contents", "", render_component("contents", contents=contents)
    for do in (True, False):
        body = _items("Walk each day.", "Drink water.")
        yield (
            "do_list",
            "do" if do else "do not",
            render_component("do_list", do=do, title="Do" if do else "Do not", body=body),
        )
    yield "feedback_form", "", render_component("feedback_form", **asked)
    yield (
        "feedback_form",
        "with an error",
        render_component("feedback_form", **{**asked, "error": "Please choose Yes or No."}),
    )
    yield from (("figure", state, figure) for state, figure in _figures())
    letters = [
        {"letter": "B", "terms": [{**TERM, "aliases": ["bag"]}]},
        {"letter": "C", "terms": [{**TERM, "key": "cement", "pronunciation": ""}]},
    ]
    yield "glossary_index", "", render_component("glossary_index", letters=letters)
    yield "guide_card", "with minutes", render_component("guide_card", guide={**guide, "minutes": 12})
    yield "guide_list", "", render_component("guide_list", guides=[guide, {**guide, "title": "After your procedure"}])
    yield (
        "key_points",
        "",
        render_component("key_points", body=_items("You can walk the same day.", "Call us with a fever.")),
    )
    yield (
        "letterhead",
        "on paper only",
        render_component("letterhead", language=DEFAULT, site={"name": "Clinic", **PHONE}),
    )
    yield (
        "locations",
        "",
        render_component("locations", locations=[{**place, **PHONE, "directions": "Use the east door."}]),
    )
    yield "next_step", "", render_component("next_step", next={"href": "#next", "title": "Getting well"})
    yield (
        "page_meta",
        "starter text",
        render_component("page_meta", release={**today, "is_starter": True}, language=DEFAULT),
    )
    changed = {**today, "author_name": "Nina Editor", "reviewer_name": "Dr. Bell", "what_changed": "New pictures."}
    yield "page_meta", "reviewed", render_component("page_meta", release=changed, language=DEFAULT)
    yield (
        "page_words",
        "",
        render_component("page_words", terms=[TERM, {**TERM, "key": "c", "term": "Cement", "pronunciation": ""}]),
    )
    figures = [{"slug": "c", "title": "Needle", "anchor": "pic-c", "thumbnail": thumbnail, "figure_html": other}]
    yield "picture_index", "", render_component("picture_index", figures=figures)
    yield "qr", "", render_component("qr", qr={"size": 3, "width": 96, "path": "M0 0h1v1H0zM2 1h1v2H2z"})
    yield "reader_tools", "", render_component("reader_tools")
    yield "reader_tools", "of a guide", render_component("reader_tools", booklet=True)
    levels = [{"name": "Before", "levels": [{"title": "Kyphoplasty", "href": "#k", "words": "grade 6"}]}]
    yield "reading_levels", "", render_component("reading_levels", groups=levels)
    again = {**reading, "number": 2, "section_title": "Driving", "note": ""}
    yield "reading_list", "", render_component("reading_list", items=[reading, again], total_minutes=8)
    found = [{**link, "snippet": format_html("Words with <mark>{}</mark> in them.", "cement")} for link in LINKS]
    yield "search_results", "", render_component("search_results", results=found)
    yield "search_form", "", render_component("search_form", search_href="/search/", field_id="search-empty")
    yield (
        "search_form",
        "filled",
        render_component("search_form", search_href="/search/", field_id="search-filled", query="needle"),
    )
    stages = [
        {"number": n, "heading": f"Stage {n}", "text": "What happens.", "figure_html": figure}
        for n, figure in enumerate((html, other), start=1)
    ]
    yield "series", "", render_component("series", title="Step by step", dom_id="series", items=stages)
    linked = {**SOURCE, "number": 2, "url": "https://example.org/guidance", "identifier": "TA279"}
    yield "sources", "", render_component("sources", sources=[SOURCE, linked])
    yield "steps", "", render_component("steps", body=ordered)
    yield "thumbnail", "", render_component("thumbnail", picture=thumbnail)
    topic = {"title": "Kyphoplasty", "href": "#kyphoplasty", "key_message": "A balloon and cement steady the bone."}
    yield "topic_card", "", render_component("topic_card", topic=topic)
    yield "topic_card", "with a picture", render_component("topic_card", topic={**topic, "picture": thumbnail})
    yield "topic_links", "", render_component("topic_links", topics=LINKS)
    card = render_component(
        "care_card", urgency="emergency", title="Call 911 now", body=_items("You cannot move your legs.")
    )
    yield "warning_signs", "starter list", render_component("warning_signs", cards=[card], is_starter=True)
    items = format_html("<li>{}</li>", "You have a fever.")
    for level in ("emergency", "now", "hours"):
        more = {"after_hours": PHONE["phone"], "after_hours_href": PHONE["phone_href"], "hours": "Monday to Friday"}
        yield "warning_signs_list", level, render_component("warning_signs_list", level=level, items=items, **more)
    short = {"signs": ["You cannot move your legs."], "number": "911", "number_href": "tel:911", **PHONE}
    yield "warning_signs_short", "", render_component("warning_signs_short", **short, list_href="#warning-signs")


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
def components(request: HttpRequest) -> HttpResponse:
    """Show all components in the public layout."""
    states_by_component: dict[str, list[tuple[str, SafeString]]] = {}
    for number, (name, state, html) in enumerate([*_states(), ("page", "", _article())]):
        states_by_component.setdefault(name, []).append((state, namespace_ids(html, f"c{number}", deeper=False)))
    context = base_context(language=DEFAULT, clinic=load_clinic(DEFAULT)[0], title="Components")
    return render(
        request,
        "admin/procedures/components.html",
        {**context, "breadcrumbs": [], "robots": "noindex", "components": states_by_component},
    )


urlpatterns = [path("", admin.site.admin_view(cast("Any", components)), name="components")]
