"""``manage.py publish_due``: also run each minute by ``serve``."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from procedures.publishing.schedule import publish_due


class Command(BaseCommand):
    """Publishes scheduled texts whose time has come."""

    help = "Publish what is scheduled for now or earlier."

    def handle(self, *args: Any, **options: Any) -> None:
        released, refused = publish_due(timezone.now())
        for release in released:
            self.stdout.write(f"published: {release.path}")
        for page, reason in refused:
            self.stderr.write(f"not published: {page}: {reason}")
