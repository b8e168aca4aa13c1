"""``manage.py send_password_resets``: links for those who forgot their password. ``serve`` does this each minute."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.accounts.invitations import send_password_resets


class Command(BaseCommand):
    """Sends what was asked for on the page "Password forgotten?"."""

    help = "Send the links that people asked for."

    def handle(self, *args: Any, **options: Any) -> None:
        sent = send_password_resets()
        if options["verbosity"]:
            self.stdout.write(f"{sent} sent")
