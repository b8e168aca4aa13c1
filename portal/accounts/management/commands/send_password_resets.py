"""``manage.py send_password_resets``: email requested password reset links. The worker runs it every minute."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.accounts.invitations import send_password_resets


class Command(BaseCommand):
    help = "Email the requested password reset links."

    def handle(self, *args: Any, **options: Any) -> None:
        sent = send_password_resets()
        if options["verbosity"]:
            self.stdout.write(f"{sent} sent")
