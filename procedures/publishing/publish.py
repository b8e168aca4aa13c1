"""The only writer of releases: renders, checks, stores, moves the live pointer and the address, in one transaction."""

import calendar
import contextlib
import datetime
import hashlib
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.figures.approval import FigureVersion
from procedures.models import Approval, Clinic, Page, Path, Release, ReleaseDependency, ReleaseEvent, Revision
from procedures.models.page import public_path
from procedures.phones import find_phone_error
from procedures.publishing.anchor_redirects import AnchorPlan, render_with_anchor_plan
from procedures.publishing.checks import check_rendered_draft, check_rerelease
from procedures.publishing.review import current_approval, is_translation_checked
from procedures.publishing.timezones import get_clinic_timezone
from procedures.rendering import RENDERER_VERSION, Issue, ReferenceResolver, RenderedPage

PUBLISHING_FIELDS = ("live_release withdrawn_reason replaced_by scheduled_revision publish_at scheduled_change").split()


class PublishError(Exception):
    """Nothing was published. ``problems`` say what to mend."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__("; ".join(str(problem) for problem in issues))
        self.issues = issues


@transaction.atomic
def publish(revision: Revision, *, actor: User, what_changed: str = "") -> Release:
    """Make an approved revision what the public reads. Raises PublishRefusedError; then nothing has changed.

    Publishing twice (a double click, two managers) makes one release: the second call returns it.
    """
    page = revision.page
    lock_page(page)
    approval = current_approval(revision)
    if approval is None:
        raise PublishError([Issue(0, "This text is not approved. Send it for review first.")])
    refuse_phone_numbers("The line about what changed", what_changed)
    live = page.live_release
    if live and is_published(page, revision, approval):
        if page.scheduled_revision_id == revision.pk:
            page.save(update_fields=clear_schedule(page))
        return live
    library = ReferenceResolver(page.language, FigureVersion.APPROVED)
    release = _create_release(
        revision, approval=approval, actor=actor, kind=EventKind.PUBLISHED, what_changed=what_changed, library=library
    )
    rerelease_picture_indexes(actor=actor)
    return release


@transaction.atomic
def publish_starter(revision: Revision, *, library: ReferenceResolver | None = None) -> Release:
    """Release a text that came with the content folder; it carries the starter line until a reviewer approves it."""
    lock_page(revision.page)
    return _create_release(
        revision, approval=None, actor=None, kind=EventKind.PUBLISHED, check_links=False, library=library
    )


@transaction.atomic
def rerelease_page(
    page: Page, *, actor: User | None, library: ReferenceResolver | None = None, update_indexes: bool = True
) -> Release | None:
    """Release the live text again with today's pictures, terms, sources and clinic answers.

    The approved words stay as they are, so the approval stays too. None when nothing would change. A picture that
    waits for approval stays out: the page shows the one that it has. ``indexes=False``: the caller renews many pages
    and calls ``rebuild_indexes`` when they are done.
    """
    # Another may have published or withdrawn it since this page was fetched.
    lock_page(page)
    live = page.live_release
    if live is None:
        return None
    library = library or ReferenceResolver(page.language)
    prepared = render_with_anchor_plan(page, live.revision.content, library=library)
    rendered = prepared[0]
    checked = is_translation_checked(live.revision)
    if rendered.html == live.html and checked == live.translation_checked and not _dependencies_changed(live, rendered):
        return None
    release = _create_release(
        live.revision,
        approval=live.approval,
        actor=actor,
        kind=EventKind.REBUILT,
        check_links=False,
        library=library,
        prepared=prepared,
    )
    if update_indexes:
        rerelease_picture_indexes(actor=actor)
    return release


def refuse_phone_numbers(field_name: str, text: str) -> None:
    """Refuse a phone number in a line that patients read beside a page: it would not change with the clinic's."""
    clinic = Clinic.objects.first()
    own = (clinic.phone, clinic.after_hours_phone) if clinic else ()
    if sentence := find_phone_error(text, field_name, own):
        raise PublishError([Issue(0, sentence)])


def rerelease_picture_indexes(*, actor: User | None) -> None:
    """Take pictures that no other page shows any more out of the indexes of pictures; their files are closed already.

    An index that cannot be rebuilt stays as it is, without those pictures.
    """
    shown = ReleaseDependency.objects.filter(
        figure_approval=OuterRef("figure_approval"), kind="figure", release__live_on__isnull=False
    )
    stale = ReleaseDependency.objects.filter(~Exists(shown), kind="indexed", release__live_on__isnull=False)
    for page in Page.objects.filter(live_release__in=stale.values("release")):
        with contextlib.suppress(PublishError):
            rerelease_page(page, actor=actor)


def _dependencies_changed(live: Release, rendered: RenderedPage) -> bool:
    before = {(used.kind, used.key): used.fingerprint for used in live.dependencies.all()}
    return before != {(used.kind, used.key): used.fingerprint for used in rendered.dependencies}


