"""Backup archives, and the database and media files that they contain.

An archive is a TAR file whose last member is a manifest with the size and hash of every other member. Media files come
from the default storage, local or S3.
"""

import errno
import hashlib
import io
import json
import os
import re
import sqlite3
import tarfile
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as dt_time
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.models import AutoField, JSONField
from django.utils.duration import duration_iso_string

from portal.append_only import drop_triggers
from portal.storage.database import describe_error, sqlite_path
from portal.storage.local_storage import atomic_create, describe_write_error
from portal.text import without_nul

FORMAT_VERSION = 2
MANIFEST_NAME, DATABASE_MEMBER, SECRET_KEY_MEMBER = "manifest.json", "database.jsonl", "secret-key"
MEDIA_PREFIX = "media/"
MEMBER_PATTERN = re.compile(
    rf"(?:{re.escape(DATABASE_MEMBER)}|{SECRET_KEY_MEMBER}"
    rf"|{MEDIA_PREFIX}[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)\Z"
)
CHUNK_BYTES = 1024 * 1024
MAX_NAMES_LISTED = 20
MAX_MANIFEST_BYTES = 64 * CHUNK_BYTES

SQLITE, POSTGRESQL = "sqlite", "postgresql"
ROWS_PER_STATEMENT = 200
# A NUL character in JSON. SQLite can store it; PostgreSQL cannot.
NUL_ESCAPE = "\\u0000"
# https://www.sqlite.org/wal.html#walresetbug
FIRST_SQLITE_WITH_WAL_FIX = (3, 51, 3)


class BackupError(Exception):
    """A backup or restore that failed. The message is a complete sentence for the operator."""


@dataclass
class Manifest:
    """The table of contents of an archive. ``members`` maps a name to [size in bytes, SHA-256 in hex].

    ``database``: the kind of database that was backed up. ``key_fingerprint``: see portal/secret_key.py.

    Stored as JSON, so the field names are part of the file format.
    """

    made_at: str
    database: str
    migrations: list[str]
    public_url: str
    key_fingerprint: str
    format: int = FORMAT_VERSION
    members: dict[str, list[Any]] = field(default_factory=dict)


class ArchiveWriter:
    """Adds members to an archive and records them in its manifest."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar, self.manifest = tar, manifest

    def add(self, name: str, stream: IO[bytes], size: int) -> None:
        """Add a member of exactly ``size`` bytes. Raise BackupError for a name that restore would reject."""
        if not MEMBER_PATTERN.match(name):
            raise BackupError(f"A file named {name!r} cannot be backed up. Rename or remove it.")
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = _HashingReader(stream, name)
        self._tar.addfile(info, hashed)
        self.manifest.members[name] = [size, hashed.digest.hexdigest()]


class _HashingReader(io.RawIOBase):
    """Reader that hashes the bytes it passes on. Raise BackupError with ``name`` if they cannot be read."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        super().__init__()
        self.digest = hashlib.sha256()
        self._stream, self._name = stream, name

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        with report_unreadable(self._name):
            data = self._stream.read(size)
            if len(data) < size:
                raise BackupError(f"{self._name} changed while it was being read. Run the backup again.")
        self.digest.update(data)
        return data


