"""The page where staff place the marks of a picture: show, save, look live, download, bring in from a file."""

from dataclasses import replace
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from procedures.admin.answers import refusal, staff_json
from procedures.admin.base import whole_number
from procedures.admin.figure_files import with_staff_urls
from procedures.admin.marks import Ground, MarkRows, as_sent
from procedures.admin.marks_shown import shown
from procedures.admin.shell import screen
from procedures.enums import Language
from procedures.figures.annotations import CONTENT_TYPE, annotation_page
from procedures.figures.annotations_read import MAX_BYTES, BadAnnotationsError, read_annotations
from procedures.figures.marks import MarksChangedError, differences, keep_marks, marks_of, picture_hash, version_of
from procedures.figures.overlay import figure_view
from procedures.models import Figure

CHANGED_MEANWHILE = (
    "Someone else changed these markers, or the picture, while you worked. Nothing is saved yet, and what you typed "
    "is still here. Look at the saved markers in another window, then save again to replace them with yours."
)
INCOMPLETE = "The form came in incomplete, so nothing was saved. Load the page again."
# All marks with the longest words fit many times over.
MAX_FORM_BYTES = 1024 * 1024


def _figure(request: HttpRequest, figure_id: int) -> Figure:
    """The picture with everything the page shows; 404 and 403 as Django's own forms give them."""
    figure = Figure.objects.filter(pk=figure_id).prefetch_related("texts", "renditions", "markers__texts").first()
    if figure is None:
        raise Http404
    if not admin.site.get_model_admin(Figure).has_change_permission(request, figure):
        raise PermissionDenied
    return figure


@require_http_methods(["GET", "HEAD", "POST"])
def marks(request: HttpRequest, figure_id: int) -> HttpResponse:
    """The form. A refused save (400, or 409 after somebody else's) shows everything that was typed."""
    figure = _figure(request, figure_id)
    ground = Ground.of(figure)
    if request.method != "POST":
        return _page(request, figure, MarkRows(ground, saved=marks_of(figure)))
    rows = MarkRows(ground, data=request.POST)
    if not rows.complete:
        return _page(request, figure, MarkRows(ground, saved=marks_of(figure)), refused=[INCOMPLETE], status=400)
    if not rows.is_valid():
        return _page(request, figure, rows, refused=rows.errors, version=request.POST.get("version", ""), status=400)
    try:
        changes = keep_marks(figure, rows.marks(), expected=request.POST.get("version", ""))
    except MarksChangedError:
        return _page(request, figure, rows, refused=[CHANGED_MEANWHILE], status=409)
    _say(request, figure, changes)
    return HttpResponseRedirect(request.path)


def _say(request: HttpRequest, figure: Figure, changes: list[str]) -> None:
    """After a save: history, what happened, which public pages print the old marks."""
    if not changes:
        messages.info(request, "Nothing was changed.")
        return
    model_admin: Any = admin.site.get_model_admin(Figure)
    model_admin.log_change(request, figure, f"Markers. {'; '.join(changes)}."[:1000])
    messages.success(request, "Markers saved.")
    model_admin.tell_outdated(request, figure)


def _page(
    request: HttpRequest,
    figure: Figure,
    rows: MarkRows,
    *,
    refused: list[str] | None = None,
    version: str | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """``version``: what the typed marks replace; without it what is saved now."""
    saved = marks_of(figure)
    drawn = [mark for _, mark in rows.drawn()] if any(form.is_bound for form in rows.forms) else saved
    view = figure_view(figure, rows.ground.languages[0])
    view = replace(view, large_href=with_staff_urls(view.large_href))
    context = {
        "figure": figure,
        "view": view,
        "rows": rows,
        "lost": rows.ground.lost,
        "refused": refused or [],
        "unsaved": status != 200 or bool(more),
        "version": version_of(figure, saved) if version is None else version,
        "frames": [(code, Language(code).label, shown(figure, code, drawn)) for code in rows.ground.languages],
        "most_bytes": MAX_BYTES,
        **more,
    }
    return screen(request, "figure/marks", context, title=f"Markers on “{view.title}”", status=status)


@staff_json("procedures.change_figure", method="POST", most_bytes=MAX_FORM_BYTES)
def live(request: HttpRequest) -> JsonResponse:
    """The public rendering of what is typed, in each language, and the notes on each row. Saves nothing."""
    found = Figure.objects.filter(pk=whole_number(request.POST.get("figure", "")))
    figure = found.prefetch_related("texts", "renditions", "markers__texts").first()
    if figure is None:
        return refusal(404, "This picture is gone.")
    rows = MarkRows(Ground.of(figure), data=request.POST)
    drawn = [mark for _, mark in rows.drawn()]
    pages = {code: shown(figure, code, drawn) for code in rows.ground.languages}
    notes = [{"mark": note.index, "sentence": note.sentence} for note in rows.all_notes()]
    return JsonResponse({"pages": pages, "notes": notes})


@require_safe
def download(request: HttpRequest, figure_id: int) -> HttpResponse:
    """The saved marks as a W3C Web Annotation page."""
    figure = _figure(request, figure_id)
    answer = JsonResponse(
        annotation_page(figure, marks_of(figure)),
        content_type=CONTENT_TYPE,
        json_dumps_params={"ensure_ascii": False, "indent": 1},
    )
    answer["Content-Disposition"] = f'attachment; filename="{figure.slug}-marks.jsonld"'
    return answer


@require_POST
def bring_in(request: HttpRequest, figure_id: int) -> HttpResponse:
    """Marks from a file, in the form and as patients would see them. The form's own button saves them."""
    figure = _figure(request, figure_id)
    ground, saved = Ground.of(figure), marks_of(figure)
    upload = request.FILES.get("file")
    try:
        if upload is None:
            raise BadAnnotationsError("Choose a markers file first.")
        # One byte more than allowed is enough to see that it is too much.
        found = read_annotations(upload.read(MAX_BYTES + 1), picture=picture_hash(figure))
    except BadAnnotationsError as error:
        status = 413 if upload is not None and (upload.size or 0) > MAX_BYTES else 400
        return _page(request, figure, MarkRows(ground, saved=saved), refused=[str(error)], status=status)
    rows = MarkRows(ground, data=as_sent(found.marks, ground))
    brought = {"changes": differences(saved, found.marks), "remarks": found.remarks}
    return _page(request, figure, rows, refused=rows.errors, brought=brought)
