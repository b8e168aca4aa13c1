"""``manage.py check_links``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from procedures.links.check import broken_addresses
from procedures.models import Path


class Command(BaseCommand):
    """Resolves every path ever public, every link and anchor in every release, every code."""

    help = "Check that every address ever public and every link on public pages leads somewhere."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = list(broken_addresses())
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write(f"{Path.objects.count()} addresses checked, none broken")
