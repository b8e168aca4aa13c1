"""Check a staged picture before it is saved: crop it, cover parts of it, search it for text, and describe it.

The server saves only the result that it last served to this user (``StagedImage.was_shown``). The results of text
detection are also shown on the figure's form and on the review screen.
"""

from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.http import wants_json
from procedures.admin.base import (
    StrOrPromise,
    get_staff_user,
    json_error,
    render_admin,
    staff_file_url,
)
from procedures.admin.figure_forms import (
    ImageCheckForm,
    NewFigureForm,
    RedactionsForm,
    TextAnswerForm,
    add_boxes,
    cover_box,
    encode_redactions,
    outline_box,
    save_figure,
)
from procedures.admin.image_upload import (
    NO_STORE_HEADERS,
    get_staged_image,
    render_expired,
    require_figure_permission,
)
from procedures.admin.publishing import StalePagesMixin
from procedures.enums import FigureKind
from procedures.figures.approval import figure_hash
from procedures.figures.decoding import DecodedImage, InvalidImageError, read_png_size
from procedures.figures.markers import transform_markers
from procedures.figures.redaction import Redactions
from procedures.figures.renditions import encode_png, find_duplicate, load_master_image, rollback_files, store_image
from procedures.figures.staging import IMAGE_EXPIRED_MESSAGE, StagedImage
from procedures.figures.text_detection import (
    UPLOADER_ANSWER_LABELS,
    Detection,
    DetectionStatus,
    TextRegion,
    UploaderAnswer,
    detect_text,
    unavailable_status,
)
from procedures.models import Figure, FigureText

RESULT_NOT_SEEN_MESSAGE = gettext_lazy(
    "The picture has changed since you viewed it. Look at the result below, check the box, then save."
)
TEXT_FOUND_MESSAGE = gettext_lazy(
    "Text detection found areas that may contain text. Cover them, or answer “Is this text?” below."
)
CROP_WITH_DRAWING_MESSAGE = gettext_lazy(
    "This picture has a drawing with the same markers, so it cannot be cropped. Use black boxes instead."
)
PICTURE_REPLACED_MESSAGE = gettext_lazy(
    "Someone else changed this picture after you started, so yours is not saved. Compare the two below."
)
FIGURE_DELETED_MESSAGE = gettext_lazy(
    "Someone else deleted this picture while you had it open. Everything here is kept. You can save it as a new "
    "picture."
)
# Results after which a retry makes sense.
RETRYABLE_STATUSES = (DetectionStatus.BUSY, DetectionStatus.TIMED_OUT, DetectionStatus.FAILED)
DETECT_TEXT_URL_NAME = "admin:procedures_figure_detect_text"
NOT_RUN_MESSAGE = gettext_lazy("Text detection did not run. Check the whole picture yourself.")


@require_safe
def redacted_image_view(request: HttpRequest, token: str) -> HttpResponse:
    """Serve the picture with the redactions in the query string, as PNG, or its hash and size as JSON.

    Only a GET of the PNG counts as shown.
    """
    staged = get_staged_image(request, token)
    if staged is None or not staged.has_image:
        return json_error(404, IMAGE_EXPIRED_MESSAGE)
    form = RedactionsForm(request.GET if "box-TOTAL_FORMS" in request.GET else None)
    try:
        result = apply_redactions(staged, form)
    except InvalidImageError as error:
        return json_error(400, str(error))
    if not wants_json(request):
        response = HttpResponse(encode_png(result), content_type="image/png", headers=NO_STORE_HEADERS)
        if request.method == "GET":
            staged.record_shown(result)
        return response
    duplicate = find_duplicate(result)
    width, height = result.image.size
    return JsonResponse(
        {
            "seen_sha256": result.sha256,
            "width": width,
            "height": height,
            "duplicate": duplicate.slug if duplicate else "",
            "covered": _list_covered(staged, form),
        }
    )


def _list_covered(staged: StagedImage, form: RedactionsForm) -> list[int]:
    """Return the numbers of the regions with text that the redactions cover."""
    detection = staged.load_text_detection()
    regions = build_regions(detection, form.get_redactions_or_empty()) if detection else []
    return [region["number"] for region in regions if region["covered"]]


