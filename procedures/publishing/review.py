"""Sending a text for review, and the reviewer's decision on exactly that text."""

import re
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, OuterRef, Q, Subquery

from portal.accounts.models import User
from procedures.enums import Decision, EventKind
from procedures.figures.approval import FigureVersion, figure_hash, record_approval, unapproved_figures
from procedures.models import Approval, Figure, Page, ReleaseEvent, ReviewComment, Revision
from procedures.rendering import ReferenceResolver, RenderedPage, render_page
from procedures.rendering.parser import get_parser


class ReviewError(Exception):
    """The decision cannot be taken. The message is a sentence for the person who tried."""


class UnseenFiguresError(ReviewError):
    """The text shows a picture that the reviewer has not seen."""


def find_unapproved_figures(rendered: RenderedPage) -> list[Figure]:
    """Figures of a text, rendered with ``Pictures.CURRENT``, whose current picture no reviewer has approved."""
    used = [one.figure_id for one in rendered.dependencies if one.kind == "figure"]
    rows = Figure.objects.filter(pk__in=used).select_related("uploaded_by")
    return unapproved_figures(list(rows.prefetch_related("texts", "markers__texts", "renditions")))


@transaction.atomic
def submit_for_review(revision: Revision, *, actor: User, note: str = "") -> ReleaseEvent:
    """Put a revision on the reviewers' list. Doing it twice in a row makes one event."""
    _lock_page(revision)
    done = _find_repeated_event(revision, EventKind.SUBMITTED, actor, note)
    return done or ReleaseEvent.objects.create(
        page=revision.page, kind=EventKind.SUBMITTED, revision=revision, actor=actor, reason=note
    )


@transaction.atomic
def record_decision(
    revision: Revision,
    *,
    reviewer: User,
    decision: Decision,
    comment: str = "",
    comments: Sequence[tuple[str, str]] = (),
    seen_figure_hashes: Collection[str] = (),
) -> Approval:
    """Write the reviewer's decision, with remarks (words of a paragraph, what is said of it).

    ``pictures_seen``: ``figure_hash`` of each new picture that the reviewer was shown; the approval holds for these,
    too. The same decision twice in a row (a double click) is one. Raises ReviewRefusedError for one's own text or
    picture and for a refusal without words, and PicturesNotShownError where the text shows another new picture.
    """
    if decision == Decision.APPROVED and settings.REQUIRE_PEER_REVIEW and revision.author_id == reviewer.pk:
        raise ReviewError("This is your own text. Another person must approve it.")
    if decision == Decision.SENT_BACK and not comment.strip():
        if not comments:
            raise ReviewError("Say what to change, so that the editor knows what to do.")
        comment = "See the comments at the text."
    _lock_page(revision)
    new = _find_approvable_figures(revision, reviewer, seen_figure_hashes) if decision == Decision.APPROVED else []
    done = None if new else _find_repeated_event(revision, EventKind(decision.value), reviewer, comment)
    last = revision.approvals.filter(reviewer=reviewer, decision=decision, comment=comment).first() if done else None
    if last and list(last.comments.values_list("quote", "text")) == list(comments):
        return last
    approval = Approval.objects.create(
        revision=revision,
        content_hash=revision.content_hash,
        reviewer=reviewer,
        decision=decision,
        comment=comment,
    )
    for figure in new:
        record_approval(figure, approval)
    ReviewComment.objects.bulk_create(
        ReviewComment(approval=approval, quote=quote, text=text) for quote, text in comments
    )
    ReleaseEvent.objects.create(
        page=revision.page, kind=EventKind(decision.value), revision=revision, actor=reviewer, reason=comment
    )
    return approval


def _find_approvable_figures(revision: Revision, reviewer: User, seen_hashes: Collection[str]) -> list[Figure]:
    """The new pictures of a text, all of which the reviewer has seen and may approve."""
    library = ReferenceResolver(revision.page.language, FigureVersion.CURRENT)
    new = find_unapproved_figures(render_page(revision.content, kind=revision.page.kind, resolver=library))
    own = [figure for figure in new if figure.was_changed_by(reviewer.pk)]
    if own and settings.REQUIRE_PEER_REVIEW:
        done = "uploaded" if own[0].uploaded_by_id == reviewer.pk else "changed the kind of"
        raise ReviewError(f"You {done} the picture “{own[0].slug}”. Another person must approve this text.")
    if any(figure_hash(figure) not in seen_hashes for figure in new):
        raise UnseenFiguresError(
            "This text shows a new or changed picture that was not on your screen. "
            "Look at the pictures below, then decide again."
        )
    return new


