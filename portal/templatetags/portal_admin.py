"""Template tags for the staff screens."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from portal import get_version

register = template.Library()


@register.simple_tag
def portal_version() -> str:
    return get_version()


@register.simple_tag
def label_cells(results: list[list[SafeString]], headers: list[dict[str, Any]]) -> list[list[SafeString]]:
    """Return the cells of Django's ``result_list`` with the column's name in ``data-label``, except for checkboxes."""
    return [[_label_cell(cell, header) for cell, header in zip(row, headers, strict=True)] for row in results]


def _label_cell(cell: SafeString, header: dict[str, Any]) -> SafeString:
    if not cell.startswith(("<td ", "<th ")) or "action-checkbox" in header.get("class_attrib", ""):
        return cell
    # The cell is already rendered HTML, so insert the attribute right after the tag name.
    return SafeString(cell[:3] + format_html(' data-label="{}"', capfirst(str(header["text"]))) + cell[3:])
