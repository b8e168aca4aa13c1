"""The second factor of an account: an app with codes or a passkey, and recovery codes that were put away safely."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from portal.accounts.models import User

PRIMARY_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_mfa(user: User) -> bool:
    """An app or a passkey."""
    return bool(Authenticator.objects.filter(user=user, type__in=PRIMARY_TYPES).exists())


def authenticator_types(user: User) -> set[str]:
    """Which kinds of factors the account has."""
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def get_recovery_codes(user: User) -> Authenticator | None:
    """The row of the recovery codes."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()


def has_saved_codes(user: User) -> bool:
    """Whether the person said that the codes shown are put away."""
    row = get_recovery_codes(user)
    return bool(row and row.data.get("kept"))


@transaction.atomic
def mark_codes_saved(user: User) -> None:
    """From now on the codes are never shown again."""
    row = get_recovery_codes(user)
    if row:
        row.data["kept"] = True
        row.save(update_fields=["data"])


def is_setup_complete(user: User) -> bool:
    """Nothing is left to do before work."""
    return has_mfa(user) and has_saved_codes(user)


def is_last_authenticator(authenticator: Authenticator) -> bool:
    """Without it the account would have none."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=PRIMARY_TYPES).exclude(
        pk=authenticator.pk
    )
    return authenticator.type in PRIMARY_TYPES and not others.exists()


def remove_all(user: User) -> None:
    """After a lost phone."""
    Authenticator.objects.filter(user=user).delete()
