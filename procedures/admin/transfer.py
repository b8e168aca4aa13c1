"""Pages to another portal and from it, as one file. What comes in is looked at first, and comes in as drafts."""

import re
import tempfile
import time
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from procedures.admin.base import staff
from procedures.admin.bundle_files import keep as keep_file
from procedures.admin.bundle_files import (
    keep_pictures,
    kept,
    known_text,
    look_for_text,
    note_shown,
    picture_of,
    throw_away,
    was_shown,
)
from procedures.admin.intake import AGAIN, NEVER_KEPT
from procedures.admin.shell import screen
from procedures.admin.text_detection import places_shown
from procedures.content.bring_in import NotShownError, Plan, bring_in
from procedures.content.bundle import UnapprovedPicturesError, write_bundle
from procedures.content.unpack import BadBundleError
from procedures.figures.edit import Edits
from procedures.figures.intake import Picture
from procedures.figures.text_detection import Detection, Status
from procedures.models import Figure, Page

MAX_UPLOAD = 300 * 1024 * 1024
# For the text finder in one request. Its last search may take 80 s more, and a proxy waits 120 s.
SEARCH_SECONDS = 30
TEXT_MARKED = (
    "The text finder marked places that may be text. Look at the outlined places, then import again if they show no "
    "name, date or number: %s."
)
NOT_SEARCHED = "The text finder has looked at %s of %s new pictures. Import again to continue."
TOKEN = re.compile(r"[0-9a-f]{64}\Z")


