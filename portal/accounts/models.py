"""Staff accounts, their one-time links, login throttling counts, and the audit log. Sessions are allauth's."""

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
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.append_only import AppendOnly, AppendOnlyManager
from portal.text import validate_single_line

__all__ = [
    "AccessToken",
    "AuditEvent",
    "AuditPosition",
    "KeyFingerprint",
    "PasswordResetRequest",
    "Throttle",
    "User",
    "find_user",
]


class User(AbstractUser):
    """A staff account. A custom model from the start, because swapping Django's user model later is hard to migrate.

    Usernames are stored in lower case, so ``Editor`` cannot be created next to ``editor``.
    """

    # ASCII only: letters of other alphabets can look like Latin ones, and two accounts must never look alike.
    username = models.CharField(
        _("username"),
        max_length=150,
        unique=True,
        help_text=_("Used to sign in, such as nina. Letters, digits, and . - _ @ +"),
        validators=[
            ASCIIUsernameValidator(
                message=_("Use only unaccented letters, digits, and . - _ @ +. Capitals make no difference.")
            )
        ],
        error_messages={"unique": _("This username is taken. Choose another one.")},
    )
    first_name = models.CharField(_("first name"), max_length=150, blank=True, validators=[validate_single_line])
    last_name = models.CharField(_("last name"), max_length=150, blank=True, validators=[validate_single_line])
    is_demo = models.BooleanField(
        default=False,
        editable=False,
        help_text=_("Created by serve --demo. Needs no second factor, but works only on loopback."),
    )
    # Part of the session auth hash: incrementing it ends every session of the account.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    deactivated_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_("When the account was closed; its personal data is deleted after the retention period."),
    )

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined,misc]
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(
                condition=Q(username=Lower("username")),
                name="staff_username_is_lower_case",
                violation_error_message=_("Use only lowercase letters in the username."),
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def clean(self) -> None:
        """Refuse an email address or a username that another account has as either one, because people sign in with
        both, and a look-alike username.
        """
        super().clean()
        self._validate_not_confusable()
        others = User.objects.exclude(pk=self.pk)
        if self.email and others.filter(email__iexact=self.email).exists():
            raise ValidationError(
                {"email": gettext("Another account already uses this email address. Use a different one.")}
            )
        if self.email and others.filter(username=User.normalize_username(self.email)).exists():
            raise ValidationError(
                {"email": gettext("Another account has this email address as its username. Use a different one.")}
            )
        if others.filter(email__iexact=self.username).exists():
            raise ValidationError(
                {"username": gettext("This is the email address of another account. Choose a different username.")}
            )

    def _validate_not_confusable(self) -> None:
        others = dict(User.objects.values_list("pk", "username"))
        if others.pop(self.pk, None) == self.username or self.username in others.values():
            return  # Unchanged, or taken: the field itself reports that.
        own_skeleton = skeleton(self.username)
        for other in others.values():
            if skeleton(other) == own_skeleton:
                message = gettext("This looks too much like the username %(username)s. Choose another one.")
                raise ValidationError({"username": message % {"username": other}})

    def clean_fields(self, exclude: Any = None) -> None:
        """Normalize the username before its characters are validated."""
        self.username = self.normalize_username(self.username)
        super().clean_fields(exclude=exclude)

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Return the stored form of a username: NFKC, trimmed, lower case."""
        return super().normalize_username(username).strip().lower()

    def set_password(self, raw_password: str | None) -> None:
        """Hash the normalized password: accented letters differ between keyboards (NIST SP 800-63B, 3.1.1.2)."""
        super().set_password(normalize_password(raw_password))

    def check_password(self, raw_password: str) -> bool:
        """Compare the normalized password. Always calls the hasher once, whatever the state of the account."""
        return super().check_password(normalize_password(raw_password) or "")

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        text = f"{self.password}|{self.session_epoch}"
        # Part of stored data; do not rename with the package.
        return salted_hmac("portal.staff.User.session", text, secret=secret, algorithm="sha256").hexdigest()


def skeleton(username: str) -> str:
    """Return a form that is equal for look-alike usernames: 1/l/i and 0/o are the same, separators are dropped."""
    joined = re.sub(r"[._-]", "", username.lower())
    return joined.replace("rn", "m").replace("vv", "w").translate(str.maketrans("1i0", "llo"))


def normalize_password(password: str | None) -> str | None:
    """Apply Unicode NFKC, so that a password typed on another keyboard still matches."""
    return None if password is None else unicodedata.normalize("NFKC", password)


def find_user(identifier: str) -> User | None:
    """Return the user with this username (in any case), else the only one with this email address.

    Always one query, so that response times do not reveal which accounts exist.
    """
    identifier = identifier.strip()
    is_username = Q(username=User.normalize_username(identifier))
    candidates = list(
        User.objects.filter(is_username | (Q(email__iexact=identifier) & ~Q(email="")))
        .annotate(is_username=is_username)
        .order_by("-is_username", "pk")[:2]
    )
    is_certain = len(candidates) == 1 or (candidates and candidates[0].is_username)
    return candidates[0] if is_certain else None


def keyed_hash(purpose: str, text: str) -> str:
    """Return a hash that only this installation can compute: 64 hexadecimal digits."""
    # Part of stored data; do not rename with the package.
    return salted_hmac(f"portal.staff.{purpose}", text, algorithm="sha256").hexdigest()


def hash_token(token: str) -> str:
    """Return the stored form of a token: SHA-256. Tokens are long and random, so no salt or slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    """Selects the tokens that still work."""

    def usable(self, now: datetime) -> Self:
        """Return tokens that are not used, revoked, or expired, and whose account is active."""
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=now, user__is_active=True)

    def find_by_token(self, token: str, now: datetime) -> "AccessToken | None":
        """Return the usable row of a raw token, with its user."""
        return self.usable(now).filter(token_hash=hash_token(token)).select_related("user").first()


