"""A page: one subject in one language, and the draft that staff work on. The public never reads this draft."""

import datetime
import hashlib
import json
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from markdownx.models import MarkdownxField

from portal.validators import validate_single_line
from procedures import languages
from procedures.enums import PageKind
from procedures.models.base import NormalizedModel
from procedures.models.clinic import clinic_json
from procedures.models.fields import LanguageField
from procedures.models.figure import Figure
from procedures.validators import (
    MAX_DESCRIPTION_LENGTH,
    is_reserved_path,
    reserved_path_message,
    validate_no_sign_list,
    validate_page_slug,
    validate_plain_text,
    validate_slug,
)

# What lists show of a release.
CARD_FIELDS = ("title", "path", "key_message", "description", "thumbnail", "minutes")


class PageQuerySet(models.QuerySet["Page"]):
    """Who may see what, and what is due: the vocabulary of every list of pages."""

    def published(self) -> Self:
        """Pages that the public reads. The only place where that is decided."""
        return self.filter(live_release__isnull=False)

    def in_language(self, language: str) -> Self:
        """Pages in one language."""
        return self.filter(language=language)

    def guides(self) -> Self:
        """Only what an appointment email links to."""
        return self.filter(kind=PageKind.GUIDE)

    def on_home(self) -> Self:
        """Topics and guides: everything but pages about the clinic and the site."""
        return self.filter(kind__in=[kind for kind in PageKind if kind != PageKind.ABOUT])

    def due_for_review(self, date: datetime.date) -> Self:
        """Public pages whose review date has come by ``on``."""
        return self.published().filter(live_release__next_review_on__lte=date)

    def due_for_publishing(self, now: datetime.datetime) -> Self:
        """Pages with a scheduled revision whose time has come by ``at``."""
        return self.filter(publish_at__lte=now)

    def for_cards(self, language: str) -> Self:
        """Public pages of one language with their releases and the clinic, for lists: one query, no whole text."""
        return (
            self.published()
            .in_language(language)
            .select_related("live_release")
            .defer("body", "live_release__html", "live_release__sections")
            .annotate(clinic=clinic_json(language))
        )

    def for_sitemap(self) -> "models.QuerySet[Page, tuple[str, str, str, datetime.datetime]]":
        """Subject, language, address and time of publishing of every public page: no text, however many there are."""
        return self.published().values_list("subject", "language", "live_release__path", "live_release__published_at")

    def with_code(self, code: str) -> Self:
        """The page of a neutral code, also a withdrawn one: only its releases may be shown."""
        return self.filter(code=code).select_related("live_release")


