"""A new picture from within the editor: words and consent first, then the snippet that shows it."""

from django.http import HttpRequest, JsonResponse

from procedures.admin.answers import refusal, staff_json, too_often
from procedures.admin.base import staff
from procedures.admin.figure_forms import UploadForm
from procedures.figures.intake import MOST_BYTES

FORM_BYTES = 64 * 1024
MOST_UPLOADS, SECONDS = 20, 600


@staff_json("procedures.add_figure", method="POST", most_bytes=MOST_BYTES + FORM_BYTES)
def upload(request: HttpRequest) -> JsonResponse:
    """201 with ``snippet``; 400 with ``errors`` by field, or 429."""
    user = staff(request)
    if too_often(user.pk, "picture", most=MOST_UPLOADS, seconds=SECONDS):
        return refusal(429, f"That were {MOST_UPLOADS} pictures in ten minutes. Please wait a little.")
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return refusal(400, "The picture is not in yet.", errors=form.errors.get_json_data())
    figure = form.keep(uploaded_by=user)
    return JsonResponse({"slug": figure.slug, "snippet": f"::: figure {figure.slug}"}, status=201)
