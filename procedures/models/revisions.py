"""What was written, who approved it, what the public read, and when: append-only."""

import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.safestring import SafeString

from portal.append_only import AppendOnly, AppendOnlyManager, AppendOnlyQuerySet
from procedures.enums import Decision, EventKind
from procedures.models.clinic import clinic_json
from procedures.models.figure import Figure
from procedures.models.page import Page, hash_content


class Revision(AppendOnly):
    """One saved draft, whole. ``author`` is empty for texts that came with the content folder."""

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=240, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["page", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["page", "number"], name="revision_number_once_per_page"),
        ]

    def __str__(self) -> str:
        return f"{self.page} r{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; the hash always belongs to the content beside it."""
        self.content_hash = hash_content(self.content)
        super().save(*args, **kwargs)


class Approval(AppendOnly):
    """A reviewer's decision on one revision. It holds for that text only: any later change has another hash."""

    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="approvals")
    content_hash = models.CharField(max_length=64)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=20, choices=Decision.choices)
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(decision=Decision.SENT_BACK) | ~Q(comment=""),
                name="sent_back_approval_has_comment",
                violation_error_message="Say what to change, so that the editor knows what to do.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}: {self.revision}"


class FigureApprovalQuerySet(AppendOnlyQuerySet["FigureApproval"]):
    """Reading approvals of pictures."""

    def with_state(self) -> Self:
        """Adds ``is_public`` (a live release shows it) and ``is_void`` (the page was sent back since)."""
        live = ReleaseDependency.objects.filter(release__live_on__isnull=False)
        shown = live.filter(figure_approval=OuterRef("pk"), kind="figure")
        sent_back = Approval.objects.filter(
            revision__page=OuterRef("approval__revision__page"),
            pk__gt=OuterRef("approval"),
            decision=Decision.SENT_BACK,
        )
        return self.annotate(is_public=Exists(shown), is_void=Exists(sent_back))

    def public(self) -> Self:
        """Pictures that live releases show. An index of pictures does not count: it lists what others show."""
        return self.with_state().filter(is_public=True)


FigureApprovalManager = models.Manager.from_queryset(FigureApprovalQuerySet)


class FigureApproval(AppendOnly):
    """A picture that releases may show: pixels that a reviewer approved with a text, or that came with the product.

    ``snapshot`` holds the figure as it was, so that a page can be rebuilt while a newer picture waits for approval.
    """

    # Kept without its figure where that was never public and is deleted.
    figure = models.ForeignKey(Figure, null=True, on_delete=models.SET_NULL, related_name="approvals")
    approval = models.ForeignKey(
        Approval,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="figures",
        help_text="Empty for pictures from the content folder.",
    )
    figure_hash = models.CharField(
        max_length=64, help_text="Of what was approved: pixels, drawings and the kind of picture."
    )
    snapshot = models.JSONField()
    snapshot_hash = models.CharField(max_length=64)
    files = models.JSONField(default=list, help_text="Names of the files: master, sizes, drawings.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FigureApprovalManager()
    # Set by ``with_state``.
    is_public: bool
    is_void: bool

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.figure}: {self.approval or 'supplied'}"


class ReviewComment(AppendOnly):
    """What a reviewer said at one paragraph, together with a decision. ``quote``: its words, as a reader saw them."""

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
                violation_error_message="Write what to change at this paragraph.",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class ReleaseQuerySet(AppendOnlyQuerySet["Release"]):
    """Reading releases."""

    def live(self) -> Self:
        """What the public reads now."""
        return self.filter(live_on__isnull=False)

    def for_booklet(self, path: str, language: str) -> Self:
        """The live guide at ``path`` and the live pages that it was made from, with the clinic: one query."""
        named = ReleaseDependency.objects.filter(release__live_on__isnull=False, release__path=path, kind="page")
        return (
            self.live()
            .filter(Q(path=path) | Q(page__language=language, page__subject__in=named.values("key")))
            .select_related("page", "revision")
            .annotate(clinic=clinic_json(language))
        )


ReleaseManager = models.Manager.from_queryset(ReleaseQuerySet)


