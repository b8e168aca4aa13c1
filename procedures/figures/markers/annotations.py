"""Marks as a W3C Web Annotation page (https://www.w3.org/TR/annotation-model/), for other tools and for safekeeping.

One Annotation for each mark. Its FragmentSelector says where in the picture lies what the mark shows, in per cent; its
SvgSelector says the same as a shape, with the line from the disc, in a square of 100 by 100. TextualBody: the label is
``tagging``, the explanation ``describing``. Reading such a page is annotations_read.py.
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
# Of a per cent: as many digits as rows keep.
PERCENT_DIGITS = 4
# A point has no width; tools that draw boxes need one. The exact point stands in the SVG.
MIN_BOX_SIZE = 0.01


def build_annotation_page(figure: Figure, markers: Sequence[MarkerData]) -> dict[str, Any]:
    """A JSON-LD AnnotationPage that holds all marks in their order. Expects ``renditions`` prefetched."""
    name = f"{settings.PUBLIC_URL}/pictures/#{figure.slug}"
    return {
        "@context": [JSONLD_CONTEXT, {"sha256": SHA256_TERM}],
        "id": f"{name}-marks",
        "type": "AnnotationPage",
        "startIndex": 0,
        "items": [_build_annotation(name, figure, mark) for mark in markers],
    }


def _build_annotation(name: str, figure: Figure, marker: MarkerData) -> dict[str, Any]:
    return {
        "id": f"{name}/{marker.key}",
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
    words = marker.texts[language]
    both = (("tagging", words.label), ("describing", words.text))
    return [
        {"type": "TextualBody", "purpose": purpose, "value": value, "language": language, "format": "text/plain"}
        for purpose, value in both
        if value
    ]


def _build_source(figure: Figure) -> dict[str, str]:
    widest = max((r for r in figure.renditions.all() if r.format == "jpeg"), key=lambda r: r.width, default=None)
    file, kind = (widest.file, "image/jpeg") if widest else (figure.drawing, "image/svg+xml")
    address = f"{settings.PUBLIC_URL}{settings.MEDIA_URL}{file}"
    return {"id": address, "type": "Image", "format": kind, "sha256": image_hash(figure)}


def to_percent(fraction: float) -> str:
    """A part of the picture as per cent without a needless zero: 0.372 → 37.2."""
    return f"{fraction * 100:.{PERCENT_DIGITS}f}".rstrip("0").rstrip(".")


def media_fragment(marker: MarkerData) -> str:
    """``xywh=percent:``, upper left corner and size of what the mark shows."""
    rx, ry = (half or MIN_BOX_SIZE / 2 for half in marker.half_size)
    left, top = max(0.0, marker.target_x - rx), max(0.0, marker.target_y - ry)
    right, bottom = min(1.0, marker.target_x + rx), min(1.0, marker.target_y + ry)
    return "xywh=percent:" + ",".join(to_percent(part) for part in (left, top, right - left, bottom - top))


def marker_svg(marker: MarkerData) -> str:
    """The mark in a square of 100 by 100: the line from the disc, and the outline of a circle or box."""
    x, y, target_x, target_y = (to_percent(part) for part in (marker.x, marker.y, marker.target_x, marker.target_y))
    shape = ""
    if marker.shape == MarkerShape.CIRCLE:
        rx, ry = (to_percent(half) for half in marker.half_size)
        shape = f'<ellipse cx="{target_x}" cy="{target_y}" rx="{rx}" ry="{ry}"/>'
    elif marker.shape == MarkerShape.REGION:
        left, top = (
            to_percent(place - half)
            for place, half in zip((marker.target_x, marker.target_y), marker.half_size, strict=True)
        )
        shape = f'<rect x="{left}" y="{top}" width="{to_percent(marker.size_x)}" height="{to_percent(marker.size_y)}"/>'
    line = f'<line x1="{x}" y1="{y}" x2="{target_x}" y2="{target_y}"/>'
    return f'<svg xmlns="{SVG_NAMESPACE}" viewBox="0 0 100 100" preserveAspectRatio="none">{shape}{line}</svg>'


MAX_ANNOTATION_BYTES = 1024 * 1024
MAX_SVG_LENGTH = 4000
MAX_MARKERS = 20
MAX_KEY_LENGTH = 40
NUMBER_PATTERN = r"\d{1,12}(?:\.\d{1,12})?"
XYWH_RE = re.compile(
    rf"(?:^|[#&])xywh=percent:({NUMBER_PATTERN}),({NUMBER_PATTERN}),({NUMBER_PATTERN}),({NUMBER_PATTERN})(?:&|$)"
)
SLUG_RE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
# Parts come as decimals: sums may pass the edge by a rounding.
EDGE_TOLERANCE = 1e-5
# Discs whose place the file does not say stand this far beside what they show.
DEFAULT_LABEL_OFFSET = 0.18


class InvalidAnnotationsError(ValueError):
    """The file is refused. The message is a sentence for the person who chose it."""


@dataclass(slots=True)
class ParsedAnnotations:
    """The marks of a file; ``remarks`` say what was taken for granted."""

    markers: list[MarkerData]
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Placement:
    """Where one mark lies, per cent as parts."""

    position: tuple[float, float] | None
    target: tuple[float, float]
    half_size: tuple[float, float]
    shape: str


def parse_annotations(data: bytes, *, image_hash: str) -> ParsedAnnotations:
    """Marks of the picture with the hash ``picture``. Raises BadAnnotationsError, never anything else."""
    if len(data) > MAX_ANNOTATION_BYTES:
        raise InvalidAnnotationsError(
            "The file is larger than 1 MB. A file of marks is much smaller; choose another one."
        )
    items = _get_items(_load_json(data))
    found = ParsedAnnotations([])
    for place, item in enumerate(items, start=1):
        found.markers.append(_parse_marker(place, item, image_hash, found))
    return found


def _load_json(data: bytes) -> Any:
    def no_number(text: str) -> float:
        raise ValueError(text)

    try:
        page = json.loads(data.decode("utf-8-sig"), parse_constant=no_number)
        # JSON may hold halves of characters, which neither a database nor a page can.
        json.dumps(page, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidAnnotationsError(
            "The file is not JSON. Choose a markers file, such as one downloaded here."
        ) from error
    return page


def _get_items(page: Any) -> list[Any]:
    if isinstance(page, dict) and page.get("type") == "AnnotationCollection":
        page = page.get("first")
    if not isinstance(page, dict) or page.get("type") != "AnnotationPage" or not isinstance(page.get("items"), list):
        raise InvalidAnnotationsError(
            "The file is JSON, but no W3C annotation page: it needs “type”: “AnnotationPage” and “items”."
        )
    items: list[Any] = page["items"]
    if len(items) > MAX_MARKERS:
        raise InvalidAnnotationsError(f"The file holds {len(items)} marks. A picture has at most {MAX_MARKERS}.")
    return items


def _parse_marker(number: int, item: Any, image_hash: str, parsed: ParsedAnnotations) -> MarkerData:
    if not isinstance(item, dict):
        raise InvalidAnnotationsError(f"Mark {number} of the file is no annotation.")
    target = item.get("target")
    target = {"selector": {"value": target}} if isinstance(target, str) else target
    if isinstance(target, list) and len(target) == 1:
        target = target[0]
    if not isinstance(target, dict):
        raise InvalidAnnotationsError(f"Mark {number} of the file has no target, or more than one.")
    _check_image_hash(target, image_hash, parsed)
    lies = _parse_placement(number, target)
    words = _parse_texts(number, item.get("body"))
    at = lies.position or _default_label_position(lies.target)
    size = lies.half_size if lies.shape == MarkerShape.CIRCLE else (lies.half_size[0] * 2, lies.half_size[1] * 2)
    numbers = [round(min(1.0, max(0.0, part)), COORDINATE_DIGITS) for part in (*at, *lies.target, *size)]
    key = _choose_key(item, words, number, [mark.key for mark in parsed.markers])
    return MarkerData(key, lies.shape, **dict(zip(COORDINATE_FIELDS, numbers, strict=True)), texts=words)


def _check_image_hash(target: dict[str, Any], image_hash: str, parsed: ParsedAnnotations) -> None:
    source = target.get("source")
    said = source.get("sha256") if isinstance(source, dict) else None
    if said is not None and said != image_hash:
        raise InvalidAnnotationsError(
            "The marks in the file belong to another picture, or to an older copy of this one."
        )
    remark = "The file does not say for which picture it was made. Look closely whether each mark lies where it should."
    if said is None and remark not in parsed.warnings:
        parsed.warnings.append(remark)


# ── Places ──


def _parse_placement(number: int, target: dict[str, Any]) -> _Placement:
    selectors = target.get("selector")
    selectors = [part for part in (selectors if isinstance(selectors, list) else [selectors]) if isinstance(part, dict)]
    values = [part["value"] for part in selectors if isinstance(part.get("value"), str)]
    drawn = next(
        (lies for value in values if value.lstrip().startswith("<") and (lies := _parse_svg_placement(value))), None
    )
    boxed = next((lies for value in values if (lies := _parse_media_fragment(value))), None)
    lies = drawn or boxed
    if lies is None:
        raise InvalidAnnotationsError(
            f"Mark {number} of the file does not say where it lies as xywh=percent: or as our SVG."
        )
    style = target.get("styleClass")
    if style in MarkerShape.values and (style in AREA_SHAPES) == (lies.shape in AREA_SHAPES):
        lies.shape = style
    reach = [part + sign * half for part, half in zip(lies.target, lies.half_size, strict=True) for sign in (-1, 1)]
    if any(not -EDGE_TOLERANCE <= part <= 1 + EDGE_TOLERANCE for part in (*reach, *(lies.position or ()))):
        raise InvalidAnnotationsError(f"Mark {number} of the file lies outside the picture.")
    return lies


def _parse_media_fragment(value: str) -> _Placement | None:
    match = XYWH_RE.search(value)
    if not match:
        return None
    x, y, width, height = (float(text) / 100 for text in match.groups())
    centre = (x + width / 2, y + height / 2)
    if max(width, height) <= MIN_BOX_SIZE + EDGE_TOLERANCE:
        return _Placement(None, centre, (0.0, 0.0), MarkerShape.POINT)
    return _Placement(None, centre, (width / 2, height / 2), MarkerShape.REGION)


def _parse_svg_placement(value: str) -> _Placement | None:
    """Our own drawing; None for any other, which is not ours to understand."""
    root = _parse_svg(value)
    if root is None or root.get("viewBox") != "0 0 100 100":
        return None
    parts = {element.tag.removeprefix(f"{{{SVG_NAMESPACE}}}"): element for element in root}
    line = _read_coordinates(parts.get("line"), "x1 y1 x2 y2")
    if line is None:
        return None
    at, target = (line[0], line[1]), (line[2], line[3])
    if ellipse := _read_coordinates(parts.get("ellipse"), "rx ry"):
        return _Placement(at, target, (ellipse[0], ellipse[1]), MarkerShape.CIRCLE)
    if rect := _read_coordinates(parts.get("rect"), "width height"):
        return _Placement(at, target, (rect[0] / 2, rect[1] / 2), MarkerShape.REGION)
    return _Placement(at, target, (0.0, 0.0), MarkerShape.POINT)


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
        found = [float(element.get(name, "")) / 100 for name in names.split()]
    except ValueError:
        return None
    return found if all(math.isfinite(part) for part in found) else None


def _default_label_position(target: tuple[float, float]) -> tuple[float, float]:
    """Towards the nearer side of the picture, else inwards."""
    outwards = target[0] - DEFAULT_LABEL_OFFSET if target[0] < 0.5 else target[0] + DEFAULT_LABEL_OFFSET
    return (outwards if 0.08 <= outwards <= 0.92 else 2 * target[0] - outwards, target[1])


# ── Words ──


def _parse_texts(number: int, bodies: Any) -> dict[str, MarkerTextData]:
    """Labels and explanations by language. A text without purpose is the label where there is none yet."""
    labels: dict[str, str] = {}
    texts: dict[str, str] = {}
    for body in bodies if isinstance(bodies, list) else [bodies]:
        body = {"value": body} if isinstance(body, str) else body
        if not isinstance(body, dict) or not isinstance(body.get("value"), str):
            raise InvalidAnnotationsError(f"Mark {number} of the file has a body that is no text.")
        language = _parse_language(number, body)
        is_label = body.get("purpose") in {"tagging", "identifying", None} and language not in labels
        where = labels if is_label else texts
        if language in where:
            raise InvalidAnnotationsError(
                f"Mark {number} of the file has two explanations in the language “{language}”."
            )
        where[language] = " ".join(body["value"].split())
    return {code: MarkerTextData(labels.get(code, ""), texts.get(code, "")) for code in sorted({*labels, *texts})}


def _parse_language(number: int, body: dict[str, Any]) -> str:
    given = body.get("language", languages.DEFAULT)
    code = str(given).lower().partition("-")[0]
    if code not in Language.values:
        ours = " and ".join(Language.values)
        raise InvalidAnnotationsError(
            f"Mark {number} of the file has words in the language “{str(given)[:20]}”. Here are {ours}."
        )
    return code


def _choose_key(item: dict[str, Any], texts: dict[str, MarkerTextData], number: int, taken: Iterable[str]) -> str:
    """The last part of the annotation's address where that is a name of ours, else one made from the label."""
    last = str(item.get("id", "")).rpartition("/")[2]
    return make_unique_key(last if SLUG_RE.match(last) and "#" in str(item.get("id")) else "", texts, number, taken)


def make_unique_key(preferred: str, texts: dict[str, MarkerTextData], number: int, taken: Iterable[str]) -> str:
    """A name for a mark that none of ``taken`` has: ``wanted``, else one from its label, else ``mark-3``."""
    label = next((name for said in texts.values() if (name := slugify(said.label))), "")
    base = (preferred or label or f"mark-{number}")[: MAX_KEY_LENGTH - 3].strip("-") or f"mark-{number}"
    names = set(taken)
    if preferred and len(preferred) <= MAX_KEY_LENGTH and preferred not in names:
        return preferred
    return base if base not in names else next(f"{base}-{n}" for n in range(2, 100) if f"{base}-{n}" not in names)
