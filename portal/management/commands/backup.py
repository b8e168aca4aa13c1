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
from portal.backup import BackupError, iter_media
from portal.health import record_task_success
from portal.secret_key import make_fingerprint, require_key


class Command(BaseCommand):
    """Back up the database first, then the media files, so that every file the database refers to is included."""

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
            manifest = self._write_archive(target, now)
        except BackupError as error:
            raise CommandError(str(error)) from error
        record_task_success("backup")
        size = filesizeformat(target.stat().st_size)
        self.stdout.write(f"{target}: {len(manifest.members)} files, {size}")

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
                with settings.KEY_FILE.open("rb") as stream:
                    writer.add(backup.SECRET_KEY_MEMBER, stream, settings.KEY_FILE.stat().st_size)
            for name in iter_media():
                self._add_media_file(writer, name)
        return manifest

    def _add_media_file(self, writer: backup.ArchiveWriter, name: str) -> None:
        try:
            stream = default_storage.open(name)
        except FileNotFoundError:
            return  # deleted as unused after it was listed
        with stream:
            writer.add(f"{backup.MEDIA_PREFIX}{name}", stream, stream.size)
