"""Sending a text for review, and the reviewer's decision on exactly that text."""

from collections.abc import Collection, Sequence

from django.conf import settings
from django.db import transaction

from portal.staff.models import User
from procedures.enums import Decision, EventKind
from procedures.figures.approval import Pictures, figure_hash, record, unapproved
from procedures.markdown import Library, RenderedPage, render_page
from procedures.models import Approval, Figure, Page, ReleaseEvent, ReviewComment, Revision


class ReviewRefusedError(Exception):
    """The decision cannot be taken. The message is a sentence for the person who tried."""


class PicturesNotShownError(ReviewRefusedError):
    """The text shows a picture that the reviewer has not seen."""


def new_figures(rendered: RenderedPage) -> list[Figure]:
    """Figures of a text, rendered with ``Pictures.CURRENT``, whose current picture no reviewer has approved."""
    used = [one.figure_id for one in rendered.inputs if one.kind == "figure"]
    rows = Figure.objects.filter(pk__in=used).select_related("uploaded_by")
    return unapproved(list(rows.prefetch_related("texts", "markers__texts", "renditions")))


@transaction.atomic
def submit(revision: Revision, *, actor: User, note: str = "") -> ReleaseEvent:
    """Put a revision on the reviewers' list. Doing it twice in a row makes one event."""
    _lock_page(revision)
    done = _done_just_now(revision, EventKind.SUBMITTED, actor, note)
    return done or ReleaseEvent.objects.create(
        page=revision.page, kind=EventKind.SUBMITTED, revision=revision, actor=actor, reason=note
    )


@transaction.atomic
def decide(
    revision: Revision,
    *,
    reviewer: User,
    decision: Decision,
    comment: str = "",
    remarks: Sequence[tuple[str, str]] = (),
    pictures_seen: Collection[str] = (),
) -> Approval:
    """Write the reviewer's decision, with remarks (words of a paragraph, what is said of it).

    ``pictures_seen``: ``figure_hash`` of each new picture that the reviewer was shown; the approval holds for these,
    too. The same decision twice in a row (a double click) is one. Raises ReviewRefusedError for one's own text or
    picture and for a refusal without words, and PicturesNotShownError where the text shows another new picture.
    """
    if decision == Decision.APPROVED and settings.REQUIRE_SECOND_PERSON and revision.author_id == reviewer.pk:
        raise ReviewRefusedError("This is your own text. Another person must approve it.")
    if decision == Decision.SENT_BACK and not comment.strip():
        if not remarks:
            raise ReviewRefusedError("Say what to change, so that the editor knows what to do.")
        comment = "See the comments at the text."
    _lock_page(revision)
    new = _approvable(revision, reviewer, pictures_seen) if decision == Decision.APPROVED else []
    done = None if new else _done_just_now(revision, EventKind(decision.value), reviewer, comment)
    last = revision.approvals.filter(reviewer=reviewer, decision=decision, comment=comment).first() if done else None
    if last and list(last.comments.values_list("quote", "text")) == list(remarks):
        return last
    approval = Approval.objects.create(
        revision=revision,
        content_hash=revision.content_hash,
        reviewer=reviewer,
        decision=decision,
        comment=comment,
    )
    for figure in new:
        record(figure, approval)
    ReviewComment.objects.bulk_create(
        ReviewComment(approval=approval, quote=quote, text=text) for quote, text in remarks
    )
    ReleaseEvent.objects.create(
        page=revision.page, kind=EventKind(decision.value), revision=revision, actor=reviewer, reason=comment
    )
    return approval


def _approvable(revision: Revision, reviewer: User, seen: Collection[str]) -> list[Figure]:
    """The new pictures of a text, all of which the reviewer has seen and may approve."""
    library = Library(revision.page.language, Pictures.CURRENT)
    new = new_figures(render_page(revision.content, kind=revision.page.kind, library=library))
    own = [figure for figure in new if figure.is_by(reviewer.pk)]
    if own and settings.REQUIRE_SECOND_PERSON:
        done = "uploaded" if own[0].uploaded_by_id == reviewer.pk else "changed the kind of"
        raise ReviewRefusedError(f"You {done} the picture “{own[0].slug}”. Another person must approve this text.")
    if any(figure_hash(figure) not in seen for figure in new):
        raise PicturesNotShownError(
            "This text shows a new or changed picture that was not on your screen. "
            "Look at the pictures below, then decide again."
        )
    return new


def _lock_page(revision: Revision) -> None:
    """Of two requests at once, let one wait until the other is done."""
    list(Page.objects.select_for_update().filter(pk=revision.page_id).values_list("pk"))


def _done_just_now(revision: Revision, kind: EventKind, actor: User, reason: str) -> ReleaseEvent | None:
    """The last event of the page, if it is just this one.

    Releasing a page again with new values changes nothing about a text, so it does not count.
    """
    last = ReleaseEvent.objects.filter(page=revision.page_id).exclude(kind=EventKind.RENEWED).first()
    same = last and (last.kind, last.revision_id, last.actor_id) == (kind, revision.pk, actor.pk)
    return last if last and same and last.reason == reason else None


def standing_approval(revision: Revision) -> Approval | None:
    """The approval in force for this revision's text: the last decision on the same hash, if it is a yes."""
    last = (
        Approval.objects.filter(revision__page=revision.page, content_hash=revision.content_hash)
        .exclude(decision=Decision.TRANSLATION_CHECKED)
        .order_by("-pk")
        .first()
    )
    return last if last and last.decision == Decision.APPROVED else None


def newest_approved(page: Page) -> Revision | None:
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


def translation_is_checked(revision: Revision) -> bool:
    """Whether a qualified translator's check of exactly this text is on record."""
    return Approval.objects.filter(
        revision__page=revision.page, content_hash=revision.content_hash, decision=Decision.TRANSLATION_CHECKED
    ).exists()