@contextmanager
def report_unreadable(name: str) -> Iterator[None]:
    """Turn OSError into BackupError that names what could not be read."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise BackupError(f"{name} cannot be read: {reason}. Check its owner and mode, or the bucket.") from error


@contextmanager
def create_archive(target: Path, manifest: Manifest) -> Iterator[ArchiveWriter]:
    """Create an archive that appears as ``target`` only once it is complete, and never replaces a file.

    Raise BackupError if the file exists or cannot be written.
    """
    try:
        with atomic_create(target) as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
            yield ArchiveWriter(tar, manifest)
            text = json.dumps(asdict(manifest), indent=1).encode()
            info = tarfile.TarInfo(MANIFEST_NAME)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    except FileExistsError as error:
        raise BackupError(f"{target} already exists. Choose another name; backups are never overwritten.") from error
    except OSError as error:
        raise BackupError(describe_write_error(error, target)) from error


def read_manifest(source: Path) -> Manifest:
    """Return the manifest of an archive. Raise BackupError for a file that is truncated or not a backup."""
    try:
        with tarfile.open(source, "r:") as tar:
            last = tar.getmembers()[-1]
            if last.name != MANIFEST_NAME or last.size > MAX_MANIFEST_BYTES:
                raise BackupError(f"{source} has no manifest. It is incomplete or not a portal backup.")
            stream = tar.extractfile(last)
            values = json.loads(stream.read() if stream else b"")
            if values.get("format") != FORMAT_VERSION:
                raise BackupError(
                    f"{source} uses backup format {values.get('format')}, but this version can only read format "
                    f"{FORMAT_VERSION}. Restore it with the version that created it."
                )
            manifest = Manifest(**values)
    except FileNotFoundError as error:
        raise BackupError(f"The file {source} does not exist.") from error
    except (OSError, tarfile.TarError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise BackupError(f"{source} cannot be read as a backup: {error}.") from error
    return manifest


def extract_archive(source: Path, manifest: Manifest, folder: Path) -> None:
    """Extract every member into ``folder`` and verify its size and hash. Raise BackupError on any difference."""
    missing = dict(manifest.members)
    try:
        with tarfile.open(source, "r:") as tar:
            for info in tar:
                if info.name == MANIFEST_NAME:
                    continue
                expected = missing.pop(info.name, None)
                stream = tar.extractfile(info) if info.isreg() and MEMBER_PATTERN.match(info.name) else None
                if expected is None or stream is None:
                    raise BackupError(f"{source} contains {info.name!r}, which is not in its manifest.")
                if _write_member(stream, folder / info.name) != tuple(expected):
                    raise BackupError(f"{source} is damaged: {info.name} does not match its checksum.")
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"{source} could not be extracted: {error}.") from error
    if missing:
        raise BackupError(f"{source} is damaged: {min(missing)} is missing.")


def _write_member(stream: IO[bytes], target: Path) -> tuple[int, str]:
    """Write and sync a member; return its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while chunk := stream.read(CHUNK_BYTES):
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise BackupError(describe_write_error(error, target)) from error
    return size, digest.hexdigest()


def iter_media(folder: str = "") -> Iterator[str]:
    """Yield the names of all media files below ``folder``, sorted. Skip dotfiles, which are unfinished uploads."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(files):
        if not name.startswith("."):
            yield f"{folder}{name}"
    for name in sorted(folders):
        if not name.startswith("."):
            yield from iter_media(f"{folder}{name}/")


def describe_missing_media(names: Iterable[str]) -> str:
    """Return a sentence that names media files that are missing, and what to do; an empty string if there are none."""
    missing = sorted(names)
    if not missing:
        return ""
    listed = ", ".join(missing[:MAX_NAMES_LISTED])
    more = f", and {len(missing) - MAX_NAMES_LISTED} more" if len(missing) > MAX_NAMES_LISTED else ""
    return (
        f"The database refers to {len(missing)} media {'file that is' if len(missing) == 1 else 'files that are'} "
        f"missing: {listed}{more}. Copy them from an older backup, or upload these pictures again."
    )


def delete_all_media() -> None:
    """Delete every media file, then any directories left empty."""
    for name in list(iter_media()):
        default_storage.delete(name)
    root = Path(settings.MEDIA_ROOT)
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):
            folder.rmdir()
    with suppress(OSError):
        root.rmdir()


def restore_media(source: Path) -> int:
    """Store every file below ``source`` under its relative path; return the number of files.

    Raise FileExistsError if the storage already has a file with that name.
    """
    count = 0
    for path in sorted(source.rglob("*")):
        if path.is_file():
            name = path.relative_to(source).as_posix()
            with path.open("rb") as stream:
                stored = default_storage.save(name, File(stream))
            if stored != name:
                default_storage.delete(stored)
                raise FileExistsError(f"{name} already exists.")
            count += 1
    return count


def get_vendor() -> str:
    """Return ``sqlite`` or ``postgresql``."""
    return str(connection.vendor)


def sqlite_wal_warning() -> str:
    """Return a warning if Python's SQLite has the WAL-reset bug and this installation uses it, else an empty string."""
    if get_vendor() != SQLITE or sqlite3.sqlite_version_info >= FIRST_SQLITE_WITH_WAL_FIX:
        return ""
    return (
        f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug (fixed in 3.51.3): in very rare cases, two processes "
        "writing at the same time corrupt the database. Make a backup every day, which checks the database, or "
        "switch to PostgreSQL or to a Python build with a newer SQLite."
    )


