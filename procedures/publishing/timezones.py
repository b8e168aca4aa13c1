"""The clinic's clock: times that staff type and read are those on the clinic's wall, not the server's.

Twice a year that clock jumps. A time that the jump leaves out does not exist; a time in the hour that it repeats
exists twice. Both are told to the person who typed it, never guessed.
"""

import datetime
from zoneinfo import ZoneInfo

from procedures.models import Clinic

FIRST_OCCURRENCE, SECOND_OCCURRENCE = 0, 1
# Days that are typed lie between these. Beyond them time zones overflow and databases refuse.
MIN_DATE, MAX_DATE = datetime.date(2000, 1, 1), datetime.date(2100, 12, 31)


class LocalTimeError(ValueError):
    """The time that was typed names no moment. The message is a sentence for who typed it."""


class DateOutOfRangeError(LocalTimeError):
    """The day is out of bounds."""


class AmbiguousTimeError(LocalTimeError):
    """The time comes twice that day: ask which one is meant. ``moments`` are both, the earlier first."""

    def __init__(self, message: str, candidates: tuple[datetime.datetime, datetime.datetime]) -> None:
        super().__init__(message)
        self.candidates = candidates


def get_clinic_timezone() -> ZoneInfo:
    """The time zone of the clinic; UTC without a clinic, or where this machine does not know the zone. One query."""
    return get_timezone(Clinic.objects.values_list("time_zone", flat=True).first() or "")


def get_timezone(name: str) -> ZoneInfo:
    """The time zone with this name; UTC for none, or where this machine does not know it."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        # The form refuses such a name; a machine without zone data must not close the admin for it.
        return ZoneInfo("UTC")


def to_utc(
    day: datetime.date, time: datetime.time, zone: ZoneInfo, *, occurrence: int | None = None
) -> datetime.datetime:
    """The moment (aware, UTC) at which the clinic's clock shows ``time`` on ``day``.

    ``which``: FIRST or SECOND for a time that comes twice. Raises ClockError for a time that the clock leaves out,
    and RepeatedTimeError for one that comes twice while ``which`` is None.
    """
    validate_date(day)
    shown = datetime.datetime.combine(day, time.replace(tzinfo=None, fold=FIRST_OCCURRENCE))
    first, second = shown.replace(tzinfo=zone), shown.replace(tzinfo=zone, fold=SECOND_OCCURRENCE)
    if _wall_time(first, zone) != shown:
        # The offset before the jump gives the moment just as long after it.
        after = first.astimezone(datetime.UTC).astimezone(zone)
        raise LocalTimeError(
            f"There is no {shown:%H:%M} on {format_date(day)}: the clocks go forward that night. "
            f"Choose {after:%H:%M} instead, or another time."
        )
    # Only UTC is safe to compare: Python holds a time that comes twice to be unlike any other.
    moments = first.astimezone(datetime.UTC), second.astimezone(datetime.UTC)
    if moments[0] == moments[1]:
        return moments[0]
    if occurrence is None:
        raise AmbiguousTimeError(
            f"{shown:%H:%M} comes twice on {format_date(day)}: the clocks go back that night. Choose which one you mean.",
            moments,
        )
    return moments[SECOND_OCCURRENCE if occurrence == SECOND_OCCURRENCE else FIRST_OCCURRENCE]


def validate_date(date: datetime.date) -> None:
    """Raises DayError for a day out of bounds, which is most often a slip in the year."""
    if not MIN_DATE <= date <= MAX_DATE:
        raise DateOutOfRangeError(f"Choose a day from {MIN_DATE.year} to {MAX_DATE.year}. Look at the year.")


def shift_wall_time(at: datetime.datetime, before: ZoneInfo, after: ZoneInfo) -> datetime.datetime:
    """The moment (UTC) at which a clock in ``after`` shows what a clock in ``before`` shows at ``at``.

    A time that ``after`` leaves out moves on by the jump; of a time that comes twice it is the first.
    """
    shown = at.astimezone(before).replace(tzinfo=after, fold=FIRST_OCCURRENCE)
    return shown.astimezone(datetime.UTC)


def _wall_time(at: datetime.datetime, zone: ZoneInfo) -> datetime.datetime:
    """What the clock shows at ``at``: the moment that was typed, unless the jump left it out."""
    return at.astimezone(datetime.UTC).astimezone(zone).replace(tzinfo=None, fold=FIRST_OCCURRENCE)


def format_date(date: datetime.date) -> str:
    """Such as “8 March 2026”, whatever the machine's locale."""
    return f"{date.day} {date:%B} {date.year}"


def format_datetime(at: datetime.datetime, zone: ZoneInfo) -> str:
    """Such as “8 March 2026, 14:05 (MDT)”."""
    here = at.astimezone(zone)
    return f"{format_date(here.date())}, {here:%H:%M} ({here.tzname()})"
