"""For the snapshots: one small value that changes with what the public reads, and which public_urls a change concerns."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.prepared_queries import prepared_query
from procedures import languages
from procedures.enums import EventKind, PageKind
from procedures.figures.approval import public_files
from procedures.languages import home_path
from procedures.models import Clinic, Page, Path, Release, ReleaseDependency, ReleaseEvent
from procedures.models.clinic import clinic_json
from procedures.models.page import CARD_FIELDS, PageQuerySet

__all__ = ["affected_urls", "content_version", "public_files", "public_urls"]
# These change what patients read.
PUBLIC_EVENTS = (EventKind.PUBLISHED, EventKind.REBUILT, EventKind.WITHDRAWN)
# Lists that no reader waits for.
MACHINE_URLS = ("/sitemap.xml", "/connect/guides.json")
# The same page in other forms, at public_urls below its own (views/tools.py).
PLAIN_TEXT_SUFFIX, BOOKLET_SUFFIX = FORMAT_SUFFIXES = ("plain.txt", "booklet/")
# So many pages in one go (a changed answer that all of them print): all public_urls then, in the background.
BULK_THRESHOLD = 200
# Instead of the numbers of two events (portal/prepared_queries.py). No event has these.
EVENT_ID_PLACEHOLDERS = (-1, -2)
RowQuerySet = QuerySet[Any, tuple[Any, ...]]


PAGE_COLUMNS = ("language", "kind", "code", "live_release__path")


class PageRow(NamedTuple):
    """What a page's public_urls are made of; ``path`` is that of its live release."""

    language: str
    kind: str
    code: str
    path: str | None


def content_version() -> str:
    """The newest event, the clinic's row, which stands on every page without a release, and a hash of each list.

    One small query each.
    """
    newest, clinic = _newest_event.fetch_tuples(), _clinic_values.fetch_tuples()
    lists = {
        str(code): hashlib.sha256(repr(_cards.fetch_tuples(code)).encode()).hexdigest() for code in languages.CODES
    }
    return json.dumps([newest[0][0] if newest else 0, clinic[0] if clinic else None, lists], sort_keys=True)


@prepared_query()
def _newest_event() -> RowQuerySet:
    return ReleaseEvent.objects.order_by("-pk").values_list("pk")[:1]


@prepared_query()
def _clinic_values() -> RowQuerySet:
    return Clinic.objects.values_list(*(clinic_json(language) for language in languages.CODES))[:1]


# No language has this name.
@prepared_query("\0language")
def _cards(language: str) -> RowQuerySet:
    shown = Page.objects.published().in_language(language).on_home()
    return shown.values_list("kind", *(f"live_release__{name}" for name in CARD_FIELDS))


def affected_urls(before: str, now: str) -> tuple[list[str], list[str]] | None:
    """Addresses whose answer may differ between two states: pages and lists, then all others; None when any may."""
    (first, clinic, lists), (last, clinic_now, lists_now) = json.loads(before), json.loads(now)
    if clinic != clinic_now or first > last:
        return None
    pages = [PageRow(*row) for row in _changed_pages.fetch_tuples(first, last)]
    if len(pages) > BULK_THRESHOLD:
        return None
    listing = _list_urls(language for language in languages.CODES if lists[language] != lists_now[language])
    opened = [*(page.path for page in pages if page.path), *listing]
    if not pages:
        return opened, []
    # Also where a page was read before it was withdrawn or moved: nothing of the old text may stay there.
    paths = [path for (path,) in _changed_paths.fetch_tuples(first, last)]
    # Every page has a booklet below its address, though only guides link to it.
    forms = [f"{path}{form}" for path in paths for form in FORMAT_SUFFIXES]
    rest = [
        *paths,
        *forms,
        *_short_urls(pages),
        *_qr_code_urls(pages),
        *_feedback_urls(pages),
        *_related_urls(first, last),
    ]
    return opened, [path for path in dict.fromkeys([*rest, *MACHINE_URLS]) if path not in opened]


def public_urls() -> list[str]:
    """Every address that patients are sent or can come to by links: lists, pages, what leads to them."""
    # No whole text: there may be ten thousand pages.
    released = Page.objects.filter(Exists(Release.objects.filter(page=OuterRef("pk"))))
    pages = [PageRow(*row) for row in released.values_list(*PAGE_COLUMNS)]
    live = [page.path for page in pages if page.path]
    forms = [f"{page.path}{form}" for page in pages if page.path for form in _linked_suffixes(page.kind)]
    typed = [f"{home_path(language)}p/" for language in languages.CODES]
    paths = Path.objects.values_list("path", flat=True)
    found = [
        *_list_urls(languages.CODES),
        *typed,
        *live,
        *paths,
        *forms,
        *_short_urls(pages),
        "/robots.txt",
        *MACHINE_URLS,
    ]
    return list(dict.fromkeys(found))


def _changed_between(first: int, last: int) -> PageQuerySet:
    """Pages with an event after ``first``, up to ``last``, that changes what patients read."""
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
    # Where a page that had replaced others is itself replaced, the others lead to its replacement.
    replacements = changed.filter(replaced_by__isnull=False).values("replaced_by")
    replaced = Q(page__replaced_by__in=changed) | Q(page__replaced_by__in=replacements)
    return Path.objects.filter(replaced).values_list("path")


@prepared_query(*EVENT_ID_PLACEHOLDERS)
def _guide_paths(first: int, last: int) -> RowQuerySet:
    used = ReleaseDependency.objects.filter(kind="page", key__in=_changed_between(first, last).values("subject"))
    return used.filter(release__live_on__isnull=False).values_list("release__path")


def _related_urls(first: int, last: int) -> list[str]:
    """Addresses of pages that name changed ones: translations, those that they replace, booklets that hold them."""
    neighbours = [*_translation_paths.fetch_tuples(first, last), *_replaced_paths.fetch_tuples(first, last)]
    booklets = [f"{path}{BOOKLET_SUFFIX}" for (path,) in _guide_paths.fetch_tuples(first, last)]
    return [*(path for (path,) in neighbours), *booklets]


def _linked_suffixes(kind: str) -> tuple[str, ...]:
    """The forms that a page links to: only a guide offers its booklet."""
    return FORMAT_SUFFIXES if kind == PageKind.GUIDE else (PLAIN_TEXT_SUFFIX,)


def _short_urls(pages: Iterable[PageRow]) -> list[str]:
    """What letters print."""
    return [f"{home_path(page.language)}p/{page.code}" for page in pages]


def _qr_code_urls(pages: Iterable[PageRow]) -> list[str]:
    """The same as QR codes, which are there only while the page is public."""
    return [f"{path}.svg" for path in _short_urls(pages)]


def _feedback_urls(pages: Iterable[PageRow]) -> list[str]:
    """“Was this clear?” names the title and the sections."""
    asked = [f"{home_path(page.language)}clear/{page.code}/" for page in pages]
    return [*asked, *(f"{path}thanks/" for path in asked)]


def _list_urls(languages: Iterable[str]) -> list[str]:
    """Addresses that list pages of these languages."""
    return [f"{home_path(language)}{part}" for language in languages for part in ("", "visits/")]
