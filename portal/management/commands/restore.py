"""The ``restore`` command: restore a backup into an empty installation."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from portal import backup, env
from portal.append_only import create_triggers
from portal.backup import BackupError, describe_missing_media, iter_media, restore_media
from portal.secret_key import describe_key_source, make_fingerprint, record_key_fingerprint
from portal.storage.database import describe_error, is_connection_error
from portal.storage.local_storage import atomic_write, describe_write_error
from portal.storage.media import referenced_files


class Command(BaseCommand):
    """Verify the whole archive, restore it, migrate, and check every release and URL. A failed restore is undone."""

    help = "Restore a backup. The database and the media storage of this installation must be empty."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--new-key",
            action="store_true",
            help="Use this installation's key because the backup's key is lost. Everyone must then set up their "
            "second factor again.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = options["file"].expanduser().resolve()
        roll_back = _Rollback()
        try:
            manifest = backup.read_manifest(source)
            self._check_restorable(manifest, new_key=options["new_key"])
            roll_back.can_delete_all = True
            with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".restore-") as folder:
                self.stdout.write(f"Reading {source}, made at {manifest.made_at}…")
                backup.extract_archive(source, manifest, Path(folder))
                self._restore_files(manifest, Path(folder), new_key=options["new_key"])
            problems = self._run_site_checks()
            if options["new_key"]:
                record_key_fingerprint()
        except (BackupError, OSError, DatabaseError) as error:
            raise CommandError(f"{_describe_error(error)} {roll_back()}") from error
        except BaseException:
            roll_back()
            raise
        self.stdout.write("Restored. Now start the service.")
        if problems:
            raise CommandError(f"The restore is complete, but the restored site has problems: {' '.join(problems)}")

    def _check_restorable(self, manifest: backup.Manifest, *, new_key: bool) -> None:
        if not backup.is_empty():
            raise BackupError("The database is not empty. Set PORTAL_DATA_DIR or DATABASE_URL to a new one.")
        if next(iter_media(), None) is not None:
            raise BackupError("The media storage is not empty. Use a new PORTAL_DATA_DIR or an empty bucket.")
        if unknown := backup.describe_unknown_migration(manifest.migrations):
            raise BackupError(f"The backup has {unknown}. Restore it with the version that created it.")
        has_own_key = backup.SECRET_KEY_MEMBER in manifest.members and not settings.IS_KEY_IN_ENVIRONMENT
        if not has_own_key and not new_key and manifest.key_fingerprint != make_fingerprint():
            reason = f"The backup was made with a different key from the one in {describe_key_source()}"
            if settings.KEY_FILE in env.CREATED_FILES:  # a new key, which goes away again
                reason = "The backup does not contain its key, and this installation has none yet"
            raise BackupError(
                f"{reason}, so authenticator apps would not work. {_advise_key(manifest)} "
                "If the backup's key is lost, add --new-key."
            )

    def _restore_files(self, manifest: backup.Manifest, folder: Path, *, new_key: bool) -> None:
        """Restore the media files and the key before the database that depends on them."""
        count = restore_media(folder / backup.MEDIA_PREFIX) if (folder / backup.MEDIA_PREFIX).exists() else 0
        key = folder / backup.SECRET_KEY_MEMBER
        if key.exists() and not settings.IS_KEY_IN_ENVIRONMENT and not new_key:
            key.chmod(0o600)
            shutil.move(key, settings.KEY_FILE)
        backup.load(folder / backup.DATABASE_MEMBER, manifest.migrations)
        self.stdout.write(f"Restored the database and {count} media files.")

    def _run_site_checks(self) -> list[str]:
        """Migrate and check the site. Return the problems, which the site already had when it was backed up."""
        call_command("migrate", interactive=False, verbosity=0)
        # The backed-up database may be missing triggers that someone dropped by hand.
        create_triggers()
        problems = []
        for command in ("check_releases", "check_links"):
            try:
                call_command(command, stdout=self.stdout, stderr=self.stderr)
            except CommandError as error:
                problems.append(f"{command}: {error}")
        if missing := describe_missing_media({*referenced_files()} - {*iter_media()}):
            problems.append(missing)
        return problems


class _Rollback:
    """Rolls back a failed restore.

    Calling it removes everything restored so far and returns a sentence about what remains.
    """

    def __init__(self) -> None:
        # Set once the database and media storage are known to be empty, so that everything in them comes from this
        # restore.
        self.can_delete_all = False
        self._key_path = settings.DATA_DIR / backup.SECRET_KEY_MEMBER
        had_no_key = self._key_path in env.CREATED_FILES or not self._key_path.exists()
        self._previous_key = None if had_no_key else self._key_path.read_bytes()
        self._static_root_existed = Path(settings.STATIC_ROOT).exists()

    def __call__(self) -> str:
        try:
            self._restore_key()
            if self.can_delete_all:
                backup.delete_all_media()
                if not self._static_root_existed:
                    shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
                backup.empty_database()
        except (OSError, BackupError, DatabaseError) as error:
            return (
                f"Not everything could be removed: {_describe_error(error)} Empty {settings.DATA_DIR} and the database "
                "before you try again."
            )
        return "Nothing was restored."

    def _restore_key(self) -> None:
        if self._previous_key is None:
            self._key_path.unlink(missing_ok=True)
        elif self._key_path.read_bytes() != self._previous_key:
            atomic_write(self._key_path, [self._previous_key])


def _advise_key(manifest: backup.Manifest) -> str:
    if settings.IS_KEY_IN_ENVIRONMENT and backup.SECRET_KEY_MEMBER in manifest.members:
        return "Unset PORTAL_SECRET_KEY: the backup contains its own key."
    return "Set PORTAL_SECRET_KEY to the key of the site that was backed up."


def _describe_error(error: Exception) -> str:
    """Return what went wrong and what to do, as complete sentences."""
    if isinstance(error, DatabaseError):
        if not backup.is_disk_full_error(error):
            reason = describe_error(error) if is_connection_error(error) else str(error).splitlines()[0]
            return f"The database cannot be used: {reason}."
        error = backup.disk_full_error(settings.DATA_DIR)
    if isinstance(error, OSError) and not error.errno and isinstance(error.__cause__, OSError):
        # StorageUnavailableError wraps the disk's error.
        error = error.__cause__
    return describe_write_error(error, settings.DATA_DIR) if isinstance(error, OSError) and error.errno else str(error)
