"""Renders Markdown to article HTML. No other code converts Markdown."""

from procedures.languages import DEFAULT
from procedures.rendering.context import Issue
from procedures.rendering.references import ReferenceResolver
from procedures.rendering.renderer import RENDERER_VERSION, RenderedPage, embed_release, released_document, render_page

__all__ = [
    "RENDERER_VERSION",
    "Issue",
    "ReferenceResolver",
    "RenderedPage",
    "embed_release",
    "preview_html",
    "released_document",
    "render_page",
]


def preview_html(text: str) -> str:
    """Render ``text`` as the body of a page in the default language. For django-markdownx."""
    content = {
        "title": "",
        "key_message": "",
        "body": text,
        "lead_figure": "",
        "next_page": "",
        "next_label": "",
    }
    return render_page(content, kind="about", resolver=ReferenceResolver(DEFAULT)).html
