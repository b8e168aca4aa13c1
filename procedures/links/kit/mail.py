"""The message for mail programs: a ``mailto:`` address, and a draft as a file."""

from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

from procedures.links.kit.html import html
from procedures.links.kit.sending import Sending
from procedures.links.kit.words import plain, words


def mailto(about: Sending) -> str:
    """RFC 6068: to nobody yet, with subject and text; line breaks are %0D%0A, a space is %20 and never ``+``."""
    body = plain(about).replace("\n", "\r\n")
    return f"mailto:?subject={quote(words(about).subject, safe='')}&body={quote(body, safe='')}"


def eml(about: Sending) -> bytes:
    """A message that Outlook, Apple Mail and Thunderbird open as a draft: no sender, no recipient, no date."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = words(about).subject
    message["X-Unsent"] = "1"
    # In this encoding every line is ASCII and shorter than 77 signs: no mail server has a reason to touch it.
    message.set_content(plain(about), cte="quoted-printable")
    message.add_alternative(html(about), subtype="html", cte="quoted-printable")
    return message.as_bytes()
