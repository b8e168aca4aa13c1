"""What patients read: totals kept, and shown by page."""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from procedures.enums import Language
from procedures.models import Page, Path, ReadCount
from procedures.publishing.clock import clinic_zone

BOOKLET = "booklet/"
LISTS = frozenset(f"{root}{part}" for root in ("/", "/es/") for part in ("", "visits/"))
ROWS_A_STATEMENT = 200


def today() -> datetime.date:
    """The day by the clinic's clock."""
    return timezone.localdate(timezone=clinic_zone())


def add(counts: Mapping[str, int]) -> None:
    """Add to today's totals. Several processes may do so at once: the database adds up."""
    known = LISTS.union(
        Path.objects.filter(path__in={address.removesuffix(BOOKLET) for address in counts}).values_list(
            "path", flat=True
        )
    )
    day = today()
    # In one order, so that two processes never wait for each other's rows.
    rows = sorted((a, n) for a, n in counts.items() if a in known or a.removesuffix(BOOKLET) in known)
    with transaction.atomic():
        for start in range(0, len(rows), ROWS_A_STATEMENT):
            _add_rows(day, rows[start : start + ROWS_A_STATEMENT])


def _add_rows(day: datetime.date, rows: list[tuple[str, int]]) -> None:
    table = connection.ops.quote_name(ReadCount._meta.db_table)  # noqa: SLF001 -- Django documents it
    places = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    values = [value for address, times in rows for value in (day, address, language_of(address), times)]
    with connection.cursor() as cursor:
        # Django can replace on conflict, not add. Only the name of our own table is put into the text.
        cursor.execute(
            f"INSERT INTO {table} (day, path, language, reads) VALUES {places} "  # noqa: S608 -- see above
            f"ON CONFLICT (day, path, language) DO UPDATE SET reads = {table}.reads + excluded.reads",
            values,
        )


def language_of(address: str) -> str:
    """An address says its language."""
    return Language.SPANISH if address.startswith("/es/") else Language.ENGLISH


@dataclass(frozen=True, slots=True)
class PageReads:
    """A public page and how often it was opened, its booklet and all addresses it ever had included."""

    page: Page
    reads: int


def most_read(days: int) -> list[PageReads]:
    """All public pages and guides, the most read first; ``days`` back from today, which counts as one."""
    totals = reads_by_address(days)
    by_page: Counter[int] = Counter()
    for path, page_id in Path.objects.values_list("path", "page_id"):
        by_page[page_id] += totals[path] + totals[path + BOOKLET]
    pages = Page.objects.published().select_related("live_release")
    # Every public page at once: their texts are most of the bytes, and a list of totals reads none.
    pages = pages.defer("live_release__html", "live_release__sections")
    return sorted((PageReads(p, by_page[p.pk]) for p in pages), key=lambda row: (-row.reads, str(row.page)))


def reads_by_address(days: int) -> Counter[str]:
    """Totals of the last ``days`` days by address."""
    since = today() - datetime.timedelta(days=days - 1)
    rows = ReadCount.objects.filter(day__gte=since).values("path").annotate(total=Sum("reads"))
    return Counter({row["path"]: row["total"] for row in rows})
