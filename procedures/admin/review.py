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

from procedures.admin.base import get_staff_user, normalize_newlines, parse_int_or_zero, render_admin, staff_file_url
from procedures.admin.edit_page import EditPageContext, build_breadcrumbs, build_edit_page_context, get_change_url
from procedures.admin.json_api import staff_json_view
from procedures.admin.revisions import build_diff_context
from procedures.admin.text_detection import text_detection_html
from procedures.enums import Decision
from procedures.figures.approval import ApprovedFigure, FigureVersion, approved_figures, figure_hash
from procedures.models import Figure, Page
from procedures.publishing.review import ReviewError, UnseenFiguresError, record_decision
from procedures.revisions.autosave import discard_review_comments, get_review_comments, save_review_comments
from procedures.revisions.history import Version, version_of_release

TEXT_CHANGED_MESSAGE = "The text was changed while you read it. This is the newest text: please decide on it."
DECISION_MESSAGES = {
    Decision.APPROVED: "Approved. It goes public when a manager publishes it.",
    Decision.SENT_BACK: "Sent back with your comments.",
}
APPROVED_LIVE_MESSAGE = "Approved. Patients read this text already; a manager can now publish it as reviewed."
MAX_COMMENT_LENGTH = 4000
MAX_PARAGRAPH_COMMENTS = 100
MAX_FORM_BYTES = 2 * 1024 * 1024
# Comments on words that are no longer in the text are numbered from here, after those of the rows.
FIRST_DETACHED_INDEX = 100_000


class ReviewForm(forms.Form):
    """``revision`` is what the reviewer saw."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=[(Decision.APPROVED, "Approve"), (Decision.SENT_BACK, "Send back")])
    comment = forms.CharField(max_length=MAX_COMMENT_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def paragraph_comments(self) -> list[tuple[str, str]]:
        """Words of a paragraph and what is said of it: from the fields ``quote-7`` and ``at-7`` of the comparison."""
        found = []
        for name in self.data:
            text = normalize_newlines(self.data[name]).strip() if name.startswith("at-") else ""
            if text:
                found.append((self.data.get(f"quote-{name[3:]}", "")[:MAX_COMMENT_LENGTH], text[:MAX_COMMENT_LENGTH]))
        return found[:MAX_PARAGRAPH_COMMENTS]


@dataclass(frozen=True)
class _RenderedVersion(Version):
    """The text on this screen. It is rendered already: rendering it again could show another picture or answer."""

    html: str

    def article(self) -> str:
        return self.html


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.approve_page", raise_exception=True)
def review_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """What changes for patients, the page as it would look, a comment and two buttons.

    A refusal shows it all again with what was typed: 400, 403 or 409.
    """
    page = get_object_or_404(Page, pk=page_id)
    reviewer = get_staff_user(request)
    refused, status, form = "", 200, ReviewForm(request.POST or None)
    if request.method == "POST":
        if "discard" in request.POST:
            discard_review_comments(reviewer, page.pk)
            return HttpResponseRedirect(request.path)
        refused, status = _handle_decision(request, page, form)
        if not refused:
            discard_review_comments(reviewer, page.pk)
            return HttpResponseRedirect(get_change_url(page))
    kept = None if form.is_bound else get_review_comments(reviewer, page.pk)
    if kept:
        form = ReviewForm(kept.fields)
    here = build_edit_page_context(page.pk, reviewer, with_preview=True)
    shown = _build_diff(here)
    typed = dict(form.paragraph_comments()) if form.is_bound else {}
    context = {
        "edit_page": here,
        "breadcrumbs": build_breadcrumbs(page),
        "comment": form["comment"].value() or "",
        "paragraph_comments": typed,
        "detached_comments": _detached_comments(typed, shown),
        "autosave": kept,
        "error": refused,
        "is_own": settings.REQUIRE_PEER_REVIEW and bool(here.revision) and _get_author_id(here) == reviewer.pk,
        "new_figures": _new_figures(here.new_figures),
        **shown,
    }
    return render_admin(request, "page/review", context, title=f"Review: {page.title}", status=status)


def _new_figures(figures: list[Figure]) -> list[dict[str, Any]]:
    public = approved_figures(figures, FigureVersion.PUBLIC)
    return [_new_figure(figure, public.get(figure.slug)) for figure in figures]


def _new_figure(figure: Figure, approved: ApprovedFigure | None) -> dict[str, Any]:
    """A new picture at full size, with the hash that the form sends back. ``public``: its approved state, if any."""
    names = {"": figure.image, "in light mode": figure.drawing, "in dark mode": figure.drawing_dark}
    files = [(words, staff_file_url(name)) for words, name in names.items() if name]
    return {
        "figure": figure,
        "hash": figure_hash(figure),
        "files": files,
        "old_kind": approved.figure.get_kind_display() if approved and approved.figure.kind != figure.kind else "",
        "text_detection": text_detection_html(figure) if figure.image else "",
    }


@staff_json_view("procedures.approve_page", method="POST", max_bytes=MAX_FORM_BYTES)
def autosave_review_view(request: HttpRequest) -> JsonResponse:
    """Save what the reviewer has typed so far, for the next time this screen is opened."""
    page = get_object_or_404(Page, pk=parse_int_or_zero(request.POST.get("page", "")))
    form = ReviewForm(request.POST)
    remarks = form.paragraph_comments()
    comment = normalize_newlines(request.POST.get("comment", ""))[:MAX_COMMENT_LENGTH]
    fields: dict[str, str] = {"comment": comment} if comment.strip() else {}
    for number, (quote, text) in enumerate(remarks):
        fields |= {f"quote-{number}": quote, f"at-{number}": text}
    newest = page.revisions.values_list("number", flat=True).first()
    slot = save_review_comments(get_staff_user(request), page.pk, fields, version=newest or 0)
    return JsonResponse({"autosaved_at": slot.edited_at and slot.last_seen_at})


def _detached_comments(comments: dict[str, str], diff_context: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Comments on words that are no longer in the text, numbered after all others."""
    parts = diff_context["diff"]["sections"] if diff_context else []
    words = {row.new.text for part in parts for _, row in part.rows if row.new}
    gone = [(quote, text) for quote, text in comments.items() if quote not in words]
    return [(number, quote, text) for number, (quote, text) in enumerate(gone, start=FIRST_DETACHED_INDEX)]


