"""Append-only history: revisions, approvals, releases, and events; also autosaves, which are temporary."""

import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.append_only import AppendOnly, AppendOnlyManager, AppendOnlyQuerySet
from procedures.enums import PUBLIC_EVENTS, Decision, EventKind
from procedures.models.clinic import clinic_json
from procedures.models.figure import Figure
from procedures.models.page import COMMENT_REQUIRED_MESSAGE, MAX_LINE_LENGTH, HashedContent, Page


class Revision(HashedContent):
    """A complete saved draft. ``author`` is null for texts from the content folder."""

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="revisions", verbose_name=_("page"))
    number = models.PositiveIntegerField(_("number"))
    content = models.JSONField(_("content"))
    content_hash = models.CharField(_("content hash"), max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("author"),
    )
    copied_authors = models.JSONField(
        _("authors of the original"),
        default=list,
        help_text=_("Keys of the people who wrote the page that this text was copied or imported from."),
    )
    note = models.CharField(_("note"), max_length=MAX_LINE_LENGTH, blank=True)
    created_at = models.DateTimeField(_("time"), auto_now_add=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["page", "-number"]
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        constraints = [
            models.UniqueConstraint(fields=["page", "number"], name="revision_number_once_per_page"),
        ]

    def __str__(self) -> str:
        return f"{self.page} {self.version_name}"

    @property
    def version_name(self) -> str:
        """The short name in URLs, such as ``r12``."""
        return f"r{self.number}"


class ApprovalQuerySet(AppendOnlyQuerySet["Approval"]):
    """Queries by the kind of decision."""

    def decisions(self) -> Self:
        """Keep only decisions on whether a text may be published."""
        return self.exclude(decision=Decision.TRANSLATION_CHECKED)

    def translator_checks(self, revision: Revision) -> Self:
        """Keep only a qualified translator's checks of exactly this text."""
        return self.filter(
            revision__page=revision.page_id,
            content_hash=revision.content_hash,
            decision=Decision.TRANSLATION_CHECKED,
        )


ApprovalManager = models.Manager.from_queryset(ApprovalQuerySet)


class Approval(AppendOnly):
    """A reviewer's decision on one revision. It applies only to that text: any later change has another hash."""

    revision = models.ForeignKey(
        Revision, on_delete=models.PROTECT, related_name="approvals", verbose_name=_("revision")
    )
    content_hash = models.CharField(_("content hash"), max_length=64)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("reviewer")
    )
    decision = models.CharField(_("decision"), max_length=20, choices=Decision.choices)
    comment = models.TextField(_("comment"), blank=True)
    created_at = models.DateTimeField(_("time"), auto_now_add=True)

    objects = ApprovalManager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = [
            models.CheckConstraint(
                condition=~Q(decision=Decision.SENT_BACK) | ~Q(comment=""),
                name="sent_back_approval_has_comment",
                violation_error_message=COMMENT_REQUIRED_MESSAGE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}: {self.revision}"


class ApprovalFingerprint(AppendOnly):
    """The texts from elsewhere, such as the clinic's answers, that a page printed when it was approved.

    A row of its own: approvals from before these were stored get one at the next load (see
    ``record_missing_fingerprints``).
    """

    approval = models.OneToOneField(Approval, on_delete=models.PROTECT, related_name="fingerprint")
    dependencies = models.JSONField(help_text=_("Kind, key, and fingerprint of each text, as in ReleaseDependency."))
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["approval"]

    def __str__(self) -> str:
        return str(self.approval)


class FigureApprovalQuerySet(AppendOnlyQuerySet["FigureApproval"]):
    """Queries about where approved figures are shown."""

    def with_state(self) -> Self:
        """Annotate ``is_public`` (a live release shows it) and ``is_void`` (the page was sent back or withdrawn
        later).
        """
        shown = ReleaseDependency.objects.live().filter(figure_approval=OuterRef("pk"), kind="figure")
        sent_back = Approval.objects.filter(
            revision__page=OuterRef("approval__revision__page"),
            pk__gt=OuterRef("approval"),
            decision=Decision.SENT_BACK,
        )
        withdrawn = ReleaseEvent.objects.filter(
            page=OuterRef("approval__revision__page"),
            kind=EventKind.WITHDRAWN,
            created_at__gt=OuterRef("approval__created_at"),
        )
        return self.annotate(is_public=Exists(shown), is_void=Exists(sent_back) | Exists(withdrawn))

    def public(self) -> Self:
        """Keep only figures that live releases show. Picture indexes do not count: they list what other pages show."""
        return self.with_state().filter(is_public=True)


FigureApprovalManager = models.Manager.from_queryset(FigureApprovalQuerySet)


class FigureApproval(AppendOnly):
    """A version of a figure that releases may show, either approved by a reviewer along with a text or supplied with
    the product.

    ``snapshot`` stores the figure as it was, so that a page can be rebuilt while a newer picture awaits approval.
    """

    # Null after a figure that was never public is deleted.
    figure = models.ForeignKey(Figure, null=True, on_delete=models.SET_NULL, related_name="approvals")
    approval = models.ForeignKey(
        Approval,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="figure_approvals",
        help_text=_("Empty for pictures from the content folder."),
    )
    figure_hash = models.CharField(
        max_length=64, help_text=_("Hash of what was approved: the pixels, the drawings, the kind, and the source.")
    )
    snapshot = models.JSONField()
    snapshot_hash = models.CharField(max_length=64)
    files = models.JSONField(default=list, help_text=_("File names: the original, renditions, and drawings."))
    created_at = models.DateTimeField(auto_now_add=True)

    clearable_fields = ("figure",)
    objects = FigureApprovalManager()
    # Set by ``with_state``.
    is_public: bool
    is_void: bool

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.figure}: {self.approval or 'supplied'}"


