"""Publishing at a set time. The live version stays until then."""

import datetime

from django.db import transaction
from django.utils import timezone

from portal.staff.models import User
from procedures.enums import EventKind
from procedures.markdown import Problem
from procedures.models import Page, Release, ReleaseEvent, Revision
from procedures.publishing.publish import PublishRefusedError, publish
from procedures.publishing.review import standing_approval


@transaction.atomic
def schedule(revision: Revision, *, actor: User, at: datetime.datetime) -> None:
    """Publish an approved revision at ``at`` (aware). Raises PublishRefusedError."""
    if standing_approval(revision) is None:
        raise PublishRefusedError([Problem(0, "This text is not approved. Send it for review first.")])
    if at <= timezone.now():
        raise PublishRefusedError([Problem(0, "Choose a time in the future.")])
    page = revision.page
    page.scheduled_revision, page.publish_at = revision, at
    page.save(update_fields=["scheduled_revision", "publish_at"])
    ReleaseEvent.objects.create(
        page=page, kind=EventKind.SCHEDULED, revision=revision, actor=actor, reason=at.isoformat()
    )


@transaction.atomic
def unschedule(page: Page, *, actor: User | None, reason: str = "") -> None:
    """Forget the set time."""
    revision = page.scheduled_revision
    page.scheduled_revision, page.publish_at = None, None
    page.save(update_fields=["scheduled_revision", "publish_at"])
    ReleaseEvent.objects.create(page=page, kind=EventKind.UNSCHEDULED, revision=revision, actor=actor, reason=reason)


def publish_due(at: datetime.datetime) -> tuple[list[Release], list[tuple[Page, str]]]:
    """Publish what is due at ``at``. What cannot go live is unscheduled with the reason, and returned second."""
    released: list[Release] = []
    refused: list[tuple[Page, str]] = []
    for page in Page.objects.due_for_publishing(at).select_related("scheduled_revision"):
        revision = page.scheduled_revision
        if revision is None:
            continue
        planned = page.events.filter(kind=EventKind.SCHEDULED, revision=revision).first()
        actor = planned.actor if planned else None
        try:
            if actor is None:
                raise PublishRefusedError([Problem(0, "Nobody stands behind this schedule any more.")])
            released.append(publish(revision, actor=actor))
        except PublishRefusedError as error:
            unschedule(page, actor=None, reason=str(error))
            refused.append((page, str(error)))
    return released, refused
