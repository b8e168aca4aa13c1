"""A reading reminder for a calendar (RFC 5545): nobody is invited, and its title names no condition."""

import datetime
import re
import uuid
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from procedures.links.kit.sending import Sending
from procedures.links.kit.words import plain, words
from procedures.publishing import clock

MAX_LINE = 75  # octets, without the line break
LASTS = datetime.timedelta(minutes=30)
MAX_AHEAD = datetime.timedelta(days=731)
UNREADABLE = "Write the date and the time, such as 2026-11-30T10:00."
TIME_OF_DAY = re.compile(r"[T ]\d\d:\d\d")
# RFC 5545 §3.3.11 allows none of these in a text; a lone return would end the line for some programs.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
UTC_FORM = "%Y%m%dT%H%M%SZ"


class BadTimeError(ValueError):
    """The reminder cannot be made. The message is a sentence for the person who chose the time."""


def moment(typed: str, zone_name: str, *, now: datetime.datetime) -> datetime.datetime:
    """A date and time as a browser sends them (``2026-11-30T10:00``), by the clinic's clock. Raises BadTimeError."""
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadTimeError(
            f"The clinic's time zone “{zone_name}” is not known. Put one such as America/Denver under Clinic."
        ) from error
    try:
        shown = datetime.datetime.fromisoformat(typed.strip())
    except ValueError as error:
        raise BadTimeError(UNREADABLE) from error
    if shown.tzinfo is not None:
        raise BadTimeError(UNREADABLE)
    if not TIME_OF_DAY.search(typed):
        raise BadTimeError("Add a time of day, such as 10:00.")
    try:
        in_utc = clock.moment(shown.date(), shown.time(), zone)
    except clock.RepeatedTimeError as error:
        # The form has one field: nowhere to say which of the two is meant.
        raise BadTimeError(
            f"{shown:%H:%M} comes twice on {clock.day_words(shown.date())}: the clocks go back that night. "
            "Choose a time before or after that hour."
        ) from error
    except clock.ClockError as error:
        raise BadTimeError(str(error)) from error
    if in_utc <= now:
        raise BadTimeError("Choose a time in the future.")
    if in_utc > now + MAX_AHEAD:
        raise BadTimeError("That is more than two years ahead. Choose an earlier day.")
    return in_utc


def tomorrow_at_ten(zone_name: str, *, now: datetime.datetime) -> str:
    """What the form offers: the next day, 10 in the morning by the clinic's clock, as a browser's field holds it."""
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return f"{(now.astimezone(zone) + datetime.timedelta(days=1)).date().isoformat()}T10:00"


def ics(about: Sending, *, at: datetime.datetime) -> bytes:
    """A calendar file with one entry at ``at`` (aware)."""
    begins = at.astimezone(datetime.UTC)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Plainspine//Reading reminder//EN",
        "CALSCALE:GREGORIAN",
        "BEGIN:VEVENT",
        f"UID:{uuid.uuid4()}@{urlsplit(about.neutral).hostname}",
        f"DTSTAMP:{timezone.now().astimezone(datetime.UTC).strftime(UTC_FORM)}",
        f"DTSTART:{begins.strftime(UTC_FORM)}",
        f"DTEND:{(begins + LASTS).strftime(UTC_FORM)}",
        f"SUMMARY;LANGUAGE={about.language}:{escaped(words(about).subject)}",
        f"DESCRIPTION;LANGUAGE={about.language}:{escaped(plain(about).strip())}",
        f"URL:{about.neutral}",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{escaped(words(about).subject)}",
        "TRIGGER:PT0M",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(folded(line) for line in lines)


def escaped(text: str) -> str:
    """Text as a value: backslash, semicolon, comma and line break have a meaning of their own."""
    text = CONTROL.sub("", text.replace("\r\n", "\n"))
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line: str) -> bytes:
    """One content line in pieces of at most 75 octets; no letter is cut in two."""
    pieces: list[bytes] = []
    piece = b""
    for letter in line:
        octets = letter.encode()
        # Pieces after the first begin with a space, which counts.
        if len(piece) + len(octets) + bool(pieces) > MAX_LINE:
            pieces.append(piece)
            piece = b""
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"
