"""Choose and stage a picture: an upload, the picture of a figure, or a frame of a DICOM file or 16-bit PNG.

All staff uploads go through these screens and those of ``image_check``: new figures, replacements, uploads from the
editor, and DICOM frames. The first step accepts JPEG, PNG, WebP, and DICOM, and detects the format by content. Between
the steps, only pixels are stored (procedures/figures/staging.py). Every step works without JavaScript.
"""

from contextlib import suppress
from typing import Any, BinaryIO, cast
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import MEGABYTE
from portal.http import SANDBOX_POLICY, get_content_length, reads_no_anonymous_body, wants_json
from portal.security import TokenBucket
from procedures.admin.base import (
    StrOrPromise,
    get_staff_user,
    json_error,
    render_admin,
    staff_json_view,
)
from procedures.figures.approval import figure_hash
from procedures.figures.decoding import MAX_IMAGE_BYTES, DecodedImage, InvalidImageError
from procedures.figures.dicom import reader
from procedures.figures.dicom.grayscale import Window
from procedures.figures.dicom.reader import FrameSet
from procedures.figures.renditions import encode_png, load_master_image
from procedures.figures.staging import MAX_STAGED_PER_USER, StagedImage, create_staged, find_staged, stage
from procedures.models import Figure

# The largest file, plus the multipart form around it.
MAX_REQUEST_BYTES = reader.MAX_DICOM_BYTES + 64 * 1024
# Limits on uploads per user and 10 minutes, on the upload screen and in the editor. They apply to each process
# separately.
UPLOAD_RATE_LIMIT = TokenBucket(burst=MAX_STAGED_PER_USER, per_second=MAX_STAGED_PER_USER / 600)
EDITOR_UPLOAD_RATE_LIMIT = TokenBucket(burst=20, per_second=20 / 600)
TOO_MANY_UPLOADS_MESSAGE = gettext_lazy(
    "You uploaded %(count)s pictures in 10 minutes. Wait a few minutes, then try again."
)
FILE_TOO_LARGE_MESSAGE = gettext_lazy("The file is larger than %(size)s MB. Choose a smaller one.")
# Staged pictures are private: neither browsers nor proxies may cache them.
NO_STORE_HEADERS = {"Cache-Control": "no-store, private", "Content-Security-Policy": SANDBOX_POLICY}


def require_figure_permission(request: HttpRequest, figure_id: int | None) -> None:
    """Raise PermissionDenied for users who cannot add a figure, or change the given one."""
    permission = "procedures.add_figure" if figure_id is None else "procedures.change_figure"
    if not get_staff_user(request).has_perm(permission):
        raise PermissionDenied


def get_staged_image(request: HttpRequest, token: str) -> StagedImage | None:
    """Return the user's own staged picture, or None if it has expired. Raise PermissionDenied like the first step."""
    staged = find_staged(token, user_id=get_staff_user(request).pk)
    if staged:
        require_figure_permission(request, staged.figure_id)
    return staged


def render_expired(request: HttpRequest) -> HttpResponse:
    """Return a 404 page saying that the picture is no longer staged."""
    return render_admin(request, "figure/expired", {}, title=_("This upload has expired"), status=404)


