"""Messages, mailto URLs, email drafts, and calendar files, checked with independent parsers."""

import datetime
import email
import re
from email.message import EmailMessage
from email.policy import SMTP, default
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from procedures.sharing.messages import (
    InvalidTimeError,
    MessageContext,
    build_calendar_event,
    build_eml,
    build_mailto_url,
    build_message_text,
    default_reminder_time,
    parse_local_time,
    render_html_message,
    render_plain_message,
)
from procedures.sharing.short_codes import CODE_ALPHABET, normalize_code, spaced_code, spell_phonetically
from tests.sharing.messages import CODE, MESSAGES, make_message

CONDITION = re.compile(r"kypho|vertebro|cifo|fractur|cement|osteo|spine frac|columna|cancer|biops", re.IGNORECASE)
NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
every = pytest.mark.parametrize("about", MESSAGES, ids=lambda about: f"{about.language} {len(about.short_url)}")


def text_of(document: str) -> str:
    root = html5lib.parse(document, namespaceHTMLElements=False)
    return " ".join("".join(root.find("body").itertext()).split())


@every
def test_the_url_is_on_its_own_line_and_mail_cannot_break_it(about: MessageContext) -> None:
    assert render_plain_message(about).splitlines().count(about.short_url) == 1
    assert len(about.short_url) <= 60
    assert not set("?=&# ") & set(about.short_url)


@every
def test_messages_do_not_mention_a_condition(about: MessageContext) -> None:
    message = email.message_from_bytes(build_eml(about), policy=default)
    whole = "\n".join(
        [
            render_plain_message(about),
            render_html_message(about),
            unquote(build_mailto_url(about)),
            str(message["Subject"]),
            ics_text(about),
        ]
    )

    assert CONDITION.search(about.readable_url)
    assert CONDITION.findall(whole) == []


def ics_text(about: MessageContext) -> str:
    return unfold(build_calendar_event(about, starts_at=NOW))


def unfold(content: bytes) -> str:
    """Join the folded lines of a calendar file (RFC 5545 §3.1)."""
    return content.replace(b"\r\n ", b"").decode()


def ics_lines(content: bytes) -> list[str]:
    """Return the properties of a calendar file, in no particular order: ``NAME;PARAMETER=…:value``."""
    return sorted(unfold(content).removesuffix("\r\n").split("\r\n"))


