"""What the toolbar offers to put in: everything a text can name, with the words staff know it by."""

from dataclasses import dataclass

from procedures.models import CareInstruction, FigureText, Page, Series, Source


@dataclass(frozen=True, slots=True)
class Choices:
    """Lists of (Markdown, name). Each is one query."""

    figures: list[tuple[str, str]]
    series: list[tuple[str, str]]
    care: list[tuple[str, str]]
    sources: list[tuple[str, str]]
    pages: list[tuple[str, str]]

    def named(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Name in the toolbar, title of its window, rows."""
        return [
            ("pages", "Link to which page?", self.pages),
            ("figures", "Which picture?", self.figures),
            ("series", "Which series of pictures?", self.series),
            ("sources", "Which source says so?", self.sources),
            ("care", "Which of our answers?", self.care),
        ]

    @classmethod
    def now(cls) -> "Choices":
        """All languages: a row says its own where it is not the first one."""
        figures = {t.figure.slug: t.title for t in FigureText.objects.select_related("figure").order_by("-language")}
        return cls(
            figures=[(f"::: figure {slug}", f"{title} ({slug})") for slug, title in sorted(figures.items())],
            series=[(f"::: series {s.slug}", str(s.title)) for s in Series.objects.all()],
            care=[(f"::: care {c.key}", f"{c.question} ({c.language})") for c in CareInstruction.objects.all()],
            sources=[(f"[@{s.key}]", f"{s.organisation}: {s.title}") for s in Source.objects.all()],
            pages=[(f"page:{p.subject}", f"{p.title} ({p.language})") for p in Page.objects.order_by("title")],
        )
