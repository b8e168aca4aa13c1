"""One-time links: an invitation, or the way to a new password. Only a hash of each is kept."""

import hashlib
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


def hash_of(token: str) -> str:
    """What is stored of a token. It is random and long: no salt and no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class StaffLinkQuerySet(models.QuerySet["StaffLink"]):
    """Which links still work."""

    def usable(self, at: datetime) -> Self:
        """Neither used nor revoked nor expired, and of an account that is open."""
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=at, user__is_active=True)

    def of_token(self, token: str, at: datetime) -> "StaffLink | None":
        """The usable link of this token, with its person."""
        return self.usable(at).filter(token_hash=hash_of(token)).select_related("user").first()


class StaffLink(models.Model):
    """Lets its bearer choose a password for ``user``, once."""

    class Purpose(models.TextChoices):
        """What its page says."""

        INVITATION = "invitation", "Invitation"
        PASSWORD = "password", "New password"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="links")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(StaffLinkQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("created_at")), name="staff_link_lasts"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} for {self.user}"
