"""Counts of attempts, shared by all workers."""

from django.db import models
from django.utils import timezone


class Throttle(models.Model):
    """One bucket of attempts. ``key`` is a keyed hash: names that were typed and addresses stand nowhere in clear."""

    key = models.CharField(max_length=64, primary_key=True)
    attempts = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now, db_index=True)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.attempts} attempts"
