"""Answers the portal's questions about published pages: the content version, the URLs that a change affects, and
metrics.

``settings.SITE_SOURCE`` and ``settings.METRICS_SOURCE`` name this module.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from procedures import languages
from procedures.addresses import (
    BOOKLET_SUFFIX,
    COLORS_URL,
    FORMAT_SUFFIXES,
    LISTS,
    LOGO_URL,
    PICTURE_PREFIX,
    PLAIN_TEXT_SUFFIX,
    SHORT_CODES,
)
from procedures.enums import PageKind
from procedures.figures.approval import public_files
from procedures.figures.renditions import referenced_files
from procedures.languages import home_path
from procedures.models import Clinic, Page, Path, ReleaseDependency, ReleaseEvent
from procedures.models.clinic import clinic_json
from procedures.models.page import CARD_FIELDS, PageQuerySet

__all__ = [
    "affected_urls",
    "collect_metrics",
    "content_version",
    "public_files",
    "public_urls",
    "publish_lag",
    "referenced_files",
]
# Machine-readable lists, which are rendered last.
MACHINE_READABLE_URLS = ("/sitemap.xml", "/connect/guides.json")
# The kinds of dependencies of a release on the pictures that it shows.
PICTURE_DEPENDENCIES = ("figure", "indexed")
# If more pages than this change at once (for example, because of a clinic answer that all of them print), treat every
# URL as affected.
BULK_THRESHOLD = 200
RowQuerySet = QuerySet[Any, tuple[Any, ...]]


def content_version() -> str:
    """Return a value that changes whenever any public page does.

    It holds the ID of the newest public event, the clinic's row (printed on every page without a new release), and a
    hash of each language's lists. One small query each.
    """
    newest = ReleaseEvent.objects.public().values_list("pk", flat=True).first()
    clinic = Clinic.objects.values_list(*(clinic_json(language) for language in languages.CODES)).first()
    list_hashes = {str(code): hashlib.sha256(repr(list(_cards(code))).encode()).hexdigest() for code in languages.CODES}
    return json.dumps([newest or 0, clinic, list_hashes], sort_keys=True)


def clinic_of_version(version: str, language: str) -> dict[str, Any] | None:
    """Return the clinic (``clinic_json``) in a content version, or None if it has none."""
    values = json.loads(version)[1] if version else None
    by_language: dict[str, dict[str, Any]] = dict(zip(languages.CODES, values or (), strict=False))
    return by_language.get(language)


def _cards(language: str) -> RowQuerySet:
    pages = Page.objects.published().in_language(language).on_home().in_public_order()
    return pages.values_list("kind", *(f"live_release__{name}" for name in CARD_FIELDS))


def affected_urls(old_version: str, new_version: str) -> tuple[list[str], list[str]] | None:
    """Return the published URLs whose response may differ between two content versions, or None if any may.

    The first list has pages and lists, which readers open directly; the second has all other URLs.
    """
    (first, clinic, list_hashes), (last, clinic_now, list_hashes_now) = json.loads(old_version), json.loads(new_version)
    if clinic != clinic_now or first > last:
        return None
    events = ReleaseEvent.objects.public().filter(pk__gt=first, pk__lte=last)
    changed = Page.objects.filter(pk__in=events.values("page"))
    live_paths = list(changed.values_list("live_release__path", flat=True)[: BULK_THRESHOLD + 1])
    if len(live_paths) > BULK_THRESHOLD:
        return None
    lists = _list_urls(language for language in languages.CODES if list_hashes[language] != list_hashes_now[language])
    primary = [*(path for path in live_paths if path), *lists]
    if not live_paths:
        return primary, []
    # Includes the paths of withdrawn and moved pages, because the old text must not remain there.
    paths = Path.objects.filter(page__in=changed).values_list("path", flat=True)
    formats = [f"{path}{suffix}" for path in paths for suffix in FORMAT_SUFFIXES]
    # Includes every picture that the changed pages have ever had, so that the page of a removed picture does not
    # remain.
    pictures = _picture_urls(ReleaseDependency.objects.filter(release__page__in=changed))
    secondary = [*paths, *formats, *pictures, *_related_urls(changed), *MACHINE_READABLE_URLS]
    return primary, [path for path in dict.fromkeys(secondary) if path not in primary]


def public_urls() -> list[str]:
    """Return every URL that is published as a file: lists, pages, and the formats that pages link to.

    Redirects, withdrawn pages, feedback forms, and QR codes are not published as files.
    """
    # Loads no text: there may be ten thousand pages.
    live = Page.objects.published().values_list("kind", "live_release__path")
    formats = [f"{path}{suffix}" for kind, path in live for suffix in _linked_suffixes(kind)]
    pictures = _picture_urls(ReleaseDependency.objects.live())
    short_code_forms = [f"{home_path(language)}{SHORT_CODES}" for language in languages.CODES]
    urls = [
        *_list_urls(languages.CODES),
        *short_code_forms,
        *(path for _, path in live),
        *formats,
        *pictures,
        *_branding_urls(),
        "/robots.txt",
        *MACHINE_READABLE_URLS,
    ]
    return list(dict.fromkeys(urls))


def _related_urls(changed: PageQuerySet) -> list[str]:
    """Return URLs of pages that mention changed ones: translations, and booklets that contain them."""
    subjects = changed.values("subject")
    translations = Page.objects.published().filter(subject__in=subjects).values_list("live_release__path", flat=True)
    dependencies = ReleaseDependency.objects.live().filter(kind="page", key__in=subjects)
    guide_paths = dependencies.values_list("release__path", flat=True)
    return [*translations, *(f"{path}{BOOKLET_SUFFIX}" for path in guide_paths)]


def _branding_urls() -> list[str]:
    """Return the URLs of the clinic's logo and colors, if it has any."""
    chosen = Clinic.objects.values_list("logo_version", "color").first() or ("", "")
    return [url for url, value in zip((LOGO_URL, COLORS_URL), chosen, strict=True) if value]


def _picture_urls(dependencies: "QuerySet[ReleaseDependency]") -> list[str]:
    """Return the URLs of the large pictures of releases."""
    pictures = dependencies.filter(kind__in=PICTURE_DEPENDENCIES).values_list("release__path", "key").distinct()
    return [f"{path}{PICTURE_PREFIX}{slug}/" for path, slug in pictures]


def _linked_suffixes(kind: str) -> tuple[str, ...]:
    """Return the suffixes of the formats that a page links to: only guides link to a booklet."""
    return FORMAT_SUFFIXES if kind == PageKind.GUIDE else (PLAIN_TEXT_SUFFIX,)


def _list_urls(languages: Iterable[str]) -> list[str]:
    """Return the URLs of the lists of pages in ``languages``."""
    return [f"{home_path(language)}{part}" for language in languages for part in LISTS]


def publish_lag(published_version: str) -> float:
    """Return the age in seconds of the oldest public event that the published files do not include yet."""
    last_published = json.loads(published_version)[0]
    waiting = ReleaseEvent.objects.public().filter(pk__gt=last_published).order_by("pk")
    oldest = waiting.values_list("created_at", flat=True).first()
    return (timezone.now() - oldest).total_seconds() if oldest else 0.0


def collect_metrics() -> dict[str, tuple[str, float]]:
    """Return the help text and value of each metric by name.

    Contains only numbers and nothing that identifies a page.
    """
    return {
        "public_pages": ("Pages that patients can read.", Page.objects.published().count()),
        "overdue_pages": (
            "Pages whose scheduled time has passed and that are not public yet.",
            Page.objects.due_for_publishing(timezone.now()).count(),
        ),
    }
