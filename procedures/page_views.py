"""Daily totals of page views: storing them, and adding them up by page."""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Sum

from procedures.addresses import BOOKLET_SUFFIX, LISTS
from procedures.languages import CODES, home_path, language_of_path
from procedures.models import Page, PageView, Path
from procedures.models.page import without_text
from procedures.timezones import clinic_today

LIST_PATHS = frozenset(f"{home_path(code)}{part}" for code in CODES for part in LISTS)
MAX_ROWS_PER_INSERT = 200


def record_page_views(counts: Mapping[str, int]) -> None:
    """Add ``counts`` (views by path) to today's totals; ignore paths that were never public.

    Safe to call from several processes at once, because the database does the addition.
    """
    known_paths = LIST_PATHS.union(
        Path.objects.filter(path__in={path.removesuffix(BOOKLET_SUFFIX) for path in counts}).values_list(
            "path", flat=True
        )
    )
    day = clinic_today()
    # Sorted, so that two processes lock rows in the same order and cannot deadlock.
    rows = sorted(
        (path, views)
        for path, views in counts.items()
        if path in known_paths or path.removesuffix(BOOKLET_SUFFIX) in known_paths
    )
    with transaction.atomic():
        for start in range(0, len(rows), MAX_ROWS_PER_INSERT):
            _insert_counts(day, rows[start : start + MAX_ROWS_PER_INSERT])


def _insert_counts(day: datetime.date, rows: list[tuple[str, int]]) -> None:
    table = connection.ops.quote_name(PageView._meta.db_table)  # noqa: SLF001 -- Django documents it
    placeholders = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    values = [value for path, views in rows for value in (day, path, language_of_path(path), views)]
    with connection.cursor() as cursor:
        # bulk_create() can overwrite a row on conflict but not increment it. Only our own table name is interpolated.
        cursor.execute(
            f"INSERT INTO {table} (day, path, language, views) VALUES {placeholders} "  # noqa: S608 -- see above
            f"ON CONFLICT (day, path, language) DO UPDATE SET views = {table}.views + excluded.views",
            values,
        )


@dataclass(frozen=True, slots=True)
class PageViewTotal:
    """A public page and its views, including those of its booklet and of every path it has ever had."""

    page: Page
    views: int


def most_viewed_pages(days: int) -> list[PageViewTotal]:
    """Return all public pages, most viewed first, with the views of the last ``days`` days including today."""
    totals = page_views_by_path(days)
    by_page: Counter[int] = Counter()
    for path, page_id in Path.objects.values_list("path", "page_id"):
        by_page[page_id] += totals[path] + totals[path + BOOKLET_SUFFIX]
    pages = Page.objects.published().select_related("live_release")
    # A list of totals needs no page text, which is most of the data.
    pages = without_text(pages)
    totals_by_page = (PageViewTotal(page, by_page[page.pk]) for page in pages)
    return sorted(totals_by_page, key=lambda row: (-row.views, str(row.page)))


def page_views_by_path(days: int) -> Counter[str]:
    """Return the views of the last ``days`` days by path."""
    since = clinic_today() - datetime.timedelta(days=days - 1)
    rows = PageView.objects.filter(day__gte=since).values("path").annotate(total=Sum("views"))
    return Counter({row["path"]: row["total"] for row in rows})
