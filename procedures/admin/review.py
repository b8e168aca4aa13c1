"""The staff view of a saved page, and the review screen.

Reviewers approve or send back exactly the text and pictures that they see on the screen.
"""

from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portal.accounts.models import User
from portal.text import parse_int_or_zero
from procedures.admin.base import (
    build_breadcrumbs,
    get_change_url,
    get_staff_user,
    render_admin,
    staff_file_url,
    staff_json_view,
)
from procedures.admin.editor import render_full_preview
from procedures.admin.image_check import text_detection_html
from procedures.admin.revisions import build_diff_context
from procedures.enums import Decision
from procedures.figures.approval import ApprovedFigure, FigureVersion, approved_figures, figure_hash
from procedures.models import Approval, Autosave, Figure, Page, Release, ReleaseEvent, ReviewComment, Revision
from procedures.models.base import normalize_newlines
from procedures.models.revisions import MAX_CLIENT_ID_LENGTH, REVIEW_FORM
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.checks import check_draft, prints_starter_signs
from procedures.publishing.dependencies import (
    explain_unapproved_changes,
    find_unapproved_changes,
    hash_fingerprints,
)
from procedures.publishing.review import (
    REVIEW_EVENTS,
    PageChangedError,
    ReviewError,
    TranslationPair,
    UnseenFiguresError,
    UnseenTextsError,
    annotate_status,
    current_approval,
    describe_state,
    explain_own_text,
    find_unapproved_figures,
    get_review_status,
    get_translation_pair,
    latest_approved_revision,
    locate_quote,
    record_decision,
)
from procedures.rendering import Issue, ReferenceResolver
from procedures.rendering.document import Document
from procedures.revisions import drafts
from procedures.revisions.history import Version, version_of_release

TEXT_CHANGED_MESSAGE = gettext_lazy(
    "The text changed while you were reading it. This is the newest version. Please review it."
)
DECISION_MESSAGES = {
    Decision.APPROVED: gettext_lazy("Approved. A manager can publish it now."),
    Decision.SENT_BACK: gettext_lazy("Sent back with your comments."),
}
APPROVED_LIVE_MESSAGE = gettext_lazy(
    "Approved. Patients can already read this text; a manager can now publish it as reviewed."
)
MAX_COMMENT_LENGTH = 4000
MAX_PARAGRAPH_COMMENTS = 100
MAX_FORM_BYTES = 2 * 1024 * 1024
# Comments on text that has been removed are numbered from here, after those of the diff rows.
FIRST_DETACHED_INDEX = 100_000


@dataclass(frozen=True)
class ReviewCommentContext:
    """A reviewer's comment on a paragraph. ``line``: the paragraph's line in the draft, or 0 if it was removed."""

    line: int
    quote: str
    text: str
    reviewer: str


@dataclass(frozen=True)
class EditPageContext:
    """A saved page as one user sees it. ``document`` is its tree, ``full_preview`` the whole HTML document.

    ``publishable_revision``: the approved text that can be published; looked up only for users who can publish.
    ``unapproved_changes``: why the text must be approved again although it was approved, or "". ``seen_texts``: the
    ``hash_fingerprints`` of the texts from elsewhere in it. ``new_figures``: figures whose picture no reviewer has
    approved; looked up only together with ``full_preview``.
    """

    page: Page
    state: str
    review_status: str
    live_release: Release | None
    revision: Revision | None
    approval: Approval | None
    last_review_event: ReleaseEvent | None
    issues: list[Issue]
    document: Document
    full_preview: str
    can_approve: bool
    can_publish: bool
    prints_starter_signs: bool = False
    publishable_revision: Revision | None = None
    unapproved_changes: str = ""
    seen_texts: str = ""
    new_figures: list[Figure] = field(default_factory=list)
    review_comments: list[ReviewCommentContext] = field(default_factory=list)
    translation_pair: TranslationPair | None = None
    urls: dict[str, str] = field(default_factory=dict)


