"""``manage.py accept_key``."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.env import SERVICE_USER_HINT, ConfigurationError
from portal.secret_key import describe_key_source, is_key_of_database, record_key


class Command(BaseCommand):
    """Records the key in use as the one of this database, after it was changed on purpose."""

    help = "Accept a secret key that was changed on purpose. Everyone then sets up the second factor again."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_KEY_IN_ENVIRONMENT and not settings.KEY_FILE.exists():
            raise ConfigurationError(f"There is no key at {settings.KEY_FILE}. {SERVICE_USER_HINT}")
        if is_key_of_database():
            record_key()
            self.stdout.write(f"The key in {describe_key_source()} is the one of this database. Nothing has changed.")
            return
        record_key()
        self.stdout.write(
            f"Accepted the key in {describe_key_source()}. Authenticator apps and recovery codes no longer work: run "
            "manage.py invite NAME --reset-second-factor for a manager, who resets the others."
        )