class Release(AppendOnly):
    """What the public reads: finished HTML and everything needed to show it, never recomputed on a visit."""

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="releases")
    approval = models.ForeignKey(Approval, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=120, help_text="Canonical address from this release on.")
    title = models.CharField(max_length=100)
    key_message = models.CharField(max_length=240)
    description = models.CharField(max_length=155)
    html = models.TextField(help_text="The rendered, sanitised article.")
    sections = models.JSONField(default=list, help_text="Plain text by section, for search: anchor, title, text.")
    old_anchors = models.JSONField(
        default=dict, help_text="Section addresses of earlier releases, and the sections that they lead to now."
    )
    anchors = models.JSONField(
        default=dict, help_text="Section addresses that differ from what the text alone would give, by the latter."
    )
    lost_anchors = models.JSONField(
        default=dict, help_text="Those of the old addresses whose section is gone, with its last address."
    )
    thumbnail = models.JSONField(null=True, blank=True, help_text="Small picture for cards.")
    minutes = models.PositiveSmallIntegerField(default=1, help_text="How long it takes to read.")
    grade = models.FloatField(null=True, blank=True, help_text="Reading level: Flesch–Kincaid or Fernández-Huerta.")
    sha256 = models.CharField(max_length=64, help_text="Of path, title, key message, description and HTML.")
    renderer_version = models.PositiveSmallIntegerField()
    author_name = models.CharField(max_length=150, blank=True)
    reviewer_name = models.CharField(max_length=150, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    published_at = models.DateTimeField()
    reviewed_on = models.DateField(null=True, help_text="Day of the approval by the clinic's clock; none for starters.")
    next_review_on = models.DateField()
    is_starter = models.BooleanField(default=False, help_text="Came with the portal; not yet reviewed by the clinic.")
    translation_checked = models.BooleanField(
        default=False, help_text="A qualified translator's check of exactly this text is on record."
    )
    what_changed = models.CharField(max_length=240, blank=True)

    objects = ReleaseManager()
    # Set by ``for_booklet``.
    clinic: dict[str, Any] | None

    class Meta:
        ordering = ["page", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["page", "number"], name="release_number_once_per_page"),
            models.CheckConstraint(
                condition=Q(is_starter=True) | Q(approval__isnull=False),
                name="release_is_approved_or_starter",
                violation_error_message="A text is public with an approval, or as starter text.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} #{self.number}"

    @property
    def article(self) -> SafeString:
        """The stored HTML for templates: only publishing writes it, cleaned; check_releases proves it since."""
        return SafeString(self.html)


class ReleaseDependency(AppendOnly):
    """What a release was made from besides its text, with a fingerprint: how "out of date" is known."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="inputs")
    kind = models.CharField(
        max_length=12, help_text="figure, indexed, series, term, source, care, signs, page, clinic, list."
    )
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    figure = models.ForeignKey(Figure, null=True, blank=True, on_delete=models.PROTECT, related_name="uses")
    figure_approval = models.ForeignKey(
        FigureApproval,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="uses",
        help_text="Which approved picture of the figure the release shows.",
    )

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["release", "kind", "key"]
        # For "where is this used": the table grows with each release.
        indexes = [models.Index(fields=["kind", "key"], name="release_dependency_kind_key")]
        constraints = [
            models.UniqueConstraint(fields=["release", "kind", "key"], name="dependency_once_per_release"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class ReleaseEvent(AppendOnly):
    """One line of the log: what happened to a page, by whom, when and why."""

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    revision = models.ForeignKey(Revision, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.page}"


class DigestDelivery(AppendOnly):
    """One mail with what is due, to one person, in one week: written first, so that nobody gets it twice."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    week = models.CharField(max_length=8, help_text="ISO year and week, such as 2026-W47.")
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


class AutosaveQuerySet(models.QuerySet["Autosave"]):
    """Slots by what they are for."""

    def for_form(self, page_id: int | None, form: str) -> Self:
        """Slots of one page, or of new pages in one form; a reviewer's comments are no text of the page."""
        return self.filter(page=page_id, **({} if page_id else {"form": form})).exclude(form=REVIEW_FORM)

    def with_unsaved_text(self) -> Self:
        """Slots that hold something unsaved, the newest first."""
        return self.filter(edited_at__isnull=False).order_by("-edited_at")

    def active_since(self, since: datetime.datetime) -> Self:
        """Slots whose window has been heard of since ``moment``."""
        return self.filter(last_seen_at__gte=since)


class Autosave(models.Model):
    """One window in which one person has a form open. ``fields`` are the form's values by name, as typed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.ForeignKey(Page, null=True, on_delete=models.CASCADE, related_name="autosaves")
    form = models.CharField(max_length=8, choices=[("page", "page"), ("guide", "guide"), (REVIEW_FORM, REVIEW_FORM)])
    client_id = models.CharField(max_length=36, help_text="Made up by the browser for each form it opens.")
    version = models.PositiveIntegerField(default=0, help_text="The draft version that the form was opened with.")
    fields = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, help_text="Empty while nothing is unsaved.")
    last_seen_at = models.DateTimeField(db_index=True)

    objects = AutosaveQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "client_id"], name="autosave_once_per_client"),
            models.CheckConstraint(
                condition=~Q(client_id=""),
                name="autosave_has_client_id",
                violation_error_message="A window needs a name.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.page or self.form}"
