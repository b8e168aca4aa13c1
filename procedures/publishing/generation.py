"""For the snapshots: one small value that changes with what the public reads, and which addresses a change concerns."""

import json
from collections.abc import Iterable

from django.db.models import QuerySet

from procedures.enums import EventKind, Language, PageKind
from procedures.models import Clinic, Page, Path, ReleaseEvent, ReleaseInput
from procedures.models.clinic import clinic_json

# These change what patients read.
PUBLIC = (EventKind.PUBLISHED, EventKind.RENEWED, EventKind.WITHDRAWN)
# So many pages in one go (a changed answer that all of them print): all addresses then, in the background.
MANY = 200


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
    pages = list(Page.objects.filter(pk__in=events.values("page")).select_related("live_release")[: MANY + 1])
    if len(pages) > MANY:
        return None
    if not pages:
        return []
    live = [page.live_release.path for page in pages if page.live_release]
    lists = _lists(sorted({page.language for page in pages}))
    paths = Path.objects.filter(page__in=pages)
    # Also where a page was read before it was withdrawn or moved: nothing of the old text may stay there.
    forms = [form for path, kind in paths.values_list("path", "page__kind") for form in _forms(path, kind)]
    rest = [*_of(pages, paths), *forms, *_questions(pages), *_neighbours(pages)]
    return list(dict.fromkeys([*live, *lists, *rest]))


def addresses() -> list[str]:
    """Every address that patients are sent or can come to by links: lists, pages, what leads to them."""
    pages = Page.objects.filter(releases__isnull=False).distinct().select_related("live_release")
    forms = [f"{_root(language)}p/" for language in Language.values]
    return list(dict.fromkeys([*_lists(Language.values), *forms, "/robots.txt", *_of(pages, Path.objects.all())]))


def _of(pages: Iterable[Page], paths: QuerySet[Path]) -> list[str]:
    """All addresses of pages: those that count first."""
    live, forms, codes = [], [], []
    for page in pages:
        codes.append(f"{_root(page.language)}p/{page.code}")
        if page.live_release:
            live.append(page.live_release.path)
            forms += _forms(page.live_release.path, page.kind)
    return [*live, *paths.values_list("path", flat=True), *forms, *codes]


def _forms(path: str, kind: str) -> list[str]:
    """The same page in other forms."""
    return [f"{path}plain.txt", *([f"{path}booklet/"] if kind == PageKind.GUIDE else [])]


def _questions(pages: Iterable[Page]) -> list[str]:
    """“Was this clear?” names the title and the sections."""
    asked = [f"{_root(page.language)}clear/{page.code}/" for page in pages]
    return [*asked, *(f"{path}thanks/" for path in asked)]


def _neighbours(pages: list[Page]) -> list[str]:
    """Addresses of pages that name these: translations, pages that these replace, booklets that hold them."""
    subjects = {page.subject for page in pages}
    translations = Page.objects.published().filter(subject__in=subjects).values_list("live_release__path", flat=True)
    replaced = Path.objects.filter(page__replaced_by__in=pages).values_list("path", flat=True)
    guides = ReleaseInput.objects.filter(kind="page", key__in=subjects, release__live_on__isnull=False)
    return [*translations, *replaced, *(f"{path}booklet/" for path in guides.values_list("release__path", flat=True))]


def _lists(languages: Iterable[str]) -> list[str]:
    """Addresses that list pages of these languages."""
    found = [f"{_root(language)}{part}" for language in languages for part in ("", "visits/")]
    return [*found, "/sitemap.xml", "/connect/guides.json"]


def _root(language: str) -> str:
    return "/" if language == Language.ENGLISH else f"/{language}/"
