"""Export and import of markers as a W3C Web Annotation page (https://www.w3.org/TR/annotation-model/).

One Annotation per marker. Its FragmentSelector gives the target region in percent; its SvgSelector gives the same as a
shape in a 100 × 100 viewBox, with the line from the number label. In TextualBody, ``tagging`` is the label and
``describing`` the explanation.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext as _

from procedures import languages
from procedures.enums import Language, MarkerShape
from procedures.figures.markers.data import (
    AREA_SHAPES,
    COORDINATE_DIGITS,
    COORDINATE_FIELDS,
    MarkerData,
    MarkerTextData,
    image_hash,
)
from procedures.models import Figure

JSONLD_CONTEXT = "http://www.w3.org/ns/anno.jsonld"
SHA256_TERM = "https://schema.org/sha256"
MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
ANNOTATION_CONTENT_TYPE = f'application/ld+json; profile="{JSONLD_CONTEXT}"'
# Decimals of a percentage, which match the precision of the database.
PERCENT_DIGITS = 4
# In percent as a fraction. Points have no size, but tools that draw boxes need one; the SVG has the exact point.
MIN_BOX_SIZE = 0.01
MAX_ANNOTATION_BYTES = 1024 * 1024
MAX_SVG_LENGTH = 4000
MAX_MARKERS = 20
MAX_KEY_LENGTH = 40
NUMBER_PATTERN = r"\d{1,12}(?:\.\d{1,12})?"
XYWH_RE = re.compile(
    rf"(?:^|[#&])xywh=percent:({NUMBER_PATTERN}),({NUMBER_PATTERN}),({NUMBER_PATTERN}),({NUMBER_PATTERN})(?:&|$)"
)
SLUG_RE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
# Fractions arrive as decimals: sums may exceed 1 by a rounding error.
EDGE_TOLERANCE = 1e-5
# Distance from the target to the label of a marker whose label position the file does not give.
DEFAULT_LABEL_OFFSET = 0.18


class InvalidAnnotationsError(ValueError):
    """The file was rejected. The message is translated and shown to the user who chose it."""


@dataclass(slots=True)
class ParsedAnnotations:
    """The markers of a file; ``warnings`` are messages about what had to be assumed."""

    markers: list[MarkerData]
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Placement:
    """Geometry of one marker, in fractions. ``position`` of the label is None if the file does not give it."""

    position: tuple[float, float] | None
    target: tuple[float, float]
    half_size: tuple[float, float]
    shape: str


def build_annotation_page(figure: Figure, markers: Sequence[MarkerData]) -> dict[str, Any]:
    """Build a JSON-LD AnnotationPage with all markers in order. Expects ``renditions`` to be prefetched."""
    figure_url = f"{settings.PUBLIC_URL}/pictures/#{figure.slug}"
    return {
        "@context": [JSONLD_CONTEXT, {"sha256": SHA256_TERM}],
        "id": f"{figure_url}-marks",
        "type": "AnnotationPage",
        "startIndex": 0,
        "items": [_build_annotation(figure_url, figure, marker) for marker in markers],
    }


def _build_annotation(figure_url: str, figure: Figure, marker: MarkerData) -> dict[str, Any]:
    return {
        "id": f"{figure_url}/{marker.key}",
        "type": "Annotation",
        "motivation": "identifying",
        "body": [body for language in sorted(marker.texts) for body in _build_bodies(marker, language)],
        "target": {
            "type": "SpecificResource",
            "source": _build_source(figure),
            "styleClass": marker.shape,
            "selector": [
                {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": media_fragment(marker)},
                {"type": "SvgSelector", "value": marker_svg(marker)},
            ],
        },
    }


def _build_bodies(marker: MarkerData, language: str) -> list[dict[str, str]]:
    data = marker.texts[language]
    bodies = (("tagging", data.label), ("describing", data.text))
    return [
        {"type": "TextualBody", "purpose": purpose, "value": value, "language": language, "format": "text/plain"}
        for purpose, value in bodies
        if value
    ]


def _build_source(figure: Figure) -> dict[str, str]:
    widest = max((r for r in figure.renditions.all() if r.format == "jpeg"), key=lambda r: r.width, default=None)
    file, mime_type = (widest.file, "image/jpeg") if widest else (figure.drawing, "image/svg+xml")
    url = f"{settings.PUBLIC_URL}{settings.MEDIA_URL}{file}"
    return {"id": url, "type": "Image", "format": mime_type, "sha256": image_hash(figure)}


def to_percent(fraction: float) -> str:
    """Format a fraction as a percentage without trailing zeros: 0.372 → 37.2."""
    return f"{fraction * 100:.{PERCENT_DIGITS}f}".rstrip("0").rstrip(".")


def media_fragment(marker: MarkerData) -> str:
    """Return the target region as a media fragment, ``xywh=percent:…``."""
    rx, ry = (half or MIN_BOX_SIZE / 2 for half in marker.half_size)
    left, top = max(0.0, marker.target_x - rx), max(0.0, marker.target_y - ry)
    right, bottom = min(1.0, marker.target_x + rx), min(1.0, marker.target_y + ry)
    return "xywh=percent:" + ",".join(to_percent(part) for part in (left, top, right - left, bottom - top))


def marker_svg(marker: MarkerData) -> str:
    """Return the marker as SVG in a 100 × 100 viewBox: the line from its label, and the outline of an area."""
    x, y, target_x, target_y = (to_percent(part) for part in (marker.x, marker.y, marker.target_x, marker.target_y))
    shape = ""
    if marker.shape == MarkerShape.CIRCLE:
        rx, ry = (to_percent(half) for half in marker.half_size)
        shape = f'<ellipse cx="{target_x}" cy="{target_y}" rx="{rx}" ry="{ry}"/>'
    elif marker.shape == MarkerShape.REGION:
        left, top = (
            to_percent(center - half)
            for center, half in zip((marker.target_x, marker.target_y), marker.half_size, strict=True)
        )
        shape = f'<rect x="{left}" y="{top}" width="{to_percent(marker.size_x)}" height="{to_percent(marker.size_y)}"/>'
    line = f'<line x1="{x}" y1="{y}" x2="{target_x}" y2="{target_y}"/>'
    return f'<svg xmlns="{SVG_NAMESPACE}" viewBox="0 0 100 100" preserveAspectRatio="none">{shape}{line}</svg>'


def parse_annotations(data: bytes, *, image_hash: str) -> ParsedAnnotations:
    """Parse the markers of the image with this hash. Raises only InvalidAnnotationsError."""
    if len(data) > MAX_ANNOTATION_BYTES:
        raise InvalidAnnotationsError(
            _("The file is larger than 1 MB. A markers file is much smaller; choose another one.")
        )
    items = _get_items(_load_json(data))
    parsed = ParsedAnnotations([])
    for number, item in enumerate(items, start=1):
        parsed.markers.append(_parse_marker(number, item, image_hash, parsed))
    return parsed


def _load_json(data: bytes) -> Any:
    def reject_constant(text: str) -> float:
        raise ValueError(text)

    try:
        page = json.loads(data.decode("utf-8-sig"), parse_constant=reject_constant)
        # JSON may contain lone surrogates, which neither a database nor a page can.
        json.dumps(page, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidAnnotationsError(
            _("The file is not JSON. Choose a markers file, such as one downloaded here.")
        ) from error
    return page


def _get_items(page: Any) -> list[Any]:
    if isinstance(page, dict) and page.get("type") == "AnnotationCollection":
        page = page.get("first")
    if not isinstance(page, dict) or page.get("type") != "AnnotationPage" or not isinstance(page.get("items"), list):
        raise InvalidAnnotationsError(
            _("The file is JSON, but not a W3C annotation page: it needs “type”: “AnnotationPage” and “items”.")
        )
    items: list[Any] = page["items"]
    if len(items) > MAX_MARKERS:
        raise InvalidAnnotationsError(
            _("The file contains %(count)s markers. A picture can have at most %(max)s.")
            % {"count": len(items), "max": MAX_MARKERS}
        )
    return items


def _parse_marker(number: int, item: Any, image_hash: str, parsed: ParsedAnnotations) -> MarkerData:
    if not isinstance(item, dict):
        raise InvalidAnnotationsError(_("Marker %(number)s of the file is not an annotation.") % {"number": number})
    target = item.get("target")
    target = {"selector": {"value": target}} if isinstance(target, str) else target
    if isinstance(target, list) and len(target) == 1:
        target = target[0]
    if not isinstance(target, dict):
        raise InvalidAnnotationsError(
            _("Marker %(number)s of the file has no target, or more than one.") % {"number": number}
        )
    _check_image_hash(target, image_hash, parsed)
    placement = _parse_placement(number, target)
    texts = _parse_texts(number, item.get("body"))
    position = placement.position or _default_label_position(placement.target)
    rx, ry = placement.half_size
    size = (rx, ry) if placement.shape == MarkerShape.CIRCLE else (rx * 2, ry * 2)
    coordinates = [
        round(min(1.0, max(0.0, value)), COORDINATE_DIGITS) for value in (*position, *placement.target, *size)
    ]
    key = _choose_key(item, texts, number, [marker.key for marker in parsed.markers])
    return MarkerData(key, placement.shape, **dict(zip(COORDINATE_FIELDS, coordinates, strict=True)), texts=texts)


def _check_image_hash(target: dict[str, Any], image_hash: str, parsed: ParsedAnnotations) -> None:
    source = target.get("source")
    declared = source.get("sha256") if isinstance(source, dict) else None
    if declared is not None and declared != image_hash:
        raise InvalidAnnotationsError(
            _("The markers in the file belong to another picture, or to an older version of this one.")
        )
    warning = _("The file does not say which picture it was made for. Check the position of each marker.")
    if declared is None and warning not in parsed.warnings:
        parsed.warnings.append(warning)


def _parse_placement(number: int, target: dict[str, Any]) -> _Placement:
    selectors = target.get("selector")
    selectors = [part for part in (selectors if isinstance(selectors, list) else [selectors]) if isinstance(part, dict)]
    values = [part["value"] for part in selectors if isinstance(part.get("value"), str)]
    from_svg = (_parse_svg_placement(value) for value in values if value.lstrip().startswith("<"))
    from_fragment = (_parse_media_fragment(value) for value in values)
    placement = next(filter(None, from_svg), None) or next(filter(None, from_fragment), None)
    if placement is None:
        raise InvalidAnnotationsError(
            _("Marker %(number)s of the file has no position in the form “xywh=percent:” or as SVG from this portal.")
            % {"number": number}
        )
    style = target.get("styleClass")
    if style in MarkerShape.values and (style in AREA_SHAPES) == (placement.shape in AREA_SHAPES):
        placement.shape = style
    bounds = [
        center + sign * half
        for center, half in zip(placement.target, placement.half_size, strict=True)
        for sign in (-1, 1)
    ]
    if any(not -EDGE_TOLERANCE <= value <= 1 + EDGE_TOLERANCE for value in (*bounds, *(placement.position or ()))):
        raise InvalidAnnotationsError(_("Marker %(number)s of the file is outside the picture.") % {"number": number})
    return placement


def _parse_media_fragment(value: str) -> _Placement | None:
    match = XYWH_RE.search(value)
    if not match:
        return None
    x, y, width, height = (float(text) / 100 for text in match.groups())
    center = (x + width / 2, y + height / 2)
    if max(width, height) <= MIN_BOX_SIZE + EDGE_TOLERANCE:
        return _Placement(None, center, (0.0, 0.0), MarkerShape.POINT)
    return _Placement(None, center, (width / 2, height / 2), MarkerShape.REGION)


def _parse_svg_placement(value: str) -> _Placement | None:
    """Parse SVG in the form that this portal exports; None for any other."""
    root = _parse_svg(value)
    if root is None or root.get("viewBox") != "0 0 100 100":
        return None
    parts = {element.tag.removeprefix(f"{{{SVG_NAMESPACE}}}"): element for element in root}
    line = _read_coordinates(parts.get("line"), "x1 y1 x2 y2")
    if line is None:
        return None
    position, target = (line[0], line[1]), (line[2], line[3])
    if ellipse := _read_coordinates(parts.get("ellipse"), "rx ry"):
        return _Placement(position, target, (ellipse[0], ellipse[1]), MarkerShape.CIRCLE)
    if rect := _read_coordinates(parts.get("rect"), "width height"):
        return _Placement(position, target, (rect[0] / 2, rect[1] / 2), MarkerShape.REGION)
    return _Placement(position, target, (0.0, 0.0), MarkerShape.POINT)


def _parse_svg(value: str) -> ElementTree.Element | None:
    if len(value) > MAX_SVG_LENGTH or "<!" in value or "<?" in value:
        return None
    try:
        return ElementTree.fromstring(value)  # noqa: S314 -- no declaration, so no entities; at most 4 kB
    except (ElementTree.ParseError, ValueError):
        return None


def _read_coordinates(element: ElementTree.Element | None, names: str) -> list[float] | None:
    if element is None:
        return None
    try:
        values = [float(element.get(name, "")) / 100 for name in names.split()]
    except ValueError:
        return None
    return values if all(math.isfinite(value) for value in values) else None


def _default_label_position(target: tuple[float, float]) -> tuple[float, float]:
    """Place the label toward the nearer side of the image, or inward if there is no room."""
    x = target[0] - DEFAULT_LABEL_OFFSET if target[0] < 0.5 else target[0] + DEFAULT_LABEL_OFFSET
    return (x if 0.08 <= x <= 0.92 else 2 * target[0] - x, target[1])


def _parse_texts(number: int, bodies: Any) -> dict[str, MarkerTextData]:
    """Return texts by language. A body without ``purpose`` is the label if there is none yet."""
    labels: dict[str, str] = {}
    texts: dict[str, str] = {}
    for body in bodies if isinstance(bodies, list) else [bodies]:
        body = {"value": body} if isinstance(body, str) else body
        if not isinstance(body, dict) or not isinstance(body.get("value"), str):
            raise InvalidAnnotationsError(
                _("Marker %(number)s of the file has a body that is not text.") % {"number": number}
            )
        language = _parse_language(number, body)
        is_label = body.get("purpose") in {"tagging", "identifying", None} and language not in labels
        values = labels if is_label else texts
        if language in values:
            raise InvalidAnnotationsError(
                _("Marker %(number)s of the file has two explanations in the language “%(language)s”.")
                % {"number": number, "language": language}
            )
        values[language] = " ".join(body["value"].split())
    return {code: MarkerTextData(labels.get(code, ""), texts.get(code, "")) for code in sorted({*labels, *texts})}


def _parse_language(number: int, body: dict[str, Any]) -> str:
    tag = str(body.get("language", languages.DEFAULT))
    code = tag.lower().partition("-")[0]
    if code not in Language.values:
        raise InvalidAnnotationsError(
            _("Marker %(number)s of the file has text in the language “%(language)s”. The portal has: %(languages)s.")
            % {"number": number, "language": tag[:20], "languages": ", ".join(Language.values)}
        )
    return code


def _choose_key(item: dict[str, Any], texts: dict[str, MarkerTextData], number: int, taken: Iterable[str]) -> str:
    """Return the key from the annotation's ``id`` if this portal exported it, else one from the label."""
    last = str(item.get("id", "")).rpartition("/")[2]
    return make_unique_key(last if SLUG_RE.match(last) and "#" in str(item.get("id")) else "", texts, number, taken)


def make_unique_key(preferred: str, texts: dict[str, MarkerTextData], number: int, taken: Iterable[str]) -> str:
    """Return a key not in ``taken``: ``preferred``, else one from the label, else such as ``mark-3``."""
    from_label = next((slug for text in texts.values() if (slug := slugify(text.label))), "")
    base = (preferred or from_label or f"mark-{number}")[: MAX_KEY_LENGTH - 3].strip("-") or f"mark-{number}"
    taken = set(taken)
    if preferred and len(preferred) <= MAX_KEY_LENGTH and preferred not in taken:
        return preferred
    return base if base not in taken else next(f"{base}-{n}" for n in range(2, 100) if f"{base}-{n}" not in taken)