class ReviewComment(AppendOnly):
    """A reviewer's comment on one paragraph, made with a decision. ``quote`` is the paragraph as readers see it."""

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="comments")
    quote = models.TextField()
    text = models.TextField()

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["approval", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(text=""),
                name="review_comment_not_empty",
                violation_error_message=_("Say what to change in this paragraph."),
            ),
        ]

    def __str__(self) -> str:
        return self.text


class ReleaseQuerySet(AppendOnlyQuerySet["Release"]):
    """Queries for public releases."""

    def live(self) -> Self:
        """Keep only releases that the public reads now."""
        return self.filter(live_on__isnull=False)

    def for_booklet(self, path: str, language: str) -> Self:
        """Select the live guide at ``path`` and the live pages that it lists, with the clinic, in one query."""
        listed = ReleaseDependency.objects.live().filter(release__path=path, kind="page")
        return (
            self.live()
            .filter(Q(path=path) | Q(page__language=language, page__subject__in=listed.values("key")))
            .select_related("page", "revision")
            .annotate(clinic=clinic_json(language))
        )


ReleaseManager = models.Manager.from_queryset(ReleaseQuerySet)


class Release(AppendOnly):
    """A published version: pre-rendered HTML and everything needed to show it.

    Nothing is rendered during a page view.
    """

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="releases", verbose_name=_("page"))
    number = models.PositiveIntegerField(_("number"))
    revision = models.ForeignKey(
        Revision, on_delete=models.PROTECT, related_name="releases", verbose_name=_("revision")
    )
    approval = models.ForeignKey(
        Approval, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("approval")
    )
    path = models.CharField(_("web address"), max_length=120, help_text=_("The canonical address as of this release."))
    title = models.CharField(_("title"), max_length=100)
    key_message = models.CharField(_("key message"), max_length=MAX_LINE_LENGTH)
    description = models.CharField(_("description"), max_length=155)
    html = models.TextField(help_text=_("The rendered, sanitized article."))
    sections = models.JSONField(
        _("sections"), default=list, help_text=_("Plain text by section, for search: anchor, title, text.")
    )
    document = models.JSONField(
        _("document"),
        null=True,
        blank=True,
        help_text=_("The tree of the article (rendering.document), used for comparisons and checks."),
    )
    old_anchors = models.JSONField(
        _("old anchors"),
        default=dict,
        help_text=_("Anchors of earlier releases, each with the anchor of the section that replaced it."),
    )
    anchor_renames = models.JSONField(
        _("anchor renames"),
        default=dict,
        help_text=_("Anchors that the text alone would produce, each with the anchor used instead."),
    )
    lost_anchors = models.JSONField(
        _("lost anchors"),
        default=dict,
        help_text=_("Old anchors whose section no longer exists, each with the last anchor of that section."),
    )
    thumbnail = models.JSONField(_("thumbnail"), null=True, blank=True, help_text=_("Small picture for cards."))
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=1, help_text=_("Reading time."))
    grade = models.FloatField(
        _("reading level"), null=True, blank=True, help_text=_("Reading level: Flesch–Kincaid or Fernández-Huerta.")
    )
    sha256 = models.CharField(
        max_length=64, help_text=_("Hash of the path, title, key message, description, and HTML.")
    )
    renderer_version = models.PositiveSmallIntegerField(_("renderer version"))
    author_name = models.CharField(_("author"), max_length=150, blank=True)
    reviewer_name = models.CharField(_("reviewer"), max_length=150, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("published by"),
    )
    published_at = models.DateTimeField(_("published"))
    reviewed_on = models.DateField(
        _("reviewed"),
        null=True,
        help_text=_("The day of the approval in the clinic's time zone; empty for starter texts."),
    )
    next_review_on = models.DateField(_("next review"))
    is_starter = models.BooleanField(
        _("supplied starter text"), default=False, help_text=_("Not reviewed by the clinic yet.")
    )
    translation_checked = models.BooleanField(
        _("translation checked"),
        default=False,
        help_text=_("A qualified translator's check of exactly this text is on record."),
    )
    what_changed = models.CharField(_("what changed"), max_length=MAX_LINE_LENGTH, blank=True)

    objects = ReleaseManager()
    # Set by ``for_booklet``.
    clinic: dict[str, Any] | None

    class Meta:
        ordering = ["page", "-number"]
        verbose_name = _("published version")
        verbose_name_plural = _("published versions")
        constraints = [
            models.UniqueConstraint(fields=["page", "number"], name="release_number_once_per_page"),
            models.CheckConstraint(
                condition=Q(is_starter=True) | Q(approval__isnull=False),
                name="release_is_approved_or_starter",
                violation_error_message=_("A public text must be approved or be starter text."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} #{self.number}"

    @property
    def version_name(self) -> str:
        """The short name in URLs, such as ``v3``."""
        return f"v{self.number}"

    @property
    def article(self) -> SafeString:
        """The stored HTML, marked safe: only publishing writes it, sanitized, and ``check_releases`` verifies it."""
        return SafeString(self.html)


class ReleaseDependencyQuerySet(AppendOnlyQuerySet["ReleaseDependency"]):
    """Queries for what public pages depend on."""

    def live(self) -> Self:
        """Keep only dependencies of releases that the public reads now."""
        return self.filter(release__live_on__isnull=False)


ReleaseDependencyManager = models.Manager.from_queryset(ReleaseDependencyQuerySet)


class ReleaseDependency(AppendOnly):
    """A value that a release was rendered with, and its fingerprint. A different fingerprint today makes it stale."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="dependencies")
    kind = models.CharField(
        max_length=12, help_text="figure, indexed, series, term, source, care, signs, page, title, clinic, list."
    )
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    figure = models.ForeignKey(
        Figure, null=True, blank=True, on_delete=models.PROTECT, related_name="release_dependencies"
    )
    figure_approval = models.ForeignKey(
        FigureApproval,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="release_dependencies",
        help_text=_("The approved version of the figure that the release shows."),
    )

    objects = ReleaseDependencyManager()

    class Meta:
        ordering = ["release", "kind", "key"]
        # For usage lookups, because the table grows with each release.
        indexes = [models.Index(fields=["kind", "key"], name="release_dependency_kind_key")]
        constraints = [
            models.UniqueConstraint(fields=["release", "kind", "key"], name="dependency_once_per_release"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class ReleaseEventQuerySet(AppendOnlyQuerySet["ReleaseEvent"]):
    """Queries for public events, and for the decisions that still apply."""

    def public(self) -> Self:
        """Keep only events that changed what the public reads, newest first.

        Their keys increase in the order in which they become visible, so a reader that has seen one has seen all
        earlier ones: publishing takes the lock of ``lock_clinic_values`` before it stores one. Other events don't: on
        PostgreSQL, one of them can become visible before a public event with a lower key.
        """
        return self.filter(kind__in=PUBLIC_EVENTS).order_by("-pk")

    def with_lapse(self) -> Self:
        """Annotate ``has_lapsed``: whether an approval no longer applies.

        It lapses when the text is sent back, when a newer revision with another text is published, or when the page is
        withdrawn. Each of these locks the page before it stores its event, so the keys of a page's events are in order.
        """
        is_same_text = Q(revision__content_hash=OuterRef("revision__content_hash"))
        is_newer = Q(revision__number__gt=OuterRef("revision__number"))
        lapse = (
            Q(kind=EventKind.WITHDRAWN)
            | (Q(kind=EventKind.SENT_BACK) & is_same_text)
            | (Q(kind=EventKind.PUBLISHED) & is_newer & ~is_same_text)
        )
        later = ReleaseEvent.objects.filter(page=OuterRef("page"), pk__gt=OuterRef("pk"))
        return self.annotate(has_lapsed=Exists(later.filter(lapse)))

    def approvals_in_force(self) -> Self:
        """Keep only approvals that still apply (see ``with_lapse``)."""
        return self.filter(kind=EventKind.APPROVED).with_lapse().filter(has_lapsed=False)


ReleaseEventManager = models.Manager.from_queryset(ReleaseEventQuerySet)


class ReleaseEvent(AppendOnly):
    """One entry of the log: what happened to a page, who did it, when, and why."""

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="events", verbose_name=_("page"))
    kind = models.CharField(_("action"), max_length=20, choices=EventKind.choices)
    revision = models.ForeignKey(
        Revision, null=True, blank=True, on_delete=models.PROTECT, related_name="events", verbose_name=_("revision")
    )
    release = models.ForeignKey(
        Release,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="events",
        verbose_name=_("published version"),
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("person"),
    )
    reason = models.TextField(_("reason"), blank=True)
    created_at = models.DateTimeField(_("time"), auto_now_add=True, db_index=True)

    objects = ReleaseEventManager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("event")
        verbose_name_plural = _("events")

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.page}"


class DigestDelivery(AppendOnly):
    """The weekly digest for one user. Stored before the mail is sent, so that no one receives it twice."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    week = models.CharField(max_length=8, help_text=_("ISO year and week, such as 2026-W47."))
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "week"], name="digest_once_per_user_and_week"),
        ]

    def __str__(self) -> str:
        return f"{self.week}: {self.user}"