def _lock_page(revision: Revision) -> None:
    """Of two requests at once, let one wait until the other is done."""
    list(Page.objects.select_for_update().filter(pk=revision.page_id).values_list("pk"))


def _find_repeated_event(revision: Revision, kind: EventKind, actor: User, reason: str) -> ReleaseEvent | None:
    """The last event of the page, if it is just this one.

    Releasing a page again with new values changes nothing about a text, so it does not count.
    """
    last = ReleaseEvent.objects.filter(page=revision.page_id).exclude(kind=EventKind.REBUILT).first()
    same = last and (last.kind, last.revision_id, last.actor_id) == (kind, revision.pk, actor.pk)
    return last if last and same and last.reason == reason else None


def current_approval(revision: Revision) -> Approval | None:
    """The approval in force for this revision's text: the last decision on the same hash, if it is a yes."""
    last = (
        Approval.objects.filter(revision__page=revision.page, content_hash=revision.content_hash)
        .exclude(decision=Decision.TRANSLATION_CHECKED)
        .order_by("-pk")
        .first()
    )
    return last if last and last.decision == Decision.APPROVED else None


def latest_approved_revision(page: Page) -> Revision | None:
    """The text that can be published: the newest revision after the live one whose last decision is a yes.

    The live text itself counts while nobody has approved it as public (starter text), or after a withdrawal.
    """
    decisions = Approval.objects.filter(revision__page=page).exclude(decision=Decision.TRANSLATION_CHECKED)
    last = dict(decisions.order_by("pk").values_list("content_hash", "decision"))
    revisions = page.revisions.select_related("author", "page").filter(
        content_hash__in=[key for key, decision in last.items() if decision == Decision.APPROVED]
    )
    live = page.live_release
    if live:
        revisions = revisions.filter(number__gte=live.revision.number)
        if not live.is_starter:
            revisions = revisions.exclude(content_hash=live.revision.content_hash)
    return revisions.first()


def is_translation_checked(revision: Revision) -> bool:
    """Whether a qualified translator's check of exactly this text is on record."""
    return Approval.objects.filter(
        revision__page=revision.page, content_hash=revision.content_hash, decision=Decision.TRANSLATION_CHECKED
    ).exists()


WORD = re.compile(r"\w+")
MIN_SIMILARITY = 0.5


def extract_paragraphs(body: str) -> list[tuple[int, str]]:
    """Line (from 1) and plain words of every paragraph, heading and list entry."""
    found = []
    for token in get_parser().parse(body):
        if token.type == "inline" and token.map:
            parts = [child.content if child.type in {"text", "code_inline"} else " " for child in token.children or []]
            found.append((token.map[0] + 1, " ".join("".join(parts).split())))
    return found


def locate_quote(quote: str, body: str) -> int:
    """The line where the quoted paragraph stands now; 0 when it is not there any more.

    A quote holds what the page adds (numbers of sources, the clinic's phone), so the best likeness wins.
    """
    wanted = WORD.findall(quote.casefold())
    best, place = MIN_SIMILARITY, 0
    for line, text in extract_paragraphs(body):
        matcher = SequenceMatcher(None, WORD.findall(text.casefold()), wanted, autojunk=False)
        if matcher.real_quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, place = ratio, line
    return place


REVIEW_EVENTS = (EventKind.SUBMITTED, EventKind.APPROVED, EventKind.SENT_BACK)


class PageState(models.TextChoices):
    """What lists of pages can be narrowed down to."""

    DRAFT = "draft", "Draft"
    UNSUBMITTED = "unsent", "Draft not sent for review"
    IN_REVIEW = "waiting", "Waiting for review"
    SENT_BACK = "sent_back", "Sent back"
    APPROVED = "approved", "Approved, to be published"
    PUBLIC = "public", "Public"
    HAS_NEWER_DRAFT = "newer", "Public with a newer draft"
    STARTER = "starter", "Public starter text, never reviewed"
    SCHEDULED = "planned", "Planned to go public"
    WITHDRAWN = "withdrawn", "Withdrawn"


