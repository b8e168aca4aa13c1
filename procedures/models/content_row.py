"""What the content folder last wrote, so that a later load can tell its own rows from those that staff changed."""

from django.db import models


class ContentRow(models.Model):
    """One row of the content folder and the hash of what was loaded from it."""

    kind = models.CharField(max_length=12)
    key = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["kind", "key"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="content_row_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