def apply_redactions(staged: StagedImage, form: RedactionsForm) -> DecodedImage:
    """Return the staged picture with the redactions. Raise InvalidImageError if the picture or a box is invalid."""
    original = staged.load_image()
    if not form.crop.is_bound:
        return original
    if not form.is_valid():
        raise InvalidImageError(_("A number in one of the boxes is out of range. Correct it below."))
    return form.get_redactions().apply(original)


def get_text_detection(staged: StagedImage, *, retry: bool = False) -> Detection:
    """Return the result of text detection, running it if there is none, or if ``retry`` and the last run failed.

    Raise InvalidImageError if the picture is deleted during the search.
    """
    stored = staged.load_text_detection()
    if stored is not None and not (retry and stored.status in RETRYABLE_STATUSES):
        return stored
    png = staged.read_png()
    detection = detect_text(png)
    if detection.status in RETRYABLE_STATUSES:
        # A concurrent request may have searched the same picture successfully.
        concurrent = staged.load_text_detection()
        if concurrent and concurrent.status not in RETRYABLE_STATUSES:
            return concurrent
    staged.save_text_detection(detection, png)
    return detection


@require_POST
def detect_text_view(request: HttpRequest, token: str) -> HttpResponse:
    """Run text detection, and return the part of the check screen that shows the result."""
    staged = get_staged_image(request, token)
    if staged is None or not staged.has_image:
        return json_error(404, IMAGE_EXPIRED_MESSAGE)
    try:
        detection = get_text_detection(staged, retry="again" in request.POST)
    except InvalidImageError as error:
        return json_error(400, str(error))
    form = TextAnswerForm(initial={"text_answer": request.POST.get("text_answer", "")})
    context = {
        "detection": detection,
        "regions": build_regions(detection, RedactionsForm(request.POST).get_redactions_or_empty()),
        "form": form,
    }
    return render(request, "admin/procedures/figure/detection_result.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def image_check_view(request: HttpRequest, token: str) -> HttpResponse:
    """Show the picture with its redactions. With POST and ``do=save``, save what is on the screen."""
    staged = get_staged_image(request, token)
    if staged is None:
        return render_expired(request)
    if not staged.has_image:
        return HttpResponseRedirect(reverse("admin:procedures_figure_frames", args=[token]))
    figure = Figure.objects.filter(pk=staged.figure_id).first() if staged.figure_id else None
    is_deleted = bool(staged.figure_id) and figure is None
    if is_deleted:
        require_figure_permission(request, None)
        staged = staged.change(figure_id=None, is_own=False, base_hash="")
    try:
        if figure and request.POST.get("do") == "rebase":
            staged = _rebase(staged, figure, request.POST.get("newer_hash", ""))
        check = _ImageCheck(request, staged, figure)
        return check.refuse(FIGURE_DELETED_MESSAGE) if is_deleted else check.respond()
    except InvalidImageError:  # saved, canceled, or expired while this request ran text detection
        return render_expired(request)


def _rebase(staged: StagedImage, figure: Figure, newer_hash: str) -> StagedImage:
    """Continue on the figure's newer picture. An upload keeps its pixels, and replaces the one that the user saw."""
    if not staged.is_own:
        # The newer picture's own crop has already moved the markers.
        return staged.change(base_hash=newer_hash, moves_markers=False)
    staged.set_image(load_master_image(figure))
    return staged.change(base_hash=figure_hash(figure))


class _PictureReplacedError(Exception):
    """Someone else has changed or deleted the figure's picture since the upload started."""


class _ImageCheck:
    """One request to the check screen. ``figure`` is the figure whose picture is replaced, or None."""

    def __init__(self, request: HttpRequest, staged: StagedImage, figure: Figure | None) -> None:
        self.request, self.staged, self.figure = request, staged, figure
        # Before a form changes the instance.
        self.newer = self._describe_newer()
        self.data: QueryDict | None = request.POST if request.method == "POST" else None
        self.is_saving = bool(self.data and self.data.get("do") == "save")
        self.detection = self._detect_text()
        self.redactions_form = RedactionsForm(self.data)
        if self.data and (choice := self.data.get("cover")):
            self.data = add_boxes(self.data, self._get_regions_to_cover(choice))
            self.redactions_form = RedactionsForm(self.data)
        self.errors: list[StrOrPromise] = []
        self.duplicate: Figure | None = None

    def _detect_text(self) -> Detection | None:
        """Return the result of text detection, running it in this request only if no script has requested it."""
        if self.is_saving or (self.data and "find" in self.data) or unavailable_status():
            self.is_first_detection = self.staged.load_text_detection() is None
            return get_text_detection(self.staged, retry=bool(self.data and "find" in self.data))
        self.is_first_detection = False
        return self.staged.load_text_detection()

    def _get_regions_to_cover(self, choice: str) -> list[TextRegion]:
        """Return the marked regions that a button covers: one by its number, or all that are still visible."""
        if not self.detection:
            return []
        if choice == "all":
            return list(self.detection.visible_regions(self.redactions_form.get_redactions_or_empty()))
        return [region for number, region in enumerate(self.detection.places, start=1) if choice == str(number)]

    def respond(self) -> HttpResponse:
        try:
            result = apply_redactions(self.staged, self.redactions_form)
        except InvalidImageError as error:
            self.errors.append(str(error))
            return self._render(None, self._build_form(self.request.POST), status=400)
        duplicate = find_duplicate(result)
        self.duplicate = duplicate if duplicate != self.figure else None
        if not self.is_saving:
            is_rebasing = bool(self.data and self.data.get("do") == "rebase")
            return self._render(result, self._build_form(self._get_initial(reset_confirmation=is_rebasing)))
        form = self._build_form(self.request.POST)
        if self.newer:
            return self.refuse(PICTURE_REPLACED_MESSAGE, result)
        if self.request.POST.get("seen_sha256") != result.sha256 or not self.staged.was_shown(result):
            self.errors.append(RESULT_NOT_SEEN_MESSAGE)
            return self._render(result, self._build_form(self._get_initial(reset_confirmation=True)), status=409)
        self._validate()
        if self.errors or not form.is_valid():
            return self._render(result, form, status=400)
        try:
            return self._save(result, form)
        except _PictureReplacedError:
            # Everything again, with the figure as it is now.
            return image_check_view(self.request, self.staged.token)

    def refuse(self, message: StrOrPromise, result: DecodedImage | None = None) -> HttpResponse:
        """Show the screen with the input and status 409."""
        if result is None:
            with suppress(InvalidImageError):
                result = apply_redactions(self.staged, self.redactions_form)
        self.errors.append(message)
        return self._render(result, self._build_form(self._get_initial(reset_confirmation=True)), status=409)

    def _build_form(self, data: Any) -> ImageCheckForm:
        instance = self.figure or Figure()
        form_class = ImageCheckForm if self.figure else NewFigureForm
        if isinstance(data, QueryDict):
            return form_class(data, instance=instance)
        # A new picture must be confirmed again, and its kind is unknown until the uploader chooses it.
        kind = instance.kind if self.staged.is_own and instance.kind != FigureKind.OTHER else ""
        return form_class(instance=instance, initial={"deidentified": False, "kind": kind, **data})

    def _get_initial(self, *, reset_confirmation: bool = False) -> dict[str, Any]:
        """Return the input so far, to show it in an unbound form without errors."""
        initial: dict[str, Any] = dict(self.request.POST.items())
        initial["deidentified"] = "deidentified" in initial and not reset_confirmation
        return initial

    def _validate(self) -> None:
        self._validate_text_detection()
        if self.duplicate and not self.request.POST.get("allow_duplicate"):
            self.errors.append(_("This picture already exists: %(slug)s.") % {"slug": self.duplicate.slug})
        if self.figure and self.figure.drawing and self.redactions_form.get_redactions().crop_box:
            self.errors.append(CROP_WITH_DRAWING_MESSAGE)

    def _validate_text_detection(self) -> None:
        """Require that marked regions are covered or that the uploader has answered for them.

        Report a failed search once before saving.
        """
        detection = self.detection
        if detection is None or detection.status is DetectionStatus.NOTHING_MARKED:
            return
        if detection.status is not DetectionStatus.MARKED:
            if self.is_first_detection and not unavailable_status():
                self.errors.append(detection.message)
            return
        if detection.visible_regions(self.redactions_form.get_redactions_or_empty()) and (
            self.is_first_detection or not self.request.POST.get("text_answer")
        ):
            self.errors.append(TEXT_FOUND_MESSAGE)

    def _render(self, result: DecodedImage | None, form: ImageCheckForm, *, status: int = 200) -> HttpResponse:
        context: dict[str, Any] = {
            "staged": self.staged,
            "figure": self.figure,
            "newer": self.newer,
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
        title = (
            _("Check the picture for %(slug)s") % {"slug": self.figure.slug} if self.figure else _("Check the picture")
        )
        return render_admin(self.request, "figure/image_check", context, title=title, status=status)

    def _describe_newer(self) -> dict[str, Any] | None:
        """Return the picture that someone else saved since this upload started."""
        current_hash = figure_hash(self.figure) if self.figure else ""
        if self.figure is None or current_hash == self.staged.base_hash:
            return None
        name = self.figure.image or self.figure.drawing
        return {"hash": current_hash, "url": staff_file_url(name), "by": self.figure.uploaded_by}

    def _save(self, result: DecodedImage, form: ImageCheckForm) -> HttpResponse:
        model_admin = admin.site.get_model_admin(Figure)
        figure: Figure = form.instance
        if self.detection:
            figure.text_detection = self.detection.after_redactions(
                self.redactions_form.get_redactions_or_empty(), form.cleaned_data["text_answer"]
            ).to_json()
        clamped_markers: list[str] = []
        with rollback_files():
            renditions = store_image(figure, result)
            with transaction.atomic():
                if isinstance(form, NewFigureForm):
                    save_figure(form.assign_slug(), renditions, uploaded_by=get_staff_user(self.request))
                    FigureText.objects.bulk_create(form.texts())
                    model_admin.log_addition(self.request, figure, "Picture added.")
                else:
                    self._lock_figure(figure)
                    save_figure(figure, renditions, uploaded_by=get_staff_user(self.request))
                    if self.staged.moves_markers:
                        clamped_markers = transform_markers(figure, self.redactions_form.get_redactions())
                    model_admin.log_change(self.request, figure, "Picture replaced.")
        self.staged.mark_saved(figure.pk)
        self._add_messages(model_admin, figure, clamped_markers)
        return HttpResponseRedirect(reverse("admin:procedures_figure_change", args=[figure.pk]))

    def _lock_figure(self, figure: Figure) -> None:
        """Lock the figure. Raise _PictureReplacedError if it has another picture than when this upload started."""
        saved = Figure.objects.select_for_update().filter(pk=figure.pk).first()
        if saved is None or figure_hash(saved) != self.staged.base_hash:
            raise _PictureReplacedError

    def _add_messages(self, model_admin: Any, figure: Figure, clamped_markers: list[str]) -> None:
        if self.figure is None:
            messages.success(self.request, _("Picture saved. Pages can show it now."))
            if self.staged.from_editor:
                messages.info(
                    self.request, _("Close this tab and go back to your page. The picture is inserted there.")
                )
                return
            url = reverse("admin:procedures_figure_markers", args=[figure.pk])
            link = format_html('<a href="{}">{}</a>', url, _("Add markers"))
            messages.info(self.request, format_html(_("Next: {link}"), link=link))
            return
        messages.success(
            self.request,
            _("Picture replaced. Patients see the old one until a reviewer approves the new one."),
        )
        if clamped_markers:
            message = _("These markers were moved to the edge because the crop cut them off: %(names)s.")
            messages.warning(self.request, message % {"names": ", ".join(clamped_markers)})
        elif figure.markers.exists():
            messages.info(self.request, _("Check that each marker still points to the right place."))
        if isinstance(model_admin, StalePagesMixin):
            model_admin.message_stale_pages(self.request, figure)


def build_regions(detection: Detection, redactions: Redactions) -> list[dict[str, Any]]:
    """Return the marked regions, and whether they are covered. Numbers are in percent of the uploaded picture."""
    visible = detection.visible_regions(redactions)
    return [
        {"number": number, "box": outline_box(region), "cover": cover_box(region), "covered": region not in visible}
        for number, region in enumerate(detection.places, start=1)
    ]


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
