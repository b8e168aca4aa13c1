"""The ``backup`` command: write the database, media files, and secret key to one file while the site is running."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from portal import backup
from portal.backup import MEDIA_PREFIX, BackupError, describe_missing_media, iter_media, report_unreadable
from portal.health import record_task_success
from portal.secret_key import make_fingerprint, require_key
from portal.storage.media import referenced_files


class Command(BaseCommand):
    """Back up the database first, then the media files, so that every file the database refers to is included.

    If such a file is missing, the backup is written without it, and the command fails.
    """

    help = "Back up this installation to one file. The file contains the secret key: keep it private."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="A new file, or a folder for a file named after the current time.")

    def handle(self, *args: Any, **options: Any) -> None:
        require_key()
        now = datetime.now(UTC)
        target: Path = options["file"].expanduser().resolve()
        if target.is_dir():
            target /= f"portal-{now:%Y%m%dT%H%M%SZ}.tar"
        try:
            backup.load_migrations()
            # Before the database is copied, so that a file deleted in the meantime is noticed.
            referenced = set(referenced_files())
            manifest = self._write_archive(target, now)
        except BackupError as error:
            raise CommandError(str(error)) from error
        size = filesizeformat(target.stat().st_size)
        self.stdout.write(f"{target}: {len(manifest.members)} files, {size}")
        saved = {name.removeprefix(MEDIA_PREFIX) for name in manifest.members}
        if missing := describe_missing_media(referenced - saved):
            raise CommandError(f"The backup was written without some pictures. {missing}")
        record_task_success("backup")

    def _write_archive(self, target: Path, now: datetime) -> backup.Manifest:
        manifest = backup.Manifest(
            made_at=now.isoformat(timespec="seconds"),
            database=backup.get_vendor(),
            migrations=[],
            public_url=settings.PUBLIC_URL,
            key_fingerprint=make_fingerprint(),
        )
        with (
            backup.create_archive(target, manifest) as writer,
            tempfile.TemporaryDirectory(dir=target.parent) as folder,
        ):
            copy = Path(folder) / "database"
            manifest.migrations = backup.dump(copy)
            with copy.open("rb") as stream:
                writer.add(backup.DATABASE_MEMBER, stream, copy.stat().st_size)
            copy.unlink()
            # If the key comes from the environment, ignore a leftover key file.
            if not settings.IS_KEY_IN_ENVIRONMENT:
                with report_unreadable(str(settings.KEY_FILE)), settings.KEY_FILE.open("rb") as stream:
                    writer.add(backup.SECRET_KEY_MEMBER, stream, settings.KEY_FILE.stat().st_size)
            with report_unreadable("The media storage"):
                names = list(iter_media())
            for name in names:
                self._add_media_file(writer, name)
        return manifest

    def _add_media_file(self, writer: backup.ArchiveWriter, name: str) -> None:
        with report_unreadable(name):
            try:
                stream = default_storage.open(name)
            except FileNotFoundError:
                return  # deleted after it was listed
            size = stream.size
        with stream:
            writer.add(f"{MEDIA_PREFIX}{name}", stream, size)
