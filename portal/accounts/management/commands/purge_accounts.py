"""``manage.py purge_accounts``."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.accounts import services


class Command(BaseCommand):
    """Enforces the retention periods of accounts and sign-in events; the worker runs it every minute."""

    help = "Delete personal data of accounts closed PORTAL_CLOSED_ACCOUNT_DAYS ago, and older sign-in events."

    def handle(self, *args: Any, **options: Any) -> None:
        accounts, events = services.purge()
        if (accounts or events) and options["verbosity"]:
            self.stdout.write(f"closed accounts: {accounts}, sign-in events: {events}")
