"""Move pages between two portals as a bundle: export, upload, preview of the import, and the import itself."""

import tempfile
import time
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import MEGABYTE
from portal.security import MAX_FILE_BYTES
from procedures.admin.base import get_staff_user, render_admin
from procedures.admin.image_check import RETRYABLE_STATUSES, build_regions
from procedures.admin.image_upload import NO_STORE_HEADERS
from procedures.figures.decoding import DecodedImage
from procedures.figures.redaction import Redactions
from procedures.figures.staging import StagedBundle, find_bundle, stage_bundle
from procedures.figures.text_detection import Detection, DetectionStatus
from procedures.importing.bundles import (
    ACTION_KEPT,
    ACTION_NEW,
    ACTION_SAME,
    ImportPlan,
    InvalidBundleError,
    UnapprovedPicturesError,
    UnconfirmedPicturesError,
    import_bundle,
    write_bundle,
)
from procedures.models import Figure, Page

# Time budget for text detection in one request. The last search can take another 80 s, and proxies
# time out after 120 s.
TEXT_DETECTION_SECONDS = 30
TEXT_FOUND_MESSAGE = gettext_lazy(
    "Text detection found areas that may contain text. Check the outlined areas. If they show no name, date, "
    "or number, import again: %(names)s."
)
NOT_SEARCHED_MESSAGE = gettext_lazy(
    "%(count)s of %(total)s new pictures have been checked for text. Import again to continue."
)


class ExportForm(forms.Form):
    pages = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Pages"),
        queryset=Page.objects.order_by("language", "title"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one page.")},
    )


