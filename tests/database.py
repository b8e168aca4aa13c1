"""Database helpers for tests that try many cases."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from portal.append_only import create_triggers, drop_triggers_sql, protected_models


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back every database change of the block, so that the next case starts from the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def history_unprotected() -> Iterator[None]:
    """Drop the triggers that refuse changes to history for the block: a damaged row, or a test's own cleaning up."""
    with connection.cursor() as cursor:
        # PostgreSQL drops no trigger of a table whose foreign keys it has yet to check.
        connection.check_constraints()
        for model in protected_models():
            for statement in drop_triggers_sql(connection.vendor, model):
                cursor.execute(statement)
        yield
        connection.check_constraints()
    create_triggers()
