"""What the text finder marked, as the check screen, the figure's form and the reviewer see it."""

import math
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from procedures.admin.base import staff
from procedures.admin.figure_files import staff_url
from procedures.admin.shell import screen
from procedures.figures.edit import Edits
from procedures.figures.intake import BadPictureError
from procedures.figures.renditions import master, png
from procedures.figures.text_detection import ANSWERS, Answer, Detection, Place, Status, detect
from procedures.models import Figure

# A box over a marked place is this much larger on each side, in parts of the picture.
PADDING = 0.004
DIGITS = 2
LOOK = "admin:procedures_figure_look_for_text"
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
    """Marked places, and whether they are covered; numbers in per cent of the picture as it was uploaded."""
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
        "address": staff_url(figure.image),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def look_for_text(request: HttpRequest, figure_id: int) -> HttpResponse:
    """Let the text finder look at a saved picture: one from a bundle or the content folder, or an older upload."""
    if not staff(request).has_perm("procedures.change_figure"):
        raise PermissionDenied
    figure = get_object_or_404(Figure.objects.exclude(image=""), pk=figure_id)
    error = ""
    known = text_detection_context(figure)
    # The pixels have not changed since the upload, so the record of a finished search is not replaced.
    if request.method == "POST" and not known.get("ran"):
        try:
            found = detect(png(master(figure)))
        except BadPictureError as wrong:
            error = str(wrong)
        else:
            Figure.objects.filter(pk=figure.pk, sha256=figure.sha256).update(text_detection=found.to_json())
            return HttpResponseRedirect(request.path)
    context = {**known, "figure": figure, "error": error}
    title = f"Text in the picture {figure.slug}"
    return screen(request, "figure/text", context, title=title, status=400 if error else 200)


def text_detection_html(figure: Figure) -> SafeString:
    """The same as HTML, for a form, with a link to the search if the picture was not searched yet."""
    context = text_detection_context(figure)
    if figure.image and not context.get("ran"):
        context["address_to_look"] = reverse(LOOK, args=[figure.pk])
    return render_to_string("admin/procedures/figure/text_detection.html", context)
