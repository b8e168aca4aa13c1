"""Move pages between two portals as a bundle: export, upload, preview of the import, and the import itself.

Uploaded bundles are staged in the data folder under their SHA-256, and deleted after a day.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
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
from portal.storage.local_storage import atomic_write
from procedures.admin.base import get_staff_user, render_admin
from procedures.admin.image_check import RETRYABLE_STATUSES, build_regions
from procedures.admin.image_upload import NO_STORE_HEADERS
from procedures.figures.decoding import DecodedImage
from procedures.figures.redaction import Redactions
from procedures.figures.renditions import encode_png
from procedures.figures.text_detection import Detection, DetectionStatus, detect_text, unavailable_status
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

MAX_AGE_SECONDS = 24 * 60 * 60
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
TOKEN_RE = re.compile(r"[0-9a-f]{64}\Z")


def _get_bundles_dir() -> Path:
    folder = Path(settings.DATA_DIR) / "bundles"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def stage_bundle(file: UploadedFile) -> str:
    """Store an uploaded bundle, and delete expired ones. Return its SHA-256 as hex, which is its token."""
    folder = _get_bundles_dir()
    for old in folder.iterdir():
        # Another upload may delete the same files now.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - old.stat().st_mtime > MAX_AGE_SECONDS:
                shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
    temp_file, digest = folder / f".{secrets.token_hex(8)}", hashlib.sha256()
    with os.fdopen(os.open(temp_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
        for chunk in file.chunks():
            digest.update(chunk)
            stream.write(chunk)
    token = digest.hexdigest()
    temp_file.replace(folder / f"{token}.zip")
    return token


def find_bundle(token: str) -> Path | None:
    """Return the file, or None if it has been deleted. The caller checks that ``token`` matches TOKEN_RE."""
    file = _get_bundles_dir() / f"{token}.zip"
    return file if file.is_file() else None


def discard_bundle(token: str) -> None:
    """Delete a bundle and its pictures."""
    (_get_bundles_dir() / f"{token}.zip").unlink(missing_ok=True)
    shutil.rmtree(_get_bundles_dir() / f"{token}.pictures", ignore_errors=True)


def stage_images(token: str, images: Iterable[DecodedImage]) -> None:
    """Store the new pictures of a bundle for staff to check before the import."""
    for image in images:
        file = _get_image_path(token, image.sha256, "png")
        file.parent.mkdir(mode=0o700, exist_ok=True)
        if not file.exists():
            atomic_write(file, [encode_png(image)])


def read_image(token: str, sha256: str) -> bytes | None:
    """Return a stored picture as PNG. The caller checks that both arguments match TOKEN_RE."""
    file = _get_image_path(token, sha256, "png")
    return file.read_bytes() if file.is_file() else None


def record_shown(token: str, sha256: str, user_id: int) -> None:
    """Record that this user was served these pixels."""
    _get_image_path(token, sha256, str(user_id)).touch(mode=0o600)


def was_shown(token: str, sha256: str, user_id: int) -> bool:
    """Return whether this user was served these pixels."""
    return _get_image_path(token, sha256, str(user_id)).is_file()


def detect_image_text(token: str, sha256: str) -> Detection:
    """Search a picture of a bundle for text, and store the result."""
    detection = detect_text(read_image(token, sha256) or b"")
    if unavailable_status() is None:
        atomic_write(_get_image_path(token, sha256, "json"), [json.dumps(detection.to_json()).encode()])
    return detection


def load_detection(token: str, sha256: str) -> Detection | None:
    """Return the stored result of text detection, if there is one."""
    file = _get_image_path(token, sha256, "json")
    return Detection.from_json(json.loads(file.read_text())) if file.is_file() else None


def _get_image_path(token: str, sha256: str, extension: str) -> Path:
    return _get_bundles_dir() / f"{token}.pictures" / f"{sha256}.{extension}"


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
    token = stage_bundle(form.cleaned_data["bundle"])
    file = find_bundle(token)
    try:
        plan = import_bundle(file, actor=get_staff_user(request), check=True)
    except InvalidBundleError as error:
        discard_bundle(token)
        form.add_error("bundle", str(error).split("\n"))
        return _render_transfer(request, status=400, import_form=form)
    return _render_import_plan(request, plan, token)


@require_safe
@permission_required("procedures.publish_page", raise_exception=True)
def import_image_view(request: HttpRequest, token: str, sha256: str) -> HttpResponse:
    """Serve a new picture of a bundle at full size, and record that this user was shown it."""
    data = read_image(token, sha256) if TOKEN_RE.match(token) and TOKEN_RE.match(sha256) else None
    if data is None:
        raise Http404
    if request.method == "GET":
        record_shown(token, sha256, get_staff_user(request).pk)
    return HttpResponse(data, content_type="image/png", headers=NO_STORE_HEADERS)


def _render_import_plan(
    request: HttpRequest, plan: ImportPlan, token: str, *, status: int = 200, error: str = ""
) -> HttpResponse:
    stage_images(token, plan.pictures.values())
    context = {
        "plan": plan,
        "images": [
            (slug, image.sha256, image.image.size, _detection_context(token, image))
            for slug, image in plan.pictures.items()
        ],
        "confirmed_images": request.POST.getlist("picture"),
        "selected_pages": request.POST.getlist("page"),
        "token": token,
        "error": error,
        "pages": plan.pages,
        "added_rows": [change for change in plan.with_action(ACTION_NEW) if change.kind != "page"],
        "unchanged_existing": plan.with_action(ACTION_KEPT),
        "unchanged_count": len(plan.with_action(ACTION_SAME)),
        "breadcrumbs": [(_("Import and export"), reverse("admin:procedures_page_transfer"))],
    }
    return render_admin(request, "workflow/import_plan", context, title=_("Import preview"), status=status)


def _detection_context(token: str, image: DecodedImage) -> dict[str, Any] | None:
    """Return the stored result of text detection with its outlines, if there is one."""
    detection = load_detection(token, image.sha256)
    return {"detection": detection, "regions": build_regions(detection, Redactions())} if detection else None


def _detect_new_text(token: str, plan: ImportPlan) -> tuple[dict[str, Detection], str]:
    """Search new pictures for text.

    Return the detections by slug, and the reason why the import must wait (or an empty string).

    The import waits until every picture has been searched, and until the user has seen newly marked places.
    """
    hashes = {slug: image.sha256 for slug, image in plan.pictures.items()}
    detections = {slug: stored for slug, sha256 in hashes.items() if (stored := load_detection(token, sha256))}
    # Retry failed searches after all others.
    pending = [slug for slug in hashes if slug not in detections]
    pending += [slug for slug in detections if detections[slug].status in RETRYABLE_STATUSES]
    deadline = time.monotonic() + TEXT_DETECTION_SECONDS
    marked: list[str] = []
    for index, slug in enumerate(pending):
        if index and time.monotonic() > deadline:
            break
        detections[slug] = detect_image_text(token, hashes[slug])
        if detections[slug].status is DetectionStatus.MARKED:
            marked.append(slug)
    reasons = []
    if len(detections) < len(hashes):
        reasons.append(NOT_SEARCHED_MESSAGE % {"count": len(detections), "total": len(hashes)})
    if marked:
        reasons.append(TEXT_FOUND_MESSAGE % {"names": ", ".join(marked)})
    return detections, " ".join([_("Nothing has been imported yet."), *reasons]) if reasons else ""


def _run_import(request: HttpRequest) -> HttpResponse:
    token = request.POST["token"]
    file: Path | None = find_bundle(token) if TOKEN_RE.match(token) else None
    if file is None:
        messages.error(request, _("The file is no longer available. Choose it again."))
        return _render_transfer(request, status=409)
    user = get_staff_user(request)
    confirmed = set(request.POST.getlist("picture"))

    def is_confirmed(slug: str, image: DecodedImage) -> bool:
        return slug in confirmed and was_shown(token, image.sha256, user.pk)

    selected = set(request.POST.getlist("page"))
    try:
        plan = import_bundle(file, actor=user, check=True)
        if not selected:
            return _render_import_plan(request, plan, token, status=400, error=_("Choose at least one page."))
        stage_images(token, plan.pictures.values())
        detections, error_message = _detect_new_text(token, plan)
        if error_message:
            return _render_import_plan(request, plan, token, status=409, error=error_message)
        with transaction.atomic():
            done = import_bundle(
                file, actor=user, check=False, should_include_page=selected.__contains__, is_confirmed=is_confirmed
            )
            for slug in done.pictures:
                # Marked places stay visible, because pictures of a bundle are not redacted here.
                detection = detections[slug].after_redactions(Redactions(), "")
                Figure.objects.filter(slug=slug).update(text_detection=detection.to_json())
    except UnconfirmedPicturesError as error:
        message = _("Nothing was imported. Look at these pictures, then check the box for each one: %(names)s.")
        return _render_import_plan(request, plan, token, status=400, error=message % {"names": error})
    except InvalidBundleError as error:
        messages.error(request, _("Nothing was imported. %(error)s") % {"error": error})
        return _render_transfer(request, status=409)
    discard_bundle(token)
    count = len(done.pages)
    message = ngettext(
        "%(count)s page was imported as a draft. What patients read has not changed.",
        "%(count)s pages were imported as drafts. What patients read has not changed.",
        count,
    )
    messages.success(request, message % {"count": count})
    return HttpResponseRedirect(reverse("admin:procedures_page_changelist"))
