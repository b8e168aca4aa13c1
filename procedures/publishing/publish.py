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

from portal.staff.models import User
from procedures.enums import EventKind
from procedures.figures.approval import Pictures
from procedures.markdown import RENDERER_VERSION, Library, Problem, RenderedPage
from procedures.models import Approval, Clinic, Page, Path, Release, ReleaseEvent, ReleaseInput, Revision
from procedures.models.page import public_path
from procedures.phones import phone_in_plain_text
from procedures.publishing.anchors import AnchorPlan, planned
from procedures.publishing.clock import clinic_zone
from procedures.publishing.readiness import caused_by_values, readiness
from procedures.publishing.review import standing_approval, translation_is_checked

PUBLISHED_FIELDS = ("live_release withdrawn_reason replaced_by scheduled_revision publish_at scheduled_change").split()


class PublishRefusedError(Exception):
    """Nothing was published. ``problems`` say what to mend."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


@transaction.atomic
def publish(revision: Revision, *, actor: User, what_changed: str = "") -> Release:
    """Make an approved revision what the public reads. Raises PublishRefusedError; then nothing has changed.

    Publishing twice (a double click, two managers) makes one release: the second call returns it.
    """
    page = revision.page
    take_turn(page)
    approval = standing_approval(revision)
    if approval is None:
        raise PublishRefusedError([Problem(0, "This text is not approved. Send it for review first.")])
    refuse_phones("The line about what changed", what_changed)
    live = page.live_release
    if live and is_published(page, revision, approval):
        if page.scheduled_revision_id == revision.pk:
            page.save(update_fields=forget_time(page))
        return live
    library = Library(page.language, Pictures.APPROVED)
    release = _release(
        revision, approval=approval, actor=actor, kind=EventKind.PUBLISHED, what_changed=what_changed, library=library
    )
    rebuild_indexes(actor=actor)
    return release


@transaction.atomic
def publish_starter(revision: Revision, *, library: Library | None = None) -> Release:
    """Release a text that came with the content folder; it carries the starter line until a reviewer approves it."""
    take_turn(revision.page)
    return _release(revision, approval=None, actor=None, kind=EventKind.PUBLISHED, links=False, library=library)


@transaction.atomic
def renew(page: Page, *, actor: User | None, library: Library | None = None, indexes: bool = True) -> Release | None:
    """Release the live text again with today's pictures, terms, sources and clinic answers.

    The approved words stay as they are, so the approval stays too. None when nothing would change. A picture that
    waits for approval stays out: the page shows the one that it has. ``indexes=False``: the caller renews many pages
    and calls ``rebuild_indexes`` when they are done.
    """
    # Another may have published or withdrawn it since this page was fetched.
    take_turn(page)
    live = page.live_release
    if live is None:
        return None
    library = library or Library(page.language)
    prepared = planned(page, live.revision.content, library=library)
    rendered = prepared[0]
    checked = translation_is_checked(live.revision)
    if rendered.html == live.html and checked == live.translation_checked and not _inputs_changed(live, rendered):
        return None
    release = _release(
        live.revision,
        approval=live.approval,
        actor=actor,
        kind=EventKind.RENEWED,
        links=False,
        library=library,
        prepared=prepared,
    )
    if indexes:
        rebuild_indexes(actor=actor)
    return release


def refuse_phones(name: str, text: str) -> None:
    """Refuse a phone number in a line that patients read beside a page: it would not change with the clinic's."""
    clinic = Clinic.objects.first()
    own = (clinic.phone, clinic.after_hours_phone) if clinic else ()
    if sentence := phone_in_plain_text(text, name, own):
        raise PublishRefusedError([Problem(0, sentence)])


def rebuild_indexes(*, actor: User | None) -> None:
    """Take pictures that no other page shows any more out of the indexes of pictures; their files are closed already.

    An index that cannot be rebuilt stays as it is, without those pictures.
    """
    shown = ReleaseInput.objects.filter(
        figure_approval=OuterRef("figure_approval"), kind="figure", release__live_on__isnull=False
    )
    stale = ReleaseInput.objects.filter(~Exists(shown), kind="indexed", release__live_on__isnull=False)
    for page in Page.objects.filter(live_release__in=stale.values("release")):
        with contextlib.suppress(PublishRefusedError):
            renew(page, actor=actor)


def _inputs_changed(live: Release, rendered: RenderedPage) -> bool:
    before = {(used.kind, used.key): used.fingerprint for used in live.inputs.all()}
    return before != {(used.kind, used.key): used.fingerprint for used in rendered.inputs}


