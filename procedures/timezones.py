"""Conversion between UTC and the clinic's local time, which staff type and read, and the middleware that applies it.

Twice a year, daylight saving time makes one local time nonexistent and another one ambiguous. Both are reported to the
user who entered the time; nothing is guessed.
"""

import datetime
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.http import is_staff_path
from procedures.models import Clinic

FIRST_OCCURRENCE, SECOND_OCCURRENCE = 0, 1
# The range of dates that may be entered. Beyond it, time zone conversions overflow and databases fail.
MIN_DATE, MAX_DATE = datetime.date(2000, 1, 1), datetime.date(2100, 12, 31)


class LocalTimeError(ValueError):
    """The local time does not exist. The message is a sentence for the user who entered it."""


class DateOutOfRangeError(LocalTimeError):
    """The date is not between MIN_DATE and MAX_DATE."""


class AmbiguousTimeError(LocalTimeError):
    """The local time occurs twice that day. ``candidates`` are both moments (UTC), earlier first."""

    def __init__(self, message: str, candidates: tuple[datetime.datetime, datetime.datetime]) -> None:
        super().__init__(message)
        self.candidates = candidates


def get_clinic_timezone() -> ZoneInfo:
    """Return the clinic's time zone; UTC without a clinic, or if the system does not know the zone. One query."""
    return get_timezone(Clinic.objects.values_list("time_zone", flat=True).first() or "")


def clinic_today() -> datetime.date:
    """Return the current date in the clinic's time zone. One query."""
    return timezone.localdate(timezone=get_clinic_timezone())


def today_in(zone_name: str) -> datetime.date:
    """Return the current date in the time zone with this name (see ``get_timezone``)."""
    return timezone.localdate(timezone=get_timezone(zone_name))


def get_timezone(name: str) -> ZoneInfo:
    """Return the time zone with this name; UTC for an empty name, or if the system does not know the zone."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        # Forms reject unknown names; a system without time zone data must not break the admin.
        return ZoneInfo("UTC")


def to_utc(
    day: datetime.date, time: datetime.time, zone: ZoneInfo, *, occurrence: int | None = None
) -> datetime.datetime:
    """Convert a local time in ``zone`` to an aware datetime in UTC.

    ``occurrence``: FIRST_OCCURRENCE or SECOND_OCCURRENCE of a time that occurs twice. Raise DateOutOfRangeError,
    LocalTimeError for a time that does not exist, and AmbiguousTimeError for one that occurs twice if ``occurrence``
    is None.
    """
    validate_date(day)
    local = datetime.datetime.combine(day, time.replace(tzinfo=None, fold=FIRST_OCCURRENCE))
    first, second = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=SECOND_OCCURRENCE)
    if _round_trip(first, zone) != local:
        # Python applies the offset from before the gap, which gives a valid time one gap later.
        next_valid = first.astimezone(datetime.UTC).astimezone(zone)
        raise LocalTimeError(
            _(
                "There is no %(time)s on %(date)s: the clocks go forward that night. "
                "Choose %(next_time)s instead, or another time."
            )
            % {"time": format_time(local), "date": format_date(day), "next_time": format_time(next_valid)}
        )
    # Compare in UTC: in their own zone, Python considers ambiguous times unequal to any other.
    candidates = first.astimezone(datetime.UTC), second.astimezone(datetime.UTC)
    if candidates[0] == candidates[1]:
        return candidates[0]
    if occurrence is None:
        raise AmbiguousTimeError(
            _("%(time)s occurs twice on %(date)s, because clocks go back that night. Choose which one you mean.")
            % {"time": format_time(local), "date": format_date(day)},
            candidates,
        )
    return candidates[SECOND_OCCURRENCE if occurrence == SECOND_OCCURRENCE else FIRST_OCCURRENCE]


def validate_date(date: datetime.date) -> None:
    """Raise DateOutOfRangeError for a date out of range, which is usually a typing error in the year."""
    if not MIN_DATE <= date <= MAX_DATE:
        message = _("Choose a date from %(first)s to %(last)s. Check the year.")
        raise DateOutOfRangeError(message % {"first": MIN_DATE.year, "last": MAX_DATE.year})


def shift_wall_time(at: datetime.datetime, before: ZoneInfo, after: ZoneInfo) -> datetime.datetime:
    """Return the moment (UTC) at which clocks in ``after`` show what clocks in ``before`` show at ``at``.

    A time that does not exist in ``after`` moves forward by the gap; an ambiguous time resolves to its first
    occurrence.
    """
    local = at.astimezone(before).replace(tzinfo=after, fold=FIRST_OCCURRENCE)
    return local.astimezone(datetime.UTC)


def _round_trip(at: datetime.datetime, zone: ZoneInfo) -> datetime.datetime:
    """Convert to UTC and back. A local time that does not exist becomes another one."""
    return at.astimezone(datetime.UTC).astimezone(zone).replace(tzinfo=None, fold=FIRST_OCCURRENCE)


def format_date(date: datetime.date) -> str:
    """Format a date as lists and templates do, such as “March 8, 2026”."""
    return date_format(date, "DATE_FORMAT")


def format_time(at: datetime.datetime) -> str:
    """Format the time of day of a local time, such as “2:05 PM”."""
    return date_format(at, "TIME_FORMAT")


def format_datetime(at: datetime.datetime, zone: ZoneInfo) -> str:
    """Format a moment in ``zone``, such as “March 8, 2026, 2:05 PM (MDT)”."""
    local = at.astimezone(zone)
    return f"{date_format(local, 'DATETIME_FORMAT')} ({local.tzname()})"


class ClinicTimezoneMiddleware:
    """Show all times below /admin/ in the clinic's time zone. Other paths cost no database query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_staff_path(request):
            return self.get_response(request)
        with timezone.override(get_clinic_timezone()):
            return self.get_response(request)
