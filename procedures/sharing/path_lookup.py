"""Lookup of public pages by path: the one database query of a page view."""

from collections.abc import Sequence

from procedures.models import Path


def lookup_paths(candidates: Sequence[str], language: str) -> list[Path]:
    """Return the public paths among the requested one and the repairs of it that url_repair.url_candidates returns."""
    return list(Path.objects.with_public_data(language).filter(path__in=candidates))
