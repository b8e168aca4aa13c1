"""Reading by address, which every page does once."""

from collections.abc import Sequence

from portal.prepared_queries import prepared_query
from procedures.models import Path
from procedures.models.links import PathQuerySet

# One address as it came, and what it may have been before a mail program had it (resolve.py).
MAX_CANDIDATES = 7


def lookup_paths(candidates: Sequence[str], language: str) -> list[Path]:
    """``Path.objects.for_reading`` for at most ``MAX_NAMES`` addresses: all that a page costs the database."""
    asked = candidates[:MAX_CANDIDATES]
    return _prepared_lookup.fetch_instances(language, *asked, *[asked[-1]] * (MAX_CANDIDATES - len(asked)))


# No address has these names; they never reach a database.
@prepared_query("\0language", *(f"\0{number}" for number in range(MAX_CANDIDATES)))
def _prepared_lookup(language: str, *candidates: str) -> PathQuerySet:
    return Path.objects.with_public_data(language).filter(path__in=candidates)
