"""``manage.py purge_feedback``."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from procedures.models import Feedback
from procedures.publishing.timezones import get_clinic_timezone


class Command(BaseCommand):
    """Enforces the retention period of readers' answers; ``serve`` runs it every minute."""

    help = "Delete answers to “Was this clear?” that are older than PORTAL_FEEDBACK_DAYS."

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate(timezone=get_clinic_timezone())
        deleted, _ = Feedback.objects.older_than(settings.FEEDBACK_DAYS, today).delete()
        if deleted and options["verbosity"]:
            self.stdout.write(f"deleted: {deleted}")
