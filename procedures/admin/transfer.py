"""Uploaded bundles that wait for their import: in the data folder, named by their hash, deleted after a day."""

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
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.storage.atomic_file import atomic_write
from procedures.admin.base import get_staff_user, render_admin
from procedures.admin.image_upload import NO_STORE_HEADERS, RETRYABLE_STATUSES
from procedures.admin.text_detection import build_regions
from procedures.figures.decoding import DecodedImage
from procedures.figures.redaction import Redactions
from procedures.figures.renditions import encode_png
from procedures.figures.text_detection import Detection, DetectionStatus, detect_text, unavailable_status
from procedures.importing.bundle_export import UnapprovedPicturesError, write_bundle
from procedures.importing.bundle_import import ImportPlan, InvalidBundleError, UnconfirmedPicturesError, import_bundle
from procedures.models import Figure, Page

MAX_AGE_SECONDS = 24 * 60 * 60  # seconds


def _get_bundles_dir() -> Path:
    folder = Path(settings.DATA_DIR) / "bundles"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def stage_bundle(file: UploadedFile) -> str:
    """Write the upload; its sha256 (hex), by which it is found again. Old ones go."""
    folder = _get_bundles_dir()
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > MAX_AGE_SECONDS:
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    draft, digest = folder / f".{secrets.token_hex(8)}", hashlib.sha256()
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
        for chunk in file.chunks():
            digest.update(chunk)
            stream.write(chunk)
    token = digest.hexdigest()
    draft.replace(folder / f"{token}.zip")
    return token


def find_bundle(token: str) -> Path | None:
    """The file, or None when it is gone. ``token``: 64 letters and digits, checked by the caller."""
    file = _get_bundles_dir() / f"{token}.zip"
    return file if file.is_file() else None


def discard_bundle(token: str) -> None:
    """It is not needed any more."""
    (_get_bundles_dir() / f"{token}.zip").unlink(missing_ok=True)
    shutil.rmtree(_get_bundles_dir() / f"{token}.pictures", ignore_errors=True)


def stage_images(token: str, images: Iterable[DecodedImage]) -> None:
    """Store the new pictures of a bundle, which staff look at before the import."""
    for picture in images:
        file = _get_image_path(token, picture.sha256, "png")
        file.parent.mkdir(mode=0o700, exist_ok=True)
        if not file.exists():
            atomic_write(file, [encode_png(picture)])


def read_image(token: str, sha256: str) -> bytes | None:
    """Return a stored picture as PNG. The caller checks that both names are 64 letters and digits."""
    file = _get_image_path(token, sha256, "png")
    return file.read_bytes() if file.is_file() else None


def record_shown(token: str, sha256: str, user_id: int) -> None:
    """Record that this person was served these pixels."""
    _get_image_path(token, sha256, str(user_id)).touch(mode=0o600)


def was_shown(token: str, sha256: str, user_id: int) -> bool:
    """Whether this person was served these pixels."""
    return _get_image_path(token, sha256, str(user_id)).is_file()


def detect_image_text(token: str, sha256: str) -> Detection:
    """Search a picture of a bundle for text, and store the result."""
    found = detect_text(read_image(token, sha256) or b"")
    if unavailable_status() is None:
        atomic_write(_get_image_path(token, sha256, "json"), [json.dumps(found.to_json()).encode()])
    return found


def load_detection(token: str, sha256: str) -> Detection | None:
    """Return the stored result of text detection, if there is one."""
    file = _get_image_path(token, sha256, "json")
    return Detection.from_json(json.loads(file.read_text())) if file.is_file() else None


def _get_image_path(token: str, sha256: str, extension: str) -> Path:
    return _get_bundles_dir() / f"{token}.pictures" / f"{sha256}.{extension}"


MAX_BUNDLE_BYTES = 300 * 1024 * 1024
# For the text finder in one request. Its last search may take 80 s more, and a proxy waits 120 s.
TEXT_DETECTION_SECONDS = 30
TEXT_FOUND_MESSAGE = (
    "The text finder marked places that may be text. Look at the outlined places, then import again if they show no "
    "name, date or number: %s."
)
NOT_SEARCHED_MESSAGE = "The text finder has looked at %s of %s new pictures. Import again to continue."
TOKEN_RE = re.compile(r"[0-9a-f]{64}\Z")


