"""All public pages together: each measured as it is read, and what only shows between pages."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from procedures.enums import Language
from procedures.markdown import Library
from procedures.models import Figure, Page, Path
from procedures.quality.article import Article, take_apart
from procedures.quality.marks import failures, notes
from procedures.quality.measure import PageMeasures, measure

FILES = ("/media/", "/static/")
HOMES = frozenset({"/", "/es/"})


@dataclass
class PageReport:
    """One public page: its measures, what to mend, what to look at."""

    path: str
    subject: str
    language: str
    kind: str
    title: str
    measures: PageMeasures
    dead_links: int = 0
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class SiteReport:
    """Every public page, and what belongs to no page."""

    pages: list[PageReport]
    failures: list[str]

    def lines(self) -> list[str]:
        """Everything that fails, one line each."""
        return [f"{page.path}: {sentence}" for page in self.pages for sentence in page.failures] + self.failures


def measure_site() -> SiteReport:
    """Measure what the public reads now. Renders nothing: the stored HTML counts."""
    libraries = {language: Library(language) for language in Language.values}
    rows = Page.objects.published().select_related("live_release__revision", "translated_from")
    pages = sorted(rows, key=lambda page: (Language.values.index(page.language), page.order, page.title))
    live = {page.live_release.path: page.live_release for page in pages if page.live_release}
    articles = {path: take_apart(release.html) for path, release in live.items()}
    former = _former_addresses()
    reports = []
    for page in pages:
        release = page.live_release
        if release is None:
            continue
        article = articles[release.path]
        measures = measure(release.html, kind=page.kind, library=libraries[page.language], article=article)
        dead = list(_dead_links(article, articles, former))
        report = PageReport(release.path, page.subject, page.language, page.kind, release.title, measures, len(dead))
        report.failures = [*failures(measures), *dead]
        report.notes = [*notes(measures), *behind(page, _source_of(page, pages))]
        reports.append(report)
    return SiteReport(reports, list(_pictures_without_texts()))


def _former_addresses() -> dict[str, str]:
    """Earlier addresses of public pages, with where they lead today."""
    rows = Path.objects.filter(page__live_release__isnull=False)
    return dict(rows.values_list("path", "page__live_release__path"))


def _dead_links(article: Article, articles: dict[str, Article], former: dict[str, str]) -> Iterator[str]:
    for link in sorted(set(article.links)):
        if not link.startswith("/") or link.startswith(FILES):
            continue
        target, _, anchor = link.partition("#")
        path = former.get(target, target)
        if path in articles:
            if anchor and anchor not in articles[path].anchors:
                yield f"a link leads to {link}, but that page has no such section; mend the link"
        elif path not in HOMES:
            yield f"a link leads to {link}, which is not public; mend the link or publish that page"


def _source_of(page: Page, pages: list[Page]) -> Page | None:
    return next((p for p in pages if p.subject == page.subject and p.language == Language.ENGLISH), None)


def behind(page: Page, source: Page | None) -> Iterator[str]:
    """A translation whose English text, ``source``, was released from something newer since."""
    if source is None or source == page or page.live_release is None or source.live_release is None:
        return
    mine, theirs = page.live_release.revision, source.live_release.revision
    if page.translated_from:
        older = page.translated_from.content_hash != theirs.content_hash
    else:
        older = mine.created_at < theirs.created_at
    if older:
        yield (
            f"the English text is newer ({theirs.created_at:%Y-%m-%d}, this one {mine.created_at:%Y-%m-%d}); "
            "bring the translation up to date"
        )


def _pictures_without_texts() -> Iterator[str]:
    """Pictures that a public page may show and that say nothing in one of the languages in use."""
    languages = sorted(set(Page.objects.published().values_list("language", flat=True)))
    for figure in (
        Figure.objects.filter(uses__release__live_on__isnull=False)
        .distinct()
        .prefetch_related("texts", "markers__texts")
    ):
        texts = {text.language: text for text in figure.texts.all()}
        for language in languages:
            if language not in texts or not (texts[language].alt and texts[language].caption):
                yield f"picture {figure.slug}: no text in “{language}”; write its title, text and caption"
                continue
            if any(language not in {text.language for text in mark.texts.all()} for mark in figure.markers.all()):
                yield f"picture {figure.slug}: a mark has no label in “{language}”; write it"
