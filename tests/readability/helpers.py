"""Helpers for the readability tests: render a text as readers get it, and measure it."""

from procedures.figures.approval import FigureVersion
from procedures.readability.measures import PageMeasures, measure_page
from procedures.rendering import ReferenceResolver, render_page
from tests.factories import EMPTY_CONTENT, make_source


def measure_body(body: str, *, kind: str = "procedure", language: str = "en", **values: object) -> PageMeasures:
    """Return the measures of a page with this body, which can cite the source ``nice``."""
    make_source()
    library = ReferenceResolver(language, FigureVersion.CURRENT)
    rendered = render_page({**EMPTY_CONTENT, "body": body, **values}, kind=kind, resolver=library)
    return measure_page(rendered.article, kind=kind, resolver=library)
