"""``manage.py import_bundle [--check] [--user USERNAME] FILE``."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts.models import User
from procedures.importing.bundles import (
    ACTION_DRAFT,
    ACTION_KEPT,
    ACTION_NEW,
    ACTION_SAME,
    InvalidBundleError,
    import_bundle,
)

ACTION_LABELS = {
    ACTION_NEW: "new",
    ACTION_SAME: "unchanged",
    ACTION_DRAFT: "becomes the draft",
    ACTION_KEPT: "existing version kept",
}


class Command(BaseCommand):
    """Import the pages of a bundle as drafts. What patients read does not change."""

    help = "Import the pages of a bundle from another portal as drafts. What patients read does not change."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--check", action="store_true", help="Dry run: only list what would change.")
        parser.add_argument("--user", help="Username to record in the history.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["file"].is_file():
            raise CommandError(f"{options['file']} is not a file.")
        actor = None
        if options["user"]:
            actor = User.objects.filter(username=options["user"]).first()
            if actor is None:
                raise CommandError(f"There is no user {options['user']}.")
        try:
            plan = import_bundle(options["file"], actor=actor, check=options["check"])
        except InvalidBundleError as error:
            raise CommandError(str(error)) from error
        for change in plan.changes:
            self.stdout.write(f"{change.kind} {change.key}: {ACTION_LABELS[change.action]}. {change.note}".strip())
        count = len(plan.pages)
        self.stdout.write(f"pages {'that would be ' if options['check'] else ''}imported as drafts: {count}")