# What a list has no use for: the whole text that patients read, three times over.
LARGE_FIELDS = ("live_release__html", "live_release__sections", "live_release__revision__content")


def annotate_status(pages: models.QuerySet[Page], *, with_content: bool = False) -> models.QuerySet[Page]:
    """Adds ``latest_hash``, ``latest_author`` and ``latest_at`` (of the newest revision), and ``last_word`` (the last
    review event on that same text). ``texts``: with all of the live release; else reading them costs a query a row.
    """
    newest = Revision.objects.filter(page=OuterRef("pk")).order_by("-number")
    # Withdrawing ends what was said of the text before.
    said = ReleaseEvent.objects.filter(
        page=OuterRef("pk"),
        kind__in=(*REVIEW_EVENTS, EventKind.WITHDRAWN),
        revision__content_hash=OuterRef("latest_hash"),
    )
    pages = pages.select_related("live_release__revision")
    return (pages if with_content else pages.defer(*LARGE_FIELDS)).annotate(
        latest_hash=Subquery(newest.values("content_hash")[:1]),
        latest_author=Subquery(newest.values("author")[:1]),
        latest_at=Subquery(newest.values("created_at")[:1]),
        last_word=Subquery(said.order_by("-pk").values("kind")[:1]),
    )


IS_LIVE_TEXT = Q(live_release__revision__content_hash=F("latest_hash"))
# The last word still counts: the text is not what the public reads, or nobody has approved what it reads.
REVIEW_COUNTS = Q(live_release__isnull=True) | ~IS_LIVE_TEXT | Q(live_release__is_starter=True)
STATE_FILTERS: dict[str, Q] = {
    PageState.DRAFT: Q(live_release__isnull=True, withdrawn_reason="", last_word__isnull=True),
    PageState.UNSUBMITTED: Q(latest_hash__isnull=False, last_word__isnull=True)
    & (Q(live_release__isnull=True) | ~IS_LIVE_TEXT),
    PageState.IN_REVIEW: REVIEW_COUNTS & Q(last_word=EventKind.SUBMITTED),
    PageState.SENT_BACK: REVIEW_COUNTS & Q(last_word=EventKind.SENT_BACK),
    PageState.APPROVED: REVIEW_COUNTS & Q(last_word=EventKind.APPROVED),
    PageState.PUBLIC: Q(live_release__isnull=False),
    PageState.HAS_NEWER_DRAFT: Q(live_release__isnull=False) & ~IS_LIVE_TEXT,
    PageState.STARTER: Q(live_release__is_starter=True),
    PageState.SCHEDULED: Q(publish_at__isnull=False),
    PageState.WITHDRAWN: Q(live_release__isnull=True) & ~Q(withdrawn_reason=""),
}


def filter_by_state(pages: models.QuerySet[Page], state: str) -> models.QuerySet[Page]:
    """Pages in one state; they need ``with_states``. A public page can be waiting for review, too."""
    return pages.filter(STATE_FILTERS[state])


REVIEW_LABELS: dict[str, str] = {
    EventKind.SUBMITTED: "waiting for review",
    EventKind.SENT_BACK: "sent back",
    EventKind.APPROVED: "approved, to be published",
}


def get_review_status(page: Any) -> str:
    """The last review event that still counts, or an empty text. The page needs ``with_states``."""
    live = page.live_release
    counts = live is None or live.is_starter or live.revision.content_hash != page.latest_hash
    return page.last_word or "" if counts else ""


def describe_state(page: Any) -> str:
    """One phrase, such as “Public, with a newer draft: waiting for review”. The page needs ``with_states``."""
    live, word = page.live_release, REVIEW_LABELS.get(get_review_status(page), "")
    if live is None:
        first = "Withdrawn" if page.withdrawn_reason else "Draft"
        return f"{first}: {word}" if page.withdrawn_reason and word else (word.capitalize() or first)
    if live.revision.content_hash != page.latest_hash:
        return f"Public, with a newer draft: {word}" if word else "Public, with a newer draft"
    first = "Public (starter text)" if live.is_starter else "Public"
    return f"{first}: {word}" if word else first
