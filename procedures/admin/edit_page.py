"""The context of a page's change form and review screen: state, issues, review comments, permissions, and links."""

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from portal.accounts.models import User
from procedures.admin.base import get_change_url
from procedures.admin.preview import render_full_preview
from procedures.enums import Decision
from procedures.figures.approval import FigureVersion
from procedures.models import Approval, Figure, Page, Release, ReleaseEvent, ReviewComment, Revision
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.checks import check_rendered_draft
from procedures.publishing.review import (
    REVIEW_EVENTS,
    TranslationPair,
    annotate_status,
    current_approval,
    describe_state,
    find_unapproved_figures,
    get_review_status,
    get_translation_pair,
    latest_approved_revision,
    locate_quote,
)
from procedures.rendering import Issue, ReferenceResolver


@dataclass(frozen=True)
class ReviewCommentContext:
    """A reviewer's comment on a paragraph. ``line``: the paragraph's line in the draft, or 0 if it was removed."""

    line: int
    quote: str
    text: str
    reviewer: str


@dataclass(frozen=True)
class EditPageContext:
    """A saved page as one user sees it. ``article_html`` is its text, ``full_preview`` the whole HTML document.

    ``publishable_revision``: the approved text that can be published; looked up only for users who can publish.
    ``new_figures``: figures whose picture no reviewer has approved; looked up only together with ``full_preview``.
    """

    page: Page
    state: str
    review_status: str
    live_release: Release | None
    revision: Revision | None
    approval: Approval | None
    last_review_event: ReleaseEvent | None
    issues: list[Issue]
    article_html: str
    full_preview: str
    can_approve: bool
    can_publish: bool
    publishable_revision: Revision | None = None
    new_figures: list[Figure] = field(default_factory=list)
    review_comments: list[ReviewCommentContext] = field(default_factory=list)
    translation_pair: TranslationPair | None = None
    urls: dict[str, str] = field(default_factory=dict)

    @property
    def is_out_of_sync(self) -> bool:
        """Whether the source text has changed since this translation was made."""
        pair = self.translation_pair
        if pair is None or pair.translated_from is None or pair.latest_source is None:
            return False
        return pair.translated_from.content_hash != pair.latest_source.content_hash


def build_edit_page_context(page_id: int, user: User, *, with_preview: bool = False) -> EditPageContext:
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
    return EditPageContext(
        page=page,
        state=describe_state(page),
        review_status=get_review_status(page),
        live_release=page.live_release,
        revision=revision,
        approval=current_approval(revision) if revision else None,
        last_review_event=page.events.filter(kind__in=REVIEW_EVENTS).select_related("actor").first(),
        issues=check_rendered_draft(page, content, rendered, resolver),
        article_html=rendered.html,
        full_preview=render_full_preview(page, content, rendered, author=author) if with_preview else "",
        review_comments=get_review_comments(page, content),
        translation_pair=get_translation_pair(page),
        can_approve=can_approve,
        can_publish=can_publish,
        new_figures=find_unapproved_figures(rendered) if with_preview else [],
        publishable_revision=latest_approved_revision(page) if can_publish else None,
        urls=build_page_urls(page),
    )


def get_review_comments(page: Page, content: dict[str, Any]) -> list[ReviewCommentContext]:
    """Return the paragraph comments of the last decision, if it sent the page back, in the order of the text."""
    last = Approval.objects.filter(revision__page=page).exclude(decision=Decision.TRANSLATION_CHECKED).first()
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
