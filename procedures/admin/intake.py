"""Upload a picture: choose it, crop and cover it, look at the result, say what it is and where it is from, save.

All uploads by staff pass these screens: new figures, replaced pictures, the editor's window, DICOM frames. The server
saves only the result that it served last to this person (Waiting.was_shown). The first step takes JPEG, PNG, WebP and
DICOM alike; the content decides what a file is. Between the steps bare pixels wait (procedures/figures/waiting.py).
Every step works without JavaScript.
"""

from typing import Any, BinaryIO, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from procedures.admin.answers import refusal, too_often
from procedures.admin.base import staff
from procedures.admin.intake_forms import EditsForm, TextAnswerForm
from procedures.admin.shell import screen
from procedures.admin.text_detection import places_shown
from procedures.figures import dicom
from procedures.figures.duplicate import duplicate
from procedures.figures.intake import BadPictureError, Picture
from procedures.figures.renditions import master, png
from procedures.figures.text_detection import Detection, Status, detect
from procedures.figures.waiting import Waiting, begin, bring, find
from procedures.models import Figure

# A file and the form around it.
MAX_REQUEST_BYTES = dicom.MAX_BYTES + 64 * 1024
MAX_UPLOADS, SECONDS = 40, 600
TOO_MANY = "You uploaded %s pictures in 10 minutes. Wait a few minutes, then try again."
# Outcomes after which another try makes sense.
AGAIN = (Status.BUSY, Status.TIMED_OUT, Status.FAILED)
# What waits is for one person, now: not for a browser's cache, not for a proxy's.
NEVER_KEPT = {"Cache-Control": "no-store, private", "Content-Security-Policy": "default-src 'none'; sandbox"}


def may(request: HttpRequest, figure: int | None) -> None:
    """Raises PermissionDenied for whoever may not bring in this picture."""
    if not staff(request).has_perm("procedures.add_figure" if figure is None else "procedures.change_figure"):
        raise PermissionDenied


def waiting_of(request: HttpRequest, token: str) -> Waiting | None:
    """What waits for the person who asks."""
    waiting = find(token, user_id=staff(request).pk)
    if waiting:
        may(request, waiting.figure)
    return waiting


def gone(request: HttpRequest) -> HttpResponse:
    """The answer where nothing waits any longer."""
    return screen(request, "figure/gone", {}, title="The picture is not here any longer", status=404)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """The first step. Who sends and how much is looked at before the file is read, and only then the token in it."""
    asked = request.GET.get("figure", "")
    figure = get_object_or_404(Figure, slug=asked) if asked else None
    may(request, figure.pk if figure else None)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_REQUEST_BYTES:
        return _refused(request, figure, "The file is larger than 250 MB. Choose a smaller one.", 413)
    answer: HttpResponse = _take(request, figure)
    return answer


@csrf_protect
def _take(request: HttpRequest, figure: Figure | None) -> HttpResponse:
    if request.method != "POST":
        return _choose_screen(request, figure)
    user = staff(request)
    if too_often(user.pk, "intake", most=MAX_UPLOADS, seconds=SECONDS):
        return _refused(request, figure, TOO_MANY % MAX_UPLOADS, 429)
    try:
        if "keep" in request.POST and figure:
            original = master(figure)
            waiting = begin(user_id=user.pk, figure=figure.pk, own=True)
            waiting.note(file_kind=figure.kind)
            waiting.put(original)
        elif sent := request.FILES.get("picture"):
            waiting = bring(cast("BinaryIO", sent.file), user_id=user.pk, figure=figure.pk if figure else None)
        else:
            raise BadPictureError("Choose a picture.")
    except BadPictureError as error:
        return _refused(request, figure, str(error), 400)
    address = first_step(waiting)
    if _script(request):
        return JsonResponse({"next": address}, status=201)
    return HttpResponseRedirect(address)


def first_step(waiting: Waiting) -> str:
    """The address of the next screen: the check, or the choice of a frame and a window before it."""
    step = "check" if waiting.has_picture else "frames"
    return reverse(f"admin:procedures_figure_{step}", args=[waiting.token])


