"""Database helpers for tests that try many cases."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back every database change of the block, so that the next case starts from the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
