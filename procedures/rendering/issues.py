"""What is wrong with a text, in sentences an editor can act on."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to mend. ``line`` counts from 1 in the Markdown; 0 means the page as a whole, or its ``field``."""

    line: int
    message: str
    field: str = ""
    # Names something that does not exist (any more): today's values decide this, not the words.
    is_unknown_reference: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


@dataclass(slots=True)
class IssueCollector:
    """Collects problems while a text is rendered; rendering goes on, so that all are found at once."""

    issues: list[Issue] = field(default_factory=list)
    _seen: set[Issue] = field(default_factory=set)

    def add(self, line: int, message: str, field: str = "", *, is_unknown_reference: bool = False) -> None:
        """Note one, once."""
        problem = Issue(line, message, field, is_unknown_reference)
        if problem not in self._seen:
            self._seen.add(problem)
            self.issues.append(problem)