def _create_release(
    revision: Revision,
    *,
    approval: Approval | None,
    actor: User | None,
    kind: EventKind,
    what_changed: str = "",
    check_links: bool = True,
    library: ReferenceResolver | None = None,
    prepared: tuple[RenderedPage, AnchorPlan] | None = None,
) -> Release:
    """The page is locked already. ``prepared``: what ``planned`` has just given for this text, to render it once."""
    page, content = revision.page, revision.content
    library = library or ReferenceResolver(page.language)
    rendered, plan = prepared or render_with_anchor_plan(page, content, library=library)
    last = page.releases.order_by("-number").values_list("number", flat=True).first() or 0
    live = page.live_release if kind == EventKind.REBUILT else None
    problems = (
        check_rerelease(live, rendered)
        if live
        else check_rendered_draft(page, content, rendered, library, check_links=check_links)
    )
    if not library.are_figures_unchanged(used for used in rendered.dependencies if used.kind == "figure"):
        problems.append(Issue(0, "Another picture was saved while this page was being published. Publish it again."))
    if problems:
        raise PublishError(problems)
    now, zone = timezone.now(), get_clinic_timezone()
    path = public_path(page.language, page.kind, content["slug"])
    values: dict[str, Any] = {
        "path": path,
        "title": content["title"],
        "key_message": content["key_message"],
        "description": content["description"],
        "html": rendered.html,
    }
    release = Release.objects.create(
        page=page,
        number=last + 1,
        revision=revision,
        approval=approval,
        **values,
        sections=[asdict(section) for section in rendered.sections],
        old_anchors=plan.old_anchors,
        anchor_renames=plan.anchor_renames,
        lost_anchors=plan.lost_anchors,
        thumbnail=rendered.thumbnail,
        minutes=rendered.reading_minutes,
        grade=rendered.reading_level,
        sha256=hash_release(**values),
        renderer_version=RENDERER_VERSION,
        author_name=str(revision.author) if revision.author else "",
        reviewer_name=str(approval.reviewer) if approval else "",
        published_by=actor,
        published_at=now,
        # Renewing shows new clinic values. It is no review and no news: both dates and the line about it stay.
        reviewed_on=timezone.localdate(approval.created_at, zone) if approval else None,
        next_review_on=live.next_review_on
        if live
        else add_months(timezone.localdate(now, zone), content["review_months"]),
        is_starter=approval is None,
        translation_checked=is_translation_checked(revision),
        what_changed=live.what_changed if live else what_changed,
    )
    ReleaseDependency.objects.bulk_create(
        ReleaseDependency(
            release=release,
            kind=used.kind,
            key=used.key,
            fingerprint=used.fingerprint,
            figure_id=used.figure_id,
            figure_approval=library.get_figure_approval(used),
        )
        for used in rendered.dependencies
    )
    _set_canonical_path(page, path)
    page.live_release, page.withdrawn_reason, page.replaced_by = release, "", None
    # A text that waits for its time is not what was made new here.
    kept = () if kind == EventKind.REBUILT else clear_schedule(page)
    page.save(update_fields=["live_release", "withdrawn_reason", "replaced_by", *kept])
    ReleaseEvent.objects.create(page=page, kind=kind, revision=revision, release=release, actor=actor)
    return release


def lock_page(page: Page) -> None:
    """What publishing writes, as it is now, locked: PostgreSQL waits here, SQLite did when the transaction began."""
    lock_clinic_values()
    page.refresh_from_db(fields=PUBLISHING_FIELDS, from_queryset=Page.objects.select_for_update(of=("self",)))


def is_published(page: Page, revision: Revision, approval: Approval) -> bool:
    """Whether patients read exactly this text, on the strength of this approval."""
    live = page.live_release
    return live is not None and live.revision_id == revision.pk and live.approval_id == approval.pk


def lock_clinic_values() -> None:
    """Wait for a change of the clinic's values, and let the next one wait: else one of both would not see the other.

    Publishing and the list of warning signs take this lock, too, always before they lock or write anything else, so
    that two transactions never wait for each other.
    """
    list(Clinic.objects.select_for_update().values_list("pk"))


def clear_schedule(page: Page) -> tuple[str, ...]:
    """Nothing is planned for this page any more. Unsaved: returns the names of the changed fields."""
    page.scheduled_revision, page.publish_at, page.scheduled_change = None, None, ""
    return "scheduled_revision", "publish_at", "scheduled_change"


def _set_canonical_path(page: Page, path: str) -> None:
    """Make ``path`` the page's canonical address; earlier ones stay and lead here."""
    page.paths.filter(is_canonical=True).exclude(path=path).update(is_canonical=False)
    Path.objects.update_or_create(path=path, page=page, defaults={"is_canonical": True})


def hash_release(*, path: str, title: str, key_message: str, description: str, html: str) -> str:
    """sha256 (hex) of what the public reads."""
    return hashlib.sha256("\0".join([path, title, key_message, description, html]).encode()).hexdigest()


def add_months(date: datetime.date, months: int) -> datetime.date:
    """The same day ``months`` later, or the last day of that month."""
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return date.replace(year=year, month=month + 1, day=min(date.day, calendar.monthrange(year, month + 1)[1]))


@transaction.atomic
def withdraw(page: Page, *, actor: User, reason: str, replaced_by: Page | None = None) -> None:
    """Take a page from the public. Its addresses answer 410 with the reason and what replaced it."""
    lock_page(page)
    if page.live_release is None:
        raise PublishError([Issue(0, "This page is not public.")])
    if not reason.strip():
        raise PublishError([Issue(0, "Say why, in words that a patient may read.")])
    refuse_phone_numbers("The reason", reason)
    if replaced_by is not None and (replaced_by == page or replaced_by.live_release is None):
        raise PublishError([Issue(0, "The page that takes its place must be another one, and public.")])
    if replaced_by is not None:
        # Pages that this one had replaced now lead on to the new one: a reader never meets two closed doors.
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
