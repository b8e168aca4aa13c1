"""Lookup of public pages by path: the one database query of a page view."""

from collections.abc import Sequence

from portal.prepared_queries import prepared_query
from procedures.models import Path
from procedures.models.public_site import PathQuerySet

# The requested path and the repairs of it that url_repair.url_candidates returns.
MAX_CANDIDATES = 7


def lookup_paths(candidates: Sequence[str], language: str) -> list[Path]:
    """Return ``Path.objects.with_public_data(language)`` for the first ``MAX_CANDIDATES`` paths, in one query.

    ``candidates`` must not be empty.
    """
    paths = candidates[:MAX_CANDIDATES]
    # The prepared query has a fixed number of parameters: repeat the last path.
    padding = [paths[-1]] * (MAX_CANDIDATES - len(paths))
    return _prepared_lookup.fetch_instances(language, *paths, *padding)


# Placeholder values from which the query is compiled; no path contains a NUL, and they never reach the database.
@prepared_query("\0language", *(f"\0{number}" for number in range(MAX_CANDIDATES)))
def _prepared_lookup(language: str, *candidates: str) -> PathQuerySet:
    return Path.objects.with_public_data(language).filter(path__in=candidates)
