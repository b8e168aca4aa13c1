"""``manage.py publish_scheduled``; the worker runs it every minute."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from procedures.publishing.schedule import publish_scheduled
from procedures.publishing.tasks import send_digests


class Command(BaseCommand):
    """Publish drafts whose scheduled time has come, and send the weekly digest of tasks to staff."""

    help = "Publish drafts scheduled for now or earlier, and send the weekly digest if email is configured."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        released, refused = publish_scheduled(now)
        for release in released:
            self.stdout.write(f"published: {release.path}")
        for page, reason in refused:
            self.stderr.write(f"not published: {page}: {reason}")
        for user in send_digests(now):
            self.stdout.write(f"weekly digest sent: {user.username}")
