"""Marks as a W3C Web Annotation page (https://www.w3.org/TR/annotation-model/), for other tools and for safekeeping.

One Annotation for each mark. Its FragmentSelector says where in the picture lies what the mark shows, in per cent; its
SvgSelector says the same as a shape, with the line from the disc, in a square of 100 by 100. TextualBody: the label is
``tagging``, the explanation ``describing``. Reading such a page is annotations_read.py.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from procedures.enums import MarkerShape
from procedures.figures.marks import MarkValues, picture_hash
from procedures.models import Figure

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
SHA256 = "https://schema.org/sha256"
MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"
SVG = "http://www.w3.org/2000/svg"
CONTENT_TYPE = f'application/ld+json; profile="{CONTEXT}"'
# Of a per cent: as many digits as rows keep.
DIGITS = 4
# A point has no width; tools that draw boxes need one. The exact point stands in the SVG.
POINT_BOX = 0.01


def annotation_page(figure: Figure, marks: Sequence[MarkValues]) -> dict[str, Any]:
    """A JSON-LD AnnotationPage that holds all marks in their order. Expects ``renditions`` prefetched."""
    name = f"{settings.PUBLIC_URL}/pictures/#{figure.slug}"
    return {
        "@context": [CONTEXT, {"sha256": SHA256}],
        "id": f"{name}-marks",
        "type": "AnnotationPage",
        "startIndex": 0,
        "items": [_annotation(name, figure, mark) for mark in marks],
    }


def _annotation(name: str, figure: Figure, mark: MarkValues) -> dict[str, Any]:
    return {
        "id": f"{name}/{mark.key}",
        "type": "Annotation",
        "motivation": "identifying",
        "body": [body for language in sorted(mark.words) for body in _bodies(mark, language)],
        "target": {
            "type": "SpecificResource",
            "source": _source(figure),
            "styleClass": mark.shape,
            "selector": [
                {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": fragment(mark)},
                {"type": "SvgSelector", "value": svg(mark)},
            ],
        },
    }


def _bodies(mark: MarkValues, language: str) -> list[dict[str, str]]:
    words = mark.words[language]
    both = (("tagging", words.label), ("describing", words.text))
    return [
        {"type": "TextualBody", "purpose": purpose, "value": value, "language": language, "format": "text/plain"}
        for purpose, value in both
        if value
    ]


def _source(figure: Figure) -> dict[str, str]:
    widest = max((r for r in figure.renditions.all() if r.format == "jpeg"), key=lambda r: r.width, default=None)
    file, kind = (widest.file, "image/jpeg") if widest else (figure.drawing, "image/svg+xml")
    address = f"{settings.PUBLIC_URL}{settings.MEDIA_URL}{file}"
    return {"id": address, "type": "Image", "format": kind, "sha256": picture_hash(figure)}


def number(part: float) -> str:
    """A part of the picture as per cent without a needless zero: 0.372 → 37.2."""
    return f"{part * 100:.{DIGITS}f}".rstrip("0").rstrip(".")


def fragment(mark: MarkValues) -> str:
    """``xywh=percent:``, upper left corner and size of what the mark shows."""
    rx, ry = (half or POINT_BOX / 2 for half in mark.half)
    left, top = max(0.0, mark.target_x - rx), max(0.0, mark.target_y - ry)
    right, bottom = min(1.0, mark.target_x + rx), min(1.0, mark.target_y + ry)
    return "xywh=percent:" + ",".join(number(part) for part in (left, top, right - left, bottom - top))


def svg(mark: MarkValues) -> str:
    """The mark in a square of 100 by 100: the line from the disc, and the outline of a circle or box."""
    x, y, target_x, target_y = (number(part) for part in (mark.x, mark.y, mark.target_x, mark.target_y))
    shape = ""
    if mark.shape == MarkerShape.CIRCLE:
        rx, ry = (number(half) for half in mark.half)
        shape = f'<ellipse cx="{target_x}" cy="{target_y}" rx="{rx}" ry="{ry}"/>'
    elif mark.shape == MarkerShape.REGION:
        left, top = (
            number(place - half) for place, half in zip((mark.target_x, mark.target_y), mark.half, strict=True)
        )
        shape = f'<rect x="{left}" y="{top}" width="{number(mark.size_x)}" height="{number(mark.size_y)}"/>'
    line = f'<line x1="{x}" y1="{y}" x2="{target_x}" y2="{target_y}"/>'
    return f'<svg xmlns="{SVG}" viewBox="0 0 100 100" preserveAspectRatio="none">{shape}{line}</svg>'
