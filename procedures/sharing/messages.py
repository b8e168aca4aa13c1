"""Messages that send a patient to a page: plain text, HTML, mailto URL, email draft, and calendar reminder.

Nothing here knows who the patient is, and no message names a condition.
"""

import datetime
import re
import uuid
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures import languages, timezones
from procedures.models import Clinic, Release
from procedures.phones import phone_href
from procedures.sharing.short_codes import short_url, spaced_code

EVENT_DURATION = datetime.timedelta(minutes=30)
MAX_LEAD_TIME = datetime.timedelta(days=731)
INVALID_TIME_MESSAGE = gettext_lazy("Enter a date and a time, such as 2026-11-30T10:00.")
TIME_OF_DAY_RE = re.compile(r"[T ]\d\d:\d\d")
# Not allowed in text values of a calendar file (RFC 5545 §3.3.11).
CONTROL_CHARACTER_RE = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class MessageContext:
    """What a message says about a page and its clinic. Both URLs are absolute; the short one names no condition."""

    language: str
    clinic: str
    phone: str
    code: str
    readable_url: str
    short_url: str

    @property
    def typed_url(self) -> str:
        """Short URL without its scheme, for typing: ``learn.example.org/p/K7M4P2``."""
        return self.short_url.partition("://")[2]


def build_message_context(release: Release, clinic: Clinic) -> MessageContext:
    """Build the context from the live release; the draft is not used."""
    page = release.page
    return MessageContext(
        language=page.language,
        clinic=clinic.name,
        phone=clinic.phone,
        code=page.code,
        readable_url=settings.PUBLIC_URL + release.path,
        short_url=short_url(page.language, page.code),
    )


@dataclass(frozen=True, slots=True)
class MessageText:
    """The paragraphs of a message, translated. ``open_button`` is the label of the link in HTML."""

    subject: str
    greeting: str
    introduction: str
    open_here: str
    open_button: str
    privacy_note: str
    code_instructions: str
    code: str
    paper_offer: str
    phone: str
    clinic: str


def build_message_text(context: MessageContext) -> MessageText:
    """Build the paragraphs in the language of the page, whatever language is active."""
    with translation.override(context.language):
        return MessageText(
            subject=_("Reading for your visit"),
            greeting=_("Hello,"),
            introduction=_("We have put together some information for your visit."),
            open_here=_("Open it here:"),
            open_button=_("Read it online"),
            privacy_note=_("You don't need a password, and no one tracks what you read."),
            code_instructions=_("On another computer, type %(address)s and this code:")
            % {"address": context.typed_url.removesuffix(context.code)},
            code=spaced_code(context.code),
            paper_offer=_("Would you like a printed copy, or do you have a question? Please call us:"),
            phone=context.phone,
            clinic=context.clinic,
        )


def render_plain_message(context: MessageContext) -> str:
    """Return the message as plain text. The URL has its own line, so that mail programs do not break it."""
    text = build_message_text(context)
    paragraphs = [
        text.greeting,
        text.introduction,
        text.open_here,
        context.short_url,
        text.privacy_note,
        f"{text.code_instructions}\n{text.code}",
        f"{text.paper_offer}\n{text.phone}",
        text.clinic,
    ]
    return "\n\n".join(paragraphs) + "\n"


def render_html_message(context: MessageContext) -> str:
    """Return the message as a complete HTML document."""
    text = build_message_text(context)
    return render_to_string(
        "mail/reading.html",
        {
            **asdict(text),
            "language": context.language,
            "direction": languages.get(context.language).direction,
            "address": context.short_url,
            "phone_href": phone_href(text.phone),
        },
    )


def build_mailto_url(context: MessageContext) -> str:
    """Return a mailto URL (RFC 6068) with subject and body and no recipient.

    RFC 6068 requires ``%0D%0A`` for line breaks, and ``%20``, never ``+``, for spaces.
    """
    body = render_plain_message(context).replace("\n", "\r\n")
    return f"mailto:?subject={quote(build_message_text(context).subject, safe='')}&body={quote(body, safe='')}"


def build_eml(context: MessageContext) -> bytes:
    """Return an email that Outlook, Apple Mail, and Thunderbird open as a draft: no sender, recipient, or date."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = build_message_text(context).subject
    message["X-Unsent"] = "1"
    # Quoted-printable lines are ASCII and at most 76 characters, so no mail server has a reason to change them.
    message.set_content(render_plain_message(context), cte="quoted-printable")
    message.add_alternative(render_html_message(context), subtype="html", cte="quoted-printable")
    return message.as_bytes()


class InvalidTimeError(ValueError):
    """A reminder cannot be created for this time. The message is for the staff member who chose the time."""


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
        values = {"time": timezones.format_time(local), "date": timezones.format_date(local.date())}
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
    tomorrow = now.astimezone(timezones.get_timezone(zone_name)).date() + datetime.timedelta(days=1)
    return f"{tomorrow.isoformat()}T10:00"


def build_calendar_event(context: MessageContext, *, starts_at: datetime.datetime) -> bytes:
    """Build a calendar file (RFC 5545) with one event at ``starts_at`` (aware), without attendees."""
    # Imported locally to save 6 MB of memory in workers that only serve pages.
    from icalendar import Alarm, Calendar, Event

    start, language = starts_at.astimezone(datetime.UTC), {"LANGUAGE": context.language}
    subject = build_message_text(context).subject
    event = Event()
    event.add("uid", f"{uuid.uuid4()}@{urlsplit(context.short_url).hostname}")
    event.add("dtstamp", timezone.now())
    event.add("dtstart", start)
    event.add("dtend", start + EVENT_DURATION)
    event.add("summary", subject, parameters=language)
    event.add("description", CONTROL_CHARACTER_RE.sub("", render_plain_message(context).strip()), parameters=language)
    event.add("url", context.short_url)
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", subject)
    alarm.add("trigger", datetime.timedelta(0))
    event.add_component(alarm)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Plainspine//Reading reminder//EN")
    calendar.add("calscale", "GREGORIAN")
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content