def build_edit_page_context(page_id: int, user: User, *, with_preview: bool) -> EditPageContext:
    """Load the page's saved state, because the instance in the form can have unsaved values.

    ``with_preview``: also render the whole page and find pictures that are not approved.
    """
    page = annotate_status(Page.objects.filter(pk=page_id), with_content=True).get()
    revision = page.revisions.select_related("author").first()
    content = revision.content if revision else page.draft_content()
    resolver = ReferenceResolver(page.language, FigureVersion.CURRENT)
    rendered = render_draft(page, content, resolver=resolver)
    can_approve, can_publish = (user.has_perm(f"procedures.{action}_page") for action in ("approve", "publish"))
    author = str(revision.author) if revision and revision.author else ""
    approval = current_approval(revision) if revision else None
    is_public = approval is not None and page.live_release is not None and page.live_release.approval_id == approval.pk
    changed: list[tuple[str, str]] = []
    if approval and not is_public:
        # Render it as publishing does, without replacement pictures that are not approved yet.
        published = ReferenceResolver(page.language, FigureVersion.APPROVED)
        changed = find_unapproved_changes(approval, render_draft(page, content, resolver=published), published)
    return EditPageContext(
        page=page,
        state=describe_state(page),
        review_status=get_review_status(page),
        live_release=page.live_release,
        revision=revision,
        approval=approval,
        last_review_event=page.events.filter(kind__in=REVIEW_EVENTS).select_related("actor").first(),
        issues=check_draft(page, content, rendered, resolver),
        document=rendered.document,
        full_preview=render_full_preview(page, content, rendered, author=author) if with_preview else "",
        review_comments=latest_review_comments(page, content),
        translation_pair=get_translation_pair(page),
        can_approve=can_approve,
        can_publish=can_publish,
        prints_starter_signs=prints_starter_signs(rendered, resolver),
        new_figures=find_unapproved_figures(rendered) if with_preview else [],
        publishable_revision=latest_approved_revision(page) if can_publish else None,
        unapproved_changes=explain_unapproved_changes(changed) if changed else "",
        seen_texts=hash_fingerprints(rendered),
        urls=build_page_urls(page),
    )


def latest_review_comments(page: Page, content: dict[str, Any]) -> list[ReviewCommentContext]:
    """Return the paragraph comments of the last decision, if it sent the page back, in the order of the text."""
    last = Approval.objects.decisions().filter(revision__page=page).first()
    if last is None or last.decision != Decision.SENT_BACK:
        return []
    comments = [
        ReviewCommentContext(locate_quote(row.quote, content["body"]), row.quote, row.text, str(last.reviewer))
        for row in ReviewComment.objects.filter(approval=last)
    ]
    return sorted(comments, key=lambda comment: comment.line or len(content["body"]))


