"""What the text finder marked, as the check screen, the figure's form and the reviewer see it."""

import math
from typing import Any

from django.template.loader import render_to_string
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from procedures.figures.edit import Edits
from procedures.figures.text_detection import ANSWERS, Answer, Detection, Place, Status
from procedures.figures.overlay import media_url
from procedures.models import Figure

# A box over a marked place is this much larger on each side, in parts of the picture.
PADDING = 0.004
DIGITS = 2
NOT_RUN = "The text finder has not looked at this picture. Look at the whole picture."


def padded(place: Place) -> tuple[float, float, float, float]:
    """The black box over a place, in per cent: left, top, width, height."""
    left, top = max(0.0, place.left - PADDING), max(0.0, place.top - PADDING)
    right, bottom = min(1.0, place.left + place.width + PADDING), min(1.0, place.top + place.height + PADDING)
    # Rounded outward: to hundredths of a per cent.
    x, y = (math.floor(side * 10_000) / 100 for side in (left, top))
    x1, y1 = (min(100.0, math.ceil(side * 10_000) / 100) for side in (right, bottom))
    return x, y, round(x1 - x, DIGITS), round(y1 - y, DIGITS)


def places_shown(detection: Detection, edits: Edits) -> list[dict[str, Any]]:
    """Marked places with what is left of them; numbers in per cent of the picture as it came in."""
    visible = detection.visible(edits)
    return [
        {"number": number, "box": outline(place), "cover": padded(place), "covered": place not in visible}
        for number, place in enumerate(detection.places, start=1)
    ]


def outline(place: Place) -> tuple[float, float, float, float]:
    """Left, top, width, height in per cent."""
    left, top, width, height = (
        round(part * 100, DIGITS) for part in (place.left, place.top, place.width, place.height)
    )
    return left, top, width, height


def text_detection_context(figure: Figure) -> dict[str, Any]:
    """Context of ``admin/procedures/figure/text_detection.html``. ``outlines``: in per cent of the kept picture."""
    if not figure.image:
        return {"sentence": "", "outlines": []}
    if not figure.text_detection:
        return {"sentence": NOT_RUN, "outlines": []}
    detection = Detection.from_json(figure.text_detection)
    left = len(detection.places)
    return {
        "sentence": detection.sentence,
        "found": detection.found,
        "covered": detection.found - left,
        "left": left,
        "answer": ANSWERS[Answer(detection.answer)] if detection.answer else "",
        "engine": detection.engine,
        "date": parse_datetime(detection.date) if detection.date else None,
        "ran": detection.status in {Status.MARKED, Status.NOTHING_MARKED},
        "outlines": [
            {"number": number, "box": outline(place)} for number, place in enumerate(detection.places, start=1)
        ],
        "figure": figure,
        "address": media_url(figure.image),
    }


def text_detection_html(figure: Figure) -> SafeString:
    """The same as HTML, for a form."""
    return render_to_string("admin/procedures/figure/text_detection.html", text_detection_context(figure))
