"""Scheduled publishing. The live version stays public until the scheduled time."""

import datetime
import logging
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.figures.approval import FigureVersion
from procedures.models import Page, Release, ReleaseEvent, Revision
from procedures.publishing.dependencies import check_approved_texts
from procedures.publishing.publish import (
    ALREADY_PUBLISHED_MESSAGE,
    PublishError,
    clear_schedule,
    is_published,
    lock_approved,
    lock_clinic_values,
    lock_page,
    publish,
)
from procedures.rendering import ReferenceResolver, render_page
from procedures.timezones import format_datetime, get_clinic_timezone, shift_wall_time

logger = logging.getLogger(__name__)
PUBLISH_PERMISSION = "procedures.publish_page"
# All roles are groups with permissions, however people sign in.
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
MAX_SCHEDULE_AHEAD = datetime.timedelta(days=366)


@transaction.atomic
def schedule_revision(revision: Revision, *, actor: User, at: datetime.datetime, what_changed: str = "") -> None:
    """Schedule an approved revision for ``at`` (aware); an earlier schedule of the page is replaced.

    Raise PublishError if the revision cannot be scheduled. Repeating the same request changes nothing.
    """
    page = revision.page
    approval = lock_approved(revision, what_changed)
    now = timezone.now()
    if at <= now:
        raise PublishError.with_message(_("That time has passed. Choose a time in the future."))
    if at > now + MAX_SCHEDULE_AHEAD:
        raise PublishError.with_message(_("That is more than a year ahead. Choose an earlier time."))
    if is_published(page, revision, approval):
        raise PublishError.with_message(str(ALREADY_PUBLISHED_MESSAGE))
    if (page.scheduled_revision_id, page.publish_at, page.scheduled_change) == (revision.pk, at, what_changed):
        return
    resolver = ReferenceResolver(page.language, FigureVersion.APPROVED)
    rendered = render_page(revision.content, kind=page.kind, resolver=resolver)
    if issues := check_approved_texts(approval, rendered, resolver):
        raise PublishError(issues)
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
    """Cancel the schedule, if there is one. ``actor`` is None when publishing failed at the scheduled time."""
    lock_page(page)
    revision = page.scheduled_revision
    if revision is None:
        return
    page.save(update_fields=clear_schedule(page))
    ReleaseEvent.objects.create(page=page, kind=EventKind.UNSCHEDULED, revision=revision, actor=actor, reason=reason)


def explain_lost_publisher(actor: User | None) -> str:
    """Return why a page is not published in the name of ``actor``, who scheduled it; "" if nothing forbids it."""
    if actor is None or not (actor.is_active and actor.is_staff):
        return _("The person who scheduled this is no longer on staff. Schedule it again.")
    if not actor.has_perm(PUBLISH_PERMISSION):
        return _("%(name)s, who scheduled this, may no longer publish pages. Schedule it again.") % {"name": actor}
    return ""


def find_schedules_without_publisher() -> list[tuple[Page, str]]:
    """Return each scheduled page that will not be published because of who scheduled it, with the reason."""
    events = ReleaseEvent.objects.filter(
        page=OuterRef("pk"), revision=OuterRef("scheduled_revision"), kind=EventKind.SCHEDULED, actor__isnull=False
    )
    pages: list[Any] = list(
        get_scheduled_pages().annotate(scheduled_by=Subquery(events.order_by("-pk").values("actor")[:1]))
    )
    if not pages:
        return []
    publishers = User.objects.with_perm(PUBLISH_PERMISSION, backend=MODEL_BACKEND).filter(is_staff=True)
    publisher_ids = set(publishers.values_list("pk", flat=True))
    lost = [page for page in pages if page.scheduled_by not in publisher_ids]
    schedulers = User.objects.in_bulk({page.scheduled_by for page in lost} - {None})
    return [(page, explain_lost_publisher(schedulers.get(page.scheduled_by))) for page in lost]


def get_scheduled_pages() -> QuerySet[Page]:
    """Return scheduled pages, next first, with the revision and its author but without the full text."""
    return (
        Page.objects.filter(publish_at__isnull=False)
        .select_related("scheduled_revision__author")
        .defer("body", "scheduled_revision__content")
        .order_by("publish_at", "pk")
    )


