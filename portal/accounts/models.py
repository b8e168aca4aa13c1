"""Accounts, their sessions and links, what slows guessing, and the log of it all."""

import hashlib
import re
import unicodedata
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.validators import ASCIIUsernameValidator
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from portal.append_only import AppendOnly, AppendOnlyManager
from portal.validators import validate_single_line

__all__ = ["AccessToken", "AuditEvent", "PasswordResetRequest", "StaffSession", "Throttle", "User", "find_user"]


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
        self._validate_not_confusable()
        if self.email and User.objects.filter(email__iexact=self.email).exclude(pk=self.pk).exists():
            raise ValidationError({"email": "Another account has this mail address already. Use a different one."})

    def _validate_not_confusable(self) -> None:
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
        super().set_password(normalize_password(raw_password))

    def check_password(self, raw_password: str) -> bool:
        """See ``set_password``. One call of the hasher, whatever the account is like."""
        return super().check_password(normalize_password(raw_password) or "")

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        text = f"{self.password}|{self.session_epoch}"
        return salted_hmac("portal.accounts.User.session", text, secret=secret, algorithm="sha256").hexdigest()


def skeleton(username: str) -> str:
    """Equal for user names that look alike: 1, l, and i are one letter, 0 and o are one, separators do not count."""
    joined = re.sub(r"[._-]", "", username.lower())
    return joined.replace("rn", "m").replace("vv", "w").translate(str.maketrans("1i0", "llo"))


def normalize_password(password: str | None) -> str | None:
    """Unicode NFKC."""
    return None if password is None else unicodedata.normalize("NFKC", password)


def find_user(identifier: str) -> User | None:
    """The account with this user name in any case, else the only one with this mail address. Always one query."""
    identifier = identifier.strip()
    name = User.normalize_username(identifier)
    found = list(
        User.objects.filter(Q(username=name) | (Q(email__iexact=identifier) & ~Q(email=""))).order_by("pk")[:3]
    )
    by_name = [user for user in found if user.username == name]
    if by_name:
        return by_name[0]
    return found[0] if len(found) == 1 else None


class StaffSession(models.Model):
    """One signed-in browser. The session itself is Django's; this row is its line in the person's list."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    session_key = models.CharField(max_length=40, unique=True)
    device = models.CharField(max_length=80)
    started_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-last_seen_at"]

    def __str__(self) -> str:
        return self.device


def hash_token(token: str) -> str:
    """What is stored of a token. It is random and long: no salt and no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    """Which links still work."""

    def usable(self, now: datetime) -> Self:
        """Neither used nor revoked nor expired, and of an account that is open."""
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=now, user__is_active=True)

    def find_by_token(self, token: str, now: datetime) -> "AccessToken | None":
        """The usable link of this token, with its person."""
        return self.usable(now).filter(token_hash=hash_token(token)).select_related("user").first()


class AccessToken(models.Model):
    """Lets its bearer choose a password for ``user``, once."""

    class Purpose(models.TextChoices):
        """What its page says."""

        INVITATION = "invitation", "Invitation"
        PASSWORD_RESET = "password", "New password"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="links")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(AccessTokenQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("created_at")), name="staff_access_token_expires_after_created"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} for {self.user}"


class PasswordResetRequest(models.Model):
    """What was typed, known or not. It is answered a moment later, so that the page takes the same time for both."""

    typed = models.CharField(max_length=254)
    asked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"asked at {self.asked_at:%Y-%m-%d %H:%M}"


class Throttle(models.Model):
    """One bucket of attempts. ``key`` is a keyed hash: names that were typed and addresses stand nowhere in clear."""

    key = models.CharField(max_length=64, primary_key=True)
    attempts = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now, db_index=True)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.attempts} attempts"


class AuditEvent(AppendOnly):
    """One line of the log. ``origin`` is a keyed hash: it says "the same network as then", not which."""

    class Kind(models.TextChoices):
        """What may happen. A kind is never renamed: the log outlives the program."""

        LOGGED_IN = "signed-in", "Signed in"
        LOGGED_OUT = "signed-out", "Signed out"
        SESSION_EXPIRED = "timed-out", "Signed out by time"
        LOGIN_FAILED = "refused", "Sign-in refused"
        THROTTLED = "slowed", "Too many attempts"
        MFA_FAILED = "code-refused", "Code or passkey refused"
        RECOVERY_CODE_USED = "recovery-code", "Signed in with a recovery code"
        FACTOR_ADDED = "factor-added", "Second factor added"
        FACTOR_REMOVED = "factor-removed", "Second factor removed"
        FACTOR_RESET = "factor-reset", "Second factor reset by a manager"
        RECOVERY_CODES_GENERATED = "codes-made", "New recovery codes"
        PASSWORD_CHANGED = "password-changed", "Password changed"
        PASSWORD_RESET_REQUESTED = "link-asked", "Link for a new password asked for"
        LINK_CREATED = "link-made", "Link made"
        LINK_REVOKED = "link-revoked", "Link revoked"
        LINK_USED = "link-used", "Link used"
        INVITED = "invited", "Invited"
        ROLES_CHANGED = "roles-changed", "Roles changed"
        DEACTIVATED = "deactivated", "Account closed"
        ACTIVATED = "activated", "Account opened again"
        ALL_SESSIONS_REVOKED = "sessions-ended", "Signed out everywhere"
        SESSION_REVOKED = "session-ended", "Signed out one device"

    at = models.DateTimeField("when", default=timezone.now, db_index=True)
    kind = models.CharField("what", max_length=30, choices=Kind.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="who"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="audit_events",
        verbose_name="whose account", help_text="Empty when nobody has the name that was typed.",
    )  # fmt: skip
    origin = models.CharField(max_length=16, blank=True, help_text="The same letters: the same network.")
    detail = models.CharField(max_length=200, blank=True)

    objects = AppendOnlyManager()

    class Meta:
        verbose_name = "sign-in event"
        verbose_name_plural = "sign-in events"
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d %H:%M}"
