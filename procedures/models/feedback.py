"""What a reader answered to “Was this clear?”. It is really deleted: by staff, or when its time is over."""

import datetime

from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils import timezone

from procedures.models.page import Page
from procedures.validators import validate_plain_text

MAX_COMMENT_LENGTH = 300


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    """What is due."""

    def older_than(self, days: int, today: datetime.date) -> "FeedbackQuerySet":
        """Answers given more than ``days`` days before ``on``."""
        return self.filter(received_on__lt=today - datetime.timedelta(days=days))


def today() -> datetime.date:
    """The date only: the minute could tell who was reading."""
    return timezone.localdate()


class Feedback(models.Model):
    """One answer. Nothing in it says who gave it; only the day is kept."""

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="feedback")
    section = models.CharField(max_length=80, blank=True, help_text="The anchor of the part it is about, if any.")
    was_clear = models.BooleanField("clear")
    comment = models.CharField(
        max_length=MAX_COMMENT_LENGTH,
        blank=True,
        validators=[MaxLengthValidator(MAX_COMMENT_LENGTH), validate_plain_text],
    )
    received_on = models.DateField(default=today, db_index=True)
    is_read = models.BooleanField("read", default=False)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        ordering = ["is_read", "-received_on", "-pk"]
        verbose_name = "answer to “Was this clear?”"
        verbose_name_plural = "answers to “Was this clear?”"

    def __str__(self) -> str:
        # Stands in the log of deletions for ever, so none of the reader's words are in it.
        return f"Answer {self.pk}: {self.page}"
