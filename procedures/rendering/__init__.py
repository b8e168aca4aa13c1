"""The renderer. Nothing else in the project turns Markdown into HTML."""

from procedures.languages import DEFAULT
from procedures.rendering.issues import Issue
from procedures.rendering.references import ReferenceResolver
from procedures.rendering.renderer import RENDERER_VERSION, RenderedPage, render_page

__all__ = ["RENDERER_VERSION", "Issue", "ReferenceResolver", "RenderedPage", "preview_html", "render_page"]


def preview_html(text: str) -> str:
    """What django-markdownx calls for a bare text: our renderer, the default language, no page around it."""
    content = {
        "title": "",
        "key_message": "",
        "body": text,
        "lead_figure": "",
        "next_page": "",
        "next_label": "",
    }
    return render_page(content, kind="about", resolver=ReferenceResolver(DEFAULT)).html