def _choose_screen(request: HttpRequest, figure: Figure | None, error: str = "", status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"figure": figure, "error": error, "dicom": dicom.installed()}
    title = f"Another picture for {figure.slug}" if figure else "Bring in a picture"
    return screen(request, "figure/choose", context, title=title, status=status)


def _refused(request: HttpRequest, figure: Figure | None, sentence: str, status: int) -> HttpResponse:
    return refusal(status, sentence) if _script(request) else _choose_screen(request, figure, sentence, status)


def _script(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "") == "application/json"


@require_safe
def picture(request: HttpRequest, token: str) -> HttpResponse:
    """The picture that waits, as it came in."""
    waiting = waiting_of(request, token)
    if waiting is None or not waiting.has_picture:
        raise Http404
    return HttpResponse(waiting.picture_bytes(), content_type="image/png", headers=NEVER_KEPT)


@require_safe
def result(request: HttpRequest, token: str) -> HttpResponse:
    """What would be kept with the rectangles in the address: as PNG, or told to a script that asks for JSON."""
    waiting = waiting_of(request, token)
    if waiting is None or not waiting.has_picture:
        return refusal(404, "The picture was not saved in time and was deleted. Choose it again.")
    rectangles = EditsForm(request.GET if "box-TOTAL_FORMS" in request.GET else None)
    try:
        made = edited(waiting, rectangles)
    except BadPictureError as error:
        return refusal(400, str(error))
    if not _script(request):
        answer = HttpResponse(png(made), content_type="image/png", headers=NEVER_KEPT)
        if request.method == "GET":
            waiting.note_shown(made)
        return answer
    same = duplicate(made)
    width, height = made.image.size
    return JsonResponse(
        {"looked": made.sha256, "width": width, "height": height, "duplicate": same.slug if same else ""}
    )


def edited(waiting: Waiting, rectangles: EditsForm) -> Picture:
    """The waiting picture with its rectangles. Raises BadPictureError also for numbers that are none."""
    original = waiting.picture()
    if not rectangles.cut.is_bound:
        return original
    if not rectangles.is_valid():
        raise BadPictureError("A number in one of the boxes does not fit. Correct it below.")
    return rectangles.edits().apply(original)


def detected(waiting: Waiting, *, again: bool = False) -> Detection:
    """What the text finder says about the picture that waits; it looks once, or ``again``.

    Raises BadPictureError when the picture is deleted during the search.
    """
    known = waiting.text()
    if known is not None and not (again and known.status in AGAIN):
        return known
    searched = waiting.picture_bytes()
    found = detect(searched)
    if found.status in AGAIN and (other := waiting.text()) and other.status not in AGAIN:
        return other  # from a request that searched the same picture at the same time
    waiting.note_text(found, searched)
    return found


@require_POST
def text(request: HttpRequest, token: str) -> HttpResponse:
    """Let the text finder look; answers the part of the check screen that shows what it marked."""
    waiting = waiting_of(request, token)
    if waiting is None or not waiting.has_picture:
        return refusal(404, "The picture was not saved in time and was deleted. Choose it again.")
    try:
        found = detected(waiting, again="again" in request.POST)
    except BadPictureError as error:
        return refusal(400, str(error))
    form = TextAnswerForm(initial={"text_answer": request.POST.get("text_answer", "")})
    context = {"found": found, "places": places_shown(found, EditsForm(request.POST).valid_edits()), "form": form}
    return render(request, "admin/procedures/figure/text_found.html", context)


@require_POST
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    """Nothing waits any longer."""
    waiting = waiting_of(request, token)
    if waiting is None:
        return HttpResponseRedirect(reverse("admin:procedures_figure_changelist"))
    waiting.drop()
    if waiting.figure is None:
        return HttpResponseRedirect(reverse("admin:procedures_figure_changelist"))
    return HttpResponseRedirect(reverse("admin:procedures_figure_change", args=[waiting.figure]))
