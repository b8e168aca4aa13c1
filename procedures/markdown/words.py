"""Finds the first use of each glossary term in running text.

A term is found however its words are typed: over a line end, with no-break or double spaces, with another hyphen or
apostrophe, with soft hyphens or decomposed accents inside, and with part of it in bold.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from markdown_it.token import Token

from portal.text import APOSTROPHES
from procedures.markup import PARSED
from procedures.models import Term

HYPHENS = "\u2010\u2011\ufe63\uff0d"
UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
SAME = {
    **dict.fromkeys(map(ord, HYPHENS), "-"),
    **APOSTROPHES,
    **dict.fromkeys(map(ord, UNSEEN), ""),
}
# A dash in the middle of a term is a hyphen typed wrong; between words with spaces it is a dash.
HYPHEN = "[-\u2012\u2013\u2212]\\s?"

# A run of text, and where in it a character begins and ends.
Place = tuple[int, int, int]


def _simple(text: str) -> str:
    """Characters that look the same to readers, as one character. Spaces stay as they are."""
    return unicodedata.normalize("NFC", text).translate(SAME)


def _name(text: str) -> str:
    """A term as it is looked up."""
    return " ".join(re.sub("[\u2012\u2013\u2212]", "-", _simple(text)).replace("-\n", "-").casefold().split())


class WordFinder:
    """Links each term at its first use; remembers what it has found, for one page."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._by_name: dict[str, Term] = {}
        for term in terms:
            for name in (term.term, *term.aliases):
                self._by_name.setdefault(_name(name), term)
        # Longest first, so that "spinal canal" is found before "canal".
        names = sorted(self._by_name, key=len, reverse=True)
        self._pattern = re.compile(
            r"(?<![\w-])(" + "|".join(map(_pattern, names)) + r")(?![\w-])" if names else r"(?!)",
            re.IGNORECASE,
        )
        self.found: dict[str, Term] = {}

    def link(self, tokens: list[Token]) -> list[Token]:
        """The same inline tokens with a link around the first use of each term."""
        runs = _runs(tokens)
        text, places = _joined(runs)
        spans = list(self._spans(text))
        if not spans:
            return tokens
        pieces: list[_Run] = []
        cuts = [(places[start], places[end - 1], _link(term)) for start, end, term in spans]
        for number, run in enumerate(runs):
            pieces += _cut(run, number, cuts)
        return _written(pieces)

    def _spans(self, text: str) -> Iterator[tuple[int, int, Term]]:
        for match in self._pattern.finditer(text):
            # The pattern's idea of equal letters is wider than case folding: "spıne" with a dotless i matches "spine".
            term = self._by_name.get(_name(match[1]))
            if term is not None and term.key not in self.found:
                self.found[term.key] = term
                yield match.start(1), match.end(1), term


def _pattern(name: str) -> str:
    return r"\s+".join(HYPHEN.join(map(re.escape, word.split("-"))) for word in name.split(" "))


class _Run:
    """One token without children, with the tokens that are open around it: emphasis, links."""

    def __init__(self, token: Token, around: tuple[Token, ...]) -> None:
        self.token, self.around = token, around

    @property
    def text(self) -> str:
        """What a term may run over; other tokens, and the words of a link, break it."""
        if any(token.type == "link_open" or token.tag == "sup" for token in self.around):
            return PARSED
        if self.token.type in {"softbreak", "hardbreak"}:
            return "\n"
        return self.token.content if self.token.type == "text" else PARSED


def _runs(tokens: list[Token]) -> list[_Run]:
    found: list[_Run] = []
    around: list[Token] = []
    for token in tokens:
        if token.nesting > 0:
            around.append(token)
        elif token.nesting < 0:
            around.pop()
        else:
            found.append(_Run(token, tuple(around)))
    return found


def _joined(runs: list[_Run]) -> tuple[str, list[Place]]:
    """All text in simple characters; and for each its run, and where in that run it begins and ends."""
    signs: list[str] = []
    places: list[Place] = []
    for number, run in enumerate(runs):
        for cluster in re.finditer(r"\w[\u0300-\u036f]*|[^\w]", run.text):
            simple = _simple(cluster[0])
            signs.append(simple)
            places += [(number, *cluster.span())] * len(simple)
    return "".join(signs), places


def _cut(run: _Run, number: int, cuts: list[tuple[Place, Place, Token]]) -> Iterator[_Run]:
    """The run in pieces; those that belong to a term have its link around them."""
    done = 0
    text = run.token.content
    for (first, start, _), (last, _, end), link in cuts:
        if not first <= number <= last:
            continue
        if run.token.type != "text":
            yield _Run(run.token, (link, *run.around))
            return
        begin, stop = start if number == first else 0, end if number == last else len(text)
        if done < begin:
            yield _Run(Token("text", "", 0, content=text[done:begin]), run.around)
        yield _Run(Token("text", "", 0, content=text[begin:stop]), (link, *run.around))
        done = stop
    if run.token.type != "text" or done < len(text):
        yield _Run(Token("text", "", 0, content=text[done:]) if done else run.token, run.around)


def _link(term: Term) -> Token:
    return Token("link_open", "a", 1, attrs={"class": "term", "href": f"#word-{term.key}"})


def _written(runs: list[_Run]) -> list[Token]:
    """Runs as tokens, with the tokens that open and close around them. A link is never cut; emphasis may be."""
    tokens: list[Token] = []
    around: list[Token] = []
    for run in [*runs, _Run(Token("text", "", 0), ())]:
        shared = 0
        while shared < min(len(around), len(run.around)) and around[shared] is run.around[shared]:
            shared += 1
        closed = reversed(around[shared:])
        tokens += [Token(token.type.replace("_open", "_close"), token.tag, -1, markup=token.markup) for token in closed]
        tokens += [*run.around[shared:], run.token]
        around = list(run.around)
    return tokens[:-1]
