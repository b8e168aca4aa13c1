"""The public site: permanent paths of pages, links to other sites, page view counts, and reader feedback."""

import datetime
from typing import Any, ClassVar, NoReturn, Self

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.append_only import AppendOnlyError
from procedures import languages
from procedures.models.base import LanguageField
from procedures.models.clinic import clinic_json
from procedures.models.page import Page, without_text
from procedures.models.revisions import Release
from procedures.validators import validate_plain_text

MAX_COMMENT_LENGTH = 300


class PathQuerySet(models.QuerySet["Path"]):
    """Lookup by address. Rows can be neither deleted nor reassigned to another page."""

    def with_public_data(self) -> Self:
        """Select the page, its live release, its replacement, its translations, and the clinic, in one query.

        The clinic is in the language of the page.
        """
        translations = {
            f"path_{code}": models.Subquery(
                Page.objects.published()
                .in_language(code)
                .filter(subject=models.OuterRef("page__subject"))
                .values("live_release__path")[:1]
            )
            for code in languages.CODES
        }
        releases = Release.objects.filter(page=models.OuterRef("page")).order_by("-number")
        rows = self.select_related("page__live_release", "page__replaced_by__live_release")
        rows = without_text(rows.defer("page__live_release__document"), "page__replaced_by__live_release__")
        return rows.annotate(
            clinic=clinic_json(models.OuterRef(models.OuterRef("page__language"))),
            last_title=models.Subquery(releases.values("title")[:1]),
            link_places=F("page__live_release__document__places__addresses"),
            **translations,
        )

    def update(self, **kwargs: Any) -> int:
        """Update ``is_canonical``; raise AppendOnlyError for any other column."""
        if kwargs.keys() - {"is_canonical"}:
            raise AppendOnlyError("An address belongs to one page permanently.")
        return super().update(**kwargs)

    def delete(self) -> NoReturn:
        """Raise AppendOnlyError: an address that was ever public must keep working."""
        raise AppendOnlyError("Addresses are never deleted.")


class Path(models.Model):
    """One public address, such as ``/kyphoplasty/``, and the page that it belongs to permanently."""

    path = models.CharField(_("path"), max_length=120, unique=True)
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="paths", verbose_name=_("page"))
    is_canonical = models.BooleanField(_("current address"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    # The only columns that the triggers in portal/append_only.py allow to change.
    mutable_fields: ClassVar[tuple[str, ...]] = ("is_canonical",)
    objects = PathQuerySet.as_manager()
    # Set by ``with_public_data``.
    clinic: dict[str, Any] | None
    last_title: str
    # The offsets of the relative links in the live release's HTML (``Document.placeholder_offsets``).
    link_places: list[int] | None

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(
                fields=["page"],
                condition=Q(is_canonical=True),
                name="canonical_path_once_per_page",
                violation_error_message=_("A page can have only one canonical address."),
            ),
        ]

    def __str__(self) -> str:
        return self.path

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise AppendOnlyError."""
        raise AppendOnlyError("Addresses are never deleted.")


class ExternalLinkQuerySet(models.QuerySet["ExternalLink"]):
    def broken(self) -> Self:
        """Keep only broken links, longest broken first."""
        return self.filter(broken_since__isnull=False).order_by("broken_since", "url")


class ExternalLink(models.Model):
    """The last check of a link to another site.

    Only ``check_links --external`` writes these rows. It deletes a row when no page has the link any longer.
    """

    url = models.CharField(_("web address"), max_length=500, unique=True)
    pages = models.JSONField(_("pages"), default=list, help_text=_("The pages that have this link."))
    last_result = models.CharField(_("last result"), max_length=120, help_text=_("The result of the last check."))
    checked_at = models.DateTimeField(_("checked"))
    broken_since = models.DateTimeField(_("broken since"), null=True, blank=True)

    objects = ExternalLinkQuerySet.as_manager()

    class Meta:
        ordering = ["url"]
        verbose_name = _("external link")
        verbose_name_plural = _("external links")

    def __str__(self) -> str:
        return self.url


class PageView(models.Model):
    """The number of views of one address on one day. The language is that of the page."""

    day = models.DateField()
    path = models.CharField(max_length=130)
    language = LanguageField()
    views = models.PositiveIntegerField()

    class Meta:
        ordering = ["-day", "path"]
        constraints = [
            models.UniqueConstraint(fields=["day", "path", "language"], name="page_views_once_per_day_path"),
            models.CheckConstraint(
                condition=Q(views__gte=1),
                name="page_views_positive",
                violation_error_message=_("A view count must be at least 1."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.day}: {self.views}"


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def older_than(self, days: int, today: datetime.date) -> Self:
        """Keep only feedback received more than ``days`` days before ``today``."""
        return self.filter(received_on__lt=today - datetime.timedelta(days=days))


class Feedback(models.Model):
    """One reader's anonymous answer to “Was this clear?”.

    Only the day is stored: a time could reveal who was reading. Rows are permanently deleted, by staff or when they
    expire.
    """

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
    received_on = models.DateField(_("received"), default=timezone.localdate, db_index=True)
    is_read = models.BooleanField(_("read"), default=False)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        ordering = ["is_read", "-received_on", "-pk"]
        verbose_name = _("answer")
        verbose_name_plural = _("answers")

    def __str__(self) -> str:
        # Django's log of deletions stores this permanently, so it must not contain the reader's comment.
        return f"Answer {self.pk}: {self.page}"