class Page(NormalizedModel):
    """Identity plus the working draft. ``live_release`` is what the public reads instead."""

    subject = models.CharField(
        max_length=60, validators=[validate_slug], help_text="The same for all translations of this page."
    )
    language = LanguageField(default=languages.DEFAULT)
    kind = models.CharField(max_length=12, choices=PageKind.choices)
    order = models.PositiveSmallIntegerField(default=100, help_text="Smaller numbers stand first on the home page.")
    code = models.CharField(
        "neutral code",
        max_length=6,
        unique=True,
        editable=False,
        help_text="For letters: names no condition.",
    )

    slug = models.CharField(
        "address",
        max_length=80,
        validators=[validate_page_slug],
        help_text="The last part of the web address. If you change it, the old address keeps working.",
    )
    title = models.CharField(max_length=100, validators=[validate_single_line])
    key_message = models.CharField(
        max_length=240, validators=[validate_single_line], help_text="The one thing to remember. One sentence."
    )
    description = models.CharField(
        max_length=MAX_DESCRIPTION_LENGTH,
        validators=[validate_single_line],
        help_text="For search results: what this page answers. It may be seen in a link preview.",
    )
    body = MarkdownxField("text", blank=True, validators=[validate_plain_text])
    lead_figure = models.ForeignKey(
        Figure,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="leads",
        help_text="The picture that carries the message.",
    )
    next_page = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="The next step."
    )
    next_label = models.CharField(
        max_length=100,
        blank=True,
        validators=[validate_single_line],
        help_text="What the button says: what happens next.",
    )
    review_months = models.PositiveSmallIntegerField(
        "review every … months", default=12, help_text="The page comes back to you after this time."
    )

    # Counts the saves: two people who both save are told, instead of one losing (conditional UPDATE).
    draft_version = models.PositiveIntegerField(default=0, editable=False)
    live_release = models.OneToOneField(
        "Release", null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="live_on"
    )
    scheduled_revision = models.ForeignKey(
        "Revision", null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    publish_at = models.DateTimeField(null=True, blank=True, editable=False)
    scheduled_change = models.CharField(
        max_length=240, blank=True, editable=False, help_text="What changed, for readers, once it is public."
    )
    withdrawn_reason = models.CharField(max_length=240, blank=True, editable=False)
    replaced_by = models.ForeignKey(
        "self", null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="replaces"
    )
    translated_from = models.ForeignKey(
        "Revision",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="translations",
        help_text="The revision of the source text that this translation was made from.",
    )

    objects = PageQuerySet.as_manager()

    class Meta:
        ordering = ["order", "title"]
        permissions = [
            ("approve_page", "Can approve texts or send them back"),
            ("publish_page", "Can publish, schedule and withdraw pages"),
        ]
        # For the lists that patients read.
        indexes = [models.Index(fields=["language", "kind"], name="page_language_kind")]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "language"],
                name="page_once_per_subject_language",
                violation_error_message="There is a page on this subject in this language already.",
            ),
            models.CheckConstraint(
                condition=Q(publish_at__isnull=True, scheduled_revision__isnull=True)
                | Q(publish_at__isnull=False, scheduled_revision__isnull=False),
                name="schedule_has_time_and_revision",
                violation_error_message="A set time needs a text, and a text to be published later needs a time.",
            ),
            models.CheckConstraint(
                condition=Q(live_release__isnull=True) | Q(withdrawn_reason=""),
                name="live_page_is_not_withdrawn",
                violation_error_message="A page cannot be public and withdrawn at once.",
            ),
            models.CheckConstraint(
                condition=~Q(replaced_by=F("id")),
                name="page_does_not_replace_itself",
                violation_error_message="A page cannot take its own place. Choose another one.",
            ),
            models.CheckConstraint(
                condition=Q(review_months__gte=1, review_months__lte=36),
                name="review_months_in_range",
                violation_error_message="Choose 1 to 36 months.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    @property
    def is_translation(self) -> bool:
        """Whether the page is in another language than the source texts."""
        return self.language != languages.DEFAULT

    def clean(self) -> None:
        """The address must not be one that the site uses itself: the page could never be read there."""
        if self.slug and is_reserved_path(self.planned_path):
            raise ValidationError({"slug": reserved_path_message(self.planned_path)})

    @property
    def planned_path(self) -> str:
        """Where the draft will be read once it is published."""
        return public_path(self.language, self.kind, self.slug)

    def draft_content(self) -> dict[str, Any]:
        """The whole draft as plain data: what a Revision stores. References by name, so that it stands alone."""
        content: dict[str, Any] = {
            "slug": self.slug,
            "title": self.title,
            "key_message": self.key_message,
            "description": self.description,
            "body": self.body,
            "lead_figure": self.lead_figure.slug if self.lead_figure else "",
            "next_page": self.next_page.subject if self.next_page else "",
            "next_label": self.next_label,
            "review_months": self.review_months,
        }
        if self.kind == PageKind.GUIDE:
            content["items"] = [item.draft_content() for item in self.items.select_related("page")]
        return content


def public_path(language: str, kind: str, slug: str) -> str:
    """``/kyphoplasty/``, ``/es/cifoplastia/``, ``/visits/first-visit/``."""
    folder = "visits/" if kind == PageKind.GUIDE else ""
    return f"{languages.home_path(language)}{folder}{slug}/"


def hash_content(content: dict[str, Any] | list[dict[str, Any]]) -> str:
    """sha256 (hex) of a draft in canonical JSON; an approval is bound to it."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class Guide(Page):
    """A page that patients are sent before or after one kind of visit; it adds a reading list."""

    class Meta:
        proxy = True


class GuideItem(NormalizedModel):
    """One entry of a guide's reading list: a page, or a section of it."""

    guide = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="items")
    order = models.PositiveSmallIntegerField(default=0)
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="guide_items")
    section = models.CharField(max_length=80, blank=True, help_text="The section's anchor, or empty for the page.")
    minutes = models.PositiveSmallIntegerField(default=5, help_text="How long it takes to read.")
    note = models.CharField(max_length=200, blank=True, validators=[validate_single_line], help_text="Why to read it.")

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = "reading"
        constraints = [
            models.CheckConstraint(
                condition=Q(minutes__gte=1),
                name="guide_item_minutes_positive",
                violation_error_message="Reading takes 1 minute at least.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.page}#{self.section}" if self.section else str(self.page)

    def clean(self) -> None:
        """A note holds no list of warning signs."""
        validate_no_sign_list(self.guide.language, {"note": self.note})

    def draft_content(self) -> dict[str, Any]:
        """This entry as plain data."""
        return {
            "page": self.page.subject,
            "section": self.section,
            "minutes": self.minutes,
            "note": self.note,
        }
