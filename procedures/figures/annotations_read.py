"""Marks from a W3C Web Annotation page, ours or another tool's. What cannot be read is refused in a sentence."""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from django.utils.text import slugify

from procedures.enums import Language, MarkerShape
from procedures.figures.annotations import POINT_BOX, SVG
from procedures.figures.marks import DIGITS, PLACES, WIDE, MarkValues, Words

MAX_BYTES = 1024 * 1024
MAX_SVG = 4000
MAX_MARKS = 20
KEY_LENGTH = 40
NUMBER = r"\d{1,12}(?:\.\d{1,12})?"
XYWH = re.compile(rf"(?:^|[#&])xywh=percent:({NUMBER}),({NUMBER}),({NUMBER}),({NUMBER})(?:&|$)")
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
# Parts come as decimals: sums may pass the edge by a rounding.
ROUNDING = 1e-5
# Discs whose place the file does not say stand this far beside what they show.
BESIDE = 0.18


class BadAnnotationsError(ValueError):
    """The file is refused. The message is a sentence for the person who chose it."""


@dataclass(slots=True)
class Found:
    """The marks of a file; ``remarks`` say what was taken for granted."""

    marks: list[MarkValues]
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Place:
    """Where one mark lies, per cent as parts."""

    at: tuple[float, float] | None
    target: tuple[float, float]
    half: tuple[float, float]
    shape: str


def read_annotations(data: bytes, *, picture: str) -> Found:
    """Marks of the picture with the hash ``picture``. Raises BadAnnotationsError, never anything else."""
    if len(data) > MAX_BYTES:
        raise BadAnnotationsError("The file is larger than 1 MB. A file of marks is much smaller; choose another one.")
    items = _items(_json(data))
    found = Found([])
    for place, item in enumerate(items, start=1):
        found.marks.append(_mark(place, item, picture, found))
    return found


