"""``manage.py measure_content [--json] [FOLDER]``: measurements of all public pages and of the links between them."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.env import MANAGE
from procedures import languages
from procedures.languages import LANGUAGES
from procedures.languages.definition import Readability
from procedures.models import Figure, Page, ReleaseDependency
from procedures.models import Path as PagePath
from procedures.publishing.review import get_translation_pair
from procedures.readability.measures import PageMeasures, measure_page
from procedures.readability.scores import MAX_LIST_ITEMS, MAX_SENTENCE_WORDS, TARGET_PARAGRAPH_SENTENCES
from procedures.readability.suggestions import find_failures, find_notes
from procedures.rendering import ReferenceResolver, released_document
from procedures.rendering.document import read_article
from procedures.sharing.link_check import find_broken_links


@dataclass
class PageReport:
    """One public page: its measures, failures, and notes."""

    path: str
    subject: str
    language: str
    kind: str
    title: str
    measures: PageMeasures
    broken_link_count: int = 0
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class SiteReport:
    """All public pages, and failures that do not belong to a page."""

    pages: list[PageReport]
    failures: list[str]

    def failure_lines(self) -> list[str]:
        """Return all failures, one line for each."""
        return [f"{page.path}: {sentence}" for page in self.pages for sentence in page.failures] + self.failures


def measure_site() -> SiteReport:
    """Measure all public pages as they were published."""
    resolvers = {language: ReferenceResolver(language) for language in languages.CODES}
    rows = Page.objects.published().select_related("live_release__revision", "translated_from")
    pages = sorted(rows, key=lambda page: (languages.CODES.index(page.language), page.order, page.title))
    live = {page.live_release.path: page.live_release for page in pages if page.live_release}
    documents = {path: released_document(release) for path, release in live.items()}
    # Links within a page are among its measures.
    links_elsewhere = [row for row in find_broken_links(documents, _map_public_paths()) if row[1].startswith("/")]
    reports = []
    for page in pages:
        release = page.live_release
        if release is None:
            continue
        article = read_article(documents[release.path])
        measures = measure_page(article, kind=page.kind, resolver=resolvers[page.language])
        broken_links = [message for path, _, message in links_elsewhere if path == release.path]
        report = PageReport(
            release.path, page.subject, page.language, page.kind, release.title, measures, len(broken_links)
        )
        report.failures = [*find_failures(measures), *broken_links]
        report.notes = [*find_notes(measures), *_out_of_sync_notes(page)]
        reports.append(report)
    return SiteReport(reports, list(_find_figures_without_texts()))


def _map_public_paths() -> dict[str, str]:
    """Return the current path of each public page by all of its paths."""
    rows = PagePath.objects.filter(page__live_release__isnull=False)
    return dict(rows.values_list("path", "page__live_release__path"))


def _out_of_sync_notes(page: Page) -> Iterator[str]:
    pair = get_translation_pair(page)
    if pair and pair.is_out_of_sync:
        name = languages.get(pair.source.language).english_name
        yield f"the {name} text has changed since this translation was made; update the translation"


def _find_figures_without_texts() -> Iterator[str]:
    """Yield a failure for each figure on a public page that lacks texts in one of the languages in use."""
    codes = sorted(set(Page.objects.published().values_list("language", flat=True)))
    for figure in (
        Figure.objects.filter(release_dependencies__in=ReleaseDependency.objects.live())
        .distinct()
        .prefetch_related("texts", "markers__texts")
    ):
        texts = {text.language: text for text in figure.texts.all()}
        for language in codes:
            if language not in texts or not texts[language].is_complete:
                yield f"picture {figure.slug}: no text in “{language}”; write its title, text and caption"
                continue
            if any(language not in {text.language for text in marker.texts.all()} for marker in figure.markers.all()):
                yield f"picture {figure.slug}: a marker has no label in “{language}”; write it"


COLUMNS: tuple[tuple[str, Callable[[PageReport], str]], ...] = (
    ("grade", lambda page: _format_level(page.measures.reading_level)),
    ("text", lambda page: _format_level(page.measures.paragraph_reading_level)),
    ("ease", lambda page: _format_level(page.measures.reading_ease)),
    ("SMOG", lambda page: f"{page.measures.smog_grade:.1f}" if page.measures.smog_grade else "–"),
    ("words", lambda page: f"{page.measures.word_count}"),
    ("max", lambda page: f"{page.measures.longest_sentence}"),
    ("mean", lambda page: f"{page.measures.mean_sentence_length:.1f}"),
    ("par>3", lambda page: f"{len(page.measures.long_paragraphs)}"),
    ("pass", lambda page: f"{page.measures.passive_share:.0%}"),
    ("list", lambda page: f"{page.measures.longest_list}"),
    ("hard", lambda page: f"{len(page.measures.hard_words)}"),
    ("num", lambda page: f"{len(page.measures.uncited_numbers)}"),
    ("dead", lambda page: f"{page.broken_link_count + len(page.measures.broken_anchors)}"),
    ("has", lambda page: _format_required_parts(page)),
    ("fix", lambda page: f"{len(page.failures) or '–'}"),
)


def _describe_scales() -> str:
    """Return the formula and the limit of each language."""
    return ". ".join(f"{language.english_name}: {_scale(language.readability)}" for language in LANGUAGES)


def _scale(rules: Readability | None) -> str:
    if rules is None:
        return "not measured"
    limit = f"{rules.limit:.0f} at least (higher is easier)" if rules.higher_is_easier else f"{rules.limit} at most"
    return f"{rules.name.removesuffix(' grade')}, {limit}"


def _smog_limits() -> str:
    return "; ".join(
        f"{language.english_name}, {language.readability.smog_limit} at most"
        for language in LANGUAGES
        if language.readability and language.readability.smog
    )


LEGEND = f"""grade  {_describe_scales()}
text   the same for running paragraphs alone, without lists, headings, and pictures
ease   Flesch reading ease or the equivalent of the language. 0 is hard, 100 is easy; no limit
SMOG   {_smog_limits()}. All levels are raw and include clinical terms
max    words in the longest sentence, {MAX_SENTENCE_WORDS} at most; mean: words in a sentence
par>3  paragraphs over {TARGET_PARAGRAPH_SENTENCES} sentences
pass   share of passive sentences (heuristic); list: entries in the longest list, {MAX_LIST_ITEMS} at most
hard   long words neither explained nor everyday; num: statements with a number and no source; dead: dead links
has    P lead picture, A call to action, S source; lowercase: missing but optional here; !: missing but required
fix    number of failures"""


def _format_level(level: float | None) -> str:
    """Format a level; a dash if the text is too short for one."""
    return "–" if level is None else f"{level:.1f}"


def _format_required_parts(page: PageReport) -> str:
    """Return three characters: uppercase if the part exists, lowercase if it is optional, ``!`` if it is missing."""
    measures, needs = page.measures, page.measures.requires_figure_and_source
    parts = (
        ("p", measures.has_lead_figure, needs),
        ("a", measures.has_action, True),
        ("s", measures.has_source, needs),
    )
    return "".join(letter.upper() if exists else "!" if required else letter for letter, exists, required in parts)


def format_table(report: SiteReport) -> Iterator[str]:
    """Yield the lines of a table with one row for each page, a legend, and notes."""
    rows = [["page", *(name for name, _ in COLUMNS)]]
    rows += [[page.path, *(cell(page) for _, cell in COLUMNS)] for page in report.pages]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
    yield ""
    yield LEGEND
    notes = [f"{page.path}: {note}" for page in report.pages for note in page.notes]
    notes += [f"long word, neither explained nor everyday: {word}" for word in _format_hard_words(report)]
    if notes:
        yield ""
        yield "Worth a look; no limit is exceeded:"
        yield from notes


def _format_hard_words(report: SiteReport) -> Iterator[str]:
    """Yield each hard word with its page or the number of its pages, the most frequent first."""
    pages: dict[tuple[str, str], list[str]] = {}
    for page in report.pages:
        for word in page.measures.hard_words:
            pages.setdefault((page.language, word), []).append(page.path)
    for (language, word), paths in sorted(pages.items(), key=lambda entry: (entry[0][0], -len(entry[1]), entry[0][1])):
        yield f"{word} ({language}; {paths[0] if len(paths) == 1 else f'{len(paths)} pages'})"


def to_json(report: SiteReport) -> str:
    """Return the whole report as JSON, with every passage in full."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1)