REVIEW_FORM = "review"
MAX_CLIENT_ID_LENGTH = 36


class AutosaveQuerySet(models.QuerySet["Autosave"]):
    """Queries for unsaved text and for users who have a form open."""

    def for_form(self, page_id: int | None, form: str) -> Self:
        """Keep only autosaves of one page, or of new pages in one form; a reviewer's comments do not count."""
        return self.filter(page=page_id, **({} if page_id else {"form": form})).exclude(form=REVIEW_FORM)

    def with_unsaved_text(self) -> Self:
        """Keep only autosaves with unsaved text, newest first."""
        return self.filter(edited_at__isnull=False).order_by("-edited_at")

    def active_since(self, since: datetime.datetime) -> Self:
        """Keep only autosaves whose client has sent anything since ``since`` (aware)."""
        return self.filter(last_seen_at__gte=since)


class Autosave(models.Model):
    """A form that one user has open in one browser window. ``fields`` maps field names to values as typed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.ForeignKey(Page, null=True, on_delete=models.CASCADE, related_name="autosaves")
    form = models.CharField(max_length=8, choices=[("page", "page"), ("guide", "guide"), (REVIEW_FORM, REVIEW_FORM)])
    client_id = models.CharField(
        max_length=MAX_CLIENT_ID_LENGTH, help_text=_("Generated by the browser for each form that it opens.")
    )
    version = models.PositiveIntegerField(default=0, help_text=_("The draft version that the form was opened with."))
    fields = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, help_text=_("Empty while there are no unsaved changes."))
    last_seen_at = models.DateTimeField(db_index=True)

    objects = AutosaveQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "client_id"], name="autosave_once_per_client"),
            models.CheckConstraint(
                condition=~Q(client_id=""),
                name="autosave_has_client_id",
                violation_error_message=_("The client ID is missing."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.page or self.form}"
