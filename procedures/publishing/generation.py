"""For the snapshots: one small value that changes with what the public reads, and which addresses a change concerns."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from procedures.enums import EventKind, Language, PageKind
from procedures.models import Clinic, Page, Path, Release, ReleaseEvent, ReleaseInput
from procedures.models.clinic import clinic_json

# These change what patients read.
PUBLIC = (EventKind.PUBLISHED, EventKind.RENEWED, EventKind.WITHDRAWN)
# Lists that no reader waits for.
FOR_MACHINES = ("/sitemap.xml", "/connect/guides.json")
# So many pages in one go (a changed answer that all of them print): all addresses then, in the background.
MANY = 200


class Row(NamedTuple):
    """What a page's addresses are made of; ``path`` is that of its live release."""

    pk: int
    subject: str
    language: str
    kind: str
    code: str
    path: str | None


def public_state() -> str:
    """The newest event and the clinic's row, which stands on every page without a release. Two small queries."""
    newest = ReleaseEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    clinic = Clinic.objects.values_list(*(clinic_json(language) for language in Language.values)).first()
    return json.dumps([newest or 0, clinic], sort_keys=True)


def concerned(before: str, now: str) -> list[str] | None:
    """Addresses whose answer may differ between two states: published pages, lists, the rest; None when all may."""
    (first, clinic), (last, clinic_now) = json.loads(before), json.loads(now)
    if clinic != clinic_now or first > last:
        return None
    events = ReleaseEvent.objects.filter(pk__gt=first, pk__lte=last, kind__in=PUBLIC)
    pages = _rows(Page.objects.filter(pk__in=events.values("page"))[: MANY + 1])
    if len(pages) > MANY:
        return None
    if not pages:
        return []
    live = [page.path for page in pages if page.path]
    lists = _lists(sorted({page.language for page in pages}))
    paths = Path.objects.filter(page__in=[page.pk for page in pages])
    # Also where a page was read before it was withdrawn or moved: nothing of the old text may stay there.
    forms = [form for path, kind in paths.values_list("path", "page__kind") for form in _forms(path, kind)]
    rest = [*_of(pages, paths), *forms, *_questions(pages), *_neighbours(pages)]
    return list(dict.fromkeys([*live, *lists, *rest, *FOR_MACHINES]))


def addresses() -> list[str]:
    """Every address that patients are sent or can come to by links: lists, pages, what leads to them."""
    pages = _rows(Page.objects.filter(Exists(Release.objects.filter(page=OuterRef("pk")))))
    forms = [f"{_root(language)}p/" for language in Language.values]
    return list(
        dict.fromkeys([*_lists(Language.values), *forms, *_of(pages, Path.objects.all()), "/robots.txt", *FOR_MACHINES])
    )


def _rows(pages: QuerySet[Page]) -> list[Row]:
    """No whole text: there may be ten thousand pages."""
    return [Row(*row) for row in pages.values_list("pk", "subject", "language", "kind", "code", "live_release__path")]


def _of(pages: Iterable[Row], paths: QuerySet[Path]) -> list[str]:
    """All addresses of pages: those that count first."""
    live, forms, codes = [], [], []
    for page in pages:
        codes.append(f"{_root(page.language)}p/{page.code}")
        if page.path:
            live.append(page.path)
            forms += _forms(page.path, page.kind)
    return [*live, *paths.values_list("path", flat=True), *forms, *codes]


def _forms(path: str, kind: str) -> list[str]:
    """The same page in other forms."""
    return [f"{path}plain.txt", *([f"{path}booklet/"] if kind == PageKind.GUIDE else [])]


def _questions(pages: Iterable[Row]) -> list[str]:
    """“Was this clear?” names the title and the sections."""
    asked = [f"{_root(page.language)}clear/{page.code}/" for page in pages]
    return [*asked, *(f"{path}thanks/" for path in asked)]


def _neighbours(pages: Iterable[Row]) -> list[str]:
    """Addresses of pages that name these: translations, pages that these replace, booklets that hold them."""
    subjects = {page.subject for page in pages}
    translations = Page.objects.published().filter(subject__in=subjects).values_list("live_release__path", flat=True)
    replaced = Path.objects.filter(page__replaced_by__in=[page.pk for page in pages]).values_list("path", flat=True)
    guides = ReleaseInput.objects.filter(kind="page", key__in=subjects, release__live_on__isnull=False)
    return [*translations, *replaced, *(f"{path}booklet/" for path in guides.values_list("release__path", flat=True))]


def _lists(languages: Iterable[str]) -> list[str]:
    """Addresses that list pages of these languages."""
    return [f"{_root(language)}{part}" for language in languages for part in ("", "visits/")]


def _root(language: str) -> str:
    return "/" if language == Language.ENGLISH else f"/{language}/"
