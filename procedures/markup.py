"""Patterns that detect markup, for the renderer and the validators of plain-text fields, and messages about markup.

The body of a page is Markdown; every other field is plain text, where markup would be shown to patients as typed. A
message about markup is worded twice: for people who write Markdown, and for the visual editor, which hides it.
"""

import re
import unicodedata
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.text import APOSTROPHES, interpolate_lazy

# Replaces markup that was parsed. A private-use character, which validation rejects in saved text.
PLACEHOLDER = "\ue000"

SPACES = " \t\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"
# Characters that pasted text contains between and inside words; glossary terms and names are recognized without them.
ZERO_WIDTH_CHARACTERS = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
SPACES_AND_INVISIBLE = SPACES + ZERO_WIDTH_CHARACTERS
HYPHEN_CHARACTERS = "\u2010\u2011\ufe63\uff0d"
EQUIVALENT_CHARACTERS = {
    **dict.fromkeys(map(ord, HYPHEN_CHARACTERS), "-"),
    **APOSTROPHES,
    **dict.fromkeys(map(ord, ZERO_WIDTH_CHARACTERS), ""),
}
INVISIBLE_CHARACTER = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800"
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    # A zero-width joiner is legitimate inside an emoji sequence.
    "|(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d"
)
HTML_TAG_NAMES = (
    "a abbr article b big blockquote body br button center code dd del details div dl dt em font footer form h1 h2 h3 "
    "h4 h5 h6 head header hr html i iframe img input ins kbd label li link main mark meta nav object ol p pre q s "
    "script section small span strike strong style sub summary sup svg table tbody td th thead tr tt u ul video"
)
HTML_TAG = re.compile(
    r"</?[a-z][^<>\n]*>|<!--|-->|<!\[|</?(?:" + "|".join(HTML_TAG_NAMES.split()) + r")(?![\w-])", re.IGNORECASE
)
ENTITY = re.compile(
    r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});"
    r"|&(?:nbsp|amp|lt|gt|quot|apos|deg|reg|copy|trade|ndash|mdash|hellip|shy|eacute|ntilde)(?![\w;])",
    re.IGNORECASE,
)
# Braces around words. "{1, 2}" and a single brace are ordinary text.
BRACED_WORDS = re.compile(r"\{{1,3}(?=[^{}\n]{0,80}?[^\W\d_])([^{}\n]{1,80})\}{1,3}")
UNCLOSED_BRACE = re.compile(r"\{{1,3}\s{0,3}(?:#|clinic\b|[^\W\d_]+[._][^\W\d_])[^{}\n]{0,40}", re.IGNORECASE)
BARE_CLINIC_VALUE = re.compile(
    r"(?<![\w.@/-])clinic\.(?:name|(?:after_hours_)?phone|emergency_number|hours)\b", re.IGNORECASE
)
FULLWIDTH_BRACE = re.compile("[｛｝]")
CITATION_LIKE = re.compile(
    r"[\[{<［【][ \u00a0]?[@＠][ \u00a0]?[^\s\])}>］】,;]{0,60}(?:[,;][ ]?@?[\w-]{1,60}){0,9}[ ]?[\])}>］】]?"
    r"|[@＠][ ]?[\[{][^\s\])}]{0,60}[\])}]?|(?<!\w)[@＠][\w-]{1,60}[ ]?[\]}]"
)
# A citation in parentheses or a social media handle; the renderer checks whether such a source exists.
CITATION_IN_PARENTHESES = re.compile(r"[(（][ \u00a0]?[@＠]([\w-]{1,60})[ ]?[)\]）]|(?<![\w.])@\(?([\w-]{1,60})\)?")
FOOTNOTE = re.compile(r"\[\^[^\]\n]{0,60}\]?")
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
HTTP_URL = re.compile(r"\bhttps?:/{1,2}[^\s<>\ue000]+", re.IGNORECASE)
PAGE_LINK = re.compile(r"(?<![\w/])page:[a-z0-9]", re.IGNORECASE)
AUTOLINK = re.compile(rf"<\s?(?:(?:mailto|tel):\s?)?(?:{EMAIL.pattern}|[+(]?\d[\d ().-]{{5,20}}\d)\s?>", re.IGNORECASE)
# Markup of other dialects, which would be shown as typed.
FOREIGN_MARKUP = re.compile(
    r"~~|==(?=\w)|(?<=\w)==|^[^\S\n]*(={1,6})[ ]+\S[^=\n]*[ ]\1[^\S\n]*$"
    r"|~[^\s~]{1,20}~|\w\^[\w({]|\^[^\s^]{1,20}\^"
    r"|(?<![\w+])\+\+(?=[^\W_])[^+\n]{1,200}(?<=\S)\+\+(?![\w+])"
    r"|(?<![\w'])('{2,5})(?=[^\W_])[^'\n]{1,200}(?<=\S)\2(?![\w'])"
    r"|\[/(?:b|i|u|s|url|img|quote|code|list|color|size|font|center|sub|sup|em|strong)\]"
    r"|\[(?:url|img|quote|color|size|font)=[^\]\n]{0,80}\]|\[TOC\]|__TOC__",
    re.IGNORECASE | re.MULTILINE,
)
BLOCK_FENCE = re.compile(r":{3,}|[：]{2,}")

