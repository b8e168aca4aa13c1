"""The second factor of an account: an app with codes or a passkey, and recovery codes that were put away safely."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from portal.staff.models import User

MAIN = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_factor(user: User) -> bool:
    """An app or a passkey."""
    return bool(Authenticator.objects.filter(user=user, type__in=MAIN).exists())


def kinds_of(user: User) -> set[str]:
    """Which kinds of factors the account has."""
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def recovery(user: User) -> Authenticator | None:
    """The row of the recovery codes."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()


def codes_are_kept(user: User) -> bool:
    """Whether the person said that the codes shown are put away."""
    row = recovery(user)
    return bool(row and row.data.get("kept"))


@transaction.atomic
def keep_codes(user: User) -> None:
    """From now on the codes are never shown again."""
    row = recovery(user)
    if row:
        row.data["kept"] = True
        row.save(update_fields=["data"])


def is_set_up(user: User) -> bool:
    """Nothing is left to do before work."""
    return has_factor(user) and codes_are_kept(user)


def is_last_factor(authenticator: Authenticator) -> bool:
    """Without it the account would have none."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=MAIN).exclude(pk=authenticator.pk)
    return authenticator.type in MAIN and not others.exists()


def remove_all(user: User) -> None:
    """After a lost phone."""
    Authenticator.objects.filter(user=user).delete()
