"""What the tests of the measures share: a text rendered as a reader gets it, then measured."""

from procedures.figures.approval import Pictures
from procedures.markdown import Library, render_page
from procedures.quality import PageMeasures, measure
from tests.factories import make_source

EMPTY = {"title": "A title", "key_message": "", "body": "", "lead_figure": "", "next_page": "", "next_label": ""}


def measured(body: str, *, kind: str = "procedure", language: str = "en", **values: object) -> PageMeasures:
    """The measures of a page with this body. ``nice`` is a source that it may cite."""
    make_source()
    library = Library(language, Pictures.CURRENT)
    rendered = render_page({**EMPTY, "body": body, **values}, kind=kind, library=library)
    return measure(rendered.html, kind=kind, library=library)