class Command(BaseCommand):
    """Print the measurements of every public page. Fail with one line for each exceeded limit."""

    help = "Measure every public page and guide: reading level, sentences, lists, sources, links. See docs/quality."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, help="Measure a content folder instead of the database.")
        parser.add_argument("--json", action="store_true", help="Print the full report as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["folder"]:
            self._measure_folder(options["folder"], ["--json"] if options["json"] else [])
            return
        report = measure_site()
        if options["json"]:
            self.stdout.write(to_json(report))
        else:
            for line in format_table(report):
                self.stdout.write(line)
        broken = report.failure_lines()
        if not report.pages:
            raise CommandError(f"There are no public pages to measure. Load some first: {MANAGE} load_content.")
        if broken:
            raise CommandError("\n".join(broken))
        if not options["json"]:
            self.stdout.write(f"\npages measured: {len(report.pages)}; all are within the limits")

    def _measure_folder(self, folder: Path, flags: list[str]) -> None:
        """Load the folder into a temporary data folder and measure it there, in separate processes."""
        if not folder.is_dir():
            raise CommandError(f"The folder {folder} does not exist.")
        with tempfile.TemporaryDirectory() as data:
            self._run_manage(data, "migrate", "--verbosity", "0")
            self._run_manage(data, "load_content", str(folder.resolve()), "--verbosity", "0")
            self.stdout.write(self._run_manage(data, "measure_content", *flags), ending="")

    def _run_manage(self, data: str, *command: str) -> str:
        environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        completed = subprocess.run(  # noqa: S603 -- this program itself; no shell
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *command],
            env={**environ, "PORTAL_DATA_DIR": data},
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode:
            self.stdout.write(completed.stdout, ending="")
            raise CommandError(completed.stderr.strip().removeprefix("CommandError: "))
        return completed.stdout
