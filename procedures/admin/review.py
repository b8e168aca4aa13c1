"""The review screen: a reviewer approves or sends back exactly the text and pictures that the screen shows."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from procedures.admin.base import (
    build_breadcrumbs,
    get_change_url,
    get_staff_user,
    normalize_newlines,
    parse_int_or_zero,
    render_admin,
    staff_file_url,
)
from procedures.admin.edit_page import EditPageContext, build_edit_page_context
from procedures.admin.json_api import staff_json_view
from procedures.admin.revisions import build_diff_context
from procedures.admin.text_detection import text_detection_html
from procedures.enums import Decision
from procedures.figures.approval import ApprovedFigure, FigureVersion, approved_figures, figure_hash
from procedures.models import Figure, Page
from procedures.publishing.review import ReviewError, UnseenFiguresError, record_decision
from procedures.revisions.drafts import discard_review_comments, get_review_comments, save_review_comments
from procedures.revisions.history import Version, version_of_release

TEXT_CHANGED_MESSAGE = gettext_lazy(
    "The text was changed while you read it. This is the newest text: please decide on it."
)
DECISION_MESSAGES = {
    Decision.APPROVED: gettext_lazy("Approved. It goes public when a manager publishes it."),
    Decision.SENT_BACK: gettext_lazy("Sent back with your comments."),
}
APPROVED_LIVE_MESSAGE = gettext_lazy(
    "Approved. Patients read this text already; a manager can now publish it as reviewed."
)
MAX_COMMENT_LENGTH = 4000
MAX_PARAGRAPH_COMMENTS = 100
MAX_FORM_BYTES = 2 * 1024 * 1024
# Comments on text that has been removed are numbered from here, after those of the diff rows.
FIRST_DETACHED_INDEX = 100_000


class ReviewForm(forms.Form):
    """The decision on one revision. Comments on paragraphs are in the fields ``quote-N`` and ``at-N`` of the diff."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(
        choices=[(Decision.APPROVED, gettext_lazy("Approve")), (Decision.SENT_BACK, gettext_lazy("Send back"))]
    )
    comment = forms.CharField(max_length=MAX_COMMENT_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def paragraph_comments(self) -> list[tuple[str, str]]:
        """Return the quoted paragraphs with their comments."""
        comments = []
        for name in self.data:
            text = normalize_newlines(self.data[name]).strip() if name.startswith("at-") else ""
            if text:
                quote = self.data.get(f"quote-{name.removeprefix('at-')}", "")
                comments.append((quote[:MAX_COMMENT_LENGTH], text[:MAX_COMMENT_LENGTH]))
        return comments[:MAX_PARAGRAPH_COMMENTS]


@dataclass(frozen=True)
class _RenderedVersion(Version):
    """The text on this screen, already rendered. Rendering it again could pick up a newer picture or answer."""

    html: str

    def article_html(self) -> str:
        return self.html


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.approve_page", raise_exception=True)
def review_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Show what changes for patients and how the page looks, and record the decision.

    A decision that cannot be recorded shows the screen again, with the input: 400, 403, or 409.
    """
    page = get_object_or_404(Page, pk=page_id)
    reviewer = get_staff_user(request)
    error, status, form = "", 200, ReviewForm(request.POST or None)
    if request.method == "POST":
        if "discard" in request.POST:
            discard_review_comments(reviewer, page.pk)
            return HttpResponseRedirect(request.path)
        error, status = _handle_decision(request, page, form)
        if not error:
            discard_review_comments(reviewer, page.pk)
            return HttpResponseRedirect(get_change_url(page))
    autosave = None if form.is_bound else get_review_comments(reviewer, page.pk)
    if autosave:
        form = ReviewForm(autosave.fields)
    edit_page = build_edit_page_context(page.pk, reviewer, with_preview=True)
    diff_context = _build_diff(edit_page)
    comments = dict(form.paragraph_comments()) if form.is_bound else {}
    context = {
        "edit_page": edit_page,
        "breadcrumbs": build_breadcrumbs(page),
        "comment": form["comment"].value() or "",
        "paragraph_comments": comments,
        "detached_comments": _detached_comments(comments, diff_context),
        "autosave": autosave,
        "error": error,
        "is_own": settings.REQUIRE_PEER_REVIEW and _get_author_id(edit_page) == reviewer.pk,
        "new_figures": _new_figures(edit_page.new_figures),
        **diff_context,
    }
    title = _("Review: %(title)s") % {"title": page.title}
    return render_admin(request, "page/review", context, title=title, status=status)


def _new_figures(figures: list[Figure]) -> list[dict[str, Any]]:
    public = approved_figures(figures, FigureVersion.PUBLIC)
    return [_new_figure(figure, public.get(figure.slug)) for figure in figures]


def _new_figure(figure: Figure, approved: ApprovedFigure | None) -> dict[str, Any]:
    """Return a picture at full size, with the hash that the form sends back. ``approved``: its public state."""
    names = {"": figure.image, _("in light mode"): figure.drawing, _("in dark mode"): figure.drawing_dark}
    files = [(mode, staff_file_url(name)) for mode, name in names.items() if name]
    return {
        "figure": figure,
        "hash": figure_hash(figure),
        "files": files,
        "old_kind": approved.figure.get_kind_display() if approved and approved.figure.kind != figure.kind else "",
        "text_detection": text_detection_html(figure) if figure.image else "",
    }


@staff_json_view("procedures.approve_page", method="POST", max_bytes=MAX_FORM_BYTES)
def autosave_review_view(request: HttpRequest) -> JsonResponse:
    """Save the comments so far, for the next time that the reviewer opens this screen."""
    page = get_object_or_404(Page, pk=parse_int_or_zero(request.POST.get("page", "")))
    form = ReviewForm(request.POST)
    comment = normalize_newlines(request.POST.get("comment", ""))[:MAX_COMMENT_LENGTH]
    fields: dict[str, str] = {"comment": comment} if comment.strip() else {}
    for number, (quote, text) in enumerate(form.paragraph_comments()):
        fields |= {f"quote-{number}": quote, f"at-{number}": text}
    newest = page.revisions.values_list("number", flat=True).first()
    slot = save_review_comments(get_staff_user(request), page.pk, fields, version=newest or 0)
    return JsonResponse({"autosaved_at": slot.edited_at and slot.last_seen_at})


def _detached_comments(comments: dict[str, str], diff_context: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Return the number, quote, and text of comments whose paragraph is no longer in the text."""
    sections = diff_context["diff"]["sections"] if diff_context else []
    paragraphs = {row.new.text for section in sections for _number, row in section.rows if row.new}
    detached = [(quote, text) for quote, text in comments.items() if quote not in paragraphs]
    return [(number, quote, text) for number, (quote, text) in enumerate(detached, start=FIRST_DETACHED_INDEX)]


def _get_author_id(edit_page: EditPageContext) -> int | None:
    return edit_page.revision.author_id if edit_page.revision else None


def _build_diff(edit_page: EditPageContext) -> dict[str, Any]:
    """Compare the draft with the live release, or with nothing for a page that is not public."""
    if edit_page.revision is None:
        return {}
    live = version_of_release(edit_page.page, edit_page.live_release) if edit_page.live_release else None
    draft = _RenderedVersion(edit_page.page, edit_page.revision, None, edit_page.article_html)
    return {"diff": build_diff_context(live, draft)}


def _handle_decision(request: HttpRequest, page: Page, form: ReviewForm) -> tuple[str, int]:
    """Record the decision. Return an empty string on success, or else an error message, and the status."""
    if not form.is_valid():
        return _("Choose Approve or Send back."), 400
    latest, decision = page.revisions.first(), Decision(form.cleaned_data["decision"])
    if latest is None or latest.pk != form.cleaned_data["revision"]:
        return str(TEXT_CHANGED_MESSAGE), 409
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
