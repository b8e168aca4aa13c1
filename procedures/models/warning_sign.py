"""Warning signs: each has one level, and all pages print it from the same row."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.append_only import AppendOnly, AppendOnlyManager
from portal.text import validate_single_line
from procedures.enums import EventKind, SignLevel, SignTiming
from procedures.models.base import NormalizedModel
from procedures.models.fields import LanguageField
from procedures.models.page import hash_content
from procedures.validators import (
    validate_key,
    validate_no_markup,
    validate_no_phone,
    validate_sign_length,
    validate_word_list,
)


class WarningSign(models.Model):
    """A sign as the public reads it. Only the content loader and publishing an approved list write these rows."""

    key = models.CharField(_("key"), max_length=60, unique=True, validators=[validate_key])
    order = models.PositiveSmallIntegerField(_("order"), default=0, help_text=_("Position in the list."))
    level = models.CharField(_("level"), max_length=12, choices=SignLevel.choices)
    when = models.CharField(_("when"), max_length=8, choices=SignTiming.choices, default=SignTiming.BOTH)
    sources = models.JSONField(
        _("sources"), default=list, blank=True, validators=[validate_word_list], help_text=_("Keys of sources.")
    )

    class Meta:
        ordering = ["order", "key"]
        verbose_name = _("warning sign")
        verbose_name_plural = _("warning signs")

    def __str__(self) -> str:
        return self.key


class WarningSignText(NormalizedModel):
    """The text of a sign in one language, as a nurse would say it."""

    sign = models.ForeignKey(
        WarningSign, on_delete=models.CASCADE, related_name="texts", verbose_name=_("warning sign")
    )
    language = LanguageField(_("language"))
    text = models.CharField(
        _("text"), max_length=200, validators=[validate_single_line, validate_sign_length, validate_no_markup]
    )
    short = models.CharField(
        _("short"),
        max_length=100,
        blank=True,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("For the line at the top of every page."),
    )

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [
            models.UniqueConstraint(fields=["sign", "language"], name="sign_text_once_per_language"),
        ]

    def __str__(self) -> str:
        return self.text

    def clean(self) -> None:
        """Reject phone numbers: the list prints the clinic's own."""
        validate_no_phone({"text": self.text, "short": self.short})


class WarningSignRevision(AppendOnly):
    """A complete proposed list. ``author`` is null for a list from the content folder."""

    number = models.PositiveIntegerField(unique=True)
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=240, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"Warning signs r{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row with the hash of its content."""
        self.content_hash = hash_content(self.content)
        super().save(*args, **kwargs)


class WarningSignEvent(AppendOnly):
    """One entry of the list's history: who sent it for review, approved it, sent it back, or published it, and when."""

    EVENT_KINDS = (EventKind.SUBMITTED, EventKind.APPROVED, EventKind.SENT_BACK, EventKind.PUBLISHED)

    revision = models.ForeignKey(WarningSignRevision, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("kind"), max_length=20, choices=[(kind.value, kind.label) for kind in EVENT_KINDS])
    content_hash = models.CharField(max_length=64)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind=EventKind.SENT_BACK) | ~Q(comment=""),
                name="sent_back_signs_have_comment",
                violation_error_message=_("Say what to change, so that the editor knows what to do."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.revision}"
