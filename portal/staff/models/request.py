"""Somebody asked for a link to a new password."""

from django.db import models
from django.utils import timezone


class PasswordRequest(models.Model):
    """What was typed, known or not. It is answered a moment later, so that the page takes the same time for both."""

    typed = models.CharField(max_length=254)
    asked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"asked at {self.asked_at:%Y-%m-%d %H:%M}"
