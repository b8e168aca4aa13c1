"""``manage.py publish_due``: also run each minute by ``serve``."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from procedures.publishing.schedule import publish_scheduled
from procedures.publishing.tasks import send_digests


class Command(BaseCommand):
    """Publishes scheduled texts whose time has come, and once a week mails the staff what waits for them."""

    help = "Publish what is scheduled for now or earlier; send the weekly mail where mail is configured."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        released, refused = publish_scheduled(now)
        for release in released:
            self.stdout.write(f"published: {release.path}")
        for page, reason in refused:
            self.stderr.write(f"not published: {page}: {reason}")
        for person in send_digests(now):
            self.stdout.write(f"weekly mail sent: {person.username}")
