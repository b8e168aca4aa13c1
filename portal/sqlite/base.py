"""Django's SQLite backend with a function for searches, and without a write transaction on each new connection."""

from typing import Any

from django.db.backends.sqlite3 import base, features

from portal.text import fold


class DatabaseFeatures(features.DatabaseFeatures):
    """SQLite's features, without Django's runtime check for JSON."""

    # SQLite has JSON built in since 3.38, and distributions enabled it long before. Django probes for it in a
    # transaction, which takes the write lock here (transaction_mode), on each new connection, and remembers "database
    # is locked" as "no JSON".
    supports_json_field = True


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection with ``portal_fold``: SQLite's own LOWER handles ASCII letters only (portal/admin_site.py)."""

    features_class = DatabaseFeatures

    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.create_function("portal_fold", 1, _fold_or_none, deterministic=True)
        return connection


def _fold_or_none(text: object) -> str | None:
    return None if text is None else fold(str(text))