def ics_escaped(text: str) -> str:
    """Escape a text as RFC 5545 §3.3.11 says."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def test_the_subject_depends_only_on_the_language() -> None:
    assert build_message_text(make_message("en")).subject == "Reading for your visit"
    assert build_message_text(make_message("es")).subject == "Qué leer para su cita"


@every
def test_a_spanish_message_contains_no_english(about: MessageContext) -> None:
    english = {paragraph for paragraph in render_plain_message(make_message("en")).splitlines() if " " in paragraph}
    spanish = set(render_plain_message(about).splitlines())

    assert english & spanish == (english if about.language == "en" else english & set(english_names(about)))


def english_names(about: MessageContext) -> list[str]:
    """Return the lines that are the same in both languages."""
    return [about.clinic, about.phone, spaced_code(about.code)]


@every
def test_an_email_draft_has_no_sender_no_recipient_and_two_alternatives(about: MessageContext) -> None:
    message = email.message_from_bytes(build_eml(about), policy=default)

    assert isinstance(message, EmailMessage)
    assert (message["X-Unsent"], message["Subject"]) == ("1", build_message_text(about).subject)
    assert not {"From", "To", "Cc", "Bcc", "Date", "Message-ID"} & set(message.keys())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.defects == []
    assert content(message, "plain") == render_plain_message(about)
    assert content(message, "html") == render_html_message(about)


def content(message: EmailMessage, kind: str) -> str:
    """Return the decoded part with normalized line breaks."""
    return str(message.get_body((kind,)).get_content()).replace("\r\n", "\n")


@every
def test_every_line_of_an_email_draft_is_short_ascii_with_crlf(about: MessageContext) -> None:
    raw = build_eml(about)

    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    # The URL is complete even in the encoded source.
    assert raw.decode().count(about.short_url) == 4


@every
def test_a_message_survives_another_encoding(about: MessageContext, subtests: pytest.Subtests) -> None:
    for encoding in ["quoted-printable", "base64", "8bit"]:
        with subtests.test(encoding=encoding):
            again = EmailMessage(policy=SMTP)
            again.set_content(render_plain_message(about), cte=encoding)
            again.add_alternative(render_html_message(about), subtype="html", cte=encoding)
            read = email.message_from_bytes(again.as_bytes(), policy=default)

            assert content(read, "plain") == render_plain_message(about)
            assert content(read, "html") == render_html_message(about)


@every
def test_the_html_is_one_column_of_large_type_and_loads_nothing(about: MessageContext) -> None:
    source = render_html_message(about)
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    root = parser.parse(source)

    assert parser.errors == []
    assert len(source.encode()) <= 25_000
    assert max(map(len, source.splitlines())) < 998
    assert {element.tag for element in root.iter()}.isdisjoint(
        {"img", "link", "script", "table", "iframe", "form", "object"}
    )
    assert "url(" not in source
    assert [int(size) for size in re.findall(r"(\d+)px/|font-size:(\d+)px", source) for size in size if size] == [
        18,
        16,
        22,
    ]
    assert {m.get("name"): m.get("content") for m in root.iter("meta") if m.get("name")}["color-scheme"] == "light dark"
    assert "prefers-color-scheme: dark" in source
    assert {a.get("href") for a in root.iter("a")} == {about.short_url, "tel:+13035550100"}
    assert root.get("lang") == about.language


@every
def test_the_html_and_the_text_have_the_same_content(about: MessageContext) -> None:
    said = build_message_text(about)
    said_in_html = text_of(render_html_message(about)).replace(said.open_button + " ", "", 1)

    assert said_in_html == " ".join(render_plain_message(about).split())


def test_the_clinic_name_is_escaped() -> None:
    assert "<Spine>" not in render_html_message(make_message("en"))
    assert text_of(render_html_message(make_message("en"))).endswith("Clínica “Peña & Søn” <Spine>")


@every
def test_mailto_links_follow_rfc_6068(about: MessageContext) -> None:
    address = build_mailto_url(about)
    scheme, _, rest = address.partition(":")
    to, _, query = rest.partition("?")
    fields = {name: unquote(value, errors="strict") for name, _, value in (f.partition("=") for f in query.split("&"))}

    assert (scheme, to) == ("mailto", "")
    assert re.fullmatch(r"[A-Za-z0-9%._~:?&=-]+", address)  # RFC 6068: all else is percent-encoded, a space never "+"
    assert "%0A" not in address.replace("%0D%0A", "")
    assert fields == {
        "subject": build_message_text(about).subject,
        "body": render_plain_message(about).replace("\n", "\r\n"),
    }
    assert urlsplit(address).fragment == ""
    # Some mail programs cut longer ones.
    assert len(address) < 2000


@every
def test_a_reminder_is_a_calendar_file_without_attendees(about: MessageContext) -> None:
    at = datetime.datetime(2026, 11, 30, 10, tzinfo=ZoneInfo("America/Denver"))
    content = build_calendar_event(about, starts_at=at)
    subject = ics_escaped(build_message_text(about).subject)
    lines = ics_lines(content)
    generated = [line for line in lines if line.startswith(("UID:", "DTSTAMP:"))]

    assert content.startswith(b"BEGIN:VCALENDAR\r\n") and content.endswith(b"END:VEVENT\r\nEND:VCALENDAR\r\n")
    assert [re.sub(r"\w", "x", line.partition("@")[0]) for line in generated] == [
        "xxxxxxx:xxxxxxxxxxxxxxxx",
        "xxx:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
    ]
    assert sorted(set(lines) - set(generated)) == sorted(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Plainspine//Reading reminder//EN",
            "CALSCALE:GREGORIAN",
            "BEGIN:VEVENT",
            "DTSTART:20261130T170000Z",
            "DTEND:20261130T173000Z",
            f"SUMMARY;LANGUAGE={about.language}:{subject}",
            f"DESCRIPTION;LANGUAGE={about.language}:{ics_escaped(render_plain_message(about).strip())}",
            f"URL:{about.short_url}",
            "CLASS:PRIVATE",
            "TRANSP:TRANSPARENT",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:{subject}",
            "TRIGGER:P0D",
            "END:VALARM",
            "END:VEVENT",
            "END:VCALENDAR",
        ]
    )


def test_two_reminders_have_different_uids() -> None:
    first, second = (
        [line for line in ics_lines(build_calendar_event(make_message(), starts_at=NOW)) if line.startswith("UID:")]
        for _ in range(2)
    )

    assert len(first) == len(second) == 1
    assert first != second


@given(name=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=400))
def test_lines_of_a_reminder_are_folded_at_75_bytes_between_characters(name: str) -> None:
    about = make_message(clinic=name)
    content = build_calendar_event(about, starts_at=NOW)
    description = f"DESCRIPTION;LANGUAGE=en:{ics_escaped(render_plain_message(about).strip())}"

    assert max(len(line) for line in content.split(b"\r\n")) <= 75
    assert [line.decode() for line in content.split(b"\r\n")]
    assert description in ics_lines(content)


def test_a_reminder_has_no_control_characters() -> None:
    content = build_calendar_event(make_message(clinic="a\r\nb\x0bc\x00d\re\x1f;f"), starts_at=NOW)

    assert unfold(content).count("a\\nbcde\\;f\r\n") == 1
    assert re.findall(rb"[^\r\n\x20-\xff]", content) == []


def test_times_are_clinic_local_time() -> None:
    winter = parse_local_time("2026-03-02T10:00", "America/Denver", now=NOW)
    summer = parse_local_time("2026-07-02T10:00", "America/Denver", now=NOW)

    assert (winter.hour, summer.hour) == (17, 16)
    assert default_reminder_time("Pacific/Auckland", now=NOW) == "2026-03-03T10:00"
    assert default_reminder_time("Nowhere/Town", now=NOW) == "2026-03-02T10:00"


def test_an_invalid_time_is_rejected_with_a_message(subtests: pytest.Subtests) -> None:
    for typed, zone, sentence in [
        ("", "UTC", "Enter a date and a time"),
        ("tomorrow", "UTC", "Enter a date and a time"),
        ("2026-13-01T10:00", "UTC", "Enter a date and a time"),
        ("2026-03-05T10:00\r\nATTENDEE:x", "UTC", "Enter a date and a time"),
        ("9999-12-31T23:59", "America/Denver", "Choose a date from 2000 to 2100. Check the year."),
        ("9999-12-31T16:45", "America/Denver", "Choose a date from 2000 to 2100. Check the year."),
        ("9999-12-31T23:59", "Pacific/Kiritimati", "Choose a date from 2000 to 2100. Check the year."),
        ("0001-01-01T00:00", "Asia/Tokyo", "Choose a date from 2000 to 2100. Check the year."),
        ("0000-01-01T00:00", "UTC", "Enter a date and a time"),
        ("10000-01-01T00:00", "UTC", "Enter a date and a time"),
        ("2100-12-31T23:59", "America/Denver", "This date is more than two years ahead. Choose an earlier one."),
        ("2028-03-02T12:01", "UTC", "This date is more than two years ahead. Choose an earlier one."),
        (
            "2026-03-08T02:30",
            "America/Denver",
            "There is no 2:30 AM on March 8, 2026: the clocks go forward that night. Choose 3:30 AM",
        ),
        (
            "2026-11-01T01:30",
            "America/Denver",
            "1:30 AM occurs twice on Nov. 1, 2026, because clocks go back that night.",
        ),
        ("2026-11-30T10:00+01:00", "UTC", "Enter a date and a time"),
        ("2026-02-28T10:00", "UTC", "Choose a time in the future"),
        ("2026-05-28T10:00", "Mars/Olympus", "“Mars/Olympus” is unknown"),
        ("2026-05-28T10:00", "../etc/passwd", "is unknown"),
    ]:
        with subtests.test(typed=typed, zone=zone), pytest.raises(InvalidTimeError, match=re.escape(sentence)):
            parse_local_time(typed, zone, now=NOW)


def test_a_spaced_code_is_parsed_back() -> None:
    assert spaced_code(CODE) == f"K 7 – M 4 – P {CODE[-1]}"
    assert normalize_code(spaced_code(CODE)) == CODE


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_code_character_has_a_word_that_starts_with_it(language: str) -> None:
    said = [spell_phonetically(sign, language) for sign in CODE_ALPHABET]

    assert len(set(said)) == len(CODE_ALPHABET)
    for sign, word in zip(CODE_ALPHABET, said, strict=True):
        assert sign.isdigit() or word.split()[-1][0].upper() == sign