class ExportForm(forms.Form):
    """Which pages."""

    pages = forms.ModelMultipleChoiceField(
        queryset=Page.objects.order_by("language", "title"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one page."},
    )


class ImportForm(forms.Form):
    """The file from the other portal."""

    bundle = forms.FileField(
        label="Bundle",
        help_text="The file that the other portal made, such as plainspine-pages.zip.",
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
        error_messages={"required": "Choose the file first."},
    )

    def clean_bundle(self) -> UploadedFile:
        """Not larger than a bundle can be."""
        file: UploadedFile = self.cleaned_data["bundle"]
        if (file.size or 0) > MAX_BUNDLE_BYTES:
            raise forms.ValidationError(f"The file is larger than {MAX_BUNDLE_BYTES // 1024 // 1024} MB.")
        return file


@require_http_methods(["GET", "HEAD"])
@permission_required("procedures.publish_page", raise_exception=True)
def transfer_view(request: HttpRequest) -> HttpResponse:
    """Both directions."""
    return _render_transfer(request)


def _render_transfer(request: HttpRequest, *, status: int = 200, **forms_: Any) -> HttpResponse:
    context = {"export_form": ExportForm(), "import_form": ImportForm(), **forms_}
    return render_admin(request, "workflow/transfer", context, title="Move texts between two portals", status=status)


@require_POST
@permission_required("procedures.publish_page", raise_exception=True)
def export_view(request: HttpRequest) -> HttpResponseBase:
    """The file to take to another portal."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _render_transfer(request, status=400, export=form)
    target = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it when it has been sent
    try:
        write_bundle(form.cleaned_data["pages"], target)
    except UnapprovedPicturesError as error:
        target.close()
        form.add_error("pages", str(error))
        return _render_transfer(request, status=409, export=form)
    target.seek(0)
    name = f"plainspine-pages-{timezone.localdate():%Y-%m-%d}.zip"
    return FileResponse(target, as_attachment=True, filename=name, content_type="application/zip")


@require_POST
@permission_required("procedures.publish_page", raise_exception=True)
def import_view(request: HttpRequest) -> HttpResponse:
    """First what would change; with the pages that were ticked, the import itself."""
    if "token" in request.POST:
        return _run_import(request)
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _render_transfer(request, status=400, bring=form)
    token = stage_bundle(form.cleaned_data["bundle"])
    file = find_bundle(token)
    try:
        plan = import_bundle(file, actor=get_staff_user(request), check=True)
    except InvalidBundleError as error:
        discard_bundle(token)
        form.add_error("bundle", str(error).split("\n")[0] if "\n" not in str(error) else str(error).split("\n"))
        return _render_transfer(request, status=400, bring=form)
    return _render_import_plan(request, plan, token)


@require_safe
@permission_required("procedures.publish_page", raise_exception=True)
def import_image_view(request: HttpRequest, token: str, sha256: str) -> HttpResponse:
    """Serve a new picture of a bundle at full size, and record that this person was shown it."""
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
            (slug, picture.sha256, picture.image.size, _detection_context(token, picture))
            for slug, picture in plan.pictures.items()
        ],
        "confirmed_images": request.POST.getlist("picture"),
        "selected_pages": request.POST.getlist("page"),
        "token": token,
        "error": error,
        "pages": plan.pages,
        "added_rows": [change for change in plan.with_action("new") if change.kind != "page"],
        "unchanged_existing": plan.with_action("kept"),
        "unchanged_count": len(plan.with_action("same")),
        "breadcrumbs": [("Move texts between two portals", reverse("admin:procedures_page_transfer"))],
    }
    return render_admin(request, "workflow/import_plan", context, title="What would change", status=status)


def _detection_context(token: str, image: DecodedImage) -> dict[str, Any] | None:
    """Return the result of text detection for a picture, with its outlines."""
    found = load_detection(token, image.sha256)
    return {"detection": found, "regions": build_regions(found, Redactions())} if found else None


def _detect_new_text(token: str, plan: ImportPlan) -> tuple[dict[str, Detection], str]:
    """Search new pictures for text: what is known by slug, and why the import has to wait, or an empty string.

    It waits for a look at places that were not outlined before, and for pictures that were never searched.
    """
    hashes = {slug: picture.sha256 for slug, picture in plan.pictures.items()}
    found = {slug: known for slug, sha256 in hashes.items() if (known := load_detection(token, sha256))}
    # Searches that failed are tried again, after all others.
    wanted = [slug for slug in hashes if slug not in found] + [
        slug for slug in found if found[slug].status in RETRYABLE_STATUSES
    ]
    until = time.monotonic() + TEXT_DETECTION_SECONDS
    marked: list[str] = []
    for number, slug in enumerate(wanted):
        if number and time.monotonic() > until:
            break
        found[slug] = detect_image_text(token, hashes[slug])
        if found[slug].status is DetectionStatus.MARKED:
            marked.append(slug)
    reasons = [NOT_SEARCHED_MESSAGE % (len(found), len(hashes))] if len(found) < len(hashes) else []
    reasons += [TEXT_FOUND_MESSAGE % ", ".join(marked)] if marked else []
    return found, " ".join(["Nothing was imported yet.", *reasons]) if reasons else ""


def _run_import(request: HttpRequest) -> HttpResponse:
    token = request.POST["token"]
    file: Path | None = find_bundle(token) if TOKEN_RE.match(token) else None
    if file is None:
        form = ImportForm()
        messages.error(request, "The file is not kept here any more. Choose it again.")
        return _render_transfer(request, status=409, bring=form)
    user = get_staff_user(request)
    answers = set(request.POST.getlist("picture"))

    def answered_for(slug: str, picture: DecodedImage) -> bool:
        return slug in answers and was_shown(token, picture.sha256, user.pk)

    ticked = set(request.POST.getlist("page"))
    try:
        plan = import_bundle(file, actor=user, check=True)
        if not ticked:
            return _render_import_plan(request, plan, token, status=400, error="Choose at least one page.")
        stage_images(token, plan.pictures.values())
        found, waits = _detect_new_text(token, plan)
        if waits:
            return _render_import_plan(request, plan, token, status=409, error=waits)
        with transaction.atomic():
            done = import_bundle(
                file, actor=user, check=False, include_page=ticked.__contains__, is_confirmed=answered_for
            )
            for slug in done.pictures:
                # What was marked stays visible: a bundle's pictures are not covered here.
                Figure.objects.filter(slug=slug).update(
                    text_detection=found[slug].after_redactions(Redactions(), "").to_json()
                )
    except UnconfirmedPicturesError as error:
        sentence = f"Look at these pictures, then check the box of each one: {error}. Nothing was imported."
        return _render_import_plan(request, plan, token, status=400, error=sentence)
    except InvalidBundleError as error:
        messages.error(request, f"Nothing came in. {error}")
        return _render_transfer(request, status=409)
    discard_bundle(token)
    count = len(done.pages)
    messages.success(
        request,
        f"{count} page{'' if count == 1 else 's'} came in as draft{'' if count == 1 else 's'}. "
        "What patients read has not changed.",
    )
    return HttpResponseRedirect(reverse("admin:procedures_page_changelist"))
