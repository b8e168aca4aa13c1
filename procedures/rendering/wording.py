"""Messages about markup, worded twice: for people who write Markdown, and for the visual editor, which hides it."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.text import interpolate_lazy

# The levels of headings as the style menu of the visual editor names them.
HEADING_STYLES: dict[int, Promise] = {2: _("Heading"), 3: _("Subheading"), 4: _("Small heading")}


@dataclass(frozen=True, slots=True)
class Wording:
    """A message that names markup, and ``plain``, which says the same without any, for people who never see it."""

    source: str | Promise
    plain: str | Promise


Message = str | Promise | Wording


def fill(message: Message, /, **values: object) -> Message:
    """Return ``message`` with its named values, which are filled in when it is shown (``interpolate_lazy``)."""
    if isinstance(message, Wording):
        return Wording(interpolate_lazy(message.source, **values), interpolate_lazy(message.plain, **values))
    return interpolate_lazy(message, **values)


def split(message: Message) -> tuple[str | Promise, str | Promise]:
    """Return the message for Markdown and the plain one, which is empty if they are the same."""
    return (message.source, message.plain) if isinstance(message, Wording) else (message, "")
