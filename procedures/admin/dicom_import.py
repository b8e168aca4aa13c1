"""From the frames of a DICOM file, or a 16-bit PNG, to one picture: which frame, which window, which polarity."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
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
    """A frame and how it is shown. Without middle and width the file decides."""

    frame = forms.IntegerField(min_value=1, required=False, label="Frame")
    center = forms.FloatField(
        required=False, label="Middle of the window (brightness)", widget=forms.NumberInput({"step": "any"})
    )
    width = forms.FloatField(
        required=False, label="Width of the window (contrast)", widget=forms.NumberInput({"step": "any"})
    )
    invert = forms.BooleanField(required=False, label="Turn black and white round")

    def __init__(self, data: Any, *, frames: FrameSet) -> None:
        super().__init__(data)
        self.frames = frames
        self.fields["frame"].widget.attrs["max"] = frames.count
        self.fields["frame"].help_text = f"1 to {frames.count}"

    def clean(self) -> dict[str, Any]:
        """``window``: a Window, or None."""
        values = super().clean() or self.cleaned_data
        values["frame"] = values.get("frame") or 1
        center, width = values.get("center"), values.get("width")
        if (center is None) != (width is None) and not self.errors:
            raise forms.ValidationError("Give both the middle and the width of the window, or neither.")
        values["window"] = None
        if center is not None and width is not None:
            try:
                values["window"] = Window(center, width)
            except InvalidImageError as error:
                raise forms.ValidationError(str(error)) from error
        return values

    def render_frame(self) -> DecodedImage:
        """The chosen frame. Raises BadPictureError with a sentence for whatever is wrong."""
        if not self.is_valid():
            raise InvalidImageError(" ".join(str(sentence) for rows in self.errors.values() for sentence in rows))
        values = self.cleaned_data
        return self.frames.render(values["frame"], values["window"], invert=values["invert"])

    def get_field_values(self) -> list[tuple[str, str]]:
        """What is on the screen, as fields. Call it on a valid form only."""
        values = ((name, self.cleaned_data[name]) for name in ("frame", "center", "width", "invert"))
        return [(name, "on" if value is True else str(value)) for name, value in values if value not in (None, False)]


def _get_frames(request: HttpRequest, token: str) -> tuple[StagedImage, FrameSet] | None:
    waiting = get_staged_image(request, token)
    return (waiting, waiting.load_frames()) if waiting and waiting.has_frames else None


@require_http_methods(["GET", "HEAD", "POST"])
def choose_frame_view(request: HttpRequest, token: str) -> HttpResponse:
    """The screen; with POST the shown picture goes on to be checked."""
    found = _get_frames(request, token)
    if found is None:
        return render_expired(request)
    waiting, there = found
    form = WindowForm({"frame": "1", **(request.POST or request.GET).dict()}, frames=there)
    error = ""
    try:
        shown = form.render_frame()
    except InvalidImageError as wrong:
        error = str(wrong)
    else:
        if request.method == "POST":
            waiting.set_image(shown)
            waiting.update_metadata(is_inverted=form.cleaned_data["invert"])
            return HttpResponseRedirect(reverse("admin:procedures_figure_check", args=[token]))
    number = form.cleaned_data.get("frame") or 1 if form.is_valid() else 1
    number = min(number, there.count)
    context: dict[str, Any] = {
        **_frame_context(there, number),
        "staged": waiting,
        "frames": there,
        "form": form,
        "error": error,
        "frame_number": number,
        "thumbnail_numbers": there.sample_frames(),
        "selected_values": [] if error else form.get_field_values(),
        "query": "" if error else urlencode(form.get_field_values()),
    }
    return render_admin(
        request, "figure/frames", context, title="Choose a frame and a window", status=400 if error else 200
    )


def _frame_context(frames: FrameSet, number: int) -> dict[str, Any]:
    """Windows and notes of a grey frame; none for color, or where the frame turns out to be damaged."""
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
    """One frame as PNG; ``small`` in the address asks for a thumbnail."""
    found = _get_frames(request, token)
    if found is None:
        raise Http404
    form = WindowForm(request.GET, frames=found[1])
    try:
        if "small" in request.GET and form.is_valid():
            shown = found[1].render_thumbnail(form.cleaned_data["frame"])
        else:
            shown = form.render_frame()
    except InvalidImageError as error:
        return json_error(400, str(error))
    return HttpResponse(encode_png(shown), content_type="image/png", headers=NO_STORE_HEADERS)