@dataclass(frozen=True)
class ScheduleShift:
    """A schedule, before and after the clinic's time zone changes."""

    page: Page
    scheduled_at: datetime.datetime
    # When clocks in the new zone show the scheduled local time.
    shifted_at: datetime.datetime
    old_zone: ZoneInfo
    new_zone: ZoneInfo

    @property
    def old_label(self) -> str:
        """The scheduled time in the old zone."""
        return format_datetime(self.scheduled_at, self.old_zone)

    @property
    def same_time_label(self) -> str:
        """The same local time in the new zone."""
        return format_datetime(self.shifted_at, self.new_zone)

    @property
    def same_moment_label(self) -> str:
        """The scheduled moment in the new zone."""
        return format_datetime(self.scheduled_at, self.new_zone)

    @property
    def is_past(self) -> bool:
        """Whether the shifted time has passed, so that the page would be published immediately."""
        return self.shifted_at <= timezone.now()


def find_schedule_shifts(old_zone: ZoneInfo, new_zone: ZoneInfo) -> list[ScheduleShift]:
    """Return the schedules that a change of the time zone affects, next first."""
    shifts = [
        ScheduleShift(page, page.publish_at, shift_wall_time(page.publish_at, old_zone, new_zone), old_zone, new_zone)
        for page in get_scheduled_pages()
        if page.publish_at
    ]
    return [shift for shift in shifts if shift.shifted_at != shift.scheduled_at]


@transaction.atomic
def shift_schedules(old_zone: ZoneInfo, new_zone: ZoneInfo, *, actor: User | None) -> list[Page]:
    """Move all schedules to the same local time in the new time zone. Return the pages."""
    pages = []
    for shift in find_schedule_shifts(old_zone, new_zone):
        page = shift.page
        lock_page(page)
        if page.publish_at != shift.scheduled_at:
            continue
        page.publish_at = shift.shifted_at
        page.save(update_fields=["publish_at"])
        # Not SCHEDULED: the page is still published in the name of the person who scheduled it.
        ReleaseEvent.objects.create(
            page=page,
            kind=EventKind.RESCHEDULED,
            revision=page.scheduled_revision,
            actor=actor,
            reason=_("%(new)s. The clinic’s time zone changed; it was %(old)s.")
            % {"new": shift.same_time_label, "old": shift.old_label},
        )
        pages.append(page)
    return pages


def publish_scheduled(now: datetime.datetime) -> tuple[list[Release], list[tuple[Page, str]]]:
    """Publish what is due at ``now``. Return the releases, and each rejected page with the reason.

    A rejected page is unscheduled. An unexpected error is logged, and the page stays scheduled for another attempt;
    other pages are not affected. Each page has a transaction of its own.
    """
    releases: list[Release] = []
    refused: list[tuple[Page, str]] = []
    for pk in Page.objects.due_for_publishing(now).order_by("publish_at", "pk").values_list("pk", flat=True):
        try:
            _publish_scheduled_page(pk, now, releases, refused)
        except Exception:
            logger.exception("Publishing page %s at its scheduled time failed; will retry.", pk)
    return releases, refused


@transaction.atomic
def _publish_scheduled_page(
    pk: int, now: datetime.datetime, releases: list[Release], refused: list[tuple[Page, str]]
) -> None:
    """Publish one page if it is still due: another server may have published it in the meantime."""
    lock_clinic_values()
    due = Page.objects.select_for_update(of=("self",)).due_for_publishing(now).select_related("scheduled_revision")
    page = due.filter(pk=pk).first()
    revision = page.scheduled_revision if page else None
    if page is None or revision is None:
        return
    events = page.events.filter(kind=EventKind.SCHEDULED, revision=revision, actor__isnull=False)
    scheduled_event = events.select_related("actor").first()
    actor = scheduled_event.actor if scheduled_event else None
    reason = explain_lost_publisher(actor)
    try:
        if actor is None or reason:
            raise PublishError.with_message(reason)
        releases.append(publish(revision, actor=actor, what_changed=page.scheduled_change))
    except PublishError as error:
        cancel_schedule(page, actor=None, reason=str(error))
        refused.append((page, str(error)))
