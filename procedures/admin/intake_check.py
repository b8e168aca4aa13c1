"""The screen on which a person cuts, covers, looks and answers for a picture; and what saving it does."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from procedures.admin.base import staff
from procedures.admin.figure_forms import keep_picture
from procedures.admin.intake import detected, edited, gone, waiting_of
from procedures.admin.intake_forms import CheckForm, EditsForm, NewForm, covering, query
from procedures.admin.outdated import QuotedAdmin
from procedures.admin.shell import screen
from procedures.admin.text_detection import places_shown
from procedures.enums import FigureKind
from procedures.figures.duplicate import duplicate
from procedures.figures.intake import BadPictureError, Picture, size_of
from procedures.figures.orphans import undone_on_failure
from procedures.figures.placing import move_marks
from procedures.figures.renditions import store_picture
from procedures.figures.text_detection import Detection, Place, Status, unavailable
from procedures.figures.waiting import Waiting
from procedures.models import Figure, FigureText

LOOK_AGAIN = "You have not seen the picture as it would be saved now. Look at it below, check the box, then save."
TEXT_MARKED = "The text finder marked places that may be text. Cover them, or answer “Is this text?” below."
TWIN = "This picture has a drawing with the same markers, so it cannot be cropped. Use black boxes instead."


@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest, token: str) -> HttpResponse:
    """Show the picture; with POST and ``do=save`` keep what is on the screen, else show what the rectangles make."""
    waiting = waiting_of(request, token)
    if waiting is None:
        return gone(request)
    if not waiting.has_picture:
        return HttpResponseRedirect(reverse("admin:procedures_figure_frames", args=[token]))
    figure = Figure.objects.filter(pk=waiting.figure).first() if waiting.figure else None
    if waiting.figure and figure is None:
        waiting.drop()
        return gone(request)
    try:
        return _Check(request, waiting, figure).answer()
    except BadPictureError:  # saved, canceled or swept while this request searched it for text
        return gone(request)


class _Check:
    """One request at this screen. ``figure``: the one whose picture is replaced."""

    def __init__(self, request: HttpRequest, waiting: Waiting, figure: Figure | None) -> None:
        self.request, self.waiting, self.figure = request, waiting, figure
        self.data: QueryDict | None = request.POST if request.method == "POST" else None
        self.saving = bool(self.data and self.data.get("do") == "save")
        self.found = self._looked_for_text()
        self.rectangles = EditsForm(self.data)
        if self.data and (chosen := self.data.get("cover")):
            self.data = covering(self.data, self._chosen(chosen))
            self.rectangles = EditsForm(self.data)
        self.problems: list[str] = []
        self.same: Figure | None = None

    def _looked_for_text(self) -> Detection | None:
        """What the text finder said. It looks in this request only if no script asked it before."""
        if self.saving or (self.data and "find" in self.data) or unavailable():
            self.fresh = self.waiting.text() is None
            return detected(self.waiting, again=bool(self.data and "find" in self.data))
        self.fresh = False
        return self.waiting.text()

    def _chosen(self, chosen: str) -> list[Place]:
        """The marked places that a button covers: one by its number, or all that are still visible."""
        if not self.found:
            return []
        if chosen == "all":
            return list(self.found.visible(self.rectangles.valid_edits()))
        return [place for number, place in enumerate(self.found.places, start=1) if chosen == str(number)]

    def answer(self) -> HttpResponse:
        try:
            result = edited(self.waiting, self.rectangles)
        except BadPictureError as error:
            self.problems.append(str(error))
            return self._shown(None, self._form(self.request.POST), status=400)
        same = duplicate(result)
        self.same = same if same != self.figure else None
        if not self.saving:
            return self._shown(result, self._form(self._typed()))
        form = self._form(self.request.POST)
        if self.request.POST.get("looked") != result.sha256 or not self.waiting.was_shown(result):
            self.problems.append(LOOK_AGAIN)
            return self._shown(result, self._form(self._typed(without_tick=True)), status=409)
        self._judge()
        if self.problems or not form.is_valid():
            return self._shown(result, form, status=400)
        return self._saved(result, form)

    def _form(self, data: Any) -> CheckForm:
        instance = self.figure or Figure()
        kind = CheckForm if self.figure else NewForm
        if isinstance(data, QueryDict):
            return kind(data, instance=instance)
        # A new picture must be looked at again, and its kind is unknown until the uploader chooses it.
        known = instance.kind if self.waiting.own and instance.kind != FigureKind.OTHER else ""
        asked = {"nothing_visible": False, "kind": known}
        return kind(instance=instance, initial={**asked, **data})

    def _typed(self, *, without_tick: bool = False) -> dict[str, Any]:
        """What was typed so far, without a word about what is missing yet."""
        typed: dict[str, Any] = dict(self.request.POST.items())
        typed["nothing_visible"] = "nothing_visible" in typed and not without_tick
        return typed

    def _judge(self) -> None:
        self._judge_text()
        if self.same and not self.request.POST.get("again"):
            self.problems.append(f"This picture is here already: {self.same.slug}.")
        if self.figure and self.figure.drawing and self.rectangles.edits().cut:
            self.problems.append(TWIN)

    def _judge_text(self) -> None:
        """Marked places must be covered or answered for. A failed search is reported once before anything is saved."""
        found = self.found
        if found is None or found.status is Status.NOTHING_MARKED:
            return
        if found.status is not Status.MARKED:
            if self.fresh and not unavailable():
                self.problems.append(found.sentence)
            return
        if found.visible(self.rectangles.valid_edits()) and (self.fresh or not self.request.POST.get("text_answer")):
            self.problems.append(TEXT_MARKED)

    def _shown(self, result: Picture | None, form: CheckForm, *, status: int = 200) -> HttpResponse:
        context: dict[str, Any] = {
            "waiting": self.waiting,
            "figure": self.figure,
            "form": form,
            "looked": result.sha256 if result else "",
            "rectangles": self.rectangles.again() if result and self.rectangles.cut.is_bound else self.rectangles,
            "query": query(self.data or QueryDict()),
            "original": size_of(self.waiting.picture_bytes()),
            "kept": result.image.size if result else None,
            "same": self.same,
            "problems": self.problems,
            "found": self.found,
            "places": places_shown(self.found, self.rectangles.valid_edits()) if self.found else [],
            "suggested": FigureKind(self.waiting.kind).label if self.waiting.kind else "",
            "saving": self.saving and form.is_bound,
        }
        title = f"Check the picture for {self.figure.slug}" if self.figure else "Check the picture"
        return screen(self.request, "figure/check", context, title=title, status=status)

    def _saved(self, result: Picture, form: CheckForm) -> HttpResponse:
        desk = admin.site.get_model_admin(Figure)
        figure: Figure = form.instance
        if self.found:
            figure.text_detection = self.found.kept(
                self.rectangles.valid_edits(), form.cleaned_data["text_answer"]
            ).to_json()
        outside: list[str] = []
        with undone_on_failure():
            renditions = store_picture(figure, result)
            with transaction.atomic():
                if isinstance(form, NewForm):
                    keep_picture(form.name_figure(), renditions, uploaded_by=staff(self.request))
                    FigureText.objects.bulk_create(form.texts())
                    desk.log_addition(self.request, figure, "Picture brought in.")
                else:
                    keep_picture(figure, renditions, uploaded_by=staff(self.request))
                    outside = move_marks(figure, self.rectangles.edits())
                    desk.log_change(self.request, figure, "Another picture.")
        self.waiting.note_saved(figure.pk)
        self._tell(desk, figure, outside)
        return HttpResponseRedirect(reverse("admin:procedures_figure_change", args=[figure.pk]))

    def _tell(self, desk: Any, figure: Figure, outside: list[str]) -> None:
        if self.figure is None:
            messages.success(
                self.request, f"The picture is in, with all its sizes. Texts show it with ::: figure {figure.slug}"
            )
            if self.waiting.editor:
                messages.info(self.request, "Close this tab and go back to your text. The picture is inserted there.")
                return
            address = reverse("admin:procedures_figure_marks", args=[figure.pk])
            messages.info(self.request, format_html('Next: <a href="{}">place and name its marks</a>.', address))
            return
        messages.success(
            self.request, "The new picture is saved. Patients see the old one until a reviewer approves the new one."
        )
        if outside:
            messages.warning(
                self.request, f"These marks were cut off; they stand at the edge now: {', '.join(outside)}."
            )
        elif figure.markers.exists():
            messages.info(self.request, "Look whether each mark still points at the right place.")
        if isinstance(desk, QuotedAdmin):
            desk.tell_outdated(self.request, figure)
