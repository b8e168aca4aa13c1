"""The clinic's clock: times that staff type and read are those on the clinic's wall, not the server's.

Twice a year that clock jumps. A time that the jump leaves out does not exist; a time in the hour that it repeats
exists twice. Both are told to the person who typed it, never guessed.
"""

import datetime
from zoneinfo import ZoneInfo

from procedures.models import Clinic

FIRST, SECOND = 0, 1
# Days that are typed lie between these. Beyond them time zones overflow and databases refuse.
FIRST_DAY, LAST_DAY = datetime.date(2000, 1, 1), datetime.date(2100, 12, 31)


class ClockError(ValueError):
    """The time that was typed names no moment. The message is a sentence for who typed it."""


class DayError(ClockError):
    """The day is out of bounds."""


class RepeatedTimeError(ClockError):
    """The time comes twice that day: ask which one is meant. ``moments`` are both, the earlier first."""

    def __init__(self, sentence: str, moments: tuple[datetime.datetime, datetime.datetime]) -> None:
        super().__init__(sentence)
        self.moments = moments


def clinic_zone() -> ZoneInfo:
    """The time zone of the clinic; UTC without a clinic, or where this machine does not know the zone. One query."""
    return zone_called(Clinic.objects.values_list("time_zone", flat=True).first() or "")


def zone_called(name: str) -> ZoneInfo:
    """The time zone with this name; UTC for none, or where this machine does not know it."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        # The form refuses such a name; a machine without zone data must not close the admin for it.
        return ZoneInfo("UTC")


def moment(day: datetime.date, time: datetime.time, zone: ZoneInfo, *, which: int | None = None) -> datetime.datetime:
    """The moment (aware, UTC) at which the clinic's clock shows ``time`` on ``day``.

    ``which``: FIRST or SECOND for a time that comes twice. Raises ClockError for a time that the clock leaves out,
    and RepeatedTimeError for one that comes twice while ``which`` is None.
    """
    check_day(day)
    shown = datetime.datetime.combine(day, time.replace(tzinfo=None, fold=FIRST))
    first, second = shown.replace(tzinfo=zone), shown.replace(tzinfo=zone, fold=SECOND)
    if _on_the_wall(first, zone) != shown:
        # The offset before the jump gives the moment just as long after it.
        after = first.astimezone(datetime.UTC).astimezone(zone)
        raise ClockError(
            f"There is no {shown:%H:%M} on {day_words(day)}: the clocks go forward that night. "
            f"Choose {after:%H:%M} instead, or another time."
        )
    # Only UTC is safe to compare: Python holds a time that comes twice to be unlike any other.
    moments = first.astimezone(datetime.UTC), second.astimezone(datetime.UTC)
    if moments[0] == moments[1]:
        return moments[0]
    if which is None:
        raise RepeatedTimeError(
            f"{shown:%H:%M} comes twice on {day_words(day)}: the clocks go back that night. Choose which one you mean.",
            moments,
        )
    return moments[SECOND if which == SECOND else FIRST]


def check_day(day: datetime.date) -> None:
    """Raises DayError for a day out of bounds, which is most often a slip in the year."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise DayError(f"Choose a day from {FIRST_DAY.year} to {LAST_DAY.year}. Look at the year.")


def same_reading(at: datetime.datetime, before: ZoneInfo, after: ZoneInfo) -> datetime.datetime:
    """The moment (UTC) at which a clock in ``after`` shows what a clock in ``before`` shows at ``at``.

    A time that ``after`` leaves out moves on by the jump; of a time that comes twice it is the first.
    """
    shown = at.astimezone(before).replace(tzinfo=after, fold=FIRST)
    return shown.astimezone(datetime.UTC)


def _on_the_wall(at: datetime.datetime, zone: ZoneInfo) -> datetime.datetime:
    """What the clock shows at ``at``: the moment that was typed, unless the jump left it out."""
    return at.astimezone(datetime.UTC).astimezone(zone).replace(tzinfo=None, fold=FIRST)


def day_words(day: datetime.date) -> str:
    """Such as “8 March 2026”, whatever the machine's locale."""
    return f"{day.day} {day:%B} {day.year}"


def clock_words(at: datetime.datetime, zone: ZoneInfo) -> str:
    """Such as “8 March 2026, 14:05 (MDT)”."""
    here = at.astimezone(zone)
    return f"{day_words(here.date())}, {here:%H:%M} ({here.tzname()})"
