"""Readers' answers to “Was this clear?”. Rows are really deleted: by staff, or when they reach the retention limit."""

import datetime

from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from procedures.models.page import Page
from procedures.validators import validate_plain_text

MAX_COMMENT_LENGTH = 300


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    """Queries by age."""

    def older_than(self, days: int, today: datetime.date) -> "FeedbackQuerySet":
        """Filter answers received more than ``days`` days before ``today``."""
        return self.filter(received_on__lt=today - datetime.timedelta(days=days))


def today() -> datetime.date:
    """Return the current date. The time is not stored, because it could reveal who was reading."""
    return timezone.localdate()


class Feedback(models.Model):
    """One anonymous answer; only the day is stored."""

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="feedback", verbose_name=_("page"))
    section = models.CharField(
        _("section"), max_length=80, blank=True, help_text=_("The anchor of the section it is about, if any.")
    )
    was_clear = models.BooleanField(_("clear"))
    comment = models.CharField(
        _("comment"),
        max_length=MAX_COMMENT_LENGTH,
        blank=True,
        validators=[MaxLengthValidator(MAX_COMMENT_LENGTH), validate_plain_text],
    )
    received_on = models.DateField(_("received on"), default=today, db_index=True)
    is_read = models.BooleanField(_("read"), default=False)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        ordering = ["is_read", "-received_on", "-pk"]
        verbose_name = _("answer to “Was this clear?”")
        verbose_name_plural = _("answers to “Was this clear?”")

    def __str__(self) -> str:
        # Django's log of deletions stores this permanently, so it must not contain the reader's comment.
        return f"Answer {self.pk}: {self.page}"
