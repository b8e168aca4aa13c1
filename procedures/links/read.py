"""Reading by address, which every page does once."""

from collections.abc import Sequence

from portal.compiled import compiled
from procedures.models import Path
from procedures.models.path import PathQuerySet

# One address as it came, and what it may have been before a mail program had it (resolve.py).
MAX_NAMES = 7


def read(names: Sequence[str], language: str) -> list[Path]:
    """``Path.objects.for_reading`` for at most ``MAX_NAMES`` addresses: all that a page costs the database."""
    asked = names[:MAX_NAMES]
    return _reading.models(language, *asked, *[asked[-1]] * (MAX_NAMES - len(asked)))


# No address has these names; they never reach a database.
@compiled("\0language", *(f"\0{number}" for number in range(MAX_NAMES)))
def _reading(language: str, *names: str) -> PathQuerySet:
    return Path.objects.for_reading(language).filter(path__in=names)
