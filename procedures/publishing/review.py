"""Sending a text for review, and the reviewer's decision on exactly that text."""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from portal.staff.models import User
from procedures.enums import Decision, EventKind
from procedures.models import Approval, Page, ReleaseEvent, ReviewComment, Revision


class ReviewRefusedError(Exception):
    """The decision cannot be taken. The message is a sentence for the person who tried."""


@transaction.atomic
def submit(revision: Revision, *, actor: User, note: str = "") -> ReleaseEvent:
    """Put a revision on the reviewers' list."""
    return ReleaseEvent.objects.create(
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
) -> Approval:
    """Write the reviewer's decision, with remarks (words of a paragraph, what is said of it).

    Raises ReviewRefusedError for one's own text and for a refusal without words.
    """
    if decision == Decision.APPROVED and settings.REQUIRE_SECOND_PERSON and revision.author_id == reviewer.pk:
        raise ReviewRefusedError("This is your own text. Another person must approve it.")
    if decision == Decision.SENT_BACK and not comment.strip():
        if not remarks:
            raise ReviewRefusedError("Say what to change, so that the editor knows what to do.")
        comment = "See the comments at the text."
    approval = Approval.objects.create(
        revision=revision,
        content_hash=revision.content_hash,
        reviewer=reviewer,
        decision=decision,
        comment=comment,
    )
    ReviewComment.objects.bulk_create(
        ReviewComment(approval=approval, quote=quote, text=text) for quote, text in remarks
    )
    ReleaseEvent.objects.create(
        page=revision.page, kind=EventKind(decision.value), revision=revision, actor=reviewer, reason=comment
    )
    return approval


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
