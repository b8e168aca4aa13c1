"""Upload a picture: choose it, crop and cover it, look at the result, say what it is and where it is from, save.

All uploads by staff pass these screens: new figures, replaced pictures, the editor's window, DICOM frames. The server
saves only the result that it served last to this person (Waiting.was_shown). The first step takes JPEG, PNG, WebP and
DICOM alike; the content decides what a file is. Between the steps bare pixels wait (procedures/figures/staging.py).
Every step works without JavaScript.
"""

from typing import Any, BinaryIO, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from procedures.admin.base import get_staff_user, render_admin
from procedures.admin.figure_forms import (
    ImageCheckForm,
    NewFigureForm,
    RedactionsForm,
    TextAnswerForm,
    add_boxes,
    encode_redactions,
    save_figure,
)
from procedures.admin.json_api import is_rate_limited, json_error, staff_json_view
from procedures.admin.stale_pages import StalePagesMixin
from procedures.admin.text_detection import build_regions
from procedures.enums import FigureKind
from procedures.figures.decoding import DecodedImage, InvalidImageError, read_png_size
from procedures.figures.dicom import reader
from procedures.figures.markers.data import transform_markers
from procedures.figures.renditions import encode_png, find_duplicate, load_master_image, store_image
from procedures.figures.staging import StagedImage, find_staged, open_staged, stage
from procedures.figures.text_detection import Detection, DetectionStatus, TextRegion, detect_text, unavailable_status
from procedures.figures.unused_files import rollback_files
from procedures.models import Figure, FigureText

# A file and the form around it.
MAX_REQUEST_BYTES = reader.MAX_DICOM_BYTES + 64 * 1024
MAX_UPLOADS, UPLOAD_WINDOW_SECONDS = 40, 600
TOO_MANY_UPLOADS_MESSAGE = "You uploaded %s pictures in 10 minutes. Wait a few minutes, then try again."
# Outcomes after which another try makes sense.
RETRYABLE_STATUSES = (DetectionStatus.BUSY, DetectionStatus.TIMED_OUT, DetectionStatus.FAILED)
# What waits is for one person, now: not for a browser's cache, not for a proxy's.
NO_STORE_HEADERS = {"Cache-Control": "no-store, private", "Content-Security-Policy": "default-src 'none'; sandbox"}


def require_figure_permission(request: HttpRequest, figure_id: int | None) -> None:
    """Raises PermissionDenied for whoever may not bring in this picture."""
    if not get_staff_user(request).has_perm(
        "procedures.add_figure" if figure_id is None else "procedures.change_figure"
    ):
        raise PermissionDenied


def get_staged_image(request: HttpRequest, token: str) -> StagedImage | None:
    """What waits for the person who asks."""
    waiting = find_staged(token, user_id=get_staff_user(request).pk)
    if waiting:
        require_figure_permission(request, waiting.figure_id)
    return waiting


def render_expired(request: HttpRequest) -> HttpResponse:
    """The answer where nothing waits any longer."""
    return render_admin(request, "figure/expired", {}, title="The picture is not here any longer", status=404)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def choose_image_view(request: HttpRequest) -> HttpResponse:
    """The first step. Who sends and how much is looked at before the file is read, and only then the token in it."""
    asked = request.GET.get("figure", "")
    figure = get_object_or_404(Figure, slug=asked) if asked else None
    require_figure_permission(request, figure.pk if figure else None)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_REQUEST_BYTES:
        return _render_upload_error(request, figure, "The file is larger than 250 MB. Choose a smaller one.", 413)
    answer: HttpResponse = _handle_upload(request, figure)
    return answer


