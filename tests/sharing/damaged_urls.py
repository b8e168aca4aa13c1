"""Damage that mail programs, chats, and people do to URLs. Each function maps a percent-encoded path to another."""

import random
from collections.abc import Callable, Iterator
from urllib.parse import quote

SLUG_SIGNS = "abcdefghijklmnopqrstuvwxyz"


def _wide(path: str) -> str:
    """Replace the first letter with its full-width form."""
    at = next((i for i, sign in enumerate(path) if sign in SLUG_SIGNS and path[i - 1] != "%"), None)
    return path if at is None else path[:at] + quote(chr(ord(path[at]) + 0xFEE0)) + path[at + 1 :]


def _dash(sign: str) -> Callable[[str], str]:
    return lambda path: path.replace("-", sign, 1)


def _end(signs: str) -> Callable[[str], str]:
    return lambda path: path + signs


def _encode_last_slash(path: str) -> str:
    head, slash, tail = path.rpartition("/")
    return f"{head}%2F{tail}" if slash and head else path


# Damage functions by name.
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

HOST = "https://clinic.example"
# What programs write after an address, by name.
APPENDICES: dict[str, Callable[[str], str]] = {
    "address as plain text": lambda path: f"{path}%3C{HOST}{path}%3E",
    "address as plain text, not encoded": lambda path: f"{path}<{HOST}{path}>",
    "whole address": lambda path: f"/{HOST}{path}",
    "whole address in angle brackets": lambda path: f"/%3C{HOST}{path}%3E",
    "whole address without scheme": lambda path: f"/clinic.example{path}",
    "address twice": lambda path: f"{path}{HOST}{path}",
    "Markdown": lambda path: f"{path}]({HOST}{path})",
    "line break tag": _end("%3Cbr%3E"),
    "line break tag after a slash": lambda path: path.rstrip("/") + "/%3Cbr%20/%3E",
    "closing tag": _end("%3C/a%3E"),
    "attribute": _end("%22%20target=%22_blank"),
    "mail gateway": _end("__;!!AbC-dEf_12!xyz$"),
    "sentence": _end(".%20Thank%20you"),
    "ideographic full stop": _end("%E3%80%82"),
    "emoji": _end("%F0%9F%91%8D"),
    "symbols": _end("~^@$"),
    "truncated escape": _end("%E2%8"),
    "language with region": lambda path: path.replace("/es/", "/es-mx/") if "/es/" in path else f"/en-US{path}",
}
ACCENTS = {"recuperacion": "recuperación", "cifoplastia": "cifoplastía", "despues": "después", "dias": "días"}


def _slug(path: str) -> str:
    return path.strip("/").rsplit("/", 1)[-1]


def _with_slug(path: str, slug: str) -> str:
    return path.replace(_slug(path), slug, 1)


def _mojibake(text: str) -> str:
    return text.encode().decode("latin-1")


def _typed(path: str) -> Iterator[tuple[str, str]]:
    """Yield paths with characters replaced or encoded as other programs do it."""
    for name, sign in {
        "space for a hyphen": " ",
        "line break for a hyphen": "\r\n",
        "no-break space for a hyphen": "\u00a0",
        "plus for a hyphen": "+",
        "underscores": "_",
        "full stops": ".",
        "no hyphens": "",
        "doubled hyphens": "--",
        "entity for a hyphen": "&#45;",
        "named entity for a hyphen": "&ndash;",
        "dash read as Latin-1": _mojibake("–"),
        "dash in Windows-1252": "%96",
        "soft line break within": "-=\r\n",
        "slashes": "/",
    }.items():
        if "-" in _slug(path):
            yield name, quote(_with_slug(path, _slug(path).replace("-", sign)), safe="/%")
            yield f"{name}, once", quote(_with_slug(path, _slug(path).replace("-", sign, 1)), safe="/%")
    for plain, accented in ACCENTS.items():
        if plain in path:
            typed = path.replace(plain, accented)
            yield "accents", quote(typed)
            yield "capitals with accents", quote(typed.upper())
            yield "decomposed accents", quote(typed.replace("ó", "o\u0301").replace("í", "i\u0301"))
            yield "accents in Latin-1", quote(typed, encoding="latin-1")
            yield "accents read as Latin-1", quote(_mojibake(typed))
            yield "accents read as Latin-1 twice", quote(_mojibake(_mojibake(typed)))
            yield "accents encoded twice", quote(quote(typed))
            yield "accents as entities", quote(typed.replace("ó", "&oacute;").replace("í", "&iacute;"), safe="/&;")
            yield "accents in quoted-printable", quote(typed.replace("ó", "=C3=B3").replace("í", "=C3=AD"))


