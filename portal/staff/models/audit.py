"""What happened to accounts: written once, read by managers."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.append_only import AppendOnly, AppendOnlyManager


class AuditEvent(AppendOnly):
    """One line of the log. ``origin`` is a keyed hash: it says "the same network as then", not which."""

    class Kind(models.TextChoices):
        """What may happen. A kind is never renamed: the log outlives the program."""

        SIGNED_IN = "signed-in", "Signed in"
        SIGNED_OUT = "signed-out", "Signed out"
        TIMED_OUT = "timed-out", "Signed out by time"
        REFUSED = "refused", "Sign-in refused"
        SLOWED = "slowed", "Too many attempts"
        CODE_REFUSED = "code-refused", "Code or passkey refused"
        RECOVERY_CODE = "recovery-code", "Signed in with a recovery code"
        FACTOR_ADDED = "factor-added", "Second factor added"
        FACTOR_REMOVED = "factor-removed", "Second factor removed"
        FACTOR_RESET = "factor-reset", "Second factor reset by a manager"
        CODES_MADE = "codes-made", "New recovery codes"
        PASSWORD_CHANGED = "password-changed", "Password changed"
        LINK_ASKED = "link-asked", "Link for a new password asked for"
        LINK_MADE = "link-made", "Link made"
        LINK_REVOKED = "link-revoked", "Link revoked"
        LINK_USED = "link-used", "Link used"
        INVITED = "invited", "Invited"
        ROLES_CHANGED = "roles-changed", "Roles changed"
        DEACTIVATED = "deactivated", "Account closed"
        ACTIVATED = "activated", "Account opened again"
        SESSIONS_ENDED = "sessions-ended", "Signed out everywhere"
        SESSION_ENDED = "session-ended", "Signed out one device"

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