def is_empty() -> bool:
    """Return whether the database has no tables. Raise BackupError if it cannot be read."""
    if get_vendor() == SQLITE and not sqlite_path().exists():
        return True  # a connection would create the file
    try:
        return not connection.introspection.table_names()
    except DatabaseError as error:
        raise BackupError(f"The database cannot be read: {describe_error(error)}.") from error


def describe_unknown_migration(applied: Iterable[str]) -> str:
    """Return a clause about the first of the applied migrations (``app.name``) that this version lacks.

    It is an empty string if there is none. Ignores apps that are not installed. This version must not modify a database
    with an unknown migration.
    """
    known = {".".join(key) for key in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
    apps = {name.split(".")[0] for name in known}
    unknown = min((name for name in applied if name.split(".")[0] in apps and name not in known), default="")
    return unknown and (
        f"a migration that this version does not have ({unknown}): it was made by a newer version, or by one that "
        "predates the squashed migrations"
    )


def load_migrations(alias: str = DEFAULT_DB_ALIAS) -> MigrationLoader:
    """Return the migrations, and which of them are applied. Raise BackupError if one is unknown to this version."""
    loader = MigrationLoader(connections[alias])
    if unknown := describe_unknown_migration(".".join(key) for key in loader.applied_migrations):
        raise BackupError(f"The database has {unknown}. Back it up with the version that created it.")
    return loader


def dump(target: Path) -> list[str]:
    """Write every row of the database to ``target``, one JSON array per line, and return the applied migrations.

    All rows come from one consistent snapshot, even while staff keep saving. The format is the same for SQLite and
    PostgreSQL, so a backup can be restored to either. Raise BackupError, and OSError if the disk is full.
    """
    if get_vendor() == SQLITE:
        with _sqlite_snapshot(target.with_name(f"{target.name}.sqlite3")) as alias:
            return _write_rows(target, alias)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _write_rows(target, DEFAULT_DB_ALIAS)


def load(source: Path, migrations: Iterable[str]) -> None:
    """Create the tables as of ``migrations`` in the empty database, and insert the rows of a dump.

    The schema is that of the version that made the dump, so the caller must migrate and then call create_triggers().
    Raise BackupError or DatabaseError; empty_database() undoes everything.
    """
    executor = MigrationExecutor(connection)
    graph, wanted = executor.loader.graph, set(migrations)
    targets = [key for key in graph.nodes if ".".join(key) in wanted]
    # Only the leaf migrations; their dependencies are applied automatically.
    executor.migrate([key for key in targets if not {child.key for child in graph.node_map[key].children} & {*targets}])
    models = {model._meta.db_table: model for model in _get_models(executor.loader, targets)}  # noqa: SLF001 -- documented
    with transaction.atomic():
        drop_triggers()
        with connection.cursor() as cursor:
            for table in models:
                # Remove the rows that migrations created.
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608 -- the name of a table
            with source.open(encoding="utf-8") as lines:
                _insert_rows(cursor, models, lines)
            for statement in connection.ops.sequence_reset_sql(no_style(), list(models.values())):
                cursor.execute(statement)
        connection.check_constraints()


def empty_database() -> None:
    """Delete the tables of a database that was empty before a restore."""
    if get_vendor() == SQLITE:
        delete_sqlite_files()
        return
    with transaction.atomic(), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(table)} CASCADE")


def _get_models(loader: MigrationLoader, targets: list[tuple[str, str]]) -> list[Any]:
    """Return the models as of the given migrations, including automatic many-to-many ones, sorted by table name."""
    models = loader.project_state(targets).apps.get_models(include_auto_created=True)
    tables = [model for model in models if model._meta.managed and not model._meta.proxy]  # noqa: SLF001 -- documented
    return sorted(tables, key=lambda model: model._meta.db_table)  # noqa: SLF001 -- documented


def _get_fields(model: Any) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.generated]  # noqa: SLF001 -- documented