def build_page_urls(page: Page) -> dict[str, str]:
    """Return the URLs of the page's admin screens."""
    return {
        "change": get_change_url(page),
        "review": reverse("admin:procedures_page_review", args=[page.pk]),
        "withdraw": reverse("admin:procedures_page_withdraw", args=[page.pk]),
        "publish": reverse("admin:procedures_page_publish", args=[page.pk]),
        "versions": reverse("admin:procedures_page_revisions", args=[page.pk]),
        "reading": reverse("admin:procedures_page_history_at", args=[page.pk]),
        "compare": reverse("admin:procedures_page_compare", args=[page.pk]),
        "translation": reverse("admin:procedures_page_translation", args=[page.pk]),
        "events": reverse("admin:procedures_releaseevent_changelist") + f"?page={page.pk}",
    }


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

    document: Document

    def read_document(self) -> Document:
        return self.document


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.approve_page", raise_exception=True)
def review_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Show what changes for patients and how the page looks, and record the decision.

    If the decision cannot be recorded, show the screen again with the input (400, 403, or 409).
    """
    page = get_object_or_404(Page, pk=page_id)
    reviewer = get_staff_user(request)
    error, status, form = "", 200, ReviewForm(request.POST or None)
    saved_comments: drafts.ReviewComments | None = None
    if request.method == "POST":
        session, seen = _get_session(request, page), request.POST.getlist("seen")
        if "discard" in request.POST:
            drafts.discard_review_comments(session, seen)
            return HttpResponseRedirect(request.path)
        error, status = _handle_decision(request, page, form)
        if not error:
            drafts.discard_review_comments(session, seen)
            return HttpResponseRedirect(get_change_url(page))
        own = Autosave.objects.filter(user=reviewer, client_id=session.client_id).first()
        seen_autosaves = [*seen, *([drafts.seen_token(own)] if own else [])]
    else:
        saved_comments = drafts.get_review_comments(reviewer, page.pk)
        seen_autosaves = saved_comments.seen if saved_comments else []
    edit_page = build_edit_page_context(page.pk, reviewer, with_preview=True)
    diff_context = _build_diff(edit_page)
    comments: dict[str, str] = dict(saved_comments.paragraphs) if saved_comments else {}
    for quote, text in form.paragraph_comments() if form.is_bound else ():
        # Two paragraphs can have the same text, such as "Call us."
        comments[quote] = f"{comments[quote]}\n\n{text}" if quote in comments else text
    context = {
        "edit_page": edit_page,
        "breadcrumbs": build_breadcrumbs(page),
        "comment": saved_comments.comment if saved_comments else form["comment"].value() or "",
        "paragraph_comments": comments,
        "detached_comments": _detached_comments(comments, diff_context),
        "autosave": saved_comments,
        "seen_autosaves": seen_autosaves,
        "error": error,
        "own_text_message": explain_own_text(reviewer, edit_page.revision) if edit_page.revision else "",
        "new_figures": _new_figures(edit_page.new_figures),
        **diff_context,
    }
    title = _("Review “%(title)s”") % {"title": page.title}
    return render_admin(request, "page/review", context, title=title, status=status)


def _new_figures(figures: list[Figure]) -> list[dict[str, Any]]:
    public = approved_figures(figures, FigureVersion.PUBLIC)
    return [_new_figure(figure, public.get(figure.slug)) for figure in figures]


def _new_figure(figure: Figure, approved: ApprovedFigure | None) -> dict[str, Any]:
    """Return a picture at full size, with the hash that the form sends back. ``approved``: its public state."""
    names = {"": figure.image, _("in light mode"): figure.drawing, _("in dark mode"): figure.drawing_dark}
    files = [(mode, staff_file_url(name)) for mode, name in names.items() if name]
    old = approved.figure if approved else None
    return {
        "figure": figure,
        "hash": figure_hash(figure),
        "files": files,
        "old_kind": old.get_kind_display() if old and old.kind != figure.kind else "",
        "old_source": old.get_provenance_display() if old and old.provenance != figure.provenance else "",
        "text_detection": text_detection_html(figure) if figure.image else "",
    }


@staff_json_view("procedures.approve_page", method="POST", max_bytes=MAX_FORM_BYTES)
def autosave_review_view(request: HttpRequest) -> JsonResponse:
    """Save the comments so far, so that they are there when the reviewer opens this screen again."""
    page = get_object_or_404(Page, pk=parse_int_or_zero(request.POST.get("page", "")))
    form = ReviewForm(request.POST)
    comment = normalize_newlines(request.POST.get("comment", ""))[:MAX_COMMENT_LENGTH]
    fields: dict[str, str] = {"comment": comment} if comment.strip() else {}
    for number, (quote, text) in enumerate(form.paragraph_comments()):
        fields |= {f"quote-{number}": quote, f"at-{number}": text}
    newest = page.revisions.values_list("number", flat=True).first()
    autosave = drafts.save_review_comments(
        _get_session(request, page), fields, version=newest or 0, seen=request.POST.getlist("seen")
    )
    return JsonResponse({"autosaved_at": autosave.edited_at and autosave.last_seen_at})


def _get_session(request: HttpRequest, page: Page) -> drafts.EditingSession:
    """Return the window that the request comes from. One without a script has no ID, and saves no comments."""
    window = request.POST.get("window", "")[:MAX_CLIENT_ID_LENGTH] or f"{REVIEW_FORM}-{page.pk}"
    return drafts.EditingSession(get_staff_user(request), page.pk, REVIEW_FORM, window)


def _detached_comments(comments: dict[str, str], diff_context: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Return the number, quote, and text of comments whose paragraph is no longer in the text."""
    sections = diff_context["diff"]["sections"] if diff_context else []
    paragraphs = {row.new.text for section in sections for _number, row in section.rows if row.new}
    detached = [(quote, text) for quote, text in comments.items() if quote not in paragraphs]
    return [(number, quote, text) for number, (quote, text) in enumerate(detached, start=FIRST_DETACHED_INDEX)]


def _build_diff(edit_page: EditPageContext) -> dict[str, Any]:
    """Compare the draft with the live release, or with nothing for a page that is not public."""
    if edit_page.revision is None:
        return {}
    live = version_of_release(edit_page.page, edit_page.live_release) if edit_page.live_release else None
    draft = _RenderedVersion(edit_page.page, edit_page.revision, None, edit_page.document)
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
            seen_texts=request.POST.get("texts", ""),
            seen_identity={name: request.POST.get(name, getattr(page, name)) for name in Page.IDENTITY_FIELDS},
        )
    except (UnseenFiguresError, UnseenTextsError, PageChangedError) as error:
        return str(error), 409
    except ReviewError as error:
        return str(error), 403 if decision == Decision.APPROVED else 400
    is_live = page.shows(latest.content_hash)
    messages.success(
        request, APPROVED_LIVE_MESSAGE if is_live and decision == Decision.APPROVED else DECISION_MESSAGES[decision]
    )
    return "", 200