class AccessToken(models.Model):
    """A one-time link that lets its holder set the password of ``user``. Only the hash is stored."""

    class Purpose(models.TextChoices):
        """Why the link was created; decides its lifetime and wording."""

        INVITATION = "invitation", _("Invitation")
        PASSWORD_RESET = "password", _("New password")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
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
    """What was typed on the password reset page, whether or not an account matches.

    A periodic task handles it later, so that the page takes the same time for known and unknown accounts.
    """

    identifier = models.CharField(max_length=254)
    requested_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"requested at {self.requested_at:%Y-%m-%d %H:%M}"


class Throttle(models.Model):
    """One attempt counter. ``key`` is a keyed hash, so no usernames or IP addresses are stored in clear text."""

    key = models.CharField(max_length=64, primary_key=True)
    attempts = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField(default=timezone.now, db_index=True)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.attempts} attempts"


class AuditEvent(AppendOnly):
    """One line of the audit log. ``origin`` is a keyed hash: equal values mean the same network, not which one."""

    class Kind(models.TextChoices):
        """Kinds of audit events. Their values are stored and exported, so never change them."""

        LOGGED_IN = "logged_in", _("Signed in")
        LOGGED_OUT = "logged_out", _("Signed out")
        SESSION_EXPIRED = "session_expired", _("Session expired")
        LOGIN_FAILED = "login_failed", _("Sign-in failed")
        THROTTLED = "throttled", _("Too many attempts")
        MFA_FAILED = "mfa_failed", _("Code or passkey rejected")
        RECOVERY_CODE_USED = "recovery_code_used", _("Signed in with a recovery code")
        FACTOR_ADDED = "factor_added", _("Second step added")
        FACTOR_REMOVED = "factor_removed", _("Second step removed")
        FACTOR_RESET = "factor_reset", _("Second step reset by a manager")
        RECOVERY_CODES_GENERATED = "recovery_codes_generated", _("New recovery codes")
        PASSWORD_CHANGED = "password_changed", _("Password changed")
        PASSWORD_RESET_REQUESTED = "password_reset_requested", _("Password reset requested")
        LINK_CREATED = "link_created", _("Link created")
        LINK_REVOKED = "link_revoked", _("Link revoked")
        LINK_USED = "link_used", _("Link used")
        INVITED = "invited", _("Invited")
        ROLES_CHANGED = "roles_changed", _("Roles changed")
        USERNAME_CHANGED = "username_changed", _("Username changed")
        EMAIL_CHANGED = "email_changed", _("Email address changed")
        NAME_CHANGED = "name_changed", _("Name changed")
        DEACTIVATED = "deactivated", _("Account deactivated")
        ACTIVATED = "activated", _("Account reactivated")
        ALL_SESSIONS_REVOKED = "all_sessions_revoked", _("Signed out everywhere")
        SESSION_REVOKED = "session_revoked", _("Signed out on one device")
        ACCOUNT_CREATED = "account_created", _("Account created by single sign-on")
        ACCOUNT_LINKED = "account_linked", _("Account connected to single sign-on")
        PURGED = "purged", _("Old data deleted")

    created_at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    kind = models.CharField(_("event"), max_length=30, choices=Kind.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("done by")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="audit_events",
        verbose_name=_("account"), help_text=_("Empty when no account matches what was typed."),
    )  # fmt: skip
    origin = models.CharField(
        _("network"), max_length=16, blank=True, help_text=_("Equal values mean the same network.")
    )
    detail = models.CharField(_("detail"), max_length=200, blank=True)

    objects = AppendOnlyManager()

    class Meta:
        verbose_name = _("sign-in event")
        verbose_name_plural = _("sign-in events")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.created_at:%Y-%m-%d %H:%M}"


class AuditPosition(models.Model):
    """How far the events of one source have been forwarded (portal/audit.py)."""

    source = models.CharField(max_length=40, primary_key=True)
    last_id = models.BigIntegerField(default=0)
    # Set while a machine is forwarding, so that no other one does.
    leased_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.source}: {self.last_id}"


class KeyFingerprint(models.Model):
    """The fingerprint of a secret key that this database was used with; the last row is the current one."""

    fingerprint = models.CharField(max_length=16)
    recorded_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.fingerprint}, since {self.recorded_at:%Y-%m-%d %H:%M}"
