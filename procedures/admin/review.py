"""A reviewer's decision on exactly the text that was on the screen."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from procedures.admin.answers import staff_json
from procedures.admin.base import plain_newlines, staff, whole_number
from procedures.admin.compare import difference
from procedures.admin.desk import Desk, change_address, desk, page_trail
from procedures.admin.figure_files import staff_url
from procedures.admin.shell import screen
from procedures.admin.text_detection import text_detection_html
from procedures.enums import Decision
from procedures.figures.approval import ApprovedFigure, Pictures, approved_figures, figure_hash
from procedures.models import Figure, Page
from procedures.publishing.autosave import comments_of, forget_comments, keep_comments
from procedures.publishing.review import PicturesNotShownError, ReviewRefusedError, decide
from procedures.publishing.versions import Version, of_release

CHANGED = "The text was changed while you read it. This is the newest text: please decide on it."
DONE = {
    Decision.APPROVED: "Approved. It goes public when a manager publishes it.",
    Decision.SENT_BACK: "Sent back with your comments.",
}
APPROVED_LIVE = "Approved. Patients read this text already; a manager can now publish it as reviewed."
MAX_COMMENT = 4000
MAX_REMARKS = 100
MAX_BYTES = 2 * 1024 * 1024
# Comments on words that are no longer in the text are numbered from here, after those of the rows.
GONE_FROM = 100_000


class ReviewForm(forms.Form):
    """``revision`` is what the reviewer saw."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=[(Decision.APPROVED, "Approve"), (Decision.SENT_BACK, "Send back")])
    comment = forms.CharField(max_length=MAX_COMMENT, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def remarks(self) -> list[tuple[str, str]]:
        """Words of a paragraph and what is said of it: from the fields ``quote-7`` and ``at-7`` of the comparison."""
        found = []
        for name in self.data:
            text = plain_newlines(self.data[name]).strip() if name.startswith("at-") else ""
            if text:
                found.append((self.data.get(f"quote-{name[3:]}", "")[:MAX_COMMENT], text[:MAX_COMMENT]))
        return found[:MAX_REMARKS]


@dataclass(frozen=True)
class _Shown(Version):
    """The text on this screen. It is rendered already: rendering it again could show another picture or answer."""

    html: str

    def article(self) -> str:
        return self.html


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.approve_page", raise_exception=True)
def review(request: HttpRequest, page_id: int) -> HttpResponse:
    """What changes for patients, the page as it would look, a comment and two buttons.

    A refusal shows it all again with what was typed: 400, 403 or 409.
    """
    page = get_object_or_404(Page, pk=page_id)
    reviewer = staff(request)
    refused, status, form = "", 200, ReviewForm(request.POST or None)
    if request.method == "POST":
        if "discard" in request.POST:
            forget_comments(reviewer, page.pk)
            return HttpResponseRedirect(request.path)
        refused, status = _decide(request, page, form)
        if not refused:
            forget_comments(reviewer, page.pk)
            return HttpResponseRedirect(change_address(page))
    kept = None if form.is_bound else comments_of(reviewer, page.pk)
    if kept:
        form = ReviewForm(kept.fields)
    here = desk(page.pk, reviewer, with_page=True)
    shown = _difference(here)
    typed = dict(form.remarks()) if form.is_bound else {}
    context = {
        "desk": here,
        "trail": page_trail(page),
        "comment": form["comment"].value() or "",
        "typed": typed,
        "elsewhere": _elsewhere(typed, shown),
        "kept": kept,
        "refused": refused,
        "own": settings.REQUIRE_SECOND_PERSON and bool(here.revision) and _author(here) == reviewer.pk,
        "pictures": _pictures(here.new_figures),
        **shown,
    }
    return screen(request, "page/review", context, title=f"Review: {page.title}", status=status)


def _pictures(figures: list[Figure]) -> list[dict[str, Any]]:
    public = approved_figures(figures, Pictures.PUBLIC)
    return [_picture(figure, public.get(figure.slug)) for figure in figures]


def _picture(figure: Figure, public: ApprovedFigure | None) -> dict[str, Any]:
    """A new picture at full size, with the hash that the form sends back. ``public``: its approved state, if any."""
    names = {"": figure.image, "in light mode": figure.drawing, "in dark mode": figure.drawing_dark}
    files = [(words, staff_url(name)) for words, name in names.items() if name]
    return {
        "figure": figure,
        "hash": figure_hash(figure),
        "files": files,
        "old_kind": public.figure.get_kind_display() if public and public.figure.kind != figure.kind else "",
        "text_detection": text_detection_html(figure) if figure.image else "",
    }


@staff_json("procedures.approve_page", method="POST", most_bytes=MAX_BYTES)
def keep(request: HttpRequest) -> JsonResponse:
    """Save what the reviewer has typed so far, for the next time this screen is opened."""
    page = get_object_or_404(Page, pk=whole_number(request.POST.get("page", "")))
    form = ReviewForm(request.POST)
    remarks = form.remarks()
    comment = plain_newlines(request.POST.get("comment", ""))[:MAX_COMMENT]
    fields: dict[str, str] = {"comment": comment} if comment.strip() else {}
    for number, (quote, text) in enumerate(remarks):
        fields |= {f"quote-{number}": quote, f"at-{number}": text}
    newest = page.revisions.values_list("number", flat=True).first()
    slot = keep_comments(staff(request), page.pk, fields, version=newest or 0)
    return JsonResponse({"kept_at": slot.typed_at and slot.seen_at})


def _elsewhere(typed: dict[str, str], shown: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Comments on words that are no longer in the text, numbered after all others."""
    parts = shown["diff"]["parts"] if shown else []
    words = {row.new.text for part in parts for _, row in part.rows if row.new}
    gone = [(quote, text) for quote, text in typed.items() if quote not in words]
    return [(number, quote, text) for number, (quote, text) in enumerate(gone, start=GONE_FROM)]


def _author(here: Desk) -> int | None:
    return here.revision.author_id if here.revision else None


def _difference(here: Desk) -> dict[str, Any]:
    """Against what patients read, by whoever decides; a new page against nothing."""
    if here.revision is None:
        return {}
    live = of_release(here.page, here.live) if here.live else None
    return {"diff": difference(live, _Shown(here.page, here.revision, None, here.article))}


def _decide(request: HttpRequest, page: Page, form: ReviewForm) -> tuple[str, int]:
    """Empty text when it is done, else why not, with the status that says so."""
    if not form.is_valid():
        return "Choose Approve or Send back.", 400
    latest, decision = page.revisions.first(), Decision(form.cleaned_data["decision"])
    if latest is None or latest.pk != form.cleaned_data["revision"]:
        return CHANGED, 409
    try:
        decide(
            latest,
            reviewer=staff(request),
            decision=decision,
            comment=form.cleaned_data["comment"].strip(),
            remarks=form.remarks(),
            pictures_seen=request.POST.getlist("picture"),
        )
    except PicturesNotShownError as error:
        return str(error), 409
    except ReviewRefusedError as error:
        return str(error), 403 if decision == Decision.APPROVED else 400
    live = page.live_release
    is_live = live is not None and live.revision.content_hash == latest.content_hash
    messages.success(request, APPROVED_LIVE if is_live and decision == Decision.APPROVED else DONE[decision])
    return "", 200