@reads_no_anonymous_body
@require_http_methods(["GET", "HEAD", "POST"])
def choose_image_view(request: HttpRequest) -> HttpResponse:
    """Choose or upload a file.

    Permission and size are checked before the body is read. The CSRF token, which is in the body, comes last.
    """
    slug = request.GET.get("figure", "")
    figure = get_object_or_404(Figure, slug=slug) if slug else None
    require_figure_permission(request, figure.pk if figure else None)
    if get_content_length(request) > MAX_REQUEST_BYTES:
        message = FILE_TOO_LARGE_MESSAGE % {"size": reader.MAX_DICOM_BYTES // MEGABYTE}
        return _render_upload_error(request, figure, message, 413)
    response: HttpResponse = _handle_upload(request, figure)
    return response


@csrf_protect
def _handle_upload(request: HttpRequest, figure: Figure | None) -> HttpResponse:
    if request.method != "POST":
        return _render_choose_image(request, figure)
    user = get_staff_user(request)
    if not UPLOAD_RATE_LIMIT.consume(str(user.pk)):
        return _render_upload_error(request, figure, TOO_MANY_UPLOADS_MESSAGE % {"count": UPLOAD_RATE_LIMIT.burst}, 429)
    try:
        if "keep" in request.POST and figure:
            original = load_master_image(figure)
            staged = create_staged(user_id=user.pk, figure_id=figure.pk, base_hash=figure_hash(figure), is_own=True)
            staged.update_metadata(file_kind=figure.kind)
            staged.set_image(original)
        elif upload := request.FILES.get("picture"):
            staged = stage(
                cast("BinaryIO", upload.file),
                user_id=user.pk,
                figure_id=figure.pk if figure else None,
                base_hash=figure_hash(figure) if figure else "",
            )
        else:
            raise InvalidImageError(_("Choose a picture."))
    except InvalidImageError as error:
        return _render_upload_error(request, figure, str(error), 400)
    next_url = get_next_step_url(staged)
    if wants_json(request):
        return JsonResponse({"next": next_url}, status=201)
    return HttpResponseRedirect(next_url)


def get_next_step_url(staged: StagedImage) -> str:
    """Return the URL of the check screen, or of the choice of a frame and window that comes before it."""
    step = "check" if staged.has_image else "frames"
    return reverse(f"admin:procedures_figure_{step}", args=[staged.token])


def _render_choose_image(
    request: HttpRequest, figure: Figure | None, error: StrOrPromise = "", status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "figure": figure,
        "error": error,
        "max_image_mb": MAX_IMAGE_BYTES // MEGABYTE,
        "max_dicom_mb": reader.is_dicom_installed() and reader.MAX_DICOM_BYTES // MEGABYTE,
    }
    title = _("Replace the picture %(slug)s") % {"slug": figure.slug} if figure else _("Add a picture")
    return render_admin(request, "figure/choose_image", context, title=title, status=status)


def _render_upload_error(
    request: HttpRequest, figure: Figure | None, message: StrOrPromise, status: int
) -> HttpResponse:
    if wants_json(request):
        return json_error(status, message)
    return _render_choose_image(request, figure, message, status)


@require_safe
def staged_image_view(request: HttpRequest, token: str) -> HttpResponse:
    """Serve the staged picture without redactions."""
    staged = get_staged_image(request, token)
    if staged is None or not staged.has_image:
        raise Http404
    return HttpResponse(staged.read_png(), content_type="image/png", headers=NO_STORE_HEADERS)


@require_POST
def cancel_upload_view(request: HttpRequest, token: str) -> HttpResponse:
    """Discard the staged picture."""
    staged = get_staged_image(request, token)
    if staged is None:
        return HttpResponseRedirect(reverse("admin:procedures_figure_changelist"))
    staged.discard()
    if staged.figure_id is None:
        return HttpResponseRedirect(reverse("admin:procedures_figure_changelist"))
    return HttpResponseRedirect(reverse("admin:procedures_figure_change", args=[staged.figure_id]))


@staff_json_view("procedures.add_figure", method="POST", max_bytes=MAX_REQUEST_BYTES)
def editor_upload_view(request: HttpRequest) -> JsonResponse:
    """Stage an upload. Return 201 with the URLs of the check screen (``next``) and of the outcome (``saved``)."""
    user = get_staff_user(request)
    if not EDITOR_UPLOAD_RATE_LIMIT.consume(str(user.pk)):
        return json_error(429, TOO_MANY_UPLOADS_MESSAGE % {"count": EDITOR_UPLOAD_RATE_LIMIT.burst})
    upload = request.FILES.get("picture")
    if upload is None:
        return json_error(400, _("Choose a picture."))
    try:
        staged = stage(cast("BinaryIO", upload.file), user_id=user.pk, from_editor=True)
    except InvalidImageError as error:
        return json_error(400, str(error))
    return JsonResponse(
        {
            "next": get_next_step_url(staged),
            "saved": reverse("admin:procedures_figure_upload_status", args=[staged.token]),
        },
        status=201,
    )


@staff_json_view("procedures.add_figure", method="GET", max_bytes=0)
def editor_upload_status_view(request: HttpRequest, token: str) -> JsonResponse:
    """Return ``snippet`` after the picture is saved, ``expired`` if it was canceled, and neither while it is staged."""
    staged = find_staged(token, user_id=get_staff_user(request).pk, touch=False)
    if staged is None:
        return JsonResponse(
            {"expired": _("The upload was canceled or not saved within an hour. Choose the picture again.")}
        )
    figure = Figure.objects.filter(pk=staged.saved_figure_id).first() if staged.saved_figure_id else None
    return JsonResponse({"slug": figure.slug, "snippet": f"::: figure {figure.slug}"} if figure else {})


class WindowForm(forms.Form):
    """A frame and its window. Without center and width, the file's own window applies."""

    frame = forms.IntegerField(min_value=1, required=False, label=gettext_lazy("Frame"))
    center = forms.FloatField(
        required=False,
        label=gettext_lazy("Brightness (window center)"),
        widget=forms.NumberInput({"step": "any"}),
    )
    width = forms.FloatField(
        required=False, label=gettext_lazy("Contrast (window width)"), widget=forms.NumberInput({"step": "any"})
    )
    invert = forms.BooleanField(required=False, label=gettext_lazy("Invert black and white"))

    def __init__(self, data: Any, *, frames: FrameSet) -> None:
        super().__init__(data)
        self.frames = frames
        self.fields["frame"].widget.attrs["max"] = frames.count
        self.fields["frame"].help_text = _("1 to %(count)s") % {"count": frames.count}

    def clean(self) -> dict[str, Any]:
        """Add ``window``, a Window or None."""
        values = super().clean() or self.cleaned_data
        values["frame"] = values.get("frame") or 1
        center, width = values.get("center"), values.get("width")
        if (center is None) != (width is None) and not self.errors:
            raise forms.ValidationError(_("Enter both brightness and contrast, or leave both empty."))
        values["window"] = None
        if center is not None and width is not None:
            try:
                values["window"] = Window(center, width)
            except InvalidImageError as error:
                raise forms.ValidationError(str(error)) from error
        return values

    def render_frame(self) -> DecodedImage:
        """Return the chosen frame. Raise InvalidImageError with all messages if the form or the frame is invalid."""
        if not self.is_valid():
            raise InvalidImageError(" ".join(str(message) for messages in self.errors.values() for message in messages))
        values = self.cleaned_data
        return self.frames.render(values["frame"], values["window"], invert=values["invert"])

    def get_field_values(self) -> list[tuple[str, str]]:
        """Return the names and values of the fields to resubmit. The form must be valid."""
        values = ((name, self.cleaned_data[name]) for name in ("frame", "center", "width", "invert"))
        return [(name, "on" if value is True else str(value)) for name, value in values if value not in (None, False)]


def _get_frames(request: HttpRequest, token: str) -> tuple[StagedImage, FrameSet] | None:
    staged = get_staged_image(request, token)
    return (staged, staged.load_frames()) if staged and staged.has_frames else None


@require_http_methods(["GET", "HEAD", "POST"])
def choose_frame_view(request: HttpRequest, token: str) -> HttpResponse:
    """Show the chosen frame. With POST, stage it as the picture to check."""
    staged_frames = _get_frames(request, token)
    if staged_frames is None:
        return render_expired(request)
    staged, frames = staged_frames
    form = WindowForm({"frame": "1", **(request.POST or request.GET).dict()}, frames=frames)
    error = ""
    try:
        image = form.render_frame()
    except InvalidImageError as invalid:
        error = str(invalid)
    else:
        if request.method == "POST":
            staged.set_image(image)
            staged.update_metadata(is_inverted=form.cleaned_data["invert"])
            return HttpResponseRedirect(reverse("admin:procedures_figure_check", args=[token]))
    number = form.cleaned_data.get("frame") or 1 if form.is_valid() else 1
    number = min(number, frames.count)
    context: dict[str, Any] = {
        **_frame_context(frames, number),
        "staged": staged,
        "frames": frames,
        "form": form,
        "error": error,
        "frame_number": number,
        "thumbnail_numbers": frames.sample_frames(),
        "selected_values": [] if error else form.get_field_values(),
        "query": "" if error else urlencode(form.get_field_values()),
    }
    title = _("Choose a frame")
    return render_admin(request, "figure/frames", context, title=title, status=400 if error else 200)


def _frame_context(frames: FrameSet, number: int) -> dict[str, Any]:
    """Return the presets, range, and warnings of a grayscale frame; none for a color frame or a damaged one."""
    with suppress(InvalidImageError):
        if not frames.is_color:
            return {
                "presets": frames.presets(number),
                "window_range": frames.full_range(number),
                "notes": frames.warnings(number),
            }
    return {"presets": [], "window_range": None, "notes": []}


@require_safe
def frame_image_view(request: HttpRequest, token: str) -> HttpResponse:
    """Serve a frame as PNG, or its thumbnail with ``?small=1``."""
    staged_frames = _get_frames(request, token)
    if staged_frames is None:
        raise Http404
    frames = staged_frames[1]
    form = WindowForm(request.GET, frames=frames)
    try:
        if "small" in request.GET and form.is_valid():
            image = frames.render_thumbnail(form.cleaned_data["frame"])
        else:
            image = form.render_frame()
    except InvalidImageError as error:
        return json_error(400, str(error))
    return HttpResponse(encode_png(image), content_type="image/png", headers=NO_STORE_HEADERS)
