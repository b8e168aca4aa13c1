"""The words of a message, the same in every form. None of them names a condition."""

from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from procedures.links.codes import read_out
from procedures.links.kit.sending import Sending


@dataclass(frozen=True, slots=True)
class Words:
    """The paragraphs of a message in its language. ``open_button`` stands on the link."""

    subject: str
    greeting: str
    opening: str
    open_here: str
    open_button: str
    free: str
    type_it: str
    code: str
    on_paper: str
    phone: str
    clinic: str


def words(about: Sending) -> Words:
    """In the language of the page, whatever language is active."""
    with translation.override(about.language):
        return Words(
            subject=_("Reading for your visit"),
            greeting=_("Hello,"),
            opening=_("We have put together some reading for your visit."),
            open_here=_("Open it here:"),
            open_button=_("Open the reading"),
            free=_("You need no password, and nobody tracks what you read."),
            type_it=_("On another computer, type %(address)s and this code:")
            % {"address": about.in_words.removesuffix(about.code)},
            code=read_out(about.code),
            on_paper=_("Would you rather have it on paper, or have a question? Please call us:"),
            phone=about.phone,
            clinic=about.clinic,
        )


def plain(about: Sending) -> str:
    """The message as text. The address stands alone on its line, where no mail program can damage it."""
    said = words(about)
    paragraphs = [
        said.greeting,
        said.opening,
        said.open_here,
        about.neutral,
        said.free,
        f"{said.type_it}\n{said.code}",
        f"{said.on_paper}\n{said.phone}",
        said.clinic,
    ]
    return "\n\n".join(paragraphs) + "\n"
