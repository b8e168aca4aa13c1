"""A reading reminder for a calendar (RFC 5545): nobody is invited, and its title names no condition."""

import datetime
import re
import uuid
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from procedures.publishing import timezones
from procedures.sharing.messages import MessageContext, build_message_text, render_plain_message

MAX_LINE_BYTES = 75  # octets, without the line break
EVENT_DURATION = datetime.timedelta(minutes=30)
MAX_LEAD_TIME = datetime.timedelta(days=731)
INVALID_TIME_MESSAGE = "Write the date and the time, such as 2026-11-30T10:00."
TIME_OF_DAY_RE = re.compile(r"[T ]\d\d:\d\d")
# RFC 5545 §3.3.11 allows none of these in a text; a lone return would end the line for some programs.
CONTROL_CHARACTER_RE = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
UTC_FORMAT = "%Y%m%dT%H%M%SZ"


class InvalidTimeError(ValueError):
    """The reminder cannot be made. The message is a sentence for the person who chose the time."""


def parse_local_time(typed: str, zone_name: str, *, now: datetime.datetime) -> datetime.datetime:
    """A date and time as a browser sends them (``2026-11-30T10:00``), by the clinic's clock. Raises BadTimeError."""
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidTimeError(
            f"The clinic's time zone “{zone_name}” is not known. Put one such as America/Denver under Clinic."
        ) from error
    try:
        shown = datetime.datetime.fromisoformat(typed.strip())
    except ValueError as error:
        raise InvalidTimeError(INVALID_TIME_MESSAGE) from error
    if shown.tzinfo is not None:
        raise InvalidTimeError(INVALID_TIME_MESSAGE)
    if not TIME_OF_DAY_RE.search(typed):
        raise InvalidTimeError("Add a time of day, such as 10:00.")
    try:
        in_utc = timezones.to_utc(shown.date(), shown.time(), zone)
    except timezones.AmbiguousTimeError as error:
        # The form has one field: nowhere to say which of the two is meant.
        raise InvalidTimeError(
            f"{shown:%H:%M} comes twice on {timezones.format_date(shown.date())}: the clocks go back that night. "
            "Choose a time before or after that hour."
        ) from error
    except timezones.LocalTimeError as error:
        raise InvalidTimeError(str(error)) from error
    if in_utc <= now:
        raise InvalidTimeError("Choose a time in the future.")
    if in_utc > now + MAX_LEAD_TIME:
        raise InvalidTimeError("That is more than two years ahead. Choose an earlier day.")
    return in_utc


def default_reminder_time(zone_name: str, *, now: datetime.datetime) -> str:
    """What the form offers: the next day, 10 in the morning by the clinic's clock, as a browser's field holds it."""
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return f"{(now.astimezone(zone) + datetime.timedelta(days=1)).date().isoformat()}T10:00"


def build_calendar_event(context: MessageContext, *, starts_at: datetime.datetime) -> bytes:
    """A calendar file with one entry at ``at`` (aware)."""
    begins = starts_at.astimezone(datetime.UTC)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Plainspine//Reading reminder//EN",
        "CALSCALE:GREGORIAN",
        "BEGIN:VEVENT",
        f"UID:{uuid.uuid4()}@{urlsplit(context.short_url).hostname}",
        f"DTSTAMP:{timezone.now().astimezone(datetime.UTC).strftime(UTC_FORMAT)}",
        f"DTSTART:{begins.strftime(UTC_FORMAT)}",
        f"DTEND:{(begins + EVENT_DURATION).strftime(UTC_FORMAT)}",
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
    """Text as a value: backslash, semicolon, comma and line break have a meaning of their own."""
    text = CONTROL_CHARACTER_RE.sub("", text.replace("\r\n", "\n"))
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold_line(line: str) -> bytes:
    """One content line in pieces of at most 75 octets; no letter is cut in two."""
    pieces: list[bytes] = []
    piece = b""
    for letter in line:
        octets = letter.encode()
        # Pieces after the first begin with a space, which counts.
        if len(piece) + len(octets) + bool(pieces) > MAX_LINE_BYTES:
            pieces.append(piece)
            piece = b""
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"
