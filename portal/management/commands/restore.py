"""``manage.py restore FILE``: an installation from its backup, into an empty place only."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from portal.safekeeping import archive, databases
from portal.safekeeping.errors import SafekeepingError
from portal.safekeeping.media import place, stored_names


class Command(BaseCommand):
    """Verifies every byte first, then puts it in place, migrates and checks every page and address."""

    help = "Bring back what a backup holds. The database and the pictures of this installation must be empty."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = options["file"].expanduser().resolve()
        try:
            manifest = archive.read_manifest(source)
            self._refuse(manifest)
            with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".restore-") as folder:
                self.stdout.write(f"reading {source} of {manifest.made_at} …")
                archive.extract(source, manifest, Path(folder))
                self._place(Path(folder))
        except SafekeepingError as error:
            raise CommandError(f"{error} Nothing was restored.") from error
        except OSError as error:
            raise CommandError(f"The backup could not be put in place: {error}.") from error
        self._check()

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

    def _check(self) -> None:
        """Everything is in place by now: what the checks find was so when the backup was made."""
        call_command("migrate", interactive=False, verbosity=0)
        found = []
        for command in ("check_releases", "check_links"):
            try:
                call_command(command, stdout=self.stdout, stderr=self.stderr)
            except CommandError as error:
                found.append(f"{command}: {error}")
        self.stdout.write("Restored. Start it with: manage.py serve")
        if found:
            raise CommandError(f"All is restored as it was, and not all was well: {' '.join(found)}")
