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

from procedures.admin.base import get_staff_user, render_admin, staff_file_url
from procedures.figures.decoding import InvalidImageError
from procedures.figures.redaction import Redactions
from procedures.figures.renditions import encode_png, load_master_image
from procedures.figures.text_detection import (
    UPLOADER_ANSWER_LABELS,
    Detection,
    DetectionStatus,
    TextRegion,
    UploaderAnswer,
    detect_text,
)
from procedures.models import Figure

# A box over a marked place is this much larger on each side, in parts of the picture.
COVER_PADDING = 0.004
PERCENT_DIGITS = 2
DETECT_TEXT_URL_NAME = "admin:procedures_figure_detect_text"
NOT_RUN_MESSAGE = "The text finder has not looked at this picture. Look at the whole picture."


def cover_box(region: TextRegion) -> tuple[float, float, float, float]:
    """The black box over a place, in per cent: left, top, width, height."""
    left, top = max(0.0, region.left - COVER_PADDING), max(0.0, region.top - COVER_PADDING)
    right, bottom = (
        min(1.0, region.left + region.width + COVER_PADDING),
        min(1.0, region.top + region.height + COVER_PADDING),
    )
    # Rounded outward: to hundredths of a per cent.
    x, y = (math.floor(side * 10_000) / 100 for side in (left, top))
    x1, y1 = (min(100.0, math.ceil(side * 10_000) / 100) for side in (right, bottom))
    return x, y, round(x1 - x, PERCENT_DIGITS), round(y1 - y, PERCENT_DIGITS)


def build_regions(detection: Detection, redactions: Redactions) -> list[dict[str, Any]]:
    """Marked places, and whether they are covered; numbers in per cent of the picture as it was uploaded."""
    visible = detection.visible_regions(redactions)
    return [
        {"number": number, "box": outline_box(place), "cover": cover_box(place), "covered": place not in visible}
        for number, place in enumerate(detection.places, start=1)
    ]


def outline_box(region: TextRegion) -> tuple[float, float, float, float]:
    """Left, top, width, height in per cent."""
    left, top, width, height = (
        round(part * 100, PERCENT_DIGITS) for part in (region.left, region.top, region.width, region.height)
    )
    return left, top, width, height


def text_detection_context(figure: Figure) -> dict[str, Any]:
    """Context of ``admin/procedures/figure/text_detection.html``. ``outlines``: in per cent of the kept picture."""
    if not figure.image:
        return {"sentence": "", "outlines": []}
    if not figure.text_detection:
        return {"sentence": NOT_RUN_MESSAGE, "outlines": []}
    detection = Detection.from_json(figure.text_detection)
    left = len(detection.places)
    return {
        "sentence": detection.message,
        "found_count": detection.found,
        "covered_count": detection.found - left,
        "visible_count": left,
        "answer": UPLOADER_ANSWER_LABELS[UploaderAnswer(detection.answer)] if detection.answer else "",
        "engine": detection.engine,
        "date": parse_datetime(detection.date) if detection.date else None,
        "has_run": detection.status in {DetectionStatus.MARKED, DetectionStatus.NOTHING_MARKED},
        "outlines": [
            {"number": number, "box": outline_box(place)} for number, place in enumerate(detection.places, start=1)
        ],
        "figure": figure,
        "image_url": staff_file_url(figure.image),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def figure_text_view(request: HttpRequest, figure_id: int) -> HttpResponse:
    """Let the text finder look at a saved picture: one from a bundle or the content folder, or an older upload."""
    if not get_staff_user(request).has_perm("procedures.change_figure"):
        raise PermissionDenied
    figure = get_object_or_404(Figure.objects.exclude(image=""), pk=figure_id)
    error = ""
    known = text_detection_context(figure)
    # The pixels have not changed since the upload, so the record of a finished search is not replaced.
    if request.method == "POST" and not known.get("has_run"):
        try:
            found = detect_text(encode_png(load_master_image(figure)))
        except InvalidImageError as wrong:
            error = str(wrong)
        else:
            Figure.objects.filter(pk=figure.pk, sha256=figure.sha256).update(text_detection=found.to_json())
            return HttpResponseRedirect(request.path)
    context = {**known, "figure": figure, "error": error}
    title = f"Text in the picture {figure.slug}"
    return render_admin(request, "figure/detect_text", context, title=title, status=400 if error else 200)


def text_detection_html(figure: Figure) -> SafeString:
    """The same as HTML, for a form, with a link to the search if the picture was not searched yet."""
    context = text_detection_context(figure)
    if figure.image and not context.get("has_run"):
        context["detect_text_url"] = reverse(DETECT_TEXT_URL_NAME, args=[figure.pk])
    return render_to_string("admin/procedures/figure/text_detection.html", context)
