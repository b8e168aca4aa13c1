"""How often an address was opened on a day. Totals: nothing in them came from one reader."""

from django.db import models
from django.db.models import Q

from procedures.enums import Language


class ReadCount(models.Model):
    """One day, one address. The language is that of the page."""

    day = models.DateField()
    path = models.CharField(max_length=130)
    language = models.CharField(max_length=2, choices=Language.choices)
    reads = models.PositiveIntegerField()

    class Meta:
        ordering = ["-day", "path"]
        constraints = [
            models.UniqueConstraint(fields=["day", "path", "language"], name="reads_once_per_day_and_address"),
            models.CheckConstraint(
                condition=Q(reads__gte=1), name="reads_are_counted", violation_error_message="Count from 1 on."
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.day}: {self.reads}"
