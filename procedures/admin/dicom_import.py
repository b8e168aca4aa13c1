"""Choose a picture from a DICOM file or a 16-bit PNG: the frame, the grayscale window, and the polarity."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from procedures.admin.base import render_admin
from procedures.admin.image_upload import NO_STORE_HEADERS, get_staged_image, render_expired
from procedures.admin.json_api import json_error
from procedures.figures.decoding import DecodedImage, InvalidImageError
from procedures.figures.dicom.grayscale import Window
from procedures.figures.dicom.reader import FrameSet
from procedures.figures.renditions import encode_png
from procedures.figures.staging import StagedImage


class WindowForm(forms.Form):
    """A frame and its window. Without center and width, the file's own window applies."""

    frame = forms.IntegerField(min_value=1, required=False, label=gettext_lazy("Frame"))
    center = forms.FloatField(
        required=False,
        label=gettext_lazy("Middle of the window (brightness)"),
        widget=forms.NumberInput({"step": "any"}),
    )
    width = forms.FloatField(
        required=False, label=gettext_lazy("Width of the window (contrast)"), widget=forms.NumberInput({"step": "any"})
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
            raise forms.ValidationError(_("Give both the middle and the width of the window, or neither."))
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
    title = _("Choose a frame and a window")
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
