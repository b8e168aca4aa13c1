"""For the snapshots: one small value that changes with what the public reads, and which addresses a change concerns."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.compiled import compiled
from procedures.enums import EventKind, Language, PageKind
from procedures.figures.approval import public_files
from procedures.models import Clinic, Page, Path, Release, ReleaseEvent, ReleaseInput
from procedures.models.clinic import clinic_json
from procedures.models.page import ON_CARDS, PageQuerySet

__all__ = ["addresses", "concerned", "public_files", "public_state"]
# These change what patients read.
PUBLIC = (EventKind.PUBLISHED, EventKind.RENEWED, EventKind.WITHDRAWN)
# Lists that no reader waits for.
FOR_MACHINES = ("/sitemap.xml", "/connect/guides.json")
# The same page in other forms, at addresses below its own (views/tools.py).
PLAIN, BOOKLET = FORMS = ("plain.txt", "booklet/")
# So many pages in one go (a changed answer that all of them print): all addresses then, in the background.
MANY = 200
# Instead of the numbers of two events (portal/compiled.py). No event has these.
BETWEEN = (-1, -2)
Rows = QuerySet[Any, tuple[Any, ...]]


COLUMNS = ("language", "kind", "code", "live_release__path")


class Row(NamedTuple):
    """What a page's addresses are made of; ``path`` is that of its live release."""

    language: str
    kind: str
    code: str
    path: str | None


def public_state() -> str:
    """The newest event, the clinic's row, which stands on every page without a release, and a hash of each list.

    One small query each.
    """
    newest, clinic = _newest_event.tuples(), _clinic.tuples()
    lists = {str(code): hashlib.sha256(repr(_cards.tuples(code)).encode()).hexdigest() for code in Language.values}
    return json.dumps([newest[0][0] if newest else 0, clinic[0] if clinic else None, lists], sort_keys=True)


@compiled()
def _newest_event() -> Rows:
    return ReleaseEvent.objects.order_by("-pk").values_list("pk")[:1]


@compiled()
def _clinic() -> Rows:
    return Clinic.objects.values_list(*(clinic_json(language) for language in Language.values))[:1]


# No language has this name.
@compiled("\0language")
def _cards(language: str) -> Rows:
    shown = Page.objects.published().in_language(language).on_home()
    return shown.values_list("kind", *(f"live_release__{name}" for name in ON_CARDS))


def concerned(before: str, now: str) -> tuple[list[str], list[str]] | None:
    """Addresses whose answer may differ between two states: pages and lists, then all others; None when any may."""
    (first, clinic, lists), (last, clinic_now, lists_now) = json.loads(before), json.loads(now)
    if clinic != clinic_now or first > last:
        return None
    pages = [Row(*row) for row in _changed_pages.tuples(first, last)]
    if len(pages) > MANY:
        return None
    listing = _lists(language for language in Language.values if lists[language] != lists_now[language])
    opened = [*(page.path for page in pages if page.path), *listing]
    if not pages:
        return opened, []
    # Also where a page was read before it was withdrawn or moved: nothing of the old text may stay there.
    paths = [path for (path,) in _their_paths.tuples(first, last)]
    # Every page has a booklet below its address, though only guides link to it.
    forms = [f"{path}{form}" for path in paths for form in FORMS]
    rest = [*paths, *forms, *_codes(pages), *_drawn_codes(pages), *_questions(pages), *_neighbours(first, last)]
    return opened, [path for path in dict.fromkeys([*rest, *FOR_MACHINES]) if path not in opened]


def addresses() -> list[str]:
    """Every address that patients are sent or can come to by links: lists, pages, what leads to them."""
    # No whole text: there may be ten thousand pages.
    released = Page.objects.filter(Exists(Release.objects.filter(page=OuterRef("pk"))))
    pages = [Row(*row) for row in released.values_list(*COLUMNS)]
    live = [page.path for page in pages if page.path]
    forms = [f"{page.path}{form}" for page in pages if page.path for form in _linked_forms(page.kind)]
    typed = [f"{_root(language)}p/" for language in Language.values]
    paths = Path.objects.values_list("path", flat=True)
    found = [*_lists(Language.values), *typed, *live, *paths, *forms, *_codes(pages), "/robots.txt", *FOR_MACHINES]
    return list(dict.fromkeys(found))


def _changed(first: int, last: int) -> PageQuerySet:
    """Pages with an event after ``first``, up to ``last``, that changes what patients read."""
    events = ReleaseEvent.objects.filter(pk__gt=first, pk__lte=last, kind__in=PUBLIC)
    return Page.objects.filter(pk__in=events.values("page"))


@compiled(*BETWEEN)
def _changed_pages(first: int, last: int) -> Rows:
    return _changed(first, last).values_list(*COLUMNS)[: MANY + 1]


@compiled(*BETWEEN)
def _their_paths(first: int, last: int) -> Rows:
    return Path.objects.filter(page__in=_changed(first, last)).values_list("path")


@compiled(*BETWEEN)
def _their_translations(first: int, last: int) -> Rows:
    subjects = _changed(first, last).values("subject")
    return Page.objects.published().filter(subject__in=subjects).values_list("live_release__path")


@compiled(*BETWEEN)
def _replaced_by_them(first: int, last: int) -> Rows:
    changed = _changed(first, last)
    # Where a page that had replaced others is itself replaced, the others lead to its replacement.
    replacements = changed.filter(replaced_by__isnull=False).values("replaced_by")
    replaced = Q(page__replaced_by__in=changed) | Q(page__replaced_by__in=replacements)
    return Path.objects.filter(replaced).values_list("path")


@compiled(*BETWEEN)
def _guides_that_hold_them(first: int, last: int) -> Rows:
    used = ReleaseInput.objects.filter(kind="page", key__in=_changed(first, last).values("subject"))
    return used.filter(release__live_on__isnull=False).values_list("release__path")


def _neighbours(first: int, last: int) -> list[str]:
    """Addresses of pages that name changed ones: translations, those that they replace, booklets that hold them."""
    neighbours = [*_their_translations.tuples(first, last), *_replaced_by_them.tuples(first, last)]
    booklets = [f"{path}{BOOKLET}" for (path,) in _guides_that_hold_them.tuples(first, last)]
    return [*(path for (path,) in neighbours), *booklets]


def _linked_forms(kind: str) -> tuple[str, ...]:
    """The forms that a page links to: only a guide offers its booklet."""
    return FORMS if kind == PageKind.GUIDE else (PLAIN,)


def _codes(pages: Iterable[Row]) -> list[str]:
    """What letters print."""
    return [f"{_root(page.language)}p/{page.code}" for page in pages]


def _drawn_codes(pages: Iterable[Row]) -> list[str]:
    """The same as QR codes, which are there only while the page is public."""
    return [f"{path}.svg" for path in _codes(pages)]


def _questions(pages: Iterable[Row]) -> list[str]:
    """“Was this clear?” names the title and the sections."""
    asked = [f"{_root(page.language)}clear/{page.code}/" for page in pages]
    return [*asked, *(f"{path}thanks/" for path in asked)]


def _lists(languages: Iterable[str]) -> list[str]:
    """Addresses that list pages of these languages."""
    return [f"{_root(language)}{part}" for language in languages for part in ("", "visits/")]


def _root(language: str) -> str:
    return "/" if language == Language.ENGLISH else f"/{language}/"
