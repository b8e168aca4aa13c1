"""``manage.py accept_key``: record the current key for this database after a deliberate change."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.env import SERVICE_USER_HINT, ConfigurationError
from portal.secret_key import describe_key_source, key_matches_database, record_key_fingerprint


class Command(BaseCommand):
    help = "Accept a secret key that was changed on purpose. Everyone must then set up their second factor again."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_KEY_IN_ENVIRONMENT and not settings.KEY_FILE.exists():
            raise ConfigurationError(f"No secret key found at {settings.KEY_FILE}. {SERVICE_USER_HINT}")
        if key_matches_database():
            record_key_fingerprint()
            self.stdout.write(f"The key in {describe_key_source()} already matches this database. Nothing was changed.")
            return
        record_key_fingerprint()
        self.stdout.write(
            f"Accepted the key in {describe_key_source()}. Authenticator apps and recovery codes no longer work: run "
            "manage.py invite NAME --reset-second-factor for a manager, who can then reset everyone else."
        )