class ExportForm(forms.Form):
    """Which pages."""

    pages = forms.ModelMultipleChoiceField(
        queryset=Page.objects.order_by("language", "title"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one page."},
    )


class BundleForm(forms.Form):
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
        if (file.size or 0) > MAX_UPLOAD:
            raise forms.ValidationError(f"The file is larger than {MAX_UPLOAD // 1024 // 1024} MB.")
        return file


@require_http_methods(["GET", "HEAD"])
@permission_required("procedures.publish_page", raise_exception=True)
def transfer(request: HttpRequest) -> HttpResponse:
    """Both directions."""
    return _both(request)


def _both(request: HttpRequest, *, status: int = 200, **forms_: Any) -> HttpResponse:
    context = {"export": ExportForm(), "bring": BundleForm(), **forms_}
    return screen(request, "workflow/transfer", context, title="Move texts between two portals", status=status)


@require_POST
@permission_required("procedures.publish_page", raise_exception=True)
def bundle(request: HttpRequest) -> HttpResponseBase:
    """The file to take to another portal."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _both(request, status=400, export=form)
    target = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it when it has been sent
    try:
        write_bundle(form.cleaned_data["pages"], target)
    except UnapprovedPicturesError as error:
        target.close()
        form.add_error("pages", str(error))
        return _both(request, status=409, export=form)
    target.seek(0)
    name = f"plainspine-pages-{timezone.localdate():%Y-%m-%d}.zip"
    return FileResponse(target, as_attachment=True, filename=name, content_type="application/zip")


@require_POST
@permission_required("procedures.publish_page", raise_exception=True)
def look(request: HttpRequest) -> HttpResponse:
    """First what would change; with the pages that were ticked, the import itself."""
    if "token" in request.POST:
        return _import(request)
    form = BundleForm(request.POST, request.FILES)
    if not form.is_valid():
        return _both(request, status=400, bring=form)
    token = keep_file(form.cleaned_data["bundle"])
    file = kept(token)
    try:
        plan = bring_in(file, actor=staff(request), check=True)
    except BadBundleError as error:
        throw_away(token)
        form.add_error("bundle", str(error).split("\n")[0] if "\n" not in str(error) else str(error).split("\n"))
        return _both(request, status=400, bring=form)
    return _plan(request, plan, token)


@require_safe
@permission_required("procedures.publish_page", raise_exception=True)
def bundle_picture(request: HttpRequest, token: str, sha256: str) -> HttpResponse:
    """Serve a new picture of a bundle at full size, and record that this person was shown it."""
    data = picture_of(token, sha256) if TOKEN.match(token) and TOKEN.match(sha256) else None
    if data is None:
        raise Http404
    if request.method == "GET":
        note_shown(token, sha256, staff(request).pk)
    return HttpResponse(data, content_type="image/png", headers=NEVER_KEPT)


def _plan(request: HttpRequest, plan: Plan, token: str, *, status: int = 200, refused: str = "") -> HttpResponse:
    keep_pictures(token, plan.pictures.values())
    context = {
        "plan": plan,
        "pictures": [
            (slug, picture.sha256, picture.image.size, _text(token, picture)) for slug, picture in plan.pictures.items()
        ],
        "ticked": request.POST.getlist("picture"),
        "chosen": request.POST.getlist("page"),
        "token": token,
        "refused": refused,
        "pages": plan.pages,
        "added": [change for change in plan.of("new") if change.kind != "page"],
        "kept": plan.of("kept"),
        "same": len(plan.of("same")),
        "trail": [("Move texts between two portals", reverse("admin:procedures_page_transfer"))],
    }
    return screen(request, "workflow/bring_in", context, title="What would change", status=status)


def _text(token: str, picture: Picture) -> dict[str, Any] | None:
    """Return the result of text detection for a picture, with its outlines."""
    found = known_text(token, picture.sha256)
    return {"found": found, "places": places_shown(found, Edits())} if found else None


def _search(token: str, plan: Plan) -> tuple[dict[str, Detection], str]:
    """Search new pictures for text: what is known by slug, and why the import has to wait, or an empty string.

    It waits for a look at places that were not outlined before, and for pictures that were never searched.
    """
    hashes = {slug: picture.sha256 for slug, picture in plan.pictures.items()}
    found = {slug: known for slug, sha256 in hashes.items() if (known := known_text(token, sha256))}
    # Searches that failed are tried again, after all others.
    wanted = [slug for slug in hashes if slug not in found] + [slug for slug in found if found[slug].status in AGAIN]
    until = time.monotonic() + SEARCH_SECONDS
    marked: list[str] = []
    for number, slug in enumerate(wanted):
        if number and time.monotonic() > until:
            break
        found[slug] = look_for_text(token, hashes[slug])
        if found[slug].status is Status.MARKED:
            marked.append(slug)
    reasons = [NOT_SEARCHED % (len(found), len(hashes))] if len(found) < len(hashes) else []
    reasons += [TEXT_MARKED % ", ".join(marked)] if marked else []
    return found, " ".join(["Nothing was imported yet.", *reasons]) if reasons else ""


def _import(request: HttpRequest) -> HttpResponse:
    token = request.POST["token"]
    file: Path | None = kept(token) if TOKEN.match(token) else None
    if file is None:
        form = BundleForm()
        messages.error(request, "The file is not kept here any more. Choose it again.")
        return _both(request, status=409, bring=form)
    user = staff(request)
    answers = set(request.POST.getlist("picture"))

    def answered_for(slug: str, picture: Picture) -> bool:
        return slug in answers and was_shown(token, picture.sha256, user.pk)

    ticked = set(request.POST.getlist("page"))
    try:
        plan = bring_in(file, actor=user, check=True)
        if not ticked:
            return _plan(request, plan, token, status=400, refused="Choose at least one page.")
        keep_pictures(token, plan.pictures.values())
        found, waits = _search(token, plan)
        if waits:
            return _plan(request, plan, token, status=409, refused=waits)
        with transaction.atomic():
            done = bring_in(file, actor=user, check=False, wanted=ticked.__contains__, answered_for=answered_for)
            for slug in done.pictures:
                # What was marked stays visible: a bundle's pictures are not covered here.
                Figure.objects.filter(slug=slug).update(text_detection=found[slug].kept(Edits(), "").to_json())
    except NotShownError as error:
        sentence = f"Look at these pictures, then check the box of each one: {error}. Nothing was imported."
        return _plan(request, plan, token, status=400, refused=sentence)
    except BadBundleError as error:
        messages.error(request, f"Nothing came in. {error}")
        return _both(request, status=409)
    throw_away(token)
    count = len(done.pages)
    messages.success(
        request,
        f"{count} page{'' if count == 1 else 's'} came in as draft{'' if count == 1 else 's'}. "
        "What patients read has not changed.",
    )
    return HttpResponseRedirect(reverse("admin:procedures_page_changelist"))