@csrf_protect
def _handle_upload(request: HttpRequest, figure: Figure | None) -> HttpResponse:
    if request.method != "POST":
        return _render_choose_image(request, figure)
    user = get_staff_user(request)
    if is_rate_limited(user.pk, "intake", limit=MAX_UPLOADS, seconds=UPLOAD_WINDOW_SECONDS):
        return _render_upload_error(request, figure, TOO_MANY_UPLOADS_MESSAGE % MAX_UPLOADS, 429)
    try:
        if "keep" in request.POST and figure:
            original = load_master_image(figure)
            waiting = open_staged(user_id=user.pk, figure_id=figure.pk, is_own=True)
            waiting.update_metadata(file_kind=figure.kind)
            waiting.set_image(original)
        elif sent := request.FILES.get("picture"):
            waiting = stage(cast("BinaryIO", sent.file), user_id=user.pk, figure_id=figure.pk if figure else None)
        else:
            raise InvalidImageError("Choose a picture.")
    except InvalidImageError as error:
        return _render_upload_error(request, figure, str(error), 400)
    address = get_next_step_url(waiting)
    if _wants_json(request):
        return JsonResponse({"next": address}, status=201)
    return HttpResponseRedirect(address)


def get_next_step_url(staged: StagedImage) -> str:
    """The address of the next screen: the check, or the choice of a frame and a window before it."""
    step = "check" if staged.has_image else "frames"
    return reverse(f"admin:procedures_figure_{step}", args=[staged.token])


def _render_choose_image(
    request: HttpRequest, figure: Figure | None, error: str = "", status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"figure": figure, "error": error, "is_dicom_available": reader.is_dicom_installed()}
    title = f"Another picture for {figure.slug}" if figure else "Bring in a picture"
    return render_admin(request, "figure/choose_image", context, title=title, status=status)


def _render_upload_error(request: HttpRequest, figure: Figure | None, message: str, status: int) -> HttpResponse:
    return (
        json_error(status, message) if _wants_json(request) else _render_choose_image(request, figure, message, status)
    )


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "") == "application/json"


@require_safe
def staged_image_view(request: HttpRequest, token: str) -> HttpResponse:
    """The picture that waits, as it came in."""
    waiting = get_staged_image(request, token)
    if waiting is None or not waiting.has_image:
        raise Http404
    return HttpResponse(waiting.read_png(), content_type="image/png", headers=NO_STORE_HEADERS)


@require_safe
def redacted_image_view(request: HttpRequest, token: str) -> HttpResponse:
    """What would be kept with the rectangles in the address: as PNG, or told to a script that asks for JSON."""
    waiting = get_staged_image(request, token)
    if waiting is None or not waiting.has_image:
        return json_error(404, "The picture was not saved in time and was deleted. Choose it again.")
    rectangles = RedactionsForm(request.GET if "box-TOTAL_FORMS" in request.GET else None)
    try:
        made = apply_redactions(waiting, rectangles)
    except InvalidImageError as error:
        return json_error(400, str(error))
    if not _wants_json(request):
        answer = HttpResponse(encode_png(made), content_type="image/png", headers=NO_STORE_HEADERS)
        if request.method == "GET":
            waiting.record_shown(made)
        return answer
    same = find_duplicate(made)
    width, height = made.image.size
    return JsonResponse(
        {"seen_sha256": made.sha256, "width": width, "height": height, "duplicate": same.slug if same else ""}
    )


def apply_redactions(staged: StagedImage, form: RedactionsForm) -> DecodedImage:
    """The waiting picture with its rectangles. Raises BadPictureError also for numbers that are none."""
    original = staged.load_image()
    if not form.crop.is_bound:
        return original
    if not form.is_valid():
        raise InvalidImageError("A number in one of the boxes does not fit. Correct it below.")
    return form.get_redactions().apply(original)


def get_text_detection(staged: StagedImage, *, retry: bool = False) -> Detection:
    """What the text finder says about the picture that waits; it looks once, or ``again``.

    Raises BadPictureError when the picture is deleted during the search.
    """
    known = staged.load_text_detection()
    if known is not None and not (retry and known.status in RETRYABLE_STATUSES):
        return known
    searched = staged.read_png()
    found = detect_text(searched)
    if (
        found.status in RETRYABLE_STATUSES
        and (other := staged.load_text_detection())
        and other.status not in RETRYABLE_STATUSES
    ):
        return other  # from a request that searched the same picture at the same time
    staged.save_text_detection(found, searched)
    return found


