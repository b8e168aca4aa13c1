"""Cache invalidation for published pages: a version of the public content, and the URLs that a change affects."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.prepared_queries import prepared_query
from procedures import languages
from procedures.enums import PUBLIC_EVENTS, PageKind
from procedures.figures.approval import public_files
from procedures.languages import home_path
from procedures.models import Clinic, Page, Path, Release, ReleaseDependency, ReleaseEvent
from procedures.models.clinic import clinic_json
from procedures.models.page import CARD_FIELDS, PageQuerySet

__all__ = ["affected_urls", "content_version", "public_files", "public_urls"]
# Lists for programs, which are refreshed last.
MACHINE_URLS = ("/sitemap.xml", "/connect/guides.json")
# Other formats of a page, at URLs below its own (views/pages.py).
PLAIN_TEXT_SUFFIX, BOOKLET_SUFFIX = FORMAT_SUFFIXES = ("plain.txt", "booklet/")
# If more pages than this change at once, such as by a clinic answer that all of them print, every URL is refreshed.
BULK_THRESHOLD = 200
# Placeholders for two event IDs in prepared queries (portal/prepared_queries.py). No event has these IDs.
EVENT_ID_PLACEHOLDERS = (-1, -2)
# The same for a language.
LANGUAGE_PLACEHOLDER = "\0language"
PAGE_COLUMNS = ("language", "kind", "code", "live_release__path")
RowQuerySet = QuerySet[Any, tuple[Any, ...]]


class PageRow(NamedTuple):
    """The values that a page's URLs are made of; ``path`` is that of its live release."""

    language: str
    kind: str
    code: str
    path: str | None


def content_version() -> str:
    """Return a value that changes whenever any public page does.

    It holds the ID of the newest event, the clinic's row (printed on every page without a new release), and a hash of
    each language's lists. One small query each.
    """
    newest, clinic = _newest_event.fetch_tuples(), _clinic_values.fetch_tuples()
    list_hashes = {
        str(code): hashlib.sha256(repr(_cards.fetch_tuples(code)).encode()).hexdigest() for code in languages.CODES
    }
    return json.dumps([newest[0][0] if newest else 0, clinic[0] if clinic else None, list_hashes], sort_keys=True)


@prepared_query()
def _newest_event() -> RowQuerySet:
    return ReleaseEvent.objects.order_by("-pk").values_list("pk")[:1]


@prepared_query()
def _clinic_values() -> RowQuerySet:
    return Clinic.objects.values_list(*(clinic_json(language) for language in languages.CODES))[:1]


@prepared_query(LANGUAGE_PLACEHOLDER)
def _cards(language: str) -> RowQuerySet:
    pages = Page.objects.published().in_language(language).on_home()
    return pages.values_list("kind", *(f"live_release__{name}" for name in CARD_FIELDS))


def affected_urls(before: str, now: str) -> tuple[list[str], list[str]] | None:
    """Return the URLs whose response may differ between two content versions, or None if any may.

    The first list has pages and lists, which readers open directly; the second has all other URLs.
    """
    (first, clinic, list_hashes), (last, clinic_now, list_hashes_now) = json.loads(before), json.loads(now)
    if clinic != clinic_now or first > last:
        return None
    pages = [PageRow(*row) for row in _changed_pages.fetch_tuples(first, last)]
    if len(pages) > BULK_THRESHOLD:
        return None
    lists = _list_urls(language for language in languages.CODES if list_hashes[language] != list_hashes_now[language])
    primary = [*(page.path for page in pages if page.path), *lists]
    if not pages:
        return primary, []
    # Includes the paths of withdrawn and moved pages: the old text must not remain there.
    paths = [path for (path,) in _changed_paths.fetch_tuples(first, last)]
    # Every page has a booklet, though only guides link to it.
    formats = [f"{path}{suffix}" for path in paths for suffix in FORMAT_SUFFIXES]
    secondary = [
        *paths,
        *formats,
        *_short_urls(pages),
        *_qr_code_urls(pages),
        *_feedback_urls(pages),
        *_related_urls(first, last),
    ]
    return primary, [path for path in dict.fromkeys([*secondary, *MACHINE_URLS]) if path not in primary]


