"""Patterns of markup in text, which the page renderer and the fields for plain text both look for.

A page's text is Markdown; every other field is plain text, where markup would be shown to patients as typed.
"""

import re
import unicodedata

# Takes the place of markup that was parsed; a private-use character, which no saved text may hold.
PLACEHOLDER = "\ue000"

INVISIBLE_CHARACTER = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800"
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    # A joiner inside an emoji draws one picture of two.
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
# Braces around words. "{1, 2}" and a brace alone are what they look like.
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
# A citation in parentheses, or an account of a social network: a page asks whether there is such a source.
CITATION_IN_PARENTHESES = re.compile(r"[(（][ \u00a0]?[@＠]([\w-]{1,60})[ ]?[)\]）]|(?<![\w.])@\(?([\w-]{1,60})\)?")
FOOTNOTE = re.compile(r"\[\^[^\]\n]{0,60}\]?")
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
HTTP_URL = re.compile(r"\bhttps?:/{1,2}[^\s<>\ue000]+", re.IGNORECASE)
PAGE_LINK = re.compile(r"(?<![\w/])page:[a-z0-9]", re.IGNORECASE)
AUTOLINK = re.compile(rf"<\s?(?:(?:mailto|tel):\s?)?(?:{EMAIL.pattern}|[+(]?\d[\d ().-]{{5,20}}\d)\s?>", re.IGNORECASE)
# Markup of other dialects: it is shown as typed.
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
    BRACED_WORDS, UNCLOSED_BRACE, BARE_CLINIC_VALUE, FULLWIDTH_BRACE, CITATION_LIKE, FOOTNOTE, PAGE_LINK, FOREIGN_MARKUP, BLOCK_FENCE, HTML_TAG,
    ENTITY,
)  # fmt: skip
EXCERPT_LENGTH = 40


def describe_invisible_character(text: str) -> str:
    """The name of the first invisible character in ``text`` that does not belong there; empty for none."""
    found = INVISIBLE_CHARACTER.search(text)
    if not found:
        return ""
    name = unicodedata.name(found[0], "control character").casefold()
    return f"an invisible character ({name}, U+{ord(found[0]):04X})"


def find_markup_error(text: str, field_name: str = "This field") -> str:
    """The sentence on markup in a text that is printed as typed, empty for none; ``name`` says whose text it is."""
    without_mail = EMAIL.sub(PLACEHOLDER, text)
    for pattern, searched in ((AUTOLINK, text), *((pattern, without_mail) for pattern in MARKUP_PATTERNS)):
        if found := pattern.search(searched):
            shown = make_excerpt(searched, *found.span())
            return f"{field_name} is plain text and would show “{shown}” as typed. Take the markup out."
    invisible = describe_invisible_character(text)
    return f"{field_name} contains {invisible}. Delete the passage and type it again." if invisible else ""


def make_excerpt(text: str, start: int, end: int) -> str:
    """What was found, with the rest of its words, on one line."""
    found = end
    if end - start < EXCERPT_LENGTH:
        while start > 0 and not text[start - 1].isspace() and end - start < EXCERPT_LENGTH:
            start -= 1
        while end < len(text) and not text[end].isspace() and end - start < EXCERPT_LENGTH:
            end += 1
        while end > found and text[end - 1] in ".,;:!?":
            end -= 1
    words = " ".join(text[start:end].replace(PLACEHOLDER, "…").split())
    return words if len(words) <= 2 * EXCERPT_LENGTH else f"{words[: 2 * EXCERPT_LENGTH]}…"