def _release(
    revision: Revision,
    *,
    approval: Approval | None,
    actor: User | None,
    kind: EventKind,
    what_changed: str = "",
    links: bool = True,
    library: Library | None = None,
    prepared: tuple[RenderedPage, AnchorPlan] | None = None,
) -> Release:
    """The page is locked already. ``prepared``: what ``planned`` has just given for this text, to render it once."""
    page, content = revision.page, revision.content
    library = library or Library(page.language)
    rendered, plan = prepared or planned(page, content, library=library)
    last = page.releases.order_by("-number").values_list("number", flat=True).first() or 0
    live = page.live_release if kind == EventKind.RENEWED else None
    problems = caused_by_values(live, rendered) if live else readiness(page, content, rendered, library, links=links)
    if not library.figures_are_unchanged(used for used in rendered.inputs if used.kind == "figure"):
        problems.append(Problem(0, "Another picture was saved while this page was being published. Publish it again."))
    if problems:
        raise PublishRefusedError(problems)
    now, zone = timezone.now(), clinic_zone()
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
        anchors=plan.ids,
        lost_anchors=plan.lost,
        thumbnail=rendered.thumbnail,
        minutes=rendered.minutes,
        grade=rendered.level,
        sha256=release_hash(**values),
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
        translation_checked=translation_is_checked(revision),
        what_changed=live.what_changed if live else what_changed,
    )
    ReleaseInput.objects.bulk_create(
        ReleaseInput(
            release=release,
            kind=used.kind,
            key=used.key,
            fingerprint=used.fingerprint,
            figure_id=used.figure_id,
            figure_approval=library.figure_approval(used),
        )
        for used in rendered.inputs
    )
    _claim_path(page, path)
    page.live_release, page.withdrawn_reason, page.replaced_by = release, "", None
    # A text that waits for its time is not what was made new here.
    kept = () if kind == EventKind.RENEWED else forget_time(page)
    page.save(update_fields=["live_release", "withdrawn_reason", "replaced_by", *kept])
    ReleaseEvent.objects.create(page=page, kind=kind, revision=revision, release=release, actor=actor)
    return release


def take_turn(page: Page) -> None:
    """What publishing writes, as it is now, locked: PostgreSQL waits here, SQLite did when the transaction began."""
    lock_values()
    page.refresh_from_db(fields=PUBLISHED_FIELDS, from_queryset=Page.objects.select_for_update(of=("self",)))


def is_published(page: Page, revision: Revision, approval: Approval) -> bool:
    """Whether patients read exactly this text, on the strength of this approval."""
    live = page.live_release
    return live is not None and live.revision_id == revision.pk and live.approval_id == approval.pk


def lock_values() -> None:
    """Wait for a change of the clinic's values, and let the next one wait: else one of both would not see the other.

    Publishing and the list of warning signs take this lock, too, always before they lock or write anything else, so
    that two transactions never wait for each other.
    """
    list(Clinic.objects.select_for_update().values_list("pk"))


def forget_time(page: Page) -> tuple[str, ...]:
    """Nothing is planned for this page any more. Unsaved: returns the names of the changed fields."""
    page.scheduled_revision, page.publish_at, page.scheduled_change = None, None, ""
    return "scheduled_revision", "publish_at", "scheduled_change"


def _claim_path(page: Page, path: str) -> None:
    """Make ``path`` the page's canonical address; earlier ones stay and lead here."""
    page.paths.filter(is_canonical=True).exclude(path=path).update(is_canonical=False)
    Path.objects.update_or_create(path=path, page=page, defaults={"is_canonical": True})


def release_hash(*, path: str, title: str, key_message: str, description: str, html: str) -> str:
    """sha256 (hex) of what the public reads."""
    return hashlib.sha256("\0".join([path, title, key_message, description, html]).encode()).hexdigest()


def add_months(day: datetime.date, months: int) -> datetime.date:
    """The same day ``months`` later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


@transaction.atomic
def withdraw(page: Page, *, actor: User, reason: str, replaced_by: Page | None = None) -> None:
    """Take a page from the public. Its addresses answer 410 with the reason and what replaced it."""
    take_turn(page)
    if page.live_release is None:
        raise PublishRefusedError([Problem(0, "This page is not public.")])
    if not reason.strip():
        raise PublishRefusedError([Problem(0, "Say why, in words that a patient may read.")])
    refuse_phones("The reason", reason)
    if replaced_by is not None and (replaced_by == page or replaced_by.live_release is None):
        raise PublishRefusedError([Problem(0, "The page that takes its place must be another one, and public.")])
    if replaced_by is not None:
        # Pages that this one had replaced now lead on to the new one: a reader never meets two closed doors.
        page.replaces.exclude(pk=replaced_by.pk).update(replaced_by=replaced_by)
    release = page.live_release
    page.live_release, page.withdrawn_reason, page.replaced_by = None, reason.strip(), replaced_by
    page.save(update_fields=["live_release", "withdrawn_reason", "replaced_by", *forget_time(page)])
    ReleaseEvent.objects.create(
        page=page,
        kind=EventKind.WITHDRAWN,
        release=release,
        revision=release.revision,
        actor=actor,
        reason=reason,
    )
    rebuild_indexes(actor=actor)
