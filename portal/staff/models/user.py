"""Who signs in: the clinic's editors, reviewers and managers. Patients never do."""

import unicodedata

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac


class User(AbstractUser):
    """A member of staff. Ours from the start, because replacing Django's own model later is a migration trap."""

    is_demo = models.BooleanField(
        default=False, editable=False, help_text="Made by serve --demo: needs no second factor, works on loopback only."
    )
    # Part of what every session is checked against: one step up ends them all.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def set_password(self, raw_password: str | None) -> None:
        """Normalised, so that an accented letter typed on another keyboard is the same (NIST SP 800-63B, 3.1.1.2)."""
        super().set_password(normal(raw_password))

    def check_password(self, raw_password: str) -> bool:
        """See ``set_password``. One call of the hasher, whatever the account is like."""
        return super().check_password(normal(raw_password) or "")

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        text = f"{self.password}|{self.session_epoch}"
        return salted_hmac("portal.staff.User.session", text, secret=secret, algorithm="sha256").hexdigest()


def normal(password: str | None) -> str | None:
    """Unicode NFKC."""
    return None if password is None else unicodedata.normalize("NFKC", password)


def person_called(typed: str) -> User | None:
    """The account with this user name, else the only one with this mail address. One query, found or not."""
    found = list(User.objects.filter(Q(username=typed) | (Q(email__iexact=typed) & ~Q(email=""))).order_by("pk")[:3])
    by_name = [user for user in found if user.username == typed]
    if by_name:
        return by_name[0]
    return found[0] if len(found) == 1 else None
