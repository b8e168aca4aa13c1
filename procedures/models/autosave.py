"""Text that a person has typed and not saved yet, and who has a page open. It is no draft and has no history.

A reviewer's comments that are not sent yet are kept here as well, in one slot for each person and page.
"""

import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from procedures.models.page import Page

REVIEW = "review"


class AutosaveQuerySet(models.QuerySet["Autosave"]):
    """Slots by what they are for."""

    def of_page(self, page_id: int | None, form: str) -> Self:
        """Slots of one page, or of new pages in one form; a reviewer's comments are no text of the page."""
        return self.filter(page=page_id, **({} if page_id else {"form": form})).exclude(form=REVIEW)

    def with_text(self) -> Self:
        """Slots that hold something unsaved, the newest first."""
        return self.filter(typed_at__isnull=False).order_by("-typed_at")

    def open_since(self, moment: datetime.datetime) -> Self:
        """Slots whose window has been heard of since ``moment``."""
        return self.filter(seen_at__gte=moment)


class Autosave(models.Model):
    """One window in which one person has a form open. ``fields`` are the form's values by name, as typed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.ForeignKey(Page, null=True, on_delete=models.CASCADE, related_name="autosaves")
    form = models.CharField(max_length=8, choices=[("page", "page"), ("guide", "guide"), (REVIEW, REVIEW)])
    window = models.CharField(max_length=36, help_text="Made up by the browser for each form it opens.")
    version = models.PositiveIntegerField(default=0, help_text="The draft version that the form was opened with.")
    fields = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    typed_at = models.DateTimeField(null=True, help_text="Empty while nothing is unsaved.")
    seen_at = models.DateTimeField(db_index=True)

    objects = AutosaveQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "window"], name="autosave_once_per_window"),
            models.CheckConstraint(
                condition=~Q(window=""),
                name="autosave_names_its_window",
                violation_error_message="A window needs a name.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.page or self.form}"
