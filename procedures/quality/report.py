"""The report of all pages: a table for a terminal, JSON for machines."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

from procedures.quality.site import PageReport, SiteReport

COLUMNS: tuple[tuple[str, Callable[[PageReport], str]], ...] = (
    ("grade", lambda page: _level(page.measures.level)),
    ("text", lambda page: _level(page.measures.paragraph_level)),
    ("SMOG", lambda page: f"{page.measures.smog:.1f}" if page.measures.smog else "–"),
    ("words", lambda page: f"{page.measures.words}"),
    ("max", lambda page: f"{page.measures.longest_sentence}"),
    ("mean", lambda page: f"{page.measures.mean_sentence:.1f}"),
    ("par>3", lambda page: f"{len(page.measures.long_paragraphs)}"),
    ("pass", lambda page: f"{page.measures.passive_share:.0%}"),
    ("list", lambda page: f"{page.measures.longest_list}"),
    ("hard", lambda page: f"{len(page.measures.hard_words)}"),
    ("num", lambda page: f"{len(page.measures.unsourced_numbers)}"),
    ("dead", lambda page: f"{page.dead_links + len(page.measures.dead_anchors)}"),
    ("has", lambda page: _has(page)),
    ("mend", lambda page: f"{len(page.failures) or '–'}"),
)
LEGEND = """grade  English: Flesch–Kincaid, 6.0 at most. Spanish: Fernández-Huerta, 70 at least (higher is easier)
text   the same for running paragraphs alone, without lists, headings and pictures
SMOG   English, 8.0 at most. All three are raw: no clinical word is left out
max    words in the longest sentence, 25 at most; mean: words in a sentence; par>3: paragraphs over 3 sentences
pass   share of passive sentences, by a rule of thumb; list: entries in the longest list, 7 at most
hard   long words neither explained nor everyday; num: statements with a number and no source; dead: dead links
has    P picture at the top, A something to do, S source; small: missing, and not asked of this kind; !: missing
mend   what fails"""


def _level(level: float | None) -> str:
    """A level, or a dash for a text that is too short for one."""
    return "–" if level is None else f"{level:.1f}"


def _has(page: PageReport) -> str:
    """Three letters: capital is there, small is not and need not be, ``!`` is missing."""
    counted, needs = page.measures, page.measures.wants_picture_and_source
    wanted = (("p", counted.has_lead_picture, needs), ("a", counted.has_action, True), ("s", counted.has_source, needs))
    return "".join(letter.upper() if there else "!" if needed else letter for letter, there, needed in wanted)


def table(report: SiteReport) -> Iterator[str]:
    """Lines of an aligned table, one a page, and what is worth a look below."""
    rows = [["page", *(name for name, _ in COLUMNS)]]
    rows += [[page.path, *(cell(page) for _, cell in COLUMNS)] for page in report.pages]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
    yield ""
    yield LEGEND
    looked = [f"{page.path}: {note}" for page in report.pages for note in page.notes]
    looked += [f"long word, neither explained nor everyday: {word}" for word in _hard_words(report)]
    if looked:
        yield ""
        yield "Worth a look; no mark is broken:"
        yield from looked


def _hard_words(report: SiteReport) -> Iterator[str]:
    """Each long word once, those on most pages first, with the pages or how many there are."""
    pages: dict[tuple[str, str], list[str]] = {}
    for page in report.pages:
        for word in page.measures.hard_words:
            pages.setdefault((page.language, word), []).append(page.path)
    for (language, word), paths in sorted(pages.items(), key=lambda entry: (entry[0][0], -len(entry[1]), entry[0][1])):
        yield f"{word} ({language}; {paths[0] if len(paths) == 1 else f'{len(paths)} pages'})"


def as_json(report: SiteReport) -> str:
    """The whole report, with every passage in full."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1)
