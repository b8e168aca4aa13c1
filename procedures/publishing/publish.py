"""Publish, rerelease, and withdraw pages: the only module that creates releases.

Each operation renders, checks, stores, and updates the live pointer and the path in one transaction.
"""

import calendar
import contextlib
import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import asdict

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.models import User
from procedures.enums import Decision, EventKind
from procedures.figures.approval import FigureVersion
from procedures.models import Approval, Clinic, Page, Path, Release, ReleaseDependency, ReleaseEvent, Revision
from procedures.models.page import public_path
from procedures.phones import find_phone_error
from procedures.publishing.anchor_redirects import AnchorPlan, render_with_anchor_plan
from procedures.publishing.checks import check_draft, check_rerelease
from procedures.publishing.dependencies import check_approved_texts, describe_changes
from procedures.publishing.review import current_approval, is_translation_checked
from procedures.rendering import RENDERER_VERSION, Issue, ReferenceResolver, RenderedPage
from procedures.rendering.references import Dependency
from procedures.timezones import get_clinic_timezone
from procedures.triage import TriageDetector

PUBLISHING_FIELDS = ("live_release withdrawn_reason replaced_by scheduled_revision publish_at scheduled_change").split()
WHAT_CHANGED_LINE = gettext_lazy("The line about what changed")
WITHDRAWAL_REASON = gettext_lazy("The reason")
ALREADY_PUBLISHED_MESSAGE = gettext_lazy("This text is already published. Patients can read it now.")


