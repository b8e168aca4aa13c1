"""Every public address that ever existed. Rows are added, never given to another page, never deleted."""

from typing import Any, NoReturn, Self

from django.db import models
from django.db.models import Q

from portal.append_only import AppendOnlyError
from procedures import languages
from procedures.models.clinic import clinic_json
from procedures.models.fields import LanguageField
from procedures.models.page import Page
from procedures.models.revisions import Release


class PathQuerySet(models.QuerySet["Path"]):
    """Reading by address, in one query."""

    def with_public_data(self, language: str) -> Self:
        """With the page, its live release, its replacement, its translations and the clinic, in one query."""
        translations = {
            f"path_{code}": models.Subquery(
                Page.objects.published()
                .in_language(code)
                .filter(subject=models.OuterRef("page__subject"))
                .values("live_release__path")[:1]
            )
            for code in languages.CODES
        }
        last = Release.objects.filter(page=models.OuterRef("page")).order_by("-number")
        return self.select_related("page__live_release", "page__replaced_by__live_release").annotate(
            clinic=clinic_json(language), last_title=models.Subquery(last.values("title")[:1]), **translations
        )

    def update(self, **kwargs: Any) -> int:
        """Which address is canonical may change; whose it is may not."""
        if kwargs.keys() - {"is_canonical"}:
            raise AppendOnlyError("An address belongs to one page for ever.")
        return super().update(**kwargs)

    def delete(self) -> NoReturn:
        """Always refused: an address once sent must answer for ever."""
        raise AppendOnlyError("Addresses are never deleted.")


class Path(models.Model):
    """One address, such as ``/kyphoplasty/``, and the page it belongs to for ever."""

    path = models.CharField(max_length=120, unique=True)
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="paths")
    is_canonical = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PathQuerySet.as_manager()
    # Set by ``for_reading``.
    clinic: dict[str, Any] | None
    last_title: str

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(
                fields=["page"],
                condition=Q(is_canonical=True),
                name="canonical_path_once_per_page",
                violation_error_message="A page has one address that counts.",
            ),
        ]

    def __str__(self) -> str:
        return self.path

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Always refused."""
        raise AppendOnlyError("Addresses are never deleted.")


class ExternalLinkQuerySet(models.QuerySet["ExternalLink"]):
    """What staff want to see."""

    def broken(self) -> Self:
        """Links that lead nowhere, the longest broken first."""
        return self.filter(broken_since__isnull=False).order_by("broken_since", "url")


class ExternalLink(models.Model):
    """Written by ``check_links --external`` only; a link that no page has any more is forgotten."""

    url = models.CharField(max_length=500, unique=True)
    pages = models.JSONField(default=list, help_text="Addresses of our pages that lead there.")
    answer = models.CharField(max_length=120, help_text="What it answered last, in words.")
    checked_at = models.DateTimeField()
    broken_since = models.DateTimeField(null=True, blank=True)

    objects = ExternalLinkQuerySet.as_manager()

    class Meta:
        ordering = ["url"]

    def __str__(self) -> str:
        return self.url


class PageView(models.Model):
    """One day, one address. The language is that of the page."""

    day = models.DateField()
    path = models.CharField(max_length=130)
    language = LanguageField()
    reads = models.PositiveIntegerField()

    class Meta:
        ordering = ["-day", "path"]
        constraints = [
            models.UniqueConstraint(fields=["day", "path", "language"], name="page_views_once_per_day_path"),
            models.CheckConstraint(
                condition=Q(reads__gte=1), name="page_views_positive", violation_error_message="Count from 1 on."
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.day}: {self.reads}"