@require_POST
def detect_text_view(request: HttpRequest, token: str) -> HttpResponse:
    """Let the text finder look; answers the part of the check screen that shows what it marked."""
    waiting = get_staged_image(request, token)
    if waiting is None or not waiting.has_image:
        return json_error(404, "The picture was not saved in time and was deleted. Choose it again.")
    try:
        found = get_text_detection(waiting, retry="again" in request.POST)
    except InvalidImageError as error:
        return json_error(400, str(error))
    form = TextAnswerForm(initial={"text_answer": request.POST.get("text_answer", "")})
    context = {
        "detection": found,
        "regions": build_regions(found, RedactionsForm(request.POST).get_redactions_or_empty()),
        "form": form,
    }
    return render(request, "admin/procedures/figure/detection_result.html", context)


@require_POST
def cancel_upload_view(request: HttpRequest, token: str) -> HttpResponse:
    """Nothing waits any longer."""
    waiting = get_staged_image(request, token)
    if waiting is None:
        return HttpResponseRedirect(reverse("admin:procedures_figure_changelist"))
    waiting.discard()
    if waiting.figure_id is None:
        return HttpResponseRedirect(reverse("admin:procedures_figure_changelist"))
    return HttpResponseRedirect(reverse("admin:procedures_figure_change", args=[waiting.figure_id]))


RESULT_NOT_SEEN_MESSAGE = (
    "You have not seen the picture as it would be saved now. Look at it below, check the box, then save."
)
TEXT_FOUND_MESSAGE = "The text finder marked places that may be text. Cover them, or answer “Is this text?” below."
CROP_WITH_DRAWING_MESSAGE = (
    "This picture has a drawing with the same markers, so it cannot be cropped. Use black boxes instead."
)


@require_http_methods(["GET", "HEAD", "POST"])
def image_check_view(request: HttpRequest, token: str) -> HttpResponse:
    """Show the picture; with POST and ``do=save`` keep what is on the screen, else show what the rectangles make."""
    waiting = get_staged_image(request, token)
    if waiting is None:
        return render_expired(request)
    if not waiting.has_image:
        return HttpResponseRedirect(reverse("admin:procedures_figure_frames", args=[token]))
    figure = Figure.objects.filter(pk=waiting.figure_id).first() if waiting.figure_id else None
    if waiting.figure_id and figure is None:
        waiting.discard()
        return render_expired(request)
    try:
        return _ImageCheck(request, waiting, figure).respond()
    except InvalidImageError:  # saved, canceled or swept while this request searched it for text
        return render_expired(request)


