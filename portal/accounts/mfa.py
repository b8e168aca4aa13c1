"""The second factor of an account: a TOTP app or a passkey, plus recovery codes that the user has saved."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from portal.accounts.models import User

PRIMARY_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
SAVED_KEY = "kept"  # in the data of the recovery codes; part of stored data, do not rename


def has_mfa(user: User) -> bool:
    """Return whether the account has an app or a passkey; recovery codes alone do not count."""
    return bool(Authenticator.objects.filter(user=user, type__in=PRIMARY_TYPES).exists())


def authenticator_types(user: User) -> set[str]:
    """Return the values of ``Authenticator.Type`` that the account has."""
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def get_recovery_codes(user: User) -> Authenticator | None:
    """Return the row that holds the recovery codes."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()


def has_saved_codes(user: User) -> bool:
    """Return whether the user has confirmed saving the recovery codes."""
    codes = get_recovery_codes(user)
    return codes is not None and are_codes_saved(codes)


def are_codes_saved(codes: Authenticator) -> bool:
    """Return whether these recovery codes were confirmed as saved; they are never shown again then."""
    return bool(codes.data.get(SAVED_KEY))


@transaction.atomic
def mark_codes_saved(user: User) -> None:
    """Record that the user has saved the recovery codes, so that they are never shown again."""
    codes = get_recovery_codes(user)
    if codes:
        codes.data[SAVED_KEY] = True
        codes.save(update_fields=["data"])


def is_setup_complete(user: User) -> bool:
    """Return whether the account has a second factor and saved recovery codes."""
    return has_mfa(user) and has_saved_codes(user)


def is_last_authenticator(authenticator: Authenticator) -> bool:
    """Return whether removing ``authenticator`` would leave the account without a second factor."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=PRIMARY_TYPES).exclude(
        pk=authenticator.pk
    )
    return authenticator.type in PRIMARY_TYPES and not others.exists()


def remove_all(user: User) -> None:
    """Remove every factor and the recovery codes."""
    Authenticator.objects.filter(user=user).delete()