class PublishError(Exception):
    """Raised if nothing was published. ``issues`` holds the reasons."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__("; ".join(str(issue) for issue in issues))
        self.issues = issues

    @classmethod
    def with_message(cls, message: str) -> "PublishError":
        """Return an error with one issue about the page as a whole."""
        return cls([Issue(0, message)])


@transaction.atomic
def publish(revision: Revision, *, actor: User, what_changed: str = "") -> Release:
    """Release an approved revision. Raise PublishError if it cannot be published, such as because a text that it prints
    from elsewhere has changed since the approval; in that case, nothing changes.

    Idempotent: if the revision is already published (a double click, two managers), return the existing release.
    """
    page = revision.page
    approval = lock_approved(revision, what_changed)
    live = page.live_release
    if live and is_published(page, revision, approval):
        if page.scheduled_revision_id == revision.pk:
            page.save(update_fields=clear_schedule(page))
        return live
    release = _create_release(
        revision,
        approval=approval,
        actor=actor,
        kind=EventKind.PUBLISHED,
        what_changed=what_changed,
        resolver=ReferenceResolver(page.language, FigureVersion.APPROVED),
    )
    rerelease_picture_indexes(actor=actor)
    return release


@transaction.atomic
def publish_starter(
    revision: Revision,
    *,
    resolver: ReferenceResolver | None = None,
    rendered_with_plan: tuple[RenderedPage, AnchorPlan] | None = None,
) -> Release:
    """Release a text from the content folder, marked as starter text until a reviewer approves it.

    ``rendered_with_plan``: the result of ``render_with_anchor_plan``, if the caller has locked and rendered the page.
    """
    lock_page(revision.page)
    return _create_release(
        revision,
        approval=None,
        actor=None,
        kind=EventKind.PUBLISHED,
        check_links=False,
        resolver=resolver or ReferenceResolver(revision.page.language),
        rendered_with_plan=rendered_with_plan,
    )


@transaction.atomic
def rerelease_page(
    page: Page,
    *,
    actor: User | None,
    resolver: ReferenceResolver | None = None,
    update_indexes: bool = True,
    only_check: bool = False,
) -> Release | None:
    """Release the live text again with the current pictures, terms, sources, and clinic answers.

    The text does not change, so its approval still applies. Return None if nothing would change. A picture that
    awaits approval is not used: the page shows the approved version. With ``update_indexes=False``, the caller must
    call ``rerelease_picture_indexes`` after the last page. With ``only_check``, only the translator's check is new:
    raise PublishError if anything else that the page shows has changed.
    """
    # The page may have been published or withdrawn since it was fetched.
    lock_page(page)
    live = page.live_release
    if live is None:
        return None
    resolver = resolver or ReferenceResolver(page.language)
    rendered_with_plan = render_with_anchor_plan(page, live.revision.content, resolver=resolver)
    rendered = rendered_with_plan[0]
    checked = is_translation_checked(live.revision)
    changed = changed_dependencies(live, rendered)
    if changed and only_check:
        message = _("Other things that it shows have changed as well: %(changes)s.")
        raise PublishError.with_message(message % {"changes": describe_changes(changed)})
    is_current = not changed and checked == live.translation_checked
    if is_current and rendered.html == live.html and rendered.document.to_json() == live.document:
        return None
    release = _create_release(
        live.revision,
        approval=live.approval,
        actor=actor,
        kind=EventKind.RERELEASED,
        resolver=resolver,
        rendered_with_plan=rendered_with_plan,
    )
    if update_indexes:
        rerelease_picture_indexes(actor=actor)
    return release


def lock_approved(revision: Revision, what_changed: str) -> Approval:
    """Lock the page, and return the approval of the revision. Raise PublishError if it cannot be published with this
    line for readers.
    """
    lock_page(revision.page)
    approval = current_approval(revision)
    if approval is None:
        message = _("A reviewer has not approved this text yet. Send it for review first.")
        approvals = Approval.objects.filter(revision__page=revision.page, content_hash=revision.content_hash)
        if approvals.filter(decision=Decision.APPROVED).exists():
            message = _(
                "The approval of this text no longer applies: the text was sent back, a newer one was published, or "
                "the page was withdrawn. Send it for review again."
            )
        raise PublishError.with_message(message)
    check_reader_line(revision.page.language, WHAT_CHANGED_LINE, what_changed)
    return approval


def check_reader_line(language: str, field_name: str | Promise, text: str) -> None:
    """Raise PublishError for a line to patients, such as what changed, that has a phone number or says what to do about
    warning signs: the line would not change with the clinic's number or with the list of signs.
    """
    clinic = Clinic.objects.first()
    clinic_numbers = (clinic.phone, clinic.after_hours_phone) if clinic else ()
    if message := find_phone_error(text, field_name, clinic_numbers):
        raise PublishError.with_message(message)
    if signs := TriageDetector(language).find_advised_signs(text):
        message = _(
            "Patients read this, and it says what to do about warning signs (%(signs)s). Warning signs come from "
            "one list: remove them here, and write something like “The list of warning signs is new.”"
        )
        raise PublishError.with_message(message % {"signs": "; ".join(sorted(signs))})


def rerelease_picture_indexes(*, actor: User | None) -> None:
    """Remove pictures that no other page shows any longer from the picture indexes.

    Their files are no longer served to the public, so an index that cannot be rebuilt merely lacks those pictures.
    """
    shown = ReleaseDependency.objects.live().filter(figure_approval=OuterRef("figure_approval"), kind="figure")
    stale = ReleaseDependency.objects.live().filter(~Exists(shown), kind="indexed")
    for page in Page.objects.filter(live_release__in=stale.values("release")):
        with contextlib.suppress(PublishError):
            rerelease_page(page, actor=actor)


def changed_dependencies(release: Release, rendered: RenderedPage) -> list[tuple[str, str]]:
    """Return the kind and key of each value that has changed between a release and its text rendered now, sorted."""
    before, now = _fingerprints(release.dependencies.all()), _fingerprints(rendered.dependencies)
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _fingerprints(dependencies: Iterable[Dependency | ReleaseDependency]) -> dict[tuple[str, str], str]:
    return {(dependency.kind, dependency.key): dependency.fingerprint for dependency in dependencies}


def _create_release(
    revision: Revision,
    *,
    approval: Approval | None,
    actor: User | None,
    kind: EventKind,
    what_changed: str = "",
    check_links: bool = True,
    resolver: ReferenceResolver,
    rendered_with_plan: tuple[RenderedPage, AnchorPlan] | None = None,
) -> Release:
    """Check and store a release, and make it live. The caller must hold the page lock.

    ``rendered_with_plan``: the result of ``render_with_anchor_plan`` for this text, if the caller already has it.
    """
    page, content = revision.page, revision.content
    rendered, plan = rendered_with_plan or render_with_anchor_plan(page, content, resolver=resolver)
    last_number = page.releases.order_by("-number").values_list("number", flat=True).first() or 0
    live = page.live_release if kind == EventKind.RERELEASED else None
    issues = (
        check_rerelease(live, rendered)
        if live
        else check_draft(page, content, rendered, resolver, check_links=check_links)
    )
    figures = (dependency for dependency in rendered.dependencies if dependency.kind == "figure")
    if approval and kind == EventKind.PUBLISHED:
        issues += check_approved_texts(approval, rendered, resolver)
    if not resolver.are_figures_unchanged(figures):
        message = _("A picture on this page was replaced while the page was being published. Publish the page again.")
        issues.append(Issue(0, message))
    if issues:
        raise PublishError(issues)
    now, zone = timezone.now(), get_clinic_timezone()
    path = public_path(page.language, page.kind, content["slug"])
    approved_on = timezone.localdate(approval.created_at, zone) if approval else None
    release = Release(
        page=page,
        number=last_number + 1,
        revision=revision,
        approval=approval,
        path=path,
        title=content["title"],
        key_message=content["key_message"],
        description=content["description"],
        html=rendered.html,
        sections=[asdict(section) for section in rendered.sections],
        document=rendered.document.to_json(),
        old_anchors=plan.old_anchors,
        anchor_renames=plan.anchor_renames,
        lost_anchors=plan.lost_anchors,
        thumbnail=rendered.thumbnail,
        minutes=rendered.reading_minutes,
        grade=rendered.reading_level,
        renderer_version=RENDERER_VERSION,
        author_name=str(revision.author) if revision.author else "",
        reviewer_name=str(approval.reviewer) if approval else "",
        published_by=actor,
        published_at=now,
        # A rerelease shows new values. It is not a review and changes no text: the review dates and what_changed
        # are kept.
        reviewed_on=live.reviewed_on if live else approved_on,
        next_review_on=live.next_review_on
        if live
        else add_months(approved_on or timezone.localdate(now, zone), content["review_months"]),
        is_starter=approval is None,
        translation_checked=is_translation_checked(revision),
        what_changed=live.what_changed if live else what_changed,
    )
    release.sha256 = hash_release(release)
    release.save()
    ReleaseDependency.objects.bulk_create(
        ReleaseDependency(
            release=release,
            kind=dependency.kind,
            key=dependency.key,
            fingerprint=dependency.fingerprint,
            figure_id=dependency.figure_id,
            figure_approval=resolver.get_figure_approval(dependency),
        )
        for dependency in rendered.dependencies
    )
    _set_canonical_path(page, path)
    page.live_release, page.withdrawn_reason, page.replaced_by = release, "", None
    # A rerelease keeps the schedule of a newer text.
    schedule_fields = () if kind == EventKind.RERELEASED else clear_schedule(page)
    page.save(update_fields=["live_release", "withdrawn_reason", "replaced_by", *schedule_fields])
    ReleaseEvent.objects.create(page=page, kind=kind, revision=revision, release=release, actor=actor)
    return release


def lock_page(page: Page) -> None:
    """Lock the page's row and reload ``PUBLISHING_FIELDS``.

    On SQLite, the transaction already holds the lock on the whole database.
    """
    lock_clinic_values()
    page.refresh_from_db(fields=PUBLISHING_FIELDS, from_queryset=Page.objects.select_for_update(of=("self",)))


def is_published(page: Page, revision: Revision, approval: Approval) -> bool:
    """Return whether the live release has exactly this revision and this approval."""
    live = page.live_release
    return live is not None and live.revision_id == revision.pk and live.approval_id == approval.pk


def lock_clinic_values() -> None:
    """Lock the clinic's row, which serializes publishing with changes to clinic values.

    Without it, a page published during such a change could keep the old value. Publishing, the list of warning signs,
    and clinic values all take this lock before any other, so that transactions cannot deadlock.
    """
    list(Clinic.objects.select_for_update().values_list("pk"))


def clear_schedule(page: Page) -> tuple[str, ...]:
    """Clear the schedule without saving. Return the names of the changed fields."""
    page.scheduled_revision, page.publish_at, page.scheduled_change = None, None, ""
    return "scheduled_revision", "publish_at", "scheduled_change"


def _set_canonical_path(page: Page, path: str) -> None:
    """Make ``path`` the page's canonical path; earlier paths remain and redirect to it."""
    page.paths.exclude(path=path).update(is_canonical=False)
    # Not update_or_create(), which also sets created_at: the database refuses that (portal/append_only.py).
    if not page.paths.filter(path=path).update(is_canonical=True):
        Path.objects.create(path=path, page=page)


