"""The fingerprint of the secret key, which the database and each backup keep.

With another key, everything looks right, but no authenticator app, recovery code, or pending link works any more. The
fingerprint shows that before anyone is locked out, and reveals nothing about the key.
"""

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac

from portal.env import SERVICE_USER_HINT, ConfigurationError

WRONG_KEY = "the secret key is not the one of this database"
ADVICE = (
    "Set PORTAL_SECRET_KEY, or the file secret-key in the data directory, to the key of the other machines or of the "
    "backup. If the key was changed on purpose, run manage.py accept_key (docs/operations.md, “Rotate the key”)"
)


def make_fingerprint(key: str | None = None) -> str:
    """Return 16 hexadecimal digits for a secret key, by default the one in use."""
    # Part of stored data; do not rename with the package.
    return salted_hmac("portal.secret_key.fingerprint", "v1", secret=key, algorithm="sha256").hexdigest()[:16]


def get_recorded_fingerprint() -> str:
    """Return the fingerprint that the database has; an empty string if it has none yet."""
    from portal.accounts.models import KeyFingerprint

    if KeyFingerprint._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001 -- documented
        return ""
    return KeyFingerprint.objects.order_by("-pk").values_list("fingerprint", flat=True).first() or ""


def is_key_of_database() -> bool:
    """Return whether the key in use is the one with which this database was made, as far as it shows."""
    recorded = get_recorded_fingerprint()
    return recorded == make_fingerprint() if recorded else not _has_foreign_secrets()


def require_key() -> None:
    """Raise ConfigurationError if the key in use is not the one of this database."""
    if not settings.IS_KEY_IN_ENVIRONMENT and not settings.KEY_FILE.exists():
        raise ConfigurationError(f"There is no key at {settings.KEY_FILE}. {SERVICE_USER_HINT}")
    if not is_key_of_database():
        raise ConfigurationError(
            f"The key in {describe_key_source()} is not the one of this database, so no authenticator app would work. "
            f"{ADVICE}."
        )


def record_key() -> None:
    """Record that the key in use is the one of this database."""
    from portal.accounts.models import KeyFingerprint

    if get_recorded_fingerprint() != make_fingerprint():
        KeyFingerprint.objects.create(fingerprint=make_fingerprint())


def describe_key_source() -> str:
    """Return where the key in use comes from, for a message."""
    return "PORTAL_SECRET_KEY" if settings.IS_KEY_IN_ENVIRONMENT else str(settings.KEY_FILE)


def _has_foreign_secrets() -> bool:
    """Return whether a second factor was encrypted with another key, in a database without a fingerprint."""
    from allauth.mfa.models import Authenticator

    from portal.accounts.adapter import decrypt_strictly

    if Authenticator._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001 -- documented
        return False
    app = Authenticator.objects.filter(type=Authenticator.Type.TOTP).order_by("-pk").first()
    if app is None:
        return False
    try:
        decrypt_strictly(app.data["secret"])
    except InvalidToken:
        return True
    return False
