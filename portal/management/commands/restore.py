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
from portal.safekeeping import archive, databases, media
from portal.safekeeping.errors import SafekeepingError
from portal.safekeeping.media import place, stored_names
from portal.serving.whole import describe_write_error, write_whole


class Command(BaseCommand):
    """Verifies every byte first, then puts it in place, migrates and checks every page and address."""

    help = "Bring back what a backup holds. The database and the pictures of this installation must be empty."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = options["file"].expanduser().resolve()
        undo = _Undo()
        try:
            manifest = archive.read_manifest(source)
            self._refuse(manifest)
            undo.may_remove_all = True
            with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".restore-") as folder:
                self.stdout.write(f"reading {source} of {manifest.made_at} …")
                archive.extract(source, manifest, Path(folder))
                self._place(Path(folder))
            found = self._check()
        except (SafekeepingError, OSError, DatabaseError) as error:
            raise CommandError(f"{_sentence(error)} {undo()}") from error
        except BaseException:
            undo()
            raise
        self.stdout.write("Restored. Start it with: manage.py serve")
        if found:
            raise CommandError(f"The restore is complete, but what it restored has faults: {' '.join(found)}")

    def _refuse(self, manifest: archive.Manifest) -> None:
        if manifest.database != databases.kind():
            raise SafekeepingError(
                f"The backup holds a {manifest.database} database, and DATABASE_URL names a {databases.kind()} one."
            )
        if not databases.is_empty():
            raise SafekeepingError("The database is not empty. Give a new PORTAL_DATA_DIR or DATABASE_URL.")
        if next(stored_names(), None) is not None:
            raise SafekeepingError("There are pictures already. Give a new PORTAL_DATA_DIR or an empty bucket.")
        known = {".".join(name) for name in MigrationLoader(connection, ignore_no_migrations=True).disk_migrations}
        ours = {name.split(".")[0] for name in known}
        later = sorted(name for name in manifest.migrations if name.split(".")[0] in ours and name not in known)
        if later:
            raise SafekeepingError(f"The backup was made by a later version ({later[0]}). Install that version.")

    def _place(self, folder: Path) -> None:
        """Pictures first: the database, which names them, makes the installation one."""
        count = place(folder / archive.MEDIA) if (folder / archive.MEDIA).exists() else 0
        key = folder / archive.KEY
        if key.exists():
            key.chmod(0o600)
            shutil.move(key, settings.DATA_DIR / archive.KEY)
        databases.load(folder / archive.DATABASE)
        self.stdout.write(f"database and {count} picture files in place")

    def _check(self) -> list[str]:
        """Migrate, then run the checks of the site. What they find was already so when the backup was made."""
        call_command("migrate", interactive=False, verbosity=0)
        found = []
        for command in ("check_releases", "check_links"):
            try:
                call_command(command, stdout=self.stdout, stderr=self.stderr)
            except CommandError as error:
                found.append(f"{command}: {error}")
        return found


class _Undo:
    """Remove what a restore that failed has put in place. Call it for a sentence that says what is left."""

    def __init__(self) -> None:
        # Set once database and pictures are known to be empty, so that all in them comes from this restore.
        self.may_remove_all = False
        self._key = settings.DATA_DIR / archive.KEY
        is_ours = self._key in env.MADE_FILES or not self._key.exists()
        self._key_before = None if is_ours else self._key.read_bytes()
        self._had_static = Path(settings.STATIC_ROOT).exists()

    def __call__(self) -> str:
        try:
            self._restore_key()
            if self.may_remove_all:
                media.remove_all()
                if not self._had_static:
                    shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
                return self._empty_database()
        except (OSError, SafekeepingError) as error:
            return (
                f"Not everything could be removed again: {_sentence(error)} Empty {settings.DATA_DIR} and the database "
                "before you try again."
            )
        return "Nothing was restored."

    def _restore_key(self) -> None:
        if self._key_before is None:
            self._key.unlink(missing_ok=True)
        elif self._key.read_bytes() != self._key_before:
            write_whole(self._key, [self._key_before])

    def _empty_database(self) -> str:
        if databases.kind() == databases.SQLITE:
            databases.remove_sqlite()
        elif not databases.is_empty():
            return "The database holds a part of the backup. Empty it before you try again."
        return "Nothing was restored."


def _sentence(error: Exception) -> str:
    """What went wrong, and what to do."""
    if isinstance(error, DatabaseError):
        if not databases.is_full(error):
            return f"The database cannot be used: {error}."
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if isinstance(error, OSError) and not error.errno and isinstance(error.__cause__, OSError):
        # A storage raises its own error from the disk's.
        error = error.__cause__
    return describe_write_error(error, settings.DATA_DIR) if isinstance(error, OSError) and error.errno else str(error)
