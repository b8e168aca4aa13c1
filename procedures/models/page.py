"""Pages and guides: one subject in one language, with the draft that staff edit. The public never reads the draft."""

import datetime
import hashlib
import json
from typing import Any, Self, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from markdownx.models import MarkdownxField

from portal.append_only import AppendOnly
from portal.text import validate_single_line
from procedures import languages
from procedures.addresses import VISITS
from procedures.enums import Decision, PageKind
from procedures.models.base import LanguageField, NormalizedModel, normalize_newlines, normalize_value
from procedures.models.clinic import clinic_json
from procedures.models.figure import Figure
from procedures.validators import (
    MAX_DESCRIPTION_LENGTH,
    is_reserved_path,
    reserved_path_message,
    validate_plain_text,
    validate_printed_texts,
    validate_slug,
)

# For a decision that sends a text back without a comment.
COMMENT_REQUIRED_MESSAGE = _("Say what to change, so that the editor knows what to do.")
IDENTITY_FIXED_MESSAGE = _(
    "This can no longer be changed, because a version of this page was approved or published. Create a new page "
    "instead."
)
# Of single sentences: the key message, notes to colleagues, and lines for readers.
MAX_LINE_LENGTH = 240
DEFAULT_REVIEW_MONTHS, MAX_REVIEW_MONTHS = 12, 36
# The fields of a release that cards show.
CARD_FIELDS = ("title", "path", "description", "minutes")


Rows = TypeVar("Rows", bound="models.QuerySet[Any, Any]")


def without_text(rows: Rows, release: str = "live_release__") -> Rows:
    """Return the rows without the full text of their release, three times 200 kB for a long page.

    ``release``: the lookup of the release, empty for releases themselves.
    """
    return rows.defer(*(f"{release}{name}" for name in ("html", "sections", "document")))


class PageQuerySet(models.QuerySet["Page"]):
    """Visibility and due dates of pages; every list of pages is built from these methods."""

    def published(self) -> Self:
        """Keep only public pages. This is the only place that decides visibility."""
        return self.filter(live_release__isnull=False)

    def withdrawn(self) -> Self:
        """Keep only pages that were public and have been withdrawn."""
        return self.filter(live_release__isnull=True).exclude(withdrawn_reason="")

    def in_language(self, language: str) -> Self:
        """Keep only pages in one language."""
        return self.filter(language=language)

    def guides(self) -> Self:
        """Keep only guides, which appointment emails link to."""
        return self.filter(kind=PageKind.GUIDE)

    def on_home(self) -> Self:
        """Keep only topics and guides: everything but pages about the clinic and the site."""
        return self.filter(kind__in=[kind for kind in PageKind if kind != PageKind.ABOUT])

    def due_for_review(self, date: datetime.date) -> Self:
        """Keep only public pages whose review is due on or before ``date``."""
        return self.published().filter(live_release__next_review_on__lte=date)

    def due_for_publishing(self, now: datetime.datetime) -> Self:
        """Keep only pages whose scheduled revision is due at ``now`` (aware)."""
        return self.filter(publish_at__lte=now)

    def in_public_order(self) -> Self:
        """Order public pages as their readers see them: by position and public title, never by the draft's title."""
        return self.order_by("order", "live_release__title", "pk")

    def for_cards(self, language: str) -> Self:
        """Select public pages in one language with their releases and the clinic: one query, without the full text."""
        pages = self.published().in_language(language).in_public_order().select_related("live_release").defer("body")
        return without_text(pages).annotate(clinic=clinic_json(language))

    def for_sitemap(self) -> "models.QuerySet[Page, tuple[str, str, str, datetime.datetime]]":
        """Return the subject, language, path, and publication time of every public page, without loading any text."""
        pages = self.published().in_public_order()
        return pages.values_list("subject", "language", "live_release__path", "live_release__published_at")

    def with_code(self, code: str) -> Self:
        """Keep only the page with this short code, even if it is withdrawn; only its releases may be shown."""
        return self.filter(code=code).select_related("live_release")