MARKUP_PATTERNS = (
    re.compile(r"\*\*|(?<![\w*])\*(?=[^\s*])[^*\n]*[^\s*]\*(?![\w*])"),
    re.compile(r"(?<![\w_])(_{1,2})(?=[^\s_])[^_\n]*[^\s_]\1(?![\w_])"),
    re.compile(r"`[^`\n]*`|\\(?=[][*_#{}\\`])"),
    re.compile(r"\]\(|\]\[|!\[|\[\["),
    re.compile(r"^[ \t]*(?:#{1,6}[ \u00a0]+\S|#{2,6}\S|[-*+•·][ \u00a0]+\S)", re.MULTILINE),
    BRACED_WORDS,
    UNCLOSED_BRACE,
    BARE_CLINIC_VALUE,
    FULLWIDTH_BRACE,
    CITATION_LIKE,
    FOOTNOTE,
    PAGE_LINK,
    FOREIGN_MARKUP,
    BLOCK_FENCE,
    HTML_TAG,
    ENTITY,
)
EXCERPT_LENGTH = 40
THIS_FIELD = _("This field")
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


def describe_invisible_character(text: str) -> str:
    """Describe the first unexpected invisible character in ``text``; return "" if there is none."""
    match = INVISIBLE_CHARACTER.search(text)
    if not match:
        return ""
    name = unicodedata.name(match[0], "control character").casefold()
    return interpolate_lazy(_("an invisible character (%(name)s, U+%(code)s)"), name=name, code=f"{ord(match[0]):04X}")


def find_markup_error(text: str, field_name: str | Promise = THIS_FIELD) -> str:
    """Return the error for markup in a text that is printed as typed; empty for none.

    ``field_name`` is the subject of the sentence.
    """
    without_mail = EMAIL.sub(PLACEHOLDER, text)
    for pattern, searched_text in ((AUTOLINK, text), *((pattern, without_mail) for pattern in MARKUP_PATTERNS)):
        if match := pattern.search(searched_text):
            return interpolate_lazy(
                _("%(field)s is plain text and would show “%(excerpt)s” as typed. Remove the markup."),
                field=field_name,
                excerpt=make_excerpt(searched_text, *match.span()),
            )
    if character := describe_invisible_character(text):
        message = _("%(field)s contains %(character)s. Delete the surrounding text and retype it.")
        return interpolate_lazy(message, field=field_name, character=character)
    return ""


def make_excerpt(text: str, start: int, end: int) -> str:
    """Return ``text[start:end]`` on one line, extended to whole words."""
    match_end = end
    if end - start < EXCERPT_LENGTH:
        while start > 0 and not text[start - 1].isspace() and end - start < EXCERPT_LENGTH:
            start -= 1
        while end < len(text) and not text[end].isspace() and end - start < EXCERPT_LENGTH:
            end += 1
        while end > match_end and text[end - 1] in ".,;:!?":
            end -= 1
    excerpt = " ".join(text[start:end].replace(PLACEHOLDER, "…").split())
    return excerpt if len(excerpt) <= 2 * EXCERPT_LENGTH else f"{excerpt[: 2 * EXCERPT_LENGTH]}…"


def normalize_characters(text: str) -> str:
    """Replace lookalike characters with a canonical one. Spaces are kept."""
    return unicodedata.normalize("NFC", text).translate(EQUIVALENT_CHARACTERS)


def term_lookup_key(text: str) -> str:
    """Return the form by which a glossary term is found, in any spelling."""
    return " ".join(
        re.sub("[\u2012\u2013\u2212]", "-", normalize_characters(text)).replace("-\n", "-").casefold().split()
    )
