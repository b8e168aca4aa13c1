"""Dump the database while staff edit, and load a dump into an empty database."""

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, connections
from django.db.migrations.loader import MigrationLoader

from portal.backup.archive import BackupError

SQLITE, POSTGRESQL = "sqlite", "postgresql"
# https://www.sqlite.org/wal.html#walresetbug
FIRST_SQLITE_WITH_WAL_FIX = (3, 51, 3)


def get_vendor() -> str:
    """Return ``sqlite`` or ``postgresql``."""
    return str(connection.vendor)


def sqlite_wal_warning() -> str:
    """Return a warning if Python's SQLite has the WAL-reset bug and this installation uses it, else an empty string."""
    if get_vendor() != SQLITE or sqlite3.sqlite_version_info >= FIRST_SQLITE_WITH_WAL_FIX:
        return ""
    return (
        f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug (fixed in 3.51.3): in very rare cases, two processes "
        "that write at the same moment damage the database. Run “manage.py backup” every day (it checks the database), "
        "or use PostgreSQL, or a Python with a newer SQLite."
    )


def is_empty() -> bool:
    """Return whether the database has no tables. Raise BackupError if it cannot be read."""
    try:
        return not connection.introspection.table_names()
    except DatabaseError as error:
        raise BackupError(f"The database cannot be read: {str(error).splitlines()[0]}") from error


def find_unknown_migration(applied: Iterable[str]) -> str:
    """Return the first of the applied migrations (``app.name``) that this version lacks, or an empty string.

    Apps that are not installed do not count. A database with such a migration was made by a newer version, or by one
    from before the migrations were squashed, so this version must not change it.
    """
    known = {".".join(key) for key in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
    apps = {name.split(".")[0] for name in known}
    return min((name for name in applied if name.split(".")[0] in apps and name not in known), default="")


def dump(target: Path) -> None:
    """Write a dump of the database to ``target``: an SQLite file, or pg_dump's custom format.

    Raise BackupError, and OSError if the disk is full.
    """
    if get_vendor() == SQLITE:
        _dump_sqlite(target)
    else:
        try:
            _run_postgresql_tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
        except BackupError as error:
            if os.strerror(errno.ENOSPC) in str(error):
                raise _disk_full_error(target) from error
            raise


def load(source: Path) -> None:
    """Load a dump into the empty database. Raise BackupError on failure; the database is then still empty."""
    if get_vendor() == SQLITE:
        _load_sqlite(source)
    else:
        _run_postgresql_tool(
            "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(source)
        )


def _dump_sqlite(target: Path) -> None:
    """Copy one snapshot with SQLite's online backup API, which does not block writers, and check its integrity."""
    try:
        with (
            closing(sqlite3.connect(f"file:{_sqlite_path()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
            # A single file; in WAL mode, opening the copy would create two more.
            copy.execute("PRAGMA journal_mode=DELETE")
            damage = [row[0] for row in copy.execute("PRAGMA integrity_check(3)")]
            orphan = copy.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        if is_disk_full_error(error):
            raise _disk_full_error(target) from error
        raise BackupError(f"The database cannot be copied: {error}.") from error
    if damage != ["ok"] or orphan:
        details = damage[0] if damage != ["ok"] else f"a row of {orphan[0]} refers to a missing row"
        raise BackupError(
            f"The database is damaged ({details}). No backup was written. Keep the older ones and restore the latest."
        )


def is_disk_full_error(error: BaseException) -> bool:
    """Return whether an sqlite3 error, or a Django error caused by one, means that the disk is full."""
    return getattr(error.__cause__ or error, "sqlite_errorname", "") == "SQLITE_FULL"


def _disk_full_error(target: Path) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))


def _load_sqlite(source: Path) -> None:
    delete_sqlite_files()
    target = _sqlite_path()
    shutil.move(source, target)
    target.chmod(0o600)


def delete_sqlite_files() -> None:
    """Delete the SQLite database with its WAL files. Only for a database that is empty or was just restored."""
    connections.close_all()
    file = _sqlite_path()
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _sqlite_path() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _run_postgresql_tool(program: str, *arguments: str) -> None:
    """Run pg_dump or pg_restore. The password goes into the environment, because anyone can read a command line."""
    config: dict[str, Any] = connection.settings_dict
    variables = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    environ = os.environ | {name: str(config[key]) for name, key in variables.items() if config.get(key)}
    database = f"--dbname={config['NAME']}"
    try:
        result = subprocess.run(  # noqa: S603 -- no argument comes from a user
            [program, database, *arguments], env=environ, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise BackupError(f"{program} is not installed. Install the PostgreSQL client programs.") from error
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[0]
        raise BackupError(f"{program} failed: {reason}")