def _around(path: str) -> Iterator[tuple[str, str]]:
    """Yield paths with parts of the surrounding text."""
    bare = path.rstrip("/")
    for name, damaged in {
        "possessive": f"{bare}’s",
        "typewriter possessive": f"{bare}'s",
        "possessive as an entity": f"{bare}&rsquo;s",
        "possessive read as Latin-1": bare + _mojibake("’s"),
        "quoted-printable line break": f"{path}=0A",
        "quoted-printable line breaks": f"{path}=0D=0A",
        "soft line break behind": f"{path}=\r\n",
        "encoded twice": f"{path}%20",
        "page": f"{bare} page",
        "link here": f"{path} link here",
        "hyphen and page": f"{bare}-page",
        "Markdown": f"{path}]({HOST}{path})",
        "Markdown of another address": f"[{path}]({HOST}{path})",
        "angle brackets": f"/<{HOST}{path}>",
        "encoded angle brackets": f"/&lt;{path.lstrip('/')}&gt;",
        "commas": f"{bare},,",
        "semicolon": f"{bare};",
        "ellipsis": f"{bare}…",
        "whole address": f"/{HOST}{path}",
        "whole address without scheme": f"/clinic.example{path}",
        "whole address of www": f"/www.clinic.example{path}",
        "address twice": f"{path}{path.lstrip('/')}",
        "address twice with host": f"{path}{HOST}{path}",
        "extension": f"{bare}.html",
        "PHP": f"{bare}.php",
        "PDF": f"{bare}.pdf",
        "feed": f"{path}feed/",
        "print": f"{path}print/",
        "emoji": f"{bare}👍",
        "pipe": f"{bare}|",
        "tab": f"{path}\t",
        "caret": f"{bare}^",
        "hash": f"{bare}#top",
        "table cell": f"{path}|",
        "backslash": path.replace("/", "\\"),
    }.items():
        yield name, quote(damaged, safe="/")


def _slips(path: str) -> Iterator[tuple[str, str]]:
    """Yield typing errors: a letter missing, doubled, added, or wrong, or two swapped."""
    slug, chance = _slug(path), random.Random(path)  # noqa: S311 -- a fixed choice, nothing secret
    letters = [at for at in range(1, len(slug) - 1) if slug[at].isalpha() and slug[at + 1].isalpha()]
    for at in chance.sample(letters, min(6, len(letters))):
        other = "x" if slug[at] != "x" else "z"
        yield f"letter {at} missing", _with_slug(path, slug[:at] + slug[at + 1 :])
        yield f"letter {at} doubled", _with_slug(path, slug[: at + 1] + slug[at:])
        yield f"letter {at} wrong", _with_slug(path, slug[:at] + other + slug[at + 1 :])
        yield f"letter {at} added", _with_slug(path, slug[:at] + other + slug[at:])
        if slug[at] != slug[at + 1]:
            yield f"letters {at} swapped", _with_slug(path, slug[:at] + slug[at + 1] + slug[at] + slug[at + 2 :])
    for wrong, right in (("l", "1"), ("o", "0"), ("i", "1"), ("s", "5"), ("i", "l"), ("l", "I")):
        if wrong in slug:
            yield f"{right} for {wrong}", _with_slug(path, slug.replace(wrong, right))
            yield f"{right} for {wrong}, once", _with_slug(path, slug.replace(wrong, right, 1))


def _prefixes(path: str) -> Iterator[tuple[str, str]]:
    """Yield paths with language and folder missing or misplaced."""
    language = "es" if path.startswith("/es/") else "en"
    own = path.removeprefix("/es")
    yield "language behind", f"{own}{language}/"
    yield "language in capitals", f"/{language.upper()}{own}"
    yield "language with region", f"/{language}-US{own}"
    yield "language twice", f"/{language}/{language}{own}"
    yield "language by name", f"/{'spanish' if language == 'es' else 'english'}{own}"
    if "/visits/" in path:
        yield "without folder", path.replace("/visits", "")
        yield "folder in the singular", path.replace("/visits", "/visit")
        yield "folder behind", path.replace("/visits", "") + "visits/"
        yield "folder twice", path.replace("/visits", "/visits/visits")
    else:
        yield "folder too many", path.replace(own, f"/visits{own}")


def spellings(path: str) -> Iterator[tuple[str, str]]:
    """Yield every kind of damage to one path: its name and the damaged path."""
    for make in (_typed, _around, _slips, _prefixes):
        yield from make(path)
    for name, damage in DAMAGES.items():
        if "tracking" not in name:
            yield name, damage(path)
