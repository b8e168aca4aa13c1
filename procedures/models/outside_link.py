"""A web address of somebody else that our pages lead to, and what it answered last."""

from typing import Self

from django.db import models


class OutsideLinkQuerySet(models.QuerySet["OutsideLink"]):
    """What staff want to see."""

    def broken(self) -> Self:
        """Links that lead nowhere, the longest broken first."""
        return self.filter(broken_since__isnull=False).order_by("broken_since", "url")


class OutsideLink(models.Model):
    """Written by ``check_links --outside`` only; a link that no page has any more is forgotten."""

    url = models.CharField(max_length=500, unique=True)
    pages = models.JSONField(default=list, help_text="Addresses of our pages that lead there.")
    answer = models.CharField(max_length=120, help_text="What it answered last, in words.")
    checked_at = models.DateTimeField()
    broken_since = models.DateTimeField(null=True, blank=True)

    objects = OutsideLinkQuerySet.as_manager()

    class Meta:
        ordering = ["url"]

    def __str__(self) -> str:
        return self.url
