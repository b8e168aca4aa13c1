"""``manage.py import_bundle [--check] [--user NAME] FILE``."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts.models import User
from procedures.importing.bundle_import import InvalidBundleError, import_bundle

ACTION_LABELS = {"new": "new", "same": "same as here", "draft": "becomes the draft", "kept": "left as it is here"}


class Command(BaseCommand):
    """Brings the pages of a bundle in as drafts. What patients read never changes."""

    help = "Bring in a bundle of pages from another portal, as drafts; with --check, only list what would change."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--check", action="store_true", help="List what would change, and change nothing.")
        parser.add_argument("--user", help="Who brings it in: the name of an account, for the history.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["file"].is_file():
            raise CommandError(f"There is no file {options['file']}.")
        actor = None
        if options["user"]:
            actor = User.objects.filter(username=options["user"]).first()
            if actor is None:
                raise CommandError(f"There is no account {options['user']}.")
        try:
            plan = import_bundle(options["file"], actor=actor, check=options["check"])
        except InvalidBundleError as error:
            raise CommandError(str(error)) from error
        for change in plan.changes:
            self.stdout.write(f"{change.kind} {change.key}: {ACTION_LABELS[change.action]}. {change.note}".strip())
        count = len(plan.pages)
        self.stdout.write(f"{count} pages {'would come' if options['check'] else 'came'} in as drafts")
