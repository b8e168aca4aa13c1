"""What an operator reads about an error of the database."""

from pathlib import Path

import psycopg
import psycopg_pool
import pytest
from django.db import OperationalError, ProgrammingError

from portal.postgresql.base import LimitedPool
from portal.storage import database
from portal.storage.database import NO_RESPONSE, describe_error


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("terminating connection due to administrator command\nSSL connection has been closed unexpectedly",
         "the database does not respond: it is starting or stopping"),
        ("consuming input failed: SSL connection has been closed unexpectedly", "the connection to the database was lost"),
        ("consuming input failed: SSL SYSCALL error: EOF detected", "the connection to the database was lost"),
        ("server closed the connection unexpectedly", "the connection to the database was lost"),
        ('connection failed: invalid sslmode value: "foo"', "DATABASE_URL has an option or a value that is not valid"),
        ("connection failed: SSL error: certificate verify failed", "the encrypted connection to the database failed"),
        ("connection failed: server does not support SSL, but SSL was required",
         "the encrypted connection to the database failed"),
    ],
)  # fmt: skip
def test_the_word_ssl_alone_is_not_a_cause(message: str, cause: str) -> None:
    assert describe_error(OperationalError(message)).startswith(cause)


def test_a_missing_privilege_says_what_to_do() -> None:
    said = describe_error(ProgrammingError("permission denied for schema public"))

    assert said.endswith("make it the owner of the database and its tables (ALTER … OWNER TO)")
    assert "docs/" not in said


def test_while_an_attempt_hangs_the_cause_of_an_earlier_outage_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = LimitedPool(max_waiting_threads=1, min_size=1, open=False)
    during = []

    def fail(self: object, timeout: float | None = None) -> None:
        raise psycopg.OperationalError("connection refused")

    def hang(self: object, timeout: float | None = None) -> None:
        during.append(str(pool._make_error()))
        raise psycopg.OperationalError("connection timeout expired")

    for attempt in (fail, hang):
        monkeypatch.setattr(psycopg_pool.ConnectionPool, "_connect", attempt)
        with pytest.raises(psycopg.OperationalError):
            pool._connect()

    assert during == [NO_RESPONSE]
    assert str(pool._make_error()) == "connection timeout expired"


def test_a_database_file_that_exists_but_cannot_be_opened_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "portal.sqlite3"
    monkeypatch.setattr(database, "_uses_sqlite_file", lambda: True)
    monkeypatch.setattr(database, "sqlite_path", lambda: file)
    error = OperationalError("unable to open database file")

    assert describe_error(error) == database.DATABASE_FILE_MISSING
    file.touch()
    assert describe_error(error) == database.DATABASE_FILE_UNREADABLE
