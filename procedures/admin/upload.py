"""A new picture from the editor: its file goes to the check screen; once saved, it is inserted into the text."""

from typing import BinaryIO, cast

from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from procedures.admin.answers import refusal, staff_json, too_often
from procedures.admin.base import staff
from procedures.admin.intake import MAX_REQUEST_BYTES, TOO_MANY, first_step
from procedures.figures.intake import BadPictureError
from procedures.figures.waiting import bring, find
from procedures.models import Figure

MAX_UPLOADS, SECONDS = 20, 600


@staff_json("procedures.add_figure", method="POST", most_bytes=MAX_REQUEST_BYTES)
def upload(request: HttpRequest) -> JsonResponse:
    """Answer 201 with ``next`` (the check screen) and ``saved`` (the address of the outcome). Saves nothing yet."""
    user = staff(request)
    if too_often(user.pk, "picture", most=MAX_UPLOADS, seconds=SECONDS):
        return refusal(429, TOO_MANY % MAX_UPLOADS)
    sent = request.FILES.get("picture")
    if sent is None:
        return refusal(400, "Choose a picture.")
    try:
        waiting = bring(cast("BinaryIO", sent.file), user_id=user.pk, editor=True)
    except BadPictureError as error:
        return refusal(400, str(error))
    return JsonResponse(
        {
            "next": first_step(waiting),
            "saved": reverse("admin:procedures_figure_uploaded", args=[waiting.token]),
        },
        status=201,
    )


@staff_json("procedures.add_figure", method="GET", most_bytes=0)
def saved(request: HttpRequest, token: str) -> JsonResponse:
    """Answer with ``snippet`` once the picture is saved, ``gone`` when it was canceled, and neither while it waits."""
    waiting = find(token, user_id=staff(request).pk, touch=False)
    if waiting is None:
        return JsonResponse({"gone": "The picture was canceled or not saved in time. Choose it again."})
    figure = Figure.objects.filter(pk=waiting.saved).first() if waiting.saved else None
    return JsonResponse({"slug": figure.slug, "snippet": f"::: figure {figure.slug}"} if figure else {})