def _get_author_id(edit_page: EditPageContext) -> int | None:
    return edit_page.revision.author_id if edit_page.revision else None


def _build_diff(edit_page: EditPageContext) -> dict[str, Any]:
    """Against what patients read, by whoever decides; a new page against nothing."""
    if edit_page.revision is None:
        return {}
    live = version_of_release(edit_page.page, edit_page.live_release) if edit_page.live_release else None
    return {
        "diff": build_diff_context(
            live, _RenderedVersion(edit_page.page, edit_page.revision, None, edit_page.article_html)
        )
    }


def _handle_decision(request: HttpRequest, page: Page, form: ReviewForm) -> tuple[str, int]:
    """Empty text when it is done, else why not, with the status that says so."""
    if not form.is_valid():
        return "Choose Approve or Send back.", 400
    latest, decision = page.revisions.first(), Decision(form.cleaned_data["decision"])
    if latest is None or latest.pk != form.cleaned_data["revision"]:
        return TEXT_CHANGED_MESSAGE, 409
    try:
        record_decision(
            latest,
            reviewer=get_staff_user(request),
            decision=decision,
            comment=form.cleaned_data["comment"].strip(),
            comments=form.paragraph_comments(),
            seen_figure_hashes=request.POST.getlist("picture"),
        )
    except UnseenFiguresError as error:
        return str(error), 409
    except ReviewError as error:
        return str(error), 403 if decision == Decision.APPROVED else 400
    live = page.live_release
    is_live = live is not None and live.revision.content_hash == latest.content_hash
    messages.success(
        request, APPROVED_LIVE_MESSAGE if is_live and decision == Decision.APPROVED else DECISION_MESSAGES[decision]
    )
    return "", 200
