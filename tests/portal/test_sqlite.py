"""The SQLite backend: what it adds to Django's."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from portal import env
from portal.sqlite.base import DatabaseWrapper

pytestmark = pytest.mark.django_db


@pytest.fixture
def wrapper(tmp_path: Path) -> Iterator[DatabaseWrapper]:
    """A connection to a database file as the portal opens it, but without a lock timeout."""
    config = env.parse_database_url(f"sqlite:///{tmp_path / 'portal.sqlite3'}")
    defaults = {"AUTOCOMMIT": True, "ATOMIC_REQUESTS": False, "CONN_HEALTH_CHECKS": False, "TIME_ZONE": None}
    wrapper = DatabaseWrapper({**defaults, **config, "OPTIONS": {**config["OPTIONS"], "timeout": 0.1}}, alias="other")
    wrapper.inc_thread_sharing()
    with closing(wrapper):
        yield wrapper


def test_a_new_connection_supports_json_while_another_process_writes(wrapper: DatabaseWrapper) -> None:
    wrapper.ensure_connection()
    with closing(sqlite3.connect(wrapper.settings_dict["NAME"], isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")

        assert wrapper.features.supports_json_field
        assert wrapper.features.has_json_object_function


def test_searches_fold_text_in_the_database(wrapper: DatabaseWrapper) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT portal_fold('Él’s X‑RAY'), portal_fold(NULL)")

        assert cursor.fetchone() == ("el's x-ray", None)


def test_insert_or_replace_fires_the_delete_triggers(wrapper: DatabaseWrapper) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers")

        assert cursor.fetchone() == (1,)
