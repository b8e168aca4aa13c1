"""``manage.py restore FILE``: an installation from its backup, into an empty place only."""

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from portal import env
from portal.backup import archive, databases, media
from portal.backup.archive import BackupError
from portal.backup.media import iter_media, restore_media
from portal.storage.atomic_file import atomic_write, describe_write_error


class Command(BaseCommand):
    """Verifies every byte first, then puts it in place, migrates and checks every page and address."""

    help = "Bring back what a backup holds. The database and the pictures of this installation must be empty."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = options["file"].expanduser().resolve()
        undo = _Rollback()
        try:
            manifest = archive.read_manifest(source)
            self._check_restorable(manifest)
            undo.can_delete_all = True
            with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".restore-") as folder:
                self.stdout.write(f"reading {source} of {manifest.made_at} …")
                archive.extract_archive(source, manifest, Path(folder))
                self._restore_files(Path(folder))
            found = self._run_site_checks()
        except (BackupError, OSError, DatabaseError) as error:
            raise CommandError(f"{_describe_error(error)} {undo()}") from error
        except BaseException:
            undo()
            raise
        self.stdout.write("Restored. Start it with: manage.py serve")
        if found:
            raise CommandError(f"The restore is complete, but what it restored has faults: {' '.join(found)}")

    def _check_restorable(self, manifest: archive.Manifest) -> None:
        if manifest.database != databases.get_vendor():
            raise BackupError(
                f"The backup holds a {manifest.database} database, and DATABASE_URL names a {databases.get_vendor()} one."
            )
        if not databases.is_empty():
            raise BackupError("The database is not empty. Give a new PORTAL_DATA_DIR or DATABASE_URL.")
        if next(iter_media(), None) is not None:
            raise BackupError("There are pictures already. Give a new PORTAL_DATA_DIR or an empty bucket.")
        known = {".".join(name) for name in MigrationLoader(connection, ignore_no_migrations=True).disk_migrations}
        ours = {name.split(".")[0] for name in known}
        later = sorted(name for name in manifest.migrations if name.split(".")[0] in ours and name not in known)
        if later:
            raise BackupError(f"The backup was made by a later version ({later[0]}). Install that version.")

    def _restore_files(self, folder: Path) -> None:
        """Pictures first: the database, which names them, makes the installation one."""
        count = restore_media(folder / archive.MEDIA_PREFIX) if (folder / archive.MEDIA_PREFIX).exists() else 0
        key = folder / archive.SECRET_KEY_MEMBER
        if key.exists():
            key.chmod(0o600)
            shutil.move(key, settings.DATA_DIR / archive.SECRET_KEY_MEMBER)
        databases.load(folder / archive.DATABASE_MEMBER)
        self.stdout.write(f"database and {count} picture files in place")

    def _run_site_checks(self) -> list[str]:
        """Migrate, then run the checks of the site. What they find was already so when the backup was made."""
        call_command("migrate", interactive=False, verbosity=0)
        found = []
        for command in ("check_releases", "check_links"):
            try:
                call_command(command, stdout=self.stdout, stderr=self.stderr)
            except CommandError as error:
                found.append(f"{command}: {error}")
        return found


class _Rollback:
    """Remove what a restore that failed has put in place. Call it for a sentence that says what is left."""

    def __init__(self) -> None:
        # Set once database and pictures are known to be empty, so that all in them comes from this restore.
        self.can_delete_all = False
        self._key_path = settings.DATA_DIR / archive.SECRET_KEY_MEMBER
        is_ours = self._key_path in env.CREATED_FILES or not self._key_path.exists()
        self._previous_key = None if is_ours else self._key_path.read_bytes()
        self._static_root_existed = Path(settings.STATIC_ROOT).exists()

    def __call__(self) -> str:
        try:
            self._restore_key()
            if self.can_delete_all:
                media.delete_all_media()
                if not self._static_root_existed:
                    shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
                return self._empty_database()
        except (OSError, BackupError) as error:
            return (
                f"Not everything could be removed again: {_describe_error(error)} Empty {settings.DATA_DIR} and the database "
                "before you try again."
            )
        return "Nothing was restored."

    def _restore_key(self) -> None:
        if self._previous_key is None:
            self._key_path.unlink(missing_ok=True)
        elif self._key_path.read_bytes() != self._previous_key:
            atomic_write(self._key_path, [self._previous_key])

    def _empty_database(self) -> str:
        if databases.get_vendor() == databases.SQLITE:
            databases.delete_sqlite_files()
        elif not databases.is_empty():
            return "The database holds a part of the backup. Empty it before you try again."
        return "Nothing was restored."


def _describe_error(error: Exception) -> str:
    """What went wrong, and what to do."""
    if isinstance(error, DatabaseError):
        if not databases.is_disk_full_error(error):
            return f"The database cannot be used: {error}."
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if isinstance(error, OSError) and not error.errno and isinstance(error.__cause__, OSError):
        # A storage raises its own error from the disk's.
        error = error.__cause__
    return describe_write_error(error, settings.DATA_DIR) if isinstance(error, OSError) and error.errno else str(error)
