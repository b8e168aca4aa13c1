"""What mail programs, chats and people do to an address. Each function takes and gives an encoded path."""

from collections.abc import Callable
from urllib.parse import quote

SLUG_SIGNS = "abcdefghijklmnopqrstuvwxyz"


def _wide(path: str) -> str:
    """The first letter behind the last folder in its full-width form."""
    at = next((i for i, sign in enumerate(path) if sign in SLUG_SIGNS and path[i - 1] != "%"), None)
    return path if at is None else path[:at] + quote(chr(ord(path[at]) + 0xFEE0)) + path[at + 1 :]


def _dash(sign: str) -> Callable[[str], str]:
    return lambda path: path.replace("-", sign, 1)


def _end(signs: str) -> Callable[[str], str]:
    return lambda path: path + signs


def _encode_last_slash(path: str) -> str:
    head, slash, tail = path.rpartition("/")
    return f"{head}%2F{tail}" if slash and head else path


# LINKS.md §1, in its order; then what else was seen.
DAMAGES: dict[str, Callable[[str], str]] = {
    "no last slash": lambda path: path.rstrip("/"),
    "full stop behind": _end("."),
    "full stop for the last slash": lambda path: path.rstrip("/") + ".",
    "comma": _end(","),
    "bracket": _end(")"),
    "encoded angle bracket": _end("%3E"),
    "closing quotation mark": _end("%E2%80%9D"),
    "capitals": lambda path: "".join(s.upper() if s in SLUG_SIGNS and "%" not in path else s for s in path),
    "underscore": _dash("_"),
    "space of a line break": lambda path: path.replace("-", "-%20", 1),
    "soft line break": lambda path: path.replace("-", "-=", 1),
    "quoted-printable hyphen": _dash("=2D"),
    "equals sign behind": _end("="),
    "doubled first slash": lambda path: f"/{path}",
    "doubled last slash": _end("/"),
    "U+2010": _dash("%E2%80%90"),
    "U+2013": _dash("%E2%80%93"),
    "new line behind": _end("%0A"),
    "no-break space behind": _end("%C2%A0"),
    "zero-width space behind": _end("%E2%80%8B"),
    "index page": lambda path: path.rstrip("/") + "/index.html",
    "escaped ampersand": _end("&amp;utm_source=y"),
    "tracking": _end("?utm_source=y&fbclid=1"),
    "encoded last slash": _encode_last_slash,
    "full-width letter": _wide,
    "words of the sentence behind": _end("%20for%20you"),
    "star": _end("*"),
    "bracket before": lambda path: f"/({path.lstrip('/')}",
    "encoded quotation mark before": lambda path: f"/%22{path.lstrip('/')}",
    "soft hyphen": lambda path: path.replace("-", "-%C2%AD", 1),
}
