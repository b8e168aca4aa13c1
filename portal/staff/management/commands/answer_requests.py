"""``manage.py answer_requests``: links for those who forgot their password. ``serve`` does this each minute."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.staff.links import answer_password_requests


class Command(BaseCommand):
    """Sends what was asked for on the page "Password forgotten?"."""

    help = "Send the links that people asked for."

    def handle(self, *args: Any, **options: Any) -> None:
        sent = answer_password_requests()
        if options["verbosity"]:
            self.stdout.write(f"{sent} sent")
