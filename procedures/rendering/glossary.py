"""Links from the first use of each glossary term on a page to its definition.

A term matches across a line break, with no-break or double spaces, with any hyphen or apostrophe, with soft hyphens or
decomposed accents inside, and with part of it in bold.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from markdown_it.token import Token

from portal.text import APOSTROPHES
from procedures.markup import PLACEHOLDER
from procedures.models import GlossaryTerm

HYPHEN_CHARACTERS = "\u2010\u2011\ufe63\uff0d"
INVISIBLE_CHARACTERS = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
EQUIVALENT_CHARACTERS = {
    **dict.fromkeys(map(ord, HYPHEN_CHARACTERS), "-"),
    **APOSTROPHES,
    **dict.fromkeys(map(ord, INVISIBLE_CHARACTERS), ""),
}
# A dash without spaces inside a term is a mistyped hyphen; with spaces it is a dash.
HYPHEN_PATTERN = "[-\u2012\u2013\u2212]\\s?"

# The index of a run, and the start and end of a character in its text.
TextSpan = tuple[int, int, int]


def _normalize_characters(text: str) -> str:
    """Replace characters that look alike with one of them. Spaces stay."""
    return unicodedata.normalize("NFC", text).translate(EQUIVALENT_CHARACTERS)


def _lookup_key(text: str) -> str:
    return " ".join(
        re.sub("[\u2012\u2013\u2212]", "-", _normalize_characters(text)).replace("-\n", "-").casefold().split()
    )


class GlossaryLinker:
    """Links each term at its first use on one page, and collects the linked terms."""

    def __init__(self, terms: Iterable[GlossaryTerm]) -> None:
        self._terms_by_name: dict[str, GlossaryTerm] = {}
        for term in terms:
            for name in (term.term, *term.aliases):
                self._terms_by_name.setdefault(_lookup_key(name), term)
        # Longest first, so that "spinal canal" is found before "canal".
        names = sorted(self._terms_by_name, key=len, reverse=True)
        self._pattern = re.compile(
            r"(?<![\w-])(" + "|".join(map(_term_pattern, names)) + r")(?![\w-])" if names else r"(?!)",
            re.IGNORECASE,
        )
        self.linked_terms: dict[str, GlossaryTerm] = {}

    def link_terms(self, tokens: list[Token]) -> list[Token]:
        """Return the inline tokens with a link around the first use of each term that has none yet."""
        runs = _split_into_runs(tokens)
        text, text_spans = _join_runs(runs)
        matches = list(self._find_terms(text))
        if not matches:
            return tokens
        pieces: list[_TextRun] = []
        links = [(text_spans[start], text_spans[end - 1], _open_term_link(term)) for start, end, term in matches]
        for index, run in enumerate(runs):
            pieces += _split_run(run, index, links)
        return _to_tokens(pieces)

    def _find_terms(self, text: str) -> Iterator[tuple[int, int, GlossaryTerm]]:
        for match in self._pattern.finditer(text):
            # IGNORECASE matches more than case folding: "spıne" with a dotless i matches "spine".
            term = self._terms_by_name.get(_lookup_key(match[1]))
            if term is not None and term.key not in self.linked_terms:
                self.linked_terms[term.key] = term
                yield match.start(1), match.end(1), term


def _term_pattern(name: str) -> str:
    return r"\s+".join(HYPHEN_PATTERN.join(map(re.escape, word.split("-"))) for word in name.split(" "))


class _TextRun:
    """One leaf token, with the opening tokens that enclose it, such as emphasis and links."""

    def __init__(self, token: Token, enclosing: tuple[Token, ...]) -> None:
        self.token, self.enclosing = token, enclosing

    @property
    def text(self) -> str:
        """The text that a term can match; a placeholder for links, citations, and other tokens."""
        if any(token.type == "link_open" or token.tag == "sup" for token in self.enclosing):
            return PLACEHOLDER
        if self.token.type in {"softbreak", "hardbreak"}:
            return "\n"
        return self.token.content if self.token.type == "text" else PLACEHOLDER


def _split_into_runs(tokens: list[Token]) -> list[_TextRun]:
    runs: list[_TextRun] = []
    enclosing: list[Token] = []
    for token in tokens:
        if token.nesting > 0:
            enclosing.append(token)
        elif token.nesting < 0:
            enclosing.pop()
        else:
            runs.append(_TextRun(token, tuple(enclosing)))
    return runs


def _join_runs(runs: list[_TextRun]) -> tuple[str, list[TextSpan]]:
    """Return the normalized text of all runs, and the origin of each of its characters."""
    characters: list[str] = []
    text_spans: list[TextSpan] = []
    for index, run in enumerate(runs):
        for cluster in re.finditer(r"\w[\u0300-\u036f]*|[^\w]", run.text):
            normalized = _normalize_characters(cluster[0])
            characters.append(normalized)
            text_spans += [(index, *cluster.span())] * len(normalized)
    return "".join(characters), text_spans


def _split_run(run: _TextRun, index: int, links: list[tuple[TextSpan, TextSpan, Token]]) -> Iterator[_TextRun]:
    """Yield the run in pieces; the link of a term encloses the pieces that belong to it."""
    done = 0
    text = run.token.content
    for (first, start, _), (last, _, end), link in links:
        if not first <= index <= last:
            continue
        if run.token.type != "text":
            yield _TextRun(run.token, (link, *run.enclosing))
            return
        begin, stop = start if index == first else 0, end if index == last else len(text)
        if done < begin:
            yield _TextRun(Token("text", "", 0, content=text[done:begin]), run.enclosing)
        yield _TextRun(Token("text", "", 0, content=text[begin:stop]), (link, *run.enclosing))
        done = stop
    if run.token.type != "text" or done < len(text):
        yield _TextRun(Token("text", "", 0, content=text[done:]) if done else run.token, run.enclosing)


def _open_term_link(term: GlossaryTerm) -> Token:
    return Token("link_open", "a", 1, attrs={"class": "term", "href": f"#word-{term.key}"})


def _to_tokens(runs: list[_TextRun]) -> list[Token]:
    """Return the runs with their opening and closing tokens. Emphasis may be split, a link never is."""
    tokens: list[Token] = []
    enclosing: list[Token] = []
    for run in [*runs, _TextRun(Token("text", "", 0), ())]:
        shared = 0
        while shared < min(len(enclosing), len(run.enclosing)) and enclosing[shared] is run.enclosing[shared]:
            shared += 1
        closed = reversed(enclosing[shared:])
        tokens += [Token(token.type.replace("_open", "_close"), token.tag, -1, markup=token.markup) for token in closed]
        tokens += [*run.enclosing[shared:], run.token]
        enclosing = list(run.enclosing)
    return tokens[:-1]