class _ImageCheck:
    """One request at this screen. ``figure``: the one whose picture is replaced."""

    def __init__(self, request: HttpRequest, staged: StagedImage, figure: Figure | None) -> None:
        self.request, self.staged, self.figure = request, staged, figure
        self.data: QueryDict | None = request.POST if request.method == "POST" else None
        self.is_saving = bool(self.data and self.data.get("do") == "save")
        self.detection = self._detect_text()
        self.redactions_form = RedactionsForm(self.data)
        if self.data and (chosen := self.data.get("cover")):
            self.data = add_boxes(self.data, self._get_regions_to_cover(chosen))
            self.redactions_form = RedactionsForm(self.data)
        self.errors: list[str] = []
        self.duplicate: Figure | None = None

    def _detect_text(self) -> Detection | None:
        """What the text finder said. It looks in this request only if no script asked it before."""
        if self.is_saving or (self.data and "find" in self.data) or unavailable_status():
            self.is_first_detection = self.staged.load_text_detection() is None
            return get_text_detection(self.staged, retry=bool(self.data and "find" in self.data))
        self.is_first_detection = False
        return self.staged.load_text_detection()

    def _get_regions_to_cover(self, choice: str) -> list[TextRegion]:
        """The marked places that a button covers: one by its number, or all that are still visible."""
        if not self.detection:
            return []
        if choice == "all":
            return list(self.detection.visible_regions(self.redactions_form.get_redactions_or_empty()))
        return [place for number, place in enumerate(self.detection.places, start=1) if choice == str(number)]

    def respond(self) -> HttpResponse:
        try:
            result = apply_redactions(self.staged, self.redactions_form)
        except InvalidImageError as error:
            self.errors.append(str(error))
            return self._render(None, self._build_form(self.request.POST), status=400)
        same = find_duplicate(result)
        self.duplicate = same if same != self.figure else None
        if not self.is_saving:
            return self._render(result, self._build_form(self._get_initial()))
        form = self._build_form(self.request.POST)
        if self.request.POST.get("seen_sha256") != result.sha256 or not self.staged.was_shown(result):
            self.errors.append(RESULT_NOT_SEEN_MESSAGE)
            return self._render(result, self._build_form(self._get_initial(reset_confirmation=True)), status=409)
        self._validate()
        if self.errors or not form.is_valid():
            return self._render(result, form, status=400)
        return self._save(result, form)

    def _build_form(self, data: Any) -> ImageCheckForm:
        instance = self.figure or Figure()
        kind = ImageCheckForm if self.figure else NewFigureForm
        if isinstance(data, QueryDict):
            return kind(data, instance=instance)
        # A new picture must be looked at again, and its kind is unknown until the uploader chooses it.
        known = instance.kind if self.staged.is_own and instance.kind != FigureKind.OTHER else ""
        asked = {"deidentified": False, "kind": known}
        return kind(instance=instance, initial={**asked, **data})

    def _get_initial(self, *, reset_confirmation: bool = False) -> dict[str, Any]:
        """What was typed so far, without a word about what is missing yet."""
        typed: dict[str, Any] = dict(self.request.POST.items())
        typed["deidentified"] = "deidentified" in typed and not reset_confirmation
        return typed

    def _validate(self) -> None:
        self._validate_text_detection()
        if self.duplicate and not self.request.POST.get("allow_duplicate"):
            self.errors.append(f"This picture is here already: {self.duplicate.slug}.")
        if self.figure and self.figure.drawing and self.redactions_form.get_redactions().crop_box:
            self.errors.append(CROP_WITH_DRAWING_MESSAGE)

    def _validate_text_detection(self) -> None:
        """Marked places must be covered or answered for. A failed search is reported once before anything is saved."""
        found = self.detection
        if found is None or found.status is DetectionStatus.NOTHING_MARKED:
            return
        if found.status is not DetectionStatus.MARKED:
            if self.is_first_detection and not unavailable_status():
                self.errors.append(found.message)
            return
        if found.visible_regions(self.redactions_form.get_redactions_or_empty()) and (
            self.is_first_detection or not self.request.POST.get("text_answer")
        ):
            self.errors.append(TEXT_FOUND_MESSAGE)

    def _render(self, result: DecodedImage | None, form: ImageCheckForm, *, status: int = 200) -> HttpResponse:
        context: dict[str, Any] = {
            "staged": self.staged,
            "figure": self.figure,
            "form": form,
            "seen_sha256": result.sha256 if result else "",
            "redactions_form": self.redactions_form.with_extra_rows()
            if result and self.redactions_form.crop.is_bound
            else self.redactions_form,
            "redactions_query": encode_redactions(self.data or QueryDict()),
            "original_size": read_png_size(self.staged.read_png()),
            "result_size": result.image.size if result else None,
            "duplicate": self.duplicate,
            "errors": self.errors,
            "detection": self.detection,
            "regions": build_regions(self.detection, self.redactions_form.get_redactions_or_empty())
            if self.detection
            else [],
            "suggested_kind": FigureKind(self.staged.suggested_kind).label if self.staged.suggested_kind else "",
            "is_saving": self.is_saving and form.is_bound,
        }
        title = f"Check the picture for {self.figure.slug}" if self.figure else "Check the picture"
        return render_admin(self.request, "figure/image_check", context, title=title, status=status)

    def _save(self, result: DecodedImage, form: ImageCheckForm) -> HttpResponse:
        desk = admin.site.get_model_admin(Figure)
        figure: Figure = form.instance
        if self.detection:
            figure.text_detection = self.detection.after_redactions(
                self.redactions_form.get_redactions_or_empty(), form.cleaned_data["text_answer"]
            ).to_json()
        outside: list[str] = []
        with rollback_files():
            renditions = store_image(figure, result)
            with transaction.atomic():
                if isinstance(form, NewFigureForm):
                    save_figure(form.assign_slug(), renditions, uploaded_by=get_staff_user(self.request))
                    FigureText.objects.bulk_create(form.texts())
                    desk.log_addition(self.request, figure, "Picture brought in.")
                else:
                    save_figure(figure, renditions, uploaded_by=get_staff_user(self.request))
                    outside = transform_markers(figure, self.redactions_form.get_redactions())
                    desk.log_change(self.request, figure, "Another picture.")
        self.staged.mark_saved(figure.pk)
        self._add_messages(desk, figure, outside)
        return HttpResponseRedirect(reverse("admin:procedures_figure_change", args=[figure.pk]))

    def _add_messages(self, model_admin: Any, figure: Figure, clamped_markers: list[str]) -> None:
        if self.figure is None:
            messages.success(
                self.request, f"The picture is in, with all its sizes. Texts show it with ::: figure {figure.slug}"
            )
            if self.staged.from_editor:
                messages.info(self.request, "Close this tab and go back to your text. The picture is inserted there.")
                return
            address = reverse("admin:procedures_figure_markers", args=[figure.pk])
            messages.info(self.request, format_html('Next: <a href="{}">place and name its marks</a>.', address))
            return
        messages.success(
            self.request, "The new picture is saved. Patients see the old one until a reviewer approves the new one."
        )
        if clamped_markers:
            messages.warning(
                self.request, f"These marks were cut off; they stand at the edge now: {', '.join(clamped_markers)}."
            )
        elif figure.markers.exists():
            messages.info(self.request, "Look whether each mark still points at the right place.")
        if isinstance(model_admin, StalePagesMixin):
            model_admin.message_stale_pages(self.request, figure)