def _write_rows(target: Path, alias: str) -> list[str]:
    """Write a line with the name and columns of each table, followed by its rows."""
    loader = load_migrations(alias)
    applied = sorted(".".join(key) for key in loader.applied_migrations)
    targets = [key for key in loader.graph.nodes if key in loader.applied_migrations]
    with target.open("w", encoding="utf-8") as stream:
        for model in _get_models(loader, targets):
            fields = _get_fields(model)
            columns = [field.column for field in fields]
            stream.write(json.dumps({"table": model._meta.db_table, "columns": columns}) + "\n")  # noqa: SLF001 -- documented
            rows = model._base_manager.using(alias).order_by("pk").values_list(*[field.attname for field in fields])  # noqa: SLF001 -- documented
            lines = (
                json.dumps(row, default=_to_json, ensure_ascii=False, sort_keys=True) for row in rows.iterator(500)
            )
            # SQLite and PostgreSQL collate text keys differently, so sort those rows here.
            for line in lines if isinstance(model._meta.pk, AutoField) else sorted(lines):  # noqa: SLF001 -- documented
                stream.write(f"{line}\n")
    return applied


def _to_json(value: Any) -> str:
    """Serialize a value in a form that ``Field.to_python`` can parse."""
    if isinstance(value, datetime | date | dt_time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, bytes | memoryview):
        return b64encode(bytes(value)).decode()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value)} cannot be backed up")


def _insert_rows(cursor: Any, models: dict[str, Any], lines: Iterable[str]) -> None:
    """Insert the rows of a dump. Raise BackupError if its columns do not match the tables."""
    statement, fields, rows = "", list[Any](), list[list[Any]]()
    for line in lines:
        entry = json.loads(line)
        if get_vendor() == POSTGRESQL and NUL_ESCAPE in line:
            entry = without_nul(entry)
        if isinstance(entry, list):
            rows.append([_to_database(field, value) for field, value in zip(fields, entry, strict=True)])
            if len(rows) < ROWS_PER_STATEMENT:
                continue
        if rows:
            cursor.executemany(statement, rows)
            rows = []
        if isinstance(entry, dict):
            model = models.get(entry["table"])
            fields = _get_fields(model) if model else []
            if [field.column for field in fields] != entry["columns"]:
                raise BackupError(f"The backup does not match this version: the columns of {entry['table']} differ.")
            names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
            table, places = connection.ops.quote_name(entry["table"]), ", ".join(["%s"] * len(fields))
            statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 -- names of tables and columns
    if rows:
        cursor.executemany(statement, rows)


def _to_database(field: Any, value: Any) -> Any:
    python_value = value if value is None or isinstance(field, JSONField) else field.to_python(value)
    return field.get_db_prep_save(python_value, connection)


@contextmanager
def _sqlite_snapshot(copy: Path) -> Iterator[str]:
    """Yield a connection alias for an integrity-checked copy of the database. The copy is deleted afterwards."""
    _copy_sqlite(copy)
    alias = "snapshot"
    config = connections.settings[DEFAULT_DB_ALIAS]
    options = {name: value for name, value in config["OPTIONS"].items() if name not in {"database", "uri"}}
    connections.settings[alias] = {**config, "NAME": str(copy), "OPTIONS": {**options, "init_command": ""}}
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias], connections.settings[alias]
        copy.unlink()


def _copy_sqlite(target: Path) -> None:
    """Copy one snapshot with SQLite's online backup API, which does not block writers, and check its integrity."""
    try:
        with (
            closing(sqlite3.connect(f"file:{sqlite_path()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
            # Keep the copy in a single file: opening a database in WAL mode creates two more.
            copy.execute("PRAGMA journal_mode=DELETE")
            damage = [row[0] for row in copy.execute("PRAGMA integrity_check(3)")]
            orphan = copy.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        if is_disk_full_error(error):
            raise disk_full_error(target) from error
        raise BackupError(f"The database cannot be copied: {error}.") from error
    if damage != ["ok"] or orphan:
        details = damage[0] if damage != ["ok"] else f"a row of {orphan[0]} refers to a missing row"
        raise BackupError(
            f"The database is damaged ({details}). No backup was written. Keep your older backups, and restore the "
            "most recent one."
        )


def is_disk_full_error(error: BaseException) -> bool:
    """Return whether an sqlite3 error, or a Django error caused by one, means that the disk is full."""
    return getattr(error.__cause__ or error, "sqlite_errorname", "") == "SQLITE_FULL"


def disk_full_error(target: Path) -> OSError:
    """Return the error that the operating system would raise for ``target``."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))


def delete_sqlite_files() -> None:
    """Delete the SQLite database with its WAL files. Only for a database that is empty or was just restored."""
    connections.close_all()
    file = sqlite_path()
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