class Page(NormalizedModel):
    """A page's identity and working draft. The public reads ``live_release`` instead."""

    subject = models.CharField(
        _("name shared by translations"),
        max_length=60,
        validators=[validate_slug],
        help_text=_("The same for all translations of this page."),
    )
    language = LanguageField(_("language"), default=languages.DEFAULT)
    kind = models.CharField(
        _("page type"),
        max_length=12,
        choices=PageKind.choices,
        help_text=_("It cannot change once a text of this page is approved, because it decides what patients read."),
    )
    order = models.PositiveSmallIntegerField(
        _("position"),
        default=100,
        help_text=_("Smaller numbers come first on the home page. Set by those who can publish: it applies at once."),
    )
    code = models.CharField(
        _("code for letters"),
        max_length=6,
        unique=True,
        editable=False,
        help_text=_("It does not reveal the condition."),
    )

    slug = models.CharField(
        _("web address"),
        max_length=80,
        validators=[validate_slug],
        help_text=_("The last part of the web address. If you change it, the old address keeps working."),
    )
    title = models.CharField(_("title"), max_length=100, validators=[validate_single_line])
    key_message = models.CharField(
        _("key message"),
        max_length=MAX_LINE_LENGTH,
        validators=[validate_single_line],
        help_text=_("The one thing to remember. One sentence."),
    )
    description = models.CharField(
        _("description"),
        max_length=MAX_DESCRIPTION_LENGTH,
        validators=[validate_single_line],
        help_text=_("For search results: the question that this page answers. It may appear in link previews."),
    )
    body = MarkdownxField(_("text"), blank=True, validators=[validate_plain_text])
    lead_figure = models.ForeignKey(
        Figure,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="lead_pages",
        verbose_name=_("main picture"),
        help_text=_("Shown at the top of the page."),
    )
    next_page = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("next page"),
        help_text=_("The page that the button at the end links to."),
    )
    next_label = models.CharField(
        _("button text"),
        max_length=100,
        blank=True,
        validators=[validate_single_line],
        help_text=_("Such as What happens next."),
    )
    review_months = models.PositiveSmallIntegerField(
        _("months between reviews"),
        default=DEFAULT_REVIEW_MONTHS,
        help_text=_("You are reminded when the next review is due."),
    )

    # Optimistic lock: each save increments it with a conditional UPDATE, so the second of two concurrent saves fails.
    draft_version = models.PositiveIntegerField(default=0, editable=False)
    live_release = models.OneToOneField(
        "Release",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="live_on",
        verbose_name=_("public version"),
    )
    scheduled_revision = models.ForeignKey(
        "Revision",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("scheduled revision"),
    )
    publish_at = models.DateTimeField(_("publish at"), null=True, blank=True, editable=False)
    scheduled_change = models.CharField(
        _("scheduled change"),
        max_length=MAX_LINE_LENGTH,
        blank=True,
        editable=False,
        help_text=_("What changed, for readers, once it is public."),
    )
    withdrawn_reason = models.CharField(
        _("reason for withdrawal"), max_length=MAX_LINE_LENGTH, blank=True, editable=False
    )
    replaced_by = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="replaces",
        verbose_name=_("replacement page"),
    )
    translated_from = models.ForeignKey(
        "Revision",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="translations",
        verbose_name=_("translated from"),
        help_text=_("The revision of the source text that this translation was made from."),
    )

    # Besides the text, these decide what patients read, and where. Revisions do not contain them, so a change must call
    # ``record_identity_change``.
    IDENTITY_FIELDS = ("kind", "language", "subject")

    objects = PageQuerySet.as_manager()

    class Meta:
        ordering = ["order", "title"]
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        permissions = [
            ("approve_page", "Can approve texts or send them back"),
            ("publish_page", "Can publish, schedule and withdraw pages"),
        ]
        # For the public lists of pages.
        indexes = [models.Index(fields=["language", "kind"], name="page_language_kind")]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "language"],
                name="page_once_per_subject_language",
                violation_error_message=_("Another page in this language already has this name. Choose another one."),
            ),
            models.CheckConstraint(
                condition=Q(publish_at__isnull=True, scheduled_revision__isnull=True)
                | Q(publish_at__isnull=False, scheduled_revision__isnull=False),
                name="schedule_has_time_and_revision",
                violation_error_message=_("A scheduled page needs both a time and a revision."),
            ),
            models.CheckConstraint(
                condition=Q(live_release__isnull=True) | Q(withdrawn_reason=""),
                name="live_page_is_not_withdrawn",
                violation_error_message=_("A page cannot be both public and withdrawn."),
            ),
            models.CheckConstraint(
                condition=~Q(replaced_by=F("id")),
                name="page_does_not_replace_itself",
                violation_error_message=_("A page cannot replace itself. Choose another one."),
            ),
            models.CheckConstraint(
                condition=Q(review_months__gte=1, review_months__lte=MAX_REVIEW_MONTHS),
                name="review_months_in_range",
                violation_error_message=_("Choose 1 to 36 months."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    @property
    def is_translation(self) -> bool:
        """Whether the page is in a language other than that of the source texts."""
        return self.language != languages.DEFAULT

    def clean(self) -> None:
        """Reject a new identity of an approved page, and an address that the site itself uses."""
        saved = Page.objects.filter(pk=self.pk).values(*self.IDENTITY_FIELDS).first() or {}
        changed = [name for name, value in saved.items() if value != getattr(self, name)]
        if changed and self.is_identity_fixed:
            raise ValidationError(dict.fromkeys(changed, IDENTITY_FIXED_MESSAGE))
        # The page could never be read there.
        if self.slug and is_reserved_path(self.planned_path):
            raise ValidationError({"slug": reserved_path_message(self.planned_path)})

    @property
    def is_identity_fixed(self) -> bool:
        """Whether ``IDENTITY_FIELDS`` are fixed: a reviewer approved, or the public has read, a text under them.

        A revision does not contain them, so a change would bypass review.
        """
        fixed = Q(releases__isnull=False) | Q(revisions__approvals__decision=Decision.APPROVED)
        return bool(self.pk) and Page.objects.filter(fixed, pk=self.pk).exists()

    @property
    def planned_path(self) -> str:
        """The path that the draft will have once it is published."""
        return public_path(self.language, self.kind, self.slug)

    @classmethod
    def field_label(cls, name: str) -> str:
        """Return the label of a field, as in the form, as a lazy string."""
        field: Any = cls._meta.get_field(name)
        label: str = capfirst(field.verbose_name)
        return label

    def shows(self, content_hash: str) -> bool:
        """Return whether the text with this hash is what patients read."""
        return self.live_release is not None and self.live_release.revision.content_hash == content_hash

    def draft_content(self) -> dict[str, Any]:
        """Return the whole draft as plain data, as a Revision stores it.

        Other rows are referenced by slug or subject, so that the data stays valid on its own.
        """
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
    """Return the public path, such as ``/kyphoplasty/``, ``/es/cifoplastia/``, or ``/visits/first-visit/``."""
    folder = VISITS if kind == PageKind.GUIDE else ""
    return f"{languages.home_path(language)}{folder}{slug}/"


def normalize_body(text: str) -> str:
    """Return Markdown as drafts and content files store it: LF newlines, and exactly one at the end; "" for none."""
    text = normalize_newlines(text).strip()
    return f"{text}\n" if text else ""


def normalize_draft(content: dict[str, Any]) -> dict[str, Any]:
    """Return fields of a draft (``Page.draft_content``) as they are stored, from fields as they were typed."""
    values: dict[str, Any] = normalize_value(content)
    for name in values.keys() & {"slug", "title", "next_label"}:
        values[name] = values[name].strip()
    for name in values.keys() & {"key_message", "description"}:
        values[name] = " ".join(values[name].split())
    if "body" in values:
        values["body"] = normalize_body(values["body"])
    for item in values.get("items", ()):
        item |= {"section": item["section"].strip(), "note": item["note"].strip()}
    return values


def hash_content(content: dict[str, Any] | list[dict[str, Any]]) -> str:
    """Return the SHA-256 (hex) of a draft as canonical JSON; an approval is bound to it."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class HashedContent(AppendOnly):
    """Base class of texts that are approved as a whole: their ``content_hash`` is that of their ``content``."""

    content: Any
    content_hash: Any

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row with the hash of its content."""
        self.content_hash = hash_content(self.content)
        super().save(*args, **kwargs)


class Guide(Page):
    """A page that patients receive before or after one kind of visit; it adds a reading list."""

    class Meta:
        proxy = True
        verbose_name = _("guide")
        verbose_name_plural = _("guides")


class GuideItem(NormalizedModel):
    """One entry of a guide's reading list: a page, or a section of it."""

    # Copied verbatim between drafts, files, and forms; a page is named by its subject or its primary key.
    PLAIN_FIELDS = ("section", "minutes", "note")
    FORM_FIELDS = ("order", "page", *PLAIN_FIELDS)

    guide = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="items", verbose_name=_("guide"))
    order = models.PositiveSmallIntegerField(_("position"), default=0)
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="guide_items", verbose_name=_("page"))
    section = models.CharField(
        _("section"),
        max_length=80,
        blank=True,
        help_text=_("The address of the section. Leave empty for the whole page."),
    )
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=5, help_text=_("Reading time in minutes."))
    note = models.CharField(
        _("note"), max_length=200, blank=True, validators=[validate_single_line], help_text=_("Why to read it.")
    )

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("reading list entry")
        verbose_name_plural = _("reading list")
        constraints = [
            models.CheckConstraint(
                condition=Q(minutes__gte=1),
                name="guide_item_minutes_positive",
                violation_error_message=_("The reading time must be at least 1 minute."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.page}#{self.section}" if self.section else str(self.page)

    def clean(self) -> None:
        """Reject lists of warning signs and phone numbers in the note."""
        validate_printed_texts(self.guide.language, {"note": self.note})

    def draft_content(self) -> dict[str, Any]:
        """Return this entry as plain data."""
        return {"page": self.page.subject, **{name: getattr(self, name) for name in self.PLAIN_FIELDS}}
