"""``manage.py accept_key``: record the current key for this database after a deliberate change."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.env import MANAGE
from portal.secret_key import describe_key_source, key_matches_database, record_key_fingerprint, require_some_key


class Command(BaseCommand):
    help = "Accept a secret key that was changed on purpose. Everyone must then set up their second factor again."

    def handle(self, *args: Any, **options: Any) -> None:
        require_some_key()
        if key_matches_database():
            record_key_fingerprint()
            self.stdout.write(f"The key in {describe_key_source()} already matches this database. Nothing was changed.")
            return
        record_key_fingerprint()
        self.stdout.write(
            f"Accepted the key in {describe_key_source()}. Authenticator apps and recovery codes no longer work: run "
            f"{MANAGE} invite NAME --reset-second-factor for a manager, who can then reset everyone else."
        )