def public_urls() -> list[str]:
    """Return every URL that patients receive or can reach by links: lists, pages, and redirects to them."""
    # Loads no text: there may be ten thousand pages.
    released = Page.objects.filter(Exists(Release.objects.filter(page=OuterRef("pk"))))
    pages = [PageRow(*row) for row in released.values_list(*PAGE_COLUMNS)]
    live = [page.path for page in pages if page.path]
    formats = [f"{page.path}{suffix}" for page in pages if page.path for suffix in _linked_suffixes(page.kind)]
    short_code_forms = [f"{home_path(language)}p/" for language in languages.CODES]
    paths = Path.objects.values_list("path", flat=True)
    urls = [
        *_list_urls(languages.CODES),
        *short_code_forms,
        *live,
        *paths,
        *formats,
        *_short_urls(pages),
        "/robots.txt",
        *MACHINE_URLS,
    ]
    return list(dict.fromkeys(urls))


def _changed_between(first: int, last: int) -> PageQuerySet:
    """Return pages with an event after ``first``, up to and including ``last``, that changes what patients read."""
    events = ReleaseEvent.objects.filter(pk__gt=first, pk__lte=last, kind__in=PUBLIC_EVENTS)
    return Page.objects.filter(pk__in=events.values("page"))


@prepared_query(*EVENT_ID_PLACEHOLDERS)
def _changed_pages(first: int, last: int) -> RowQuerySet:
    return _changed_between(first, last).values_list(*PAGE_COLUMNS)[: BULK_THRESHOLD + 1]


@prepared_query(*EVENT_ID_PLACEHOLDERS)
def _changed_paths(first: int, last: int) -> RowQuerySet:
    return Path.objects.filter(page__in=_changed_between(first, last)).values_list("path")


@prepared_query(*EVENT_ID_PLACEHOLDERS)
def _translation_paths(first: int, last: int) -> RowQuerySet:
    subjects = _changed_between(first, last).values("subject")
    return Page.objects.published().filter(subject__in=subjects).values_list("live_release__path")


@prepared_query(*EVENT_ID_PLACEHOLDERS)
def _replaced_paths(first: int, last: int) -> RowQuerySet:
    changed = _changed_between(first, last)
    # When a page that had replaced others is itself replaced, the others redirect to its replacement.
    replacements = changed.filter(replaced_by__isnull=False).values("replaced_by")
    replaced = Q(page__replaced_by__in=changed) | Q(page__replaced_by__in=replacements)
    return Path.objects.filter(replaced).values_list("path")


@prepared_query(*EVENT_ID_PLACEHOLDERS)
def _guide_paths(first: int, last: int) -> RowQuerySet:
    dependencies = ReleaseDependency.objects.filter(
        kind="page", key__in=_changed_between(first, last).values("subject")
    )
    return dependencies.filter(release__live_on__isnull=False).values_list("release__path")


def _related_urls(first: int, last: int) -> list[str]:
    """Return URLs of pages that mention changed ones: translations, pages they replaced, booklets that contain them."""
    related = [*_translation_paths.fetch_tuples(first, last), *_replaced_paths.fetch_tuples(first, last)]
    booklets = [f"{path}{BOOKLET_SUFFIX}" for (path,) in _guide_paths.fetch_tuples(first, last)]
    return [*(path for (path,) in related), *booklets]


def _linked_suffixes(kind: str) -> tuple[str, ...]:
    """Return the suffixes of the formats that a page links to: only guides link to a booklet."""
    return FORMAT_SUFFIXES if kind == PageKind.GUIDE else (PLAIN_TEXT_SUFFIX,)


def _short_urls(pages: Iterable[PageRow]) -> list[str]:
    return [f"{home_path(page.language)}p/{page.code}" for page in pages]


def _qr_code_urls(pages: Iterable[PageRow]) -> list[str]:
    """Return the URLs of QR codes, which exist only while the page is public."""
    return [f"{path}.svg" for path in _short_urls(pages)]


def _feedback_urls(pages: Iterable[PageRow]) -> list[str]:
    """Return the URLs of “Was this clear?”, which shows the title and the sections."""
    forms = [f"{home_path(page.language)}clear/{page.code}/" for page in pages]
    return [*forms, *(f"{path}thanks/" for path in forms)]


def _list_urls(languages: Iterable[str]) -> list[str]:
    """Return the URLs of the lists of pages in ``languages``."""
    return [f"{home_path(language)}{part}" for language in languages for part in ("", "visits/")]
