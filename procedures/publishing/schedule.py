"""Publishing at a set time. The live version stays until then."""

import datetime
import logging
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.models import Page, Release, ReleaseEvent, Revision
from procedures.publishing.publish import (
    PublishError,
    clear_schedule,
    is_published,
    lock_clinic_values,
    lock_page,
    publish,
    refuse_phone_numbers,
)
from procedures.publishing.review import current_approval
from procedures.publishing.timezones import format_datetime, get_clinic_timezone, shift_wall_time
from procedures.rendering import Issue

logger = logging.getLogger(__name__)
MAX_SCHEDULE_AHEAD = datetime.timedelta(days=366)


@transaction.atomic
def schedule_revision(revision: Revision, *, actor: User, at: datetime.datetime, what_changed: str = "") -> None:
    """Publish an approved revision at ``at`` (aware), instead of what was planned. Raises PublishRefusedError."""
    approval = current_approval(revision)
    if approval is None:
        raise PublishError([Issue(0, "This text is not approved. Send it for review first.")])
    refuse_phone_numbers("The line about what changed", what_changed)
    now = timezone.now()
    if at <= now:
        raise PublishError([Issue(0, "That time is over. Choose a time in the future.")])
    if at > now + MAX_SCHEDULE_AHEAD:
        raise PublishError([Issue(0, "That is more than a year ahead. Choose an earlier time.")])
    page = revision.page
    lock_page(page)
    if is_published(page, revision, approval):
        raise PublishError([Issue(0, "This text is already published. Patients can read it now.")])
    if (page.scheduled_revision_id, page.publish_at, page.scheduled_change) == (revision.pk, at, what_changed):
        return
    page.scheduled_revision, page.publish_at, page.scheduled_change = revision, at, what_changed
    page.save(update_fields=["scheduled_revision", "publish_at", "scheduled_change"])
    ReleaseEvent.objects.create(
        page=page,
        kind=EventKind.SCHEDULED,
        revision=revision,
        actor=actor,
        reason=format_datetime(at, get_clinic_timezone()),
    )


@transaction.atomic
def cancel_schedule(page: Page, *, actor: User | None, reason: str = "") -> None:
    """Forget the set time; nothing happens where none is set. ``actor``: None when the portal itself refused."""
    lock_page(page)
    revision = page.scheduled_revision
    if revision is None:
        return
    page.save(update_fields=clear_schedule(page))
    ReleaseEvent.objects.create(page=page, kind=EventKind.UNSCHEDULED, revision=revision, actor=actor, reason=reason)


def get_scheduled_pages() -> QuerySet[Page]:
    """What waits for its time, the next one first, with the revision and its author: for lists, no whole text."""
    return (
        Page.objects.filter(publish_at__isnull=False)
        .select_related("scheduled_revision__author")
        .defer("body", "scheduled_revision__content")
        .order_by("publish_at", "pk")
    )


@dataclass(frozen=True)
class ScheduleShift:
    """A plan while the clinic's time zone changes from one to another."""

    page: Page
    scheduled_at: datetime.datetime
    # The moment at which the new clock shows the planned time.
    shifted_at: datetime.datetime
    old_zone: ZoneInfo
    new_zone: ZoneInfo

    @property
    def old_label(self) -> str:
        """The plan by the old clock."""
        return format_datetime(self.scheduled_at, self.old_zone)

    @property
    def same_time_label(self) -> str:
        """The same time on the new clock."""
        return format_datetime(self.shifted_at, self.new_zone)

    @property
    def same_moment_label(self) -> str:
        """What the new clock shows at the planned moment."""
        return format_datetime(self.scheduled_at, self.new_zone)

    @property
    def is_past(self) -> bool:
        """Whether the kept time has passed: the page then goes public at once."""
        return self.shifted_at <= timezone.now()


def find_schedule_shifts(old_zone: ZoneInfo, new_zone: ZoneInfo) -> list[ScheduleShift]:
    """Plans that a change of the time zone affects, the next one first."""
    plans = [
        ScheduleShift(page, page.publish_at, shift_wall_time(page.publish_at, old_zone, new_zone), old_zone, new_zone)
        for page in get_scheduled_pages()
        if page.publish_at
    ]
    return [plan for plan in plans if plan.shifted_at != plan.scheduled_at]


@transaction.atomic
def shift_schedules(old_zone: ZoneInfo, new_zone: ZoneInfo, *, actor: User | None) -> list[Page]:
    """Let all plans keep their time on the clinic's clock when its time zone changes. Returns the pages."""
    moved = []
    for plan in find_schedule_shifts(old_zone, new_zone):
        page = plan.page
        lock_page(page)
        if page.publish_at != plan.scheduled_at:
            continue
        page.publish_at = plan.shifted_at
        page.save(update_fields=["publish_at"])
        ReleaseEvent.objects.create(
            page=page,
            kind=EventKind.SCHEDULED,
            revision=page.scheduled_revision,
            actor=actor,
            reason=f"{plan.same_time_label}. The clinic’s time zone changed; it was {plan.old_label}.",
        )
        moved.append(page)
    return moved


def publish_scheduled(now: datetime.datetime) -> tuple[list[Release], list[tuple[Page, str]]]:
    """Publish what is due at ``at``. What cannot go live is unscheduled with the reason, and returned second.

    What breaks is logged and stays planned, so that it is tried again; it holds up nothing else.
    """
    released: list[Release] = []
    refused: list[tuple[Page, str]] = []
    for pk in Page.objects.due_for_publishing(now).order_by("publish_at", "pk").values_list("pk", flat=True):
        try:
            _publish_scheduled_page(pk, now, released, refused)
        except Exception:
            logger.exception("Page %s could not be published at its time; it is tried again.", pk)
    return released, refused


@transaction.atomic
def _publish_scheduled_page(
    pk: int, now: datetime.datetime, released: list[Release], refused: list[tuple[Page, str]]
) -> None:
    """One page that is due. Several servers may come here at once: the one that is too late finds nothing due."""
    lock_clinic_values()
    due = Page.objects.select_for_update(of=("self",)).due_for_publishing(now).select_related("scheduled_revision")
    page = due.filter(pk=pk).first()
    revision = page.scheduled_revision if page else None
    if page is None or revision is None:
        return
    events = page.events.filter(kind=EventKind.SCHEDULED, revision=revision, actor__isnull=False)
    planned = events.select_related("actor").first()
    actor = planned.actor if planned else None
    try:
        if actor is None or not actor.is_active:
            raise PublishError([Issue(0, "Who planned this is not on the staff any more. Plan it again.")])
        released.append(publish(revision, actor=actor, what_changed=page.scheduled_change))
    except PublishError as error:
        cancel_schedule(page, actor=None, reason=str(error))
        refused.append((page, str(error)))
