"""Issues found in a draft. Each message says what to fix."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue. ``line`` counts from 1 in the Markdown body; 0 refers to the whole page or to ``field``."""

    line: int
    message: str
    field: str = ""
    # The draft refers to something that does not exist. This can change without any change to the draft.
    is_unknown_reference: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


@dataclass(slots=True)
class IssueCollector:
    """Collects issues while a draft is rendered. An issue does not stop the rendering, so one run finds all of them."""

    issues: list[Issue] = field(default_factory=list)
    _seen: set[Issue] = field(default_factory=set)

    def add(self, line: int, message: str, field: str = "", *, is_unknown_reference: bool = False) -> None:
        """Add an issue unless an equal one is there."""
        issue = Issue(line, message, field, is_unknown_reference)
        if issue not in self._seen:
            self._seen.add(issue)
            self.issues.append(issue)
