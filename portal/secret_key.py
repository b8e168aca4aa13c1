"""A fingerprint of the secret key, stored in the database and in every backup.

With the wrong key, the site seems to work, but authenticator apps, recovery codes, and pending links fail. The
fingerprint catches this before anyone is locked out, and reveals nothing about the key.
"""

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac

from portal.env import MANAGE, NEW_SITE_HINT, ConfigurationError

WRONG_KEY = "the secret key does not match this database"
WRONG_KEY_ADVICE = (
    "Set PORTAL_SECRET_KEY, or the secret-key file in the data directory, to the key that the other machines or the "
    f"backup use. If you changed the key on purpose, run {MANAGE} accept_key (docs/operations.md, “Rotate the key”)"
)


def make_fingerprint(key: str | None = None) -> str:
    """Return 16 hexadecimal digits for a secret key, by default the one in use."""
    # Part of stored data; do not rename with the package.
    return salted_hmac("portal.secret_key.fingerprint", "v1", secret=key, algorithm="sha256").hexdigest()[:16]


def get_recorded_fingerprint() -> str:
    """Return the fingerprint stored in the database, or an empty string if there is none yet."""
    from portal.accounts.models import KeyFingerprint

    if KeyFingerprint._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001 -- documented
        return ""
    return KeyFingerprint.objects.order_by("-pk").values_list("fingerprint", flat=True).first() or ""


def key_matches_database() -> bool:
    """Return whether the current key matches this database, as far as can be determined."""
    recorded = get_recorded_fingerprint()
    return recorded == make_fingerprint() if recorded else not _has_undecryptable_secret()


def require_some_key() -> None:
    """Raise ConfigurationError if this installation has no key, so that a temporary one is in use."""
    if not settings.IS_KEY_IN_ENVIRONMENT and not settings.KEY_FILE.exists():
        raise ConfigurationError(f"No secret key found at {settings.KEY_FILE}. {NEW_SITE_HINT}")


def require_key() -> None:
    """Raise ConfigurationError if there is no key, or if the current one does not match this database."""
    require_some_key()
    if not key_matches_database():
        raise ConfigurationError(
            f"The key in {describe_key_source()} does not match this database, so authenticator apps would stop "
            f"working. {WRONG_KEY_ADVICE}."
        )


def record_key_fingerprint() -> None:
    """Record the current key's fingerprint in the database."""
    from portal.accounts.models import KeyFingerprint

    if get_recorded_fingerprint() != make_fingerprint():
        KeyFingerprint.objects.create(fingerprint=make_fingerprint())


def describe_key_source() -> str:
    """Return the source of the current key, for messages."""
    return "PORTAL_SECRET_KEY" if settings.IS_KEY_IN_ENVIRONMENT else str(settings.KEY_FILE)


def _has_undecryptable_secret() -> bool:
    """Return whether the newest TOTP secret cannot be decrypted with the current key.

    Used only if no fingerprint is stored.
    """
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