MAX_EDITOR_UPLOADS, EDITOR_UPLOAD_WINDOW_SECONDS = 20, 600


@staff_json_view("procedures.add_figure", method="POST", max_bytes=MAX_REQUEST_BYTES)
def editor_upload_view(request: HttpRequest) -> JsonResponse:
    """Answer 201 with ``next`` (the check screen) and ``saved`` (the address of the outcome). Saves nothing yet."""
    user = get_staff_user(request)
    if is_rate_limited(user.pk, "picture", limit=MAX_EDITOR_UPLOADS, seconds=EDITOR_UPLOAD_WINDOW_SECONDS):
        return json_error(429, TOO_MANY_UPLOADS_MESSAGE % MAX_EDITOR_UPLOADS)
    sent = request.FILES.get("picture")
    if sent is None:
        return json_error(400, "Choose a picture.")
    try:
        waiting = stage(cast("BinaryIO", sent.file), user_id=user.pk, from_editor=True)
    except InvalidImageError as error:
        return json_error(400, str(error))
    return JsonResponse(
        {
            "next": get_next_step_url(waiting),
            "saved": reverse("admin:procedures_figure_upload_status", args=[waiting.token]),
        },
        status=201,
    )


@staff_json_view("procedures.add_figure", method="GET", max_bytes=0)
def editor_upload_status_view(request: HttpRequest, token: str) -> JsonResponse:
    """Answer with ``snippet`` once the picture is saved, ``gone`` when it was canceled, and neither while it waits."""
    waiting = find_staged(token, user_id=get_staff_user(request).pk, touch=False)
    if waiting is None:
        return JsonResponse({"expired": "The picture was canceled or not saved in time. Choose it again."})
    figure = Figure.objects.filter(pk=waiting.saved_figure_id).first() if waiting.saved_figure_id else None
    return JsonResponse({"slug": figure.slug, "snippet": f"::: figure {figure.slug}"} if figure else {})
