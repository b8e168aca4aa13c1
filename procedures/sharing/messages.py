"""Messages that send a patient to a page: plain text, HTML, mailto URL, and email draft.

Nothing here knows who the patient is, and no message names a condition.
"""

from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from procedures import languages
from procedures.models import Clinic, Release
from procedures.phones import phone_href
from procedures.sharing.short_codes import short_path, spaced_code


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
        short_url=settings.PUBLIC_URL + short_path(page.language, page.code),
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
            introduction=_("We have put together some reading for your visit."),
            open_here=_("Open it here:"),
            open_button=_("Open the reading"),
            privacy_note=_("You need no password, and nobody tracks what you read."),
            code_instructions=_("On another computer, type %(address)s and this code:")
            % {"address": context.typed_url.removesuffix(context.code)},
            code=spaced_code(context.code),
            paper_offer=_("Would you rather have it on paper, or have a question? Please call us:"),
            phone=context.phone,
            clinic=context.clinic,
        )


def render_plain_message(context: MessageContext) -> str:
    """Return the message as plain text. The URL is alone on its line, where mail programs do not damage it."""
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