class ImportForm(forms.Form):
    bundle = forms.FileField(
        label=gettext_lazy("File to import"),
        help_text=gettext_lazy("The file exported from the other portal, such as plainspine-pages.zip."),
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )

    def clean_bundle(self) -> UploadedFile:
        """Reject files that are larger than the maximum bundle size."""
        file: UploadedFile = self.cleaned_data["bundle"]
        if (file.size or 0) > MAX_FILE_BYTES:
            raise forms.ValidationError(
                _("The file is larger than %(size)s MB.") % {"size": MAX_FILE_BYTES // MEGABYTE}
            )
        return file


@require_http_methods(["GET", "HEAD"])
@permission_required("procedures.publish_page", raise_exception=True)
def transfer_view(request: HttpRequest) -> HttpResponse:
    return _render_transfer(request)


def _render_transfer(
    request: HttpRequest,
    *,
    export_form: ExportForm | None = None,
    import_form: ImportForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"export_form": export_form or ExportForm(), "import_form": import_form or ImportForm()}
    return render_admin(request, "workflow/transfer", context, title=_("Import and export"), status=status)


@require_POST
@permission_required("procedures.publish_page", raise_exception=True)
def export_view(request: HttpRequest) -> HttpResponseBase:
    """Download the chosen pages as a bundle."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _render_transfer(request, status=400, export_form=form)
    target = tempfile.TemporaryFile()  # noqa: SIM115 -- the response closes it after sending
    try:
        write_bundle(form.cleaned_data["pages"], target)
    except UnapprovedPicturesError as error:
        target.close()
        form.add_error("pages", str(error))
        return _render_transfer(request, status=409, export_form=form)
    target.seek(0)
    name = f"plainspine-pages-{timezone.localdate():%Y-%m-%d}.zip"
    return FileResponse(target, as_attachment=True, filename=name, content_type="application/zip")


@require_POST
@permission_required("procedures.publish_page", raise_exception=True)
def import_view(request: HttpRequest) -> HttpResponse:
    """Show what an uploaded bundle would change. With the token of a staged bundle, import the chosen pages."""
    if "token" in request.POST:
        return _run_import(request)
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _render_transfer(request, status=400, import_form=form)
    staged = stage_bundle(form.cleaned_data["bundle"])
    try:
        plan = import_bundle(staged.file, actor=get_staff_user(request), check=True)
    except InvalidBundleError as error:
        staged.discard()
        form.add_error("bundle", str(error).split("\n"))
        return _render_transfer(request, status=400, import_form=form)
    return _render_import_plan(request, plan, staged)


@require_safe
@permission_required("procedures.publish_page", raise_exception=True)
def import_image_view(request: HttpRequest, token: str, sha256: str) -> HttpResponse:
    """Serve a new picture of a bundle at full size, and record that this user was shown it."""
    staged = find_bundle(token)
    data = staged.read_image(sha256) if staged else None
    if staged is None or data is None:
        raise Http404
    if request.method == "GET":
        staged.record_shown(sha256, get_staff_user(request).pk)
    return HttpResponse(data, content_type="image/png", headers=NO_STORE_HEADERS)


def _render_import_plan(
    request: HttpRequest, plan: ImportPlan, staged: StagedBundle, *, status: int = 200, error: str = ""
) -> HttpResponse:
    staged.stage_images(plan.pictures.values())
    context = {
        "plan": plan,
        "images": [
            (slug, image.sha256, image.image.size, _detection_context(staged, image))
            for slug, image in plan.pictures.items()
        ],
        "confirmed_images": request.POST.getlist("picture"),
        "selected_pages": request.POST.getlist("page"),
        "token": staged.token,
        "error": error,
        "pages": plan.pages,
        "added_rows": [change for change in plan.with_action(ACTION_NEW) if change.kind != "page"],
        "unchanged_existing": plan.with_action(ACTION_KEPT),
        "unchanged_count": len(plan.with_action(ACTION_SAME)),
        "breadcrumbs": [(_("Import and export"), reverse("admin:procedures_page_transfer"))],
    }
    return render_admin(request, "workflow/import_plan", context, title=_("Import preview"), status=status)


def _detection_context(staged: StagedBundle, image: DecodedImage) -> dict[str, Any] | None:
    """Return the stored result of text detection with its outlines, if there is one."""
    detection = staged.load_detection(image.sha256)
    return {"detection": detection, "regions": build_regions(detection, Redactions())} if detection else None


def _detect_new_text(staged: StagedBundle, plan: ImportPlan) -> tuple[dict[str, Detection], str]:
    """Search new pictures for text.

    Return the detections by slug, and the reason why the import must wait (or an empty string).

    The import waits until every picture has been searched, and until the user has seen newly marked places.
    """
    hashes = {slug: image.sha256 for slug, image in plan.pictures.items()}
    detections = {slug: stored for slug, sha256 in hashes.items() if (stored := staged.load_detection(sha256))}
    # Retry failed searches after all others.
    pending = [slug for slug in hashes if slug not in detections]
    pending += [slug for slug in detections if detections[slug].status in RETRYABLE_STATUSES]
    deadline = time.monotonic() + TEXT_DETECTION_SECONDS
    marked: list[str] = []
    for index, slug in enumerate(pending):
        if index and time.monotonic() > deadline:
            break
        detections[slug] = staged.detect_text(hashes[slug])
        if detections[slug].status is DetectionStatus.MARKED:
            marked.append(slug)
    reasons = []
    if len(detections) < len(hashes):
        reasons.append(NOT_SEARCHED_MESSAGE % {"count": len(detections), "total": len(hashes)})
    if marked:
        reasons.append(TEXT_FOUND_MESSAGE % {"names": ", ".join(marked)})
    return detections, " ".join([_("Nothing has been imported yet."), *reasons]) if reasons else ""


def _run_import(request: HttpRequest) -> HttpResponse:
    staged = find_bundle(request.POST["token"])
    if staged is None:
        messages.error(request, _("The file is no longer available. Choose it again."))
        return _render_transfer(request, status=409)
    user = get_staff_user(request)
    confirmed = set(request.POST.getlist("picture"))

    def is_confirmed(slug: str, image: DecodedImage) -> bool:
        return slug in confirmed and staged.was_shown(image.sha256, user.pk)

    selected = set(request.POST.getlist("page"))
    try:
        plan = import_bundle(staged.file, actor=user, check=True)
        if not selected:
            return _render_import_plan(request, plan, staged, status=400, error=_("Choose at least one page."))
        staged.stage_images(plan.pictures.values())
        detections, error_message = _detect_new_text(staged, plan)
        if error_message:
            return _render_import_plan(request, plan, staged, status=409, error=error_message)
        with transaction.atomic():
            done = import_bundle(
                staged.file,
                actor=user,
                check=False,
                should_include_page=selected.__contains__,
                is_confirmed=is_confirmed,
            )
            for slug in done.pictures:
                # Marked places stay visible, because pictures of a bundle are not redacted here.
                detection = detections[slug].after_redactions(Redactions(), "")
                Figure.objects.filter(slug=slug).update(text_detection=detection.to_json())
    except UnconfirmedPicturesError as error:
        message = _("Nothing was imported. Look at these pictures, then check the box for each one: %(names)s.")
        return _render_import_plan(request, plan, staged, status=400, error=message % {"names": error})
    except InvalidBundleError as error:
        messages.error(request, _("Nothing was imported. %(error)s") % {"error": error})
        return _render_transfer(request, status=409)
    staged.discard()
    count = len(done.pages)
    message = ngettext(
        "%(count)s page was imported as a draft. What patients read has not changed.",
        "%(count)s pages were imported as drafts. What patients read has not changed.",
        count,
    )
    messages.success(request, message % {"count": count})
    return HttpResponseRedirect(reverse("admin:procedures_page_changelist"))
