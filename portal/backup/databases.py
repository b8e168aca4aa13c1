"""A consistent copy of the database while staff edit, and its way into an empty one."""

import errno
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, connections

from portal.backup.archive import BackupError

SQLITE, POSTGRESQL = "sqlite", "postgresql"
# https://www.sqlite.org/wal.html#walresetbug
FIRST_SQLITE_WITH_WAL_FIX = (3, 51, 3)


def get_vendor() -> str:
    """Which of the two databases this installation uses."""
    return str(connection.vendor)


def sqlite_wal_warning() -> str:
    """What is wrong with the SQLite that Python was built with, and what follows; empty where nothing is."""
    if get_vendor() != SQLITE or sqlite3.sqlite_version_info >= FIRST_SQLITE_WITH_WAL_FIX:
        return ""
    return (
        f"SQLite {sqlite3.sqlite_version} has the WAL-reset fault (mended in 3.51.3): very rarely, two processes that "
        "write at the same moment damage the database. Run “manage.py backup” every day (it checks the database), or "
        "use PostgreSQL, or a Python with a newer SQLite."
    )


def is_empty() -> bool:
    """Whether no table is there yet."""
    try:
        return not connection.introspection.table_names()
    except DatabaseError as error:
        raise BackupError(f"The database cannot be read: {str(error).splitlines()[0]}") from error


def dump(target: Path) -> None:
    """Write a copy of the database to ``target``: a SQLite file, or pg_dump's own format.

    Raises SafekeepingError, and OSError where the disk is full.
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
    """Put a copy into the empty database. Raises SafekeepingError; then the database is as empty as before."""
    if get_vendor() == SQLITE:
        _load_sqlite(source)
    else:
        _run_postgresql_tool(
            "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(source)
        )


def _dump_sqlite(target: Path) -> None:
    """SQLite's online backup: one snapshot, writers go on. A damaged database is no backup."""
    try:
        with (
            closing(sqlite3.connect(f"file:{_sqlite_path()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
            # A file that stands alone: without it, opening the copy would make two more files beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
            damage = [row[0] for row in copy.execute("PRAGMA integrity_check(3)")]
            foreign = copy.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        if is_disk_full_error(error):
            raise _disk_full_error(target) from error
        raise BackupError(f"The database cannot be copied: {error}.") from error
    if damage != ["ok"] or foreign:
        found = damage[0] if damage != ["ok"] else f"a row of {foreign[0]} points nowhere"
        raise BackupError(
            f"The database is damaged ({found}). No backup was written; keep the older ones and restore the last."
        )


def is_disk_full_error(error: BaseException) -> bool:
    """Whether SQLite, also below Django's own error, says that the disk is full."""
    return getattr(error.__cause__ or error, "sqlite_errorname", "") == "SQLITE_FULL"


def _disk_full_error(target: Path) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))


def _load_sqlite(source: Path) -> None:
    delete_sqlite_files()
    target = _sqlite_path()
    shutil.move(source, target)
    target.chmod(0o600)


def delete_sqlite_files() -> None:
    """Remove the SQLite files of a database that is empty, or holds only what a restore has put there."""
    connections.close_all()
    file = _sqlite_path()
    for ending in ("", "-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def _sqlite_path() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _run_postgresql_tool(program: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs; the password travels in the environment, never in the command line."""
    values: dict[str, Any] = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    environ = os.environ | {name: str(values[key]) for name, key in names.items() if values.get(key)}
    database = f"--dbname={values['NAME']}"
    try:
        done = subprocess.run(  # noqa: S603 -- our own arguments
            [program, database, *arguments], env=environ, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise BackupError(f"{program} is not installed. Install PostgreSQL's client programs.") from error
    if done.returncode:
        words = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise BackupError(f"{program} failed: {words}")
