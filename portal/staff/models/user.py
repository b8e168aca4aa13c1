"""Who signs in: the clinic's editors, reviewers and managers. Patients never do."""

import re
import unicodedata
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.validators import ASCIIUsernameValidator
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from portal.validators import validate_single_line


class User(AbstractUser):
    """A member of staff. Ours from the start, because replacing Django's own model later is a migration trap.

    User names are stored in lower case, so ``Editor`` cannot be created beside ``editor``.
    """

    # ASCII only: letters of other alphabets look like Latin ones, and two accounts must never look alike.
    username = models.CharField(
        "user name",
        max_length=150,
        unique=True,
        help_text="To sign in with, such as nina. Letters, digits and . - _ @ +",
        validators=[
            ASCIIUsernameValidator(
                message="Use letters without accents, digits and . - _ @ + only. Capitals do not count."
            )
        ],
        error_messages={"unique": "This user name is taken. Choose another one."},
    )
    first_name = models.CharField("first name", max_length=150, blank=True, validators=[validate_single_line])
    last_name = models.CharField("last name", max_length=150, blank=True, validators=[validate_single_line])
    is_demo = models.BooleanField(
        default=False, editable=False, help_text="Made by serve --demo: needs no second factor, works on loopback only."
    )
    # Part of what every session is checked against: one step up ends them all.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined,misc]
        constraints = [
            models.CheckConstraint(
                condition=Q(username=Lower("username")),
                name="staff_username_is_lower_case",
                violation_error_message="Write the user name in lower case.",
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def clean(self) -> None:
        """Require a mail address of its own, for people sign in with it, and a user name that looks like no other."""
        super().clean()
        self._refuse_look_alike()
        if self.email and User.objects.filter(email__iexact=self.email).exclude(pk=self.pk).exists():
            raise ValidationError({"email": "Another account has this mail address already. Use a different one."})

    def _refuse_look_alike(self) -> None:
        others = dict(User.objects.values_list("pk", "username"))
        if others.pop(self.pk, None) == self.username or self.username in others.values():
            return  # unchanged, or taken: the field has an error for that
        mine = skeleton(self.username)
        for other in others.values():
            if skeleton(other) == mine:
                raise ValidationError(
                    {"username": f"This looks too much like the user name {other}. Choose another one."}
                )

    def clean_fields(self, exclude: Any = None) -> None:
        """Normalize the user name before its characters are checked."""
        self.username = self.normalize_username(self.username)
        super().clean_fields(exclude=exclude)

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """The stored form of a user name: NFKC, trimmed, lower case."""
        return super().normalize_username(username).strip().lower()

    def set_password(self, raw_password: str | None) -> None:
        """Normalised, so that an accented letter typed on another keyboard is the same (NIST SP 800-63B, 3.1.1.2)."""
        super().set_password(normal(raw_password))

    def check_password(self, raw_password: str) -> bool:
        """See ``set_password``. One call of the hasher, whatever the account is like."""
        return super().check_password(normal(raw_password) or "")

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        text = f"{self.password}|{self.session_epoch}"
        return salted_hmac("portal.staff.User.session", text, secret=secret, algorithm="sha256").hexdigest()


def skeleton(username: str) -> str:
    """Equal for user names that look alike: 1, l, and i are one letter, 0 and o are one, separators do not count."""
    joined = re.sub(r"[._-]", "", username.lower())
    return joined.replace("rn", "m").replace("vv", "w").translate(str.maketrans("1i0", "llo"))


def normal(password: str | None) -> str | None:
    """Unicode NFKC."""
    return None if password is None else unicodedata.normalize("NFKC", password)


def person_called(typed: str) -> User | None:
    """The account with this user name in any case, else the only one with this mail address. Always one query."""
    typed = typed.strip()
    name = User.normalize_username(typed)
    found = list(User.objects.filter(Q(username=name) | (Q(email__iexact=typed) & ~Q(email=""))).order_by("pk")[:3])
    by_name = [user for user in found if user.username == name]
    if by_name:
        return by_name[0]
    return found[0] if len(found) == 1 else None
