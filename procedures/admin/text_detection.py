"""Results of text detection, prepared for the check screen, the figure's form, and the review screen."""

import math
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
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

# Margin of a black box around a marked region, as a fraction of the picture.
COVER_PADDING = 0.004
PERCENT_DIGITS = 2
DETECT_TEXT_URL_NAME = "admin:procedures_figure_detect_text"
NOT_RUN_MESSAGE = gettext_lazy("The text finder has not looked at this picture. Look at the whole picture.")


def cover_box(region: TextRegion) -> tuple[float, float, float, float]:
    """Return the black box over a region, in percent: left, top, width, height."""
    left, top = max(0.0, region.left - COVER_PADDING), max(0.0, region.top - COVER_PADDING)
    right, bottom = (
        min(1.0, region.left + region.width + COVER_PADDING),
        min(1.0, region.top + region.height + COVER_PADDING),
    )
    # Rounded outward to hundredths of a percent.
    x, y = (math.floor(side * 10_000) / 100 for side in (left, top))
    x1, y1 = (min(100.0, math.ceil(side * 10_000) / 100) for side in (right, bottom))
    return x, y, round(x1 - x, PERCENT_DIGITS), round(y1 - y, PERCENT_DIGITS)


def build_regions(detection: Detection, redactions: Redactions) -> list[dict[str, Any]]:
    """Return the marked regions, and whether they are covered. Numbers are in percent of the uploaded picture."""
    visible = detection.visible_regions(redactions)
    return [
        {"number": number, "box": outline_box(region), "cover": cover_box(region), "covered": region not in visible}
        for number, region in enumerate(detection.places, start=1)
    ]


def outline_box(region: TextRegion) -> tuple[float, float, float, float]:
    """Return left, top, width, and height in percent."""
    left, top, width, height = (
        round(part * 100, PERCENT_DIGITS) for part in (region.left, region.top, region.width, region.height)
    )
    return left, top, width, height


def text_detection_context(figure: Figure) -> dict[str, Any]:
    """Return the context of ``figure/text_detection.html``. Outlines are in percent of the saved picture."""
    if not figure.image:
        return {"sentence": "", "outlines": []}
    if not figure.text_detection:
        return {"sentence": NOT_RUN_MESSAGE, "outlines": []}
    detection = Detection.from_json(figure.text_detection)
    visible_count = len(detection.places)
    return {
        "sentence": detection.message,
        "found_count": detection.found,
        "covered_count": detection.found - visible_count,
        "visible_count": visible_count,
        "answer": UPLOADER_ANSWER_LABELS[UploaderAnswer(detection.answer)] if detection.answer else "",
        "engine": detection.engine,
        "date": parse_datetime(detection.date) if detection.date else None,
        "has_run": detection.status in {DetectionStatus.MARKED, DetectionStatus.NOTHING_MARKED},
        "outlines": [
            {"number": number, "box": outline_box(region)} for number, region in enumerate(detection.places, start=1)
        ],
        "figure": figure,
        "image_url": staff_file_url(figure.image),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def figure_text_view(request: HttpRequest, figure_id: int) -> HttpResponse:
    """Run text detection on a saved picture that has no finished result, such as one from the content folder."""
    if not get_staff_user(request).has_perm("procedures.change_figure"):
        raise PermissionDenied
    figure = get_object_or_404(Figure.objects.exclude(image=""), pk=figure_id)
    error = ""
    saved = text_detection_context(figure)
    # The pixels cannot have changed since, so a finished result is not replaced.
    if request.method == "POST" and not saved.get("has_run"):
        try:
            detection = detect_text(encode_png(load_master_image(figure)))
        except InvalidImageError as invalid:
            error = str(invalid)
        else:
            Figure.objects.filter(pk=figure.pk, sha256=figure.sha256).update(text_detection=detection.to_json())
            return HttpResponseRedirect(request.path)
    context = {**saved, "figure": figure, "error": error}
    title = _("Text in the picture %(slug)s") % {"slug": figure.slug}
    return render_admin(request, "figure/detect_text", context, title=title, status=400 if error else 200)


def text_detection_html(figure: Figure) -> SafeString:
    """Render the result as HTML, with a link that runs text detection if there is no finished result."""
    context = text_detection_context(figure)
    if figure.image and not context.get("has_run"):
        context["detect_text_url"] = reverse(DETECT_TEXT_URL_NAME, args=[figure.pk])
    return render_to_string("admin/procedures/figure/text_detection.html", context)
