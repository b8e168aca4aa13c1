"""Finds the first use of each glossary term in running text."""

import re
from collections.abc import Iterable, Iterator

from procedures.models import Term


class WordFinder:
    """Splits text at the first use of each term; remembers what it has found, for one page."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._by_name: dict[str, Term] = {}
        for term in terms:
            for name in (term.term, *term.aliases):
                self._by_name.setdefault(name.casefold(), term)
        # Longest first, so that "spinal canal" is found before "canal".
        names = sorted(self._by_name, key=len, reverse=True)
        self._pattern = re.compile(
            r"(?<![\w-])(" + "|".join(map(re.escape, names)) + r")(?![\w-])" if names else r"(?!)",
            re.IGNORECASE,
        )
        self.found: dict[str, Term] = {}

    def split(self, text: str) -> Iterator[tuple[str, Term | None]]:
        """Pieces of ``text`` in order; a piece with a Term is that term's first use on the page."""
        done = 0
        for match in self._pattern.finditer(text):
            # The pattern's idea of equal letters is wider than case folding: "spıne" with a dotless i matches "spine".
            term = self._by_name.get(match[1].casefold())
            if term is None or term.key in self.found:
                continue
            self.found[term.key] = term
            if match.start() > done:
                yield text[done : match.start()], None
            yield match[1], term
            done = match.end()
        if done < len(text):
            yield text[done:], None
