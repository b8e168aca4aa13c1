"""Where somebody is signed in, in words that they recognise."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class StaffSession(models.Model):
    """One signed-in browser. The session itself is Django's; this row is its line in the person's list."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    session_key = models.CharField(max_length=40, unique=True)
    device = models.CharField(max_length=80)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return self.device
