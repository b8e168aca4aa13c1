"""``manage.py purge_feedback``."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from procedures.models import Feedback
from procedures.timezones import clinic_today


class Command(BaseCommand):
    """Enforce the retention period of reader feedback; the worker runs it every minute."""

    help = "Delete answers to “Was this clear?” that are older than PORTAL_FEEDBACK_DAYS."

    def handle(self, *args: Any, **options: Any) -> None:
        deleted, _ = Feedback.objects.older_than(settings.FEEDBACK_DAYS, clinic_today()).delete()
        if deleted and options["verbosity"]:
            self.stdout.write(f"deleted: {deleted}")
