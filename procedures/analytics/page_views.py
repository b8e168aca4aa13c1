"""What patients read: totals kept, and shown by page."""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from procedures.enums import Language
from procedures.models import Page, PageView, Path
from procedures.publishing.timezones import get_clinic_timezone

BOOKLET_SUFFIX = "booklet/"
LIST_PATHS = frozenset(f"{root}{part}" for root in ("/", "/es/") for part in ("", "visits/"))
MAX_ROWS_PER_INSERT = 200


def clinic_today() -> datetime.date:
    """The day by the clinic's clock."""
    return timezone.localdate(timezone=get_clinic_timezone())


def record_page_views(counts: Mapping[str, int]) -> None:
    """Add to today's totals. Several processes may do so at once: the database adds up."""
    known = LIST_PATHS.union(
        Path.objects.filter(path__in={address.removesuffix(BOOKLET_SUFFIX) for address in counts}).values_list(
            "path", flat=True
        )
    )
    day = clinic_today()
    # In one order, so that two processes never wait for each other's rows.
    rows = sorted((a, n) for a, n in counts.items() if a in known or a.removesuffix(BOOKLET_SUFFIX) in known)
    with transaction.atomic():
        for start in range(0, len(rows), MAX_ROWS_PER_INSERT):
            _insert_counts(day, rows[start : start + MAX_ROWS_PER_INSERT])


def _insert_counts(day: datetime.date, rows: list[tuple[str, int]]) -> None:
    table = connection.ops.quote_name(PageView._meta.db_table)  # noqa: SLF001 -- Django documents it
    places = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    values = [value for address, times in rows for value in (day, address, path_language(address), times)]
    with connection.cursor() as cursor:
        # Django can replace on conflict, not add. Only the name of our own table is put into the text.
        cursor.execute(
            f"INSERT INTO {table} (day, path, language, views) VALUES {places} "  # noqa: S608 -- see above
            f"ON CONFLICT (day, path, language) DO UPDATE SET views = {table}.views + excluded.views",
            values,
        )


def path_language(path: str) -> str:
    """An address says its language."""
    return Language.SPANISH if path.startswith("/es/") else Language.ENGLISH


@dataclass(frozen=True, slots=True)
class PageViewTotal:
    """A public page and how often it was opened, its booklet and all addresses it ever had included."""

    page: Page
    views: int


def most_viewed_pages(days: int) -> list[PageViewTotal]:
    """All public pages and guides, the most read first; ``days`` back from today, which counts as one."""
    totals = page_views_by_path(days)
    by_page: Counter[int] = Counter()
    for path, page_id in Path.objects.values_list("path", "page_id"):
        by_page[page_id] += totals[path] + totals[path + BOOKLET_SUFFIX]
    pages = Page.objects.published().select_related("live_release")
    # Every public page at once: their texts are most of the bytes, and a list of totals reads none.
    pages = pages.defer("live_release__html", "live_release__sections")
    return sorted((PageViewTotal(p, by_page[p.pk]) for p in pages), key=lambda row: (-row.views, str(row.page)))


def page_views_by_path(days: int) -> Counter[str]:
    """Totals of the last ``days`` days by address."""
    since = clinic_today() - datetime.timedelta(days=days - 1)
    rows = PageView.objects.filter(day__gte=since).values("path").annotate(total=Sum("views"))
    return Counter({row["path"]: row["total"] for row in rows})
