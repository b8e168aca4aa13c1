"""A picture with its marks exactly as patients see it, as a document of its own for a frame."""

from dataclasses import replace

from django.template.loader import render_to_string
from django.utils import translation

from procedures.admin.figure_files import with_staff_urls
from procedures.figures.marks import MarkValues
from procedures.figures.overlay import figure_view, mark_views
from procedures.models import Figure


def shown(figure: Figure, language: str, marks: list[MarkValues] | None = None) -> str:
    """HTML in the public stylesheet, with ``marks`` in place of the saved ones. Expects what figure_view() expects."""
    view = figure_view(figure, language)
    if marks is not None:
        view = replace(view, marks=mark_views(marks, language))
    values = {name: getattr(view, name) for name in view.__slots__} | {"dom_id": "fig"}
    with translation.override(language):
        html = render_to_string("admin/procedures/figure/shown.html", {"figure": values, "language": language})
    return with_staff_urls(html)
