"""What the form of a page shows besides its fields: where it stands, what is to mend, who may do what."""

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from portal.accounts.models import User
from procedures.admin.preview import render_full_preview
from procedures.enums import Decision, PageKind
from procedures.figures.approval import FigureVersion
from procedures.models import Approval, Figure, Page, Release, ReleaseEvent, ReviewComment, Revision
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.checks import check_rendered_draft
from procedures.publishing.review import (
    REVIEW_EVENTS,
    annotate_status,
    current_approval,
    describe_state,
    find_unapproved_figures,
    get_review_status,
    latest_approved_revision,
    locate_quote,
)
from procedures.publishing.translations import TranslationPair, get_translation_pair
from procedures.rendering import Issue, ReferenceResolver


@dataclass(frozen=True)
class ReviewCommentContext:
    """What a reviewer said at one paragraph. ``line``: where that paragraph stands now, 0 when it is gone."""

    line: int
    quote: str
    text: str
    reviewer: str


@dataclass(frozen=True)
class EditPageContext:
    """One saved page on the desk of one member of staff. ``article``: its text; ``html``: the whole document.

    ``to_publish``: the approved text that waits for a manager; not looked for where this person is none.
    ``new_figures``: figures of the text whose picture no reviewer has approved; filled only together with ``html``.
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
        """Whether this is a translation of a text that has changed since."""
        then, now = (
            (self.translation_pair.translated_from, self.translation_pair.latest_source)
            if self.translation_pair
            else (None, None)
        )
        return bool(then and now and then.content_hash != now.content_hash)


def build_edit_page_context(page_id: int, user: User, *, with_preview: bool = False) -> EditPageContext:
    """Looks everything up anew: what the form holds may be unsaved. ``with_page``: the page as it would look, too."""
    page = annotate_status(Page.objects.filter(pk=page_id), with_content=True).get()
    revision = page.revisions.select_related("author").first()
    content = revision.content if revision else page.draft_content()
    library = ReferenceResolver(page.language, FigureVersion.CURRENT)
    rendered = render_draft(page, content, resolver=library)
    may_approve, may_publish = (user.has_perm(f"procedures.{what}_page") for what in ("approve", "publish"))
    author = str(revision.author) if revision and revision.author else ""
    return EditPageContext(
        page=page,
        state=describe_state(page),
        review_status=get_review_status(page),
        live_release=page.live_release,
        revision=revision,
        approval=current_approval(revision) if revision else None,
        last_review_event=page.events.filter(kind__in=REVIEW_EVENTS).select_related("actor").first(),
        issues=check_rendered_draft(page, content, rendered, library),
        article_html=rendered.html,
        full_preview=render_full_preview(page, content, rendered, author=author) if with_preview else "",
        review_comments=get_review_comments(page, content),
        translation_pair=get_translation_pair(page),
        can_approve=may_approve,
        can_publish=may_publish,
        new_figures=find_unapproved_figures(rendered) if with_preview else [],
        publishable_revision=latest_approved_revision(page) if may_publish else None,
        urls=build_page_urls(page),
    )


def get_review_comments(page: Page, content: dict[str, Any]) -> list[ReviewCommentContext]:
    """What the last reviewer who sent this page back said at its paragraphs, in the order of the text."""
    last = Approval.objects.filter(revision__page=page).exclude(decision=Decision.TRANSLATION_CHECKED).first()
    if last is None or last.decision != Decision.SENT_BACK:
        return []
    found = [
        ReviewCommentContext(locate_quote(row.quote, content["body"]), row.quote, row.text, str(last.reviewer))
        for row in ReviewComment.objects.filter(approval=last)
    ]
    return sorted(found, key=lambda remark: remark.line or len(content["body"]))


def build_page_urls(page: Page) -> dict[str, str]:
    """Where the links of a page's form lead."""
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


def build_breadcrumbs(page: Page) -> list[tuple[str, str]]:
    """The way back to a page's form, for the head of a screen."""
    return [(page.title, get_change_url(page))]


def get_change_url(page: Page) -> str:
    """The form of a page: guides have their own."""
    model = "guide" if page.kind == PageKind.GUIDE else "page"
    return reverse(f"admin:procedures_{model}_change", args=[page.pk])
