"""What is wrong with a text, in sentences an editor can act on."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. ``line`` counts from 1 in the Markdown; 0 means the page as a whole, or its ``field``."""

    line: int
    sentence: str
    field: str = ""
    # Names something that does not exist (any more): today's values decide this, not the words.
    missing: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}" if self.line else self.sentence


@dataclass(slots=True)
class Problems:
    """Collects problems while a text is rendered; rendering goes on, so that all are found at once."""

    found: list[Problem] = field(default_factory=list)
    _known: set[Problem] = field(default_factory=set)

    def add(self, line: int, sentence: str, field: str = "", *, missing: bool = False) -> None:
        """Note one, once."""
        problem = Problem(line, sentence, field, missing)
        if problem not in self._known:
            self._known.add(problem)
            self.found.append(problem)
