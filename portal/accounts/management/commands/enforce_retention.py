"""``manage.py enforce_retention``: data retention for accounts and sign-in events. The worker runs it every minute."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.accounts import services


class Command(BaseCommand):
    help = "Delete personal data of accounts closed PORTAL_CLOSED_ACCOUNT_DAYS ago, and older sign-in events."

    def handle(self, *args: Any, **options: Any) -> None:
        accounts, events = services.purge()
        if (accounts or events) and options["verbosity"]:
            self.stdout.write(f"closed accounts: {accounts}, sign-in events: {events}")
