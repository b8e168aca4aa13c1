"""Publishing at a set time. The live version stays until then."""

import datetime
import logging
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.staff.models import User
from procedures.enums import EventKind
from procedures.markdown import Problem
from procedures.models import Page, Release, ReleaseEvent, Revision
from procedures.publishing.clock import clinic_zone, clock_words, same_reading
from procedures.publishing.publish import (
    PublishRefusedError,
    forget_time,
    is_published,
    lock_values,
    publish,
    refuse_phones,
    take_turn,
)
from procedures.publishing.review import standing_approval

logger = logging.getLogger(__name__)
FURTHEST = datetime.timedelta(days=366)


@transaction.atomic
def schedule(revision: Revision, *, actor: User, at: datetime.datetime, what_changed: str = "") -> None:
    """Publish an approved revision at ``at`` (aware), instead of what was planned. Raises PublishRefusedError."""
    approval = standing_approval(revision)
    if approval is None:
        raise PublishRefusedError([Problem(0, "This text is not approved. Send it for review first.")])
    refuse_phones("The line about what changed", what_changed)
    now = timezone.now()
    if at <= now:
        raise PublishRefusedError([Problem(0, "That time is over. Choose a time in the future.")])
    if at > now + FURTHEST:
        raise PublishRefusedError([Problem(0, "That is more than a year ahead. Choose an earlier time.")])
    page = revision.page
    take_turn(page)
    if is_published(page, revision, approval):
        raise PublishRefusedError([Problem(0, "This text is already published. Patients can read it now.")])
    if (page.scheduled_revision_id, page.publish_at, page.scheduled_change) == (revision.pk, at, what_changed):
        return
    page.scheduled_revision, page.publish_at, page.scheduled_change = revision, at, what_changed
    page.save(update_fields=["scheduled_revision", "publish_at", "scheduled_change"])
    ReleaseEvent.objects.create(
        page=page, kind=EventKind.SCHEDULED, revision=revision, actor=actor, reason=clock_words(at, clinic_zone())
    )


@transaction.atomic
def unschedule(page: Page, *, actor: User | None, reason: str = "") -> None:
    """Forget the set time; nothing happens where none is set. ``actor``: None when the portal itself refused."""
    take_turn(page)
    revision = page.scheduled_revision
    if revision is None:
        return
    page.save(update_fields=forget_time(page))
    ReleaseEvent.objects.create(page=page, kind=EventKind.UNSCHEDULED, revision=revision, actor=actor, reason=reason)


def scheduled() -> QuerySet[Page]:
    """What waits for its time, the next one first, with the revision and its author: for lists, no whole text."""
    return (
        Page.objects.filter(publish_at__isnull=False)
        .select_related("scheduled_revision__author")
        .defer("body", "scheduled_revision__content")
        .order_by("publish_at", "pk")
    )


@dataclass(frozen=True)
class PlanInZones:
    """A plan while the clinic's time zone changes from one to another."""

    page: Page
    planned: datetime.datetime
    # The moment at which the new clock shows the planned time.
    kept_time: datetime.datetime
    before: ZoneInfo
    after: ZoneInfo

    @property
    def was(self) -> str:
        """The plan by the old clock."""
        return clock_words(self.planned, self.before)

    @property
    def with_time_kept(self) -> str:
        """The same time on the new clock."""
        return clock_words(self.kept_time, self.after)

    @property
    def with_moment_kept(self) -> str:
        """What the new clock shows at the planned moment."""
        return clock_words(self.planned, self.after)

    @property
    def is_over(self) -> bool:
        """Whether the kept time has passed: the page then goes public at once."""
        return self.kept_time <= timezone.now()


def plans_in_zones(before: ZoneInfo, after: ZoneInfo) -> list[PlanInZones]:
    """Plans that a change of the time zone affects, the next one first."""
    plans = [
        PlanInZones(page, page.publish_at, same_reading(page.publish_at, before, after), before, after)
        for page in scheduled()
        if page.publish_at
    ]
    return [plan for plan in plans if plan.kept_time != plan.planned]


@transaction.atomic
def move_plans(before: ZoneInfo, after: ZoneInfo, *, actor: User | None) -> list[Page]:
    """Let all plans keep their time on the clinic's clock when its time zone changes. Returns the pages."""
    moved = []
    for plan in plans_in_zones(before, after):
        page = plan.page
        take_turn(page)
        if page.publish_at != plan.planned:
            continue
        page.publish_at = plan.kept_time
        page.save(update_fields=["publish_at"])
        ReleaseEvent.objects.create(
            page=page,
            kind=EventKind.SCHEDULED,
            revision=page.scheduled_revision,
            actor=actor,
            reason=f"{plan.with_time_kept}. The clinic’s time zone changed; it was {plan.was}.",
        )
        moved.append(page)
    return moved


def publish_due(at: datetime.datetime) -> tuple[list[Release], list[tuple[Page, str]]]:
    """Publish what is due at ``at``. What cannot go live is unscheduled with the reason, and returned second.

    What breaks is logged and stays planned, so that it is tried again; it holds up nothing else.
    """
    released: list[Release] = []
    refused: list[tuple[Page, str]] = []
    for pk in Page.objects.due_for_publishing(at).order_by("publish_at", "pk").values_list("pk", flat=True):
        try:
            _publish_one(pk, at, released, refused)
        except Exception:
            logger.exception("Page %s could not be published at its time; it is tried again.", pk)
    return released, refused


@transaction.atomic
def _publish_one(pk: int, at: datetime.datetime, released: list[Release], refused: list[tuple[Page, str]]) -> None:
    """One page that is due. Several servers may come here at once: the one that is too late finds nothing due."""
    lock_values()
    due = Page.objects.select_for_update(of=("self",)).due_for_publishing(at).select_related("scheduled_revision")
    page = due.filter(pk=pk).first()
    revision = page.scheduled_revision if page else None
    if page is None or revision is None:
        return
    events = page.events.filter(kind=EventKind.SCHEDULED, revision=revision, actor__isnull=False)
    planned = events.select_related("actor").first()
    actor = planned.actor if planned else None
    try:
        if actor is None or not actor.is_active:
            raise PublishRefusedError([Problem(0, "Who planned this is not on the staff any more. Plan it again.")])
        released.append(publish(revision, actor=actor, what_changed=page.scheduled_change))
    except PublishRefusedError as error:
        unschedule(page, actor=None, reason=str(error))
        refused.append((page, str(error)))