def _json(data: bytes) -> Any:
    def no_number(text: str) -> float:
        raise ValueError(text)

    try:
        page = json.loads(data.decode("utf-8-sig"), parse_constant=no_number)
        # JSON may hold halves of characters, which neither a database nor a page can.
        json.dumps(page, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadAnnotationsError(
            "The file is not JSON. Choose a markers file, such as one downloaded here."
        ) from error
    return page


def _items(page: Any) -> list[Any]:
    if isinstance(page, dict) and page.get("type") == "AnnotationCollection":
        page = page.get("first")
    if not isinstance(page, dict) or page.get("type") != "AnnotationPage" or not isinstance(page.get("items"), list):
        raise BadAnnotationsError(
            "The file is JSON, but no W3C annotation page: it needs “type”: “AnnotationPage” and “items”."
        )
    items: list[Any] = page["items"]
    if len(items) > MAX_MARKS:
        raise BadAnnotationsError(f"The file holds {len(items)} marks. A picture has at most {MAX_MARKS}.")
    return items


def _mark(place: int, item: Any, picture: str, found: Found) -> MarkValues:
    if not isinstance(item, dict):
        raise BadAnnotationsError(f"Mark {place} of the file is no annotation.")
    target = item.get("target")
    target = {"selector": {"value": target}} if isinstance(target, str) else target
    if isinstance(target, list) and len(target) == 1:
        target = target[0]
    if not isinstance(target, dict):
        raise BadAnnotationsError(f"Mark {place} of the file has no target, or more than one.")
    _check_picture(target, picture, found)
    lies = _place(place, target)
    words = _words(place, item.get("body"))
    at = lies.at or _beside(lies.target)
    size = lies.half if lies.shape == MarkerShape.CIRCLE else (lies.half[0] * 2, lies.half[1] * 2)
    numbers = [round(min(1.0, max(0.0, part)), DIGITS) for part in (*at, *lies.target, *size)]
    key = _key(item, words, place, [mark.key for mark in found.marks])
    return MarkValues(key, lies.shape, **dict(zip(PLACES, numbers, strict=True)), words=words)


def _check_picture(target: dict[str, Any], picture: str, found: Found) -> None:
    source = target.get("source")
    said = source.get("sha256") if isinstance(source, dict) else None
    if said is not None and said != picture:
        raise BadAnnotationsError("The marks in the file belong to another picture, or to an older copy of this one.")
    remark = "The file does not say for which picture it was made. Look closely whether each mark lies where it should."
    if said is None and remark not in found.remarks:
        found.remarks.append(remark)


# ── Places ──


def _place(place: int, target: dict[str, Any]) -> _Place:
    selectors = target.get("selector")
    selectors = [part for part in (selectors if isinstance(selectors, list) else [selectors]) if isinstance(part, dict)]
    values = [part["value"] for part in selectors if isinstance(part.get("value"), str)]
    drawn = next((lies for value in values if value.lstrip().startswith("<") and (lies := _drawn(value))), None)
    boxed = next((lies for value in values if (lies := _boxed(value))), None)
    lies = drawn or boxed
    if lies is None:
        raise BadAnnotationsError(
            f"Mark {place} of the file does not say where it lies as xywh=percent: or as our SVG."
        )
    style = target.get("styleClass")
    if style in MarkerShape.values and (style in WIDE) == (lies.shape in WIDE):
        lies.shape = style
    reach = [part + sign * half for part, half in zip(lies.target, lies.half, strict=True) for sign in (-1, 1)]
    if any(not -ROUNDING <= part <= 1 + ROUNDING for part in (*reach, *(lies.at or ()))):
        raise BadAnnotationsError(f"Mark {place} of the file lies outside the picture.")
    return lies


def _boxed(value: str) -> _Place | None:
    match = XYWH.search(value)
    if not match:
        return None
    x, y, width, height = (float(text) / 100 for text in match.groups())
    centre = (x + width / 2, y + height / 2)
    if max(width, height) <= POINT_BOX + ROUNDING:
        return _Place(None, centre, (0.0, 0.0), MarkerShape.POINT)
    return _Place(None, centre, (width / 2, height / 2), MarkerShape.REGION)


def _drawn(value: str) -> _Place | None:
    """Our own drawing; None for any other, which is not ours to understand."""
    root = _svg(value)
    if root is None or root.get("viewBox") != "0 0 100 100":
        return None
    parts = {element.tag.removeprefix(f"{{{SVG}}}"): element for element in root}
    line = _numbers(parts.get("line"), "x1 y1 x2 y2")
    if line is None:
        return None
    at, target = (line[0], line[1]), (line[2], line[3])
    if ellipse := _numbers(parts.get("ellipse"), "rx ry"):
        return _Place(at, target, (ellipse[0], ellipse[1]), MarkerShape.CIRCLE)
    if rect := _numbers(parts.get("rect"), "width height"):
        return _Place(at, target, (rect[0] / 2, rect[1] / 2), MarkerShape.REGION)
    return _Place(at, target, (0.0, 0.0), MarkerShape.POINT)


def _svg(value: str) -> ElementTree.Element | None:
    if len(value) > MAX_SVG or "<!" in value or "<?" in value:
        return None
    try:
        return ElementTree.fromstring(value)  # noqa: S314 -- no declaration, so no entities; at most 4 kB
    except (ElementTree.ParseError, ValueError):
        return None


def _numbers(element: ElementTree.Element | None, names: str) -> list[float] | None:
    if element is None:
        return None
    try:
        found = [float(element.get(name, "")) / 100 for name in names.split()]
    except ValueError:
        return None
    return found if all(math.isfinite(part) for part in found) else None


def _beside(target: tuple[float, float]) -> tuple[float, float]:
    """Towards the nearer side of the picture, else inwards."""
    outwards = target[0] - BESIDE if target[0] < 0.5 else target[0] + BESIDE
    return (outwards if 0.08 <= outwards <= 0.92 else 2 * target[0] - outwards, target[1])


# ── Words ──


def _words(place: int, bodies: Any) -> dict[str, Words]:
    """Labels and explanations by language. A text without purpose is the label where there is none yet."""
    labels: dict[str, str] = {}
    texts: dict[str, str] = {}
    for body in bodies if isinstance(bodies, list) else [bodies]:
        body = {"value": body} if isinstance(body, str) else body
        if not isinstance(body, dict) or not isinstance(body.get("value"), str):
            raise BadAnnotationsError(f"Mark {place} of the file has a body that is no text.")
        language = _language(place, body)
        is_label = body.get("purpose") in {"tagging", "identifying", None} and language not in labels
        where = labels if is_label else texts
        if language in where:
            raise BadAnnotationsError(f"Mark {place} of the file has two explanations in the language “{language}”.")
        where[language] = " ".join(body["value"].split())
    return {code: Words(labels.get(code, ""), texts.get(code, "")) for code in sorted({*labels, *texts})}


def _language(place: int, body: dict[str, Any]) -> str:
    given = body.get("language", Language.ENGLISH)
    code = str(given).lower().partition("-")[0]
    if code not in Language.values:
        ours = " and ".join(Language.values)
        raise BadAnnotationsError(
            f"Mark {place} of the file has words in the language “{str(given)[:20]}”. Here are {ours}."
        )
    return code


def _key(item: dict[str, Any], words: dict[str, Words], place: int, taken: Iterable[str]) -> str:
    """The last part of the annotation's address where that is a name of ours, else one made from the label."""
    last = str(item.get("id", "")).rpartition("/")[2]
    return free_key(last if SLUG.match(last) and "#" in str(item.get("id")) else "", words, place, taken)


def free_key(wanted: str, words: dict[str, Words], place: int, taken: Iterable[str]) -> str:
    """A name for a mark that none of ``taken`` has: ``wanted``, else one from its label, else ``mark-3``."""
    label = next((name for said in words.values() if (name := slugify(said.label))), "")
    base = (wanted or label or f"mark-{place}")[: KEY_LENGTH - 3].strip("-") or f"mark-{place}"
    names = set(taken)
    if wanted and len(wanted) <= KEY_LENGTH and wanted not in names:
        return wanted
    return base if base not in names else next(f"{base}-{n}" for n in range(2, 100) if f"{base}-{n}" not in names)