def hash_release(release: Release) -> str:
    """Return the SHA-256 (hex) of what the public reads."""
    texts = (release.path, release.title, release.key_message, release.description, release.html)
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def add_months(date: datetime.date, months: int) -> datetime.date:
    """Return the same day ``months`` later, or the last day of that month."""
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return date.replace(year=year, month=month + 1, day=min(date.day, calendar.monthrange(year, month + 1)[1]))


@transaction.atomic
def withdraw(page: Page, *, actor: User | None, reason: str, replaced_by: Page | None = None) -> None:
    """Withdraw a public page. Its paths then return 410 with the reason and a link to the replacement.

    ``actor`` is None for a page of a content folder that was withdrawn elsewhere.

    Raise PublishError if the page is not public, or if the reason or the replacement is not acceptable.
    """
    lock_page(page)
    if page.live_release is None:
        raise PublishError.with_message(_("This page is not public."))
    if not reason.strip():
        raise PublishError.with_message(_("Enter a reason. Patients will see it."))
    check_reader_line(page.language, WITHDRAWAL_REASON, reason)
    if replaced_by is not None and (replaced_by == page or replaced_by.live_release is None):
        raise PublishError.with_message(_("The replacement must be a different, public page."))
    if replaced_by is not None:
        # Pages that this one replaced now point to the new replacement, so that readers do not land on a second
        # withdrawn page.
        page.replaces.exclude(pk=replaced_by.pk).update(replaced_by=replaced_by)
    release = page.live_release
    page.live_release, page.withdrawn_reason, page.replaced_by = None, reason.strip(), replaced_by
    page.save(update_fields=["live_release", "withdrawn_reason", "replaced_by", *clear_schedule(page)])
    ReleaseEvent.objects.create(
        page=page,
        kind=EventKind.WITHDRAWN,
        release=release,
        revision=release.revision,
        actor=actor,
        reason=reason,
    )
    rerelease_picture_indexes(actor=actor)
