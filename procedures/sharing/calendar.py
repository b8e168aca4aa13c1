"""Reading reminders as calendar files (RFC 5545), without attendees and without the name of a condition."""

import datetime
import re
import uuid
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.publishing import timezones
from procedures.sharing.messages import MessageContext, build_message_text, render_plain_message

MAX_LINE_BYTES = 75  # without the line break; RFC 5545 §3.1
EVENT_DURATION = datetime.timedelta(minutes=30)
MAX_LEAD_TIME = datetime.timedelta(days=731)
INVALID_TIME_MESSAGE = gettext_lazy("Enter a date and a time, such as 2026-11-30T10:00.")
TIME_OF_DAY_RE = re.compile(r"[T ]\d\d:\d\d")
# Not allowed in a text (RFC 5545 §3.3.11). Some programs treat a lone carriage return as the end of the line.
CONTROL_CHARACTER_RE = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
UTC_FORMAT = "%Y%m%dT%H%M%SZ"


class InvalidTimeError(ValueError):
    """A reminder cannot be made for this time. The message is for the staff member who chose it."""


def parse_local_time(typed: str, zone_name: str, *, now: datetime.datetime) -> datetime.datetime:
    """Parse the value of a ``datetime-local`` field (``2026-11-30T10:00``) as clinic time; return it in UTC.

    ``now`` is aware. Raise InvalidTimeError.
    """
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = _("The clinic's time zone “%(zone)s” is unknown. Enter one such as America/Denver under Clinic.")
        raise InvalidTimeError(message % {"zone": zone_name}) from error
    try:
        local = datetime.datetime.fromisoformat(typed.strip())
    except ValueError as error:
        raise InvalidTimeError(INVALID_TIME_MESSAGE) from error
    if local.tzinfo is not None:
        raise InvalidTimeError(INVALID_TIME_MESSAGE)
    if not TIME_OF_DAY_RE.search(typed):
        raise InvalidTimeError(_("Add a time of day, such as 10:00."))
    try:
        in_utc = timezones.to_utc(local.date(), local.time(), zone)
    except timezones.AmbiguousTimeError as error:
        # The form has one field, so staff cannot choose between the two.
        message = _(
            "%(time)s occurs twice on %(date)s, because clocks go back that night. "
            "Choose a time before or after that hour."
        )
        values = {"time": f"{local:%H:%M}", "date": timezones.format_date(local.date())}
        raise InvalidTimeError(message % values) from error
    except timezones.LocalTimeError as error:
        raise InvalidTimeError(str(error)) from error
    if in_utc <= now:
        raise InvalidTimeError(_("Choose a time in the future."))
    if in_utc > now + MAX_LEAD_TIME:
        raise InvalidTimeError(_("This date is more than two years ahead. Choose an earlier one."))
    return in_utc


def default_reminder_time(zone_name: str, *, now: datetime.datetime) -> str:
    """Return tomorrow at 10:00 clinic time, as the value of a ``datetime-local`` field."""
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return f"{(now.astimezone(zone) + datetime.timedelta(days=1)).date().isoformat()}T10:00"


def build_calendar_event(context: MessageContext, *, starts_at: datetime.datetime) -> bytes:
    """Build a calendar file with one event at ``starts_at`` (aware)."""
    start = starts_at.astimezone(datetime.UTC)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Plainspine//Reading reminder//EN",
        "CALSCALE:GREGORIAN",
        "BEGIN:VEVENT",
        f"UID:{uuid.uuid4()}@{urlsplit(context.short_url).hostname}",
        f"DTSTAMP:{timezone.now().astimezone(datetime.UTC).strftime(UTC_FORMAT)}",
        f"DTSTART:{start.strftime(UTC_FORMAT)}",
        f"DTEND:{(start + EVENT_DURATION).strftime(UTC_FORMAT)}",
        f"SUMMARY;LANGUAGE={context.language}:{escape_text(build_message_text(context).subject)}",
        f"DESCRIPTION;LANGUAGE={context.language}:{escape_text(render_plain_message(context).strip())}",
        f"URL:{context.short_url}",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{escape_text(build_message_text(context).subject)}",
        "TRIGGER:PT0M",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(fold_line(line) for line in lines)


def escape_text(text: str) -> str:
    """Escape a text for use as a property value (RFC 5545 §3.3.11), without control characters."""
    text = CONTROL_CHARACTER_RE.sub("", text.replace("\r\n", "\n"))
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold_line(line: str) -> bytes:
    """Fold a content line into lines of at most 75 bytes, never within a character (RFC 5545 §3.1)."""
    folded: list[bytes] = []
    current = b""
    for character in line:
        encoded = character.encode()
        # Lines after the first start with a space, which counts.
        if len(current) + len(encoded) + bool(folded) > MAX_LINE_BYTES:
            folded.append(current)
            current = b""
        current += encoded
    return b"\r\n ".join([*folded, current]) + b"\r\n"
