"""Task lists for staff (drafts sent back, texts to approve, reviews due), and their weekly digest.

Each list costs a fixed number of queries.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import mail
from portal.accounts.models import User
from portal.http import ADMIN_PREFIX
from procedures import languages
from procedures.enums import EventKind
from procedures.figures.approval import unapproved_figures
from procedures.languages.definition import ends_sentence
from procedures.models import DigestDelivery, Figure, Page, ReleaseDependency, ReleaseEvent, Revision, SeriesItem
from procedures.models.page import without_text
from procedures.publishing.dependencies import describe_changes
from procedures.publishing.rerelease import find_stale_pages
from procedures.publishing.review import (
    PageState,
    annotate_status,
    filter_by_state,
    filter_out_of_sync,
    find_text_authors,
    needs_other_reviewer,
)
from procedures.publishing.schedule import find_schedules_without_publisher, get_scheduled_pages
from procedures.publishing.warning_signs import explain_own_list, latest_decision, pending_revision
from procedures.timezones import clinic_today, format_date, get_clinic_timezone

MAX_TASKS_SHOWN = 6
# How long before its due date a review is listed.
REVIEW_NOTICE = datetime.timedelta(days=30)
# The digest is due on Monday from this hour on, in the clinic's time zone.
MONDAY, SEND_FROM_HOUR = 0, 7
# The lists that are worth an email; the others can wait until the next sign-in.
DIGEST_KEYS = frozenset(
    "sent_back to_approve new_pictures approved not_published reviews translations outdated "
    "signs_to_approve signs_sent_back signs_to_publish".split()
)


@dataclass(frozen=True)
class WarningSignList:
    """Placeholder for a page in a task about the list of warning signs."""

    language: str = languages.DEFAULT

    @property
    def title(self) -> str:
        """The name of the list, like the title of a page."""
        return _("Warning signs")

    def get_language_display(self) -> str:
        """Return the language label, like that of a page."""
        return _("all languages")


@dataclass(frozen=True)
class Task:
    """A page, or the list of warning signs, that needs work, and the reason."""

    page: Page | WarningSignList
    reason: str = ""


@dataclass(frozen=True)
class TaskList:
    """Tasks of one kind. ``key`` identifies the kind. A list without individual tasks has only a ``total``."""

    key: str
    title: str
    hint: str
    tasks: list[Task] = field(default_factory=list)
    total: int = 0


def get_task_lists(user: User) -> list[TaskList]:
    """Return all nonempty lists that ``user`` has permission to work on, most urgent first."""
    can_edit = user.has_perm("procedures.change_page")
    can_approve = user.has_perm("procedures.approve_page")
    can_publish = user.has_perm("procedures.publish_page")
    task_lists: list[TaskList] = warning_sign_tasks(user) if can_edit or can_approve or can_publish else []
    if can_publish:
        task_lists += [failed_schedule_tasks(), approved_tasks(), scheduled_tasks()]
    if can_approve:
        task_lists += [approval_tasks(user), figure_approval_tasks(user)]
    if can_edit:
        task_lists += [sent_back_tasks(), own_draft_tasks(user), other_draft_tasks(user)]
    if can_edit or can_approve or can_publish:
        task_lists += [withdrawal_tasks(), review_due_tasks(), stale_page_tasks(), out_of_sync_tasks()]
    if can_approve or can_publish:
        task_lists.append(unchecked_translation_tasks())
    return [task_list for task_list in task_lists if task_list.total]


def warning_sign_tasks(user: User) -> list[TaskList]:
    """Return the task list for warning signs if ``user`` can take the next step."""
    revision = pending_revision()
    decision = latest_decision(revision) if revision else None
    if revision is None or decision is None:
        return []
    key, permission, title, hint = {
        EventKind.SUBMITTED.value: (
            "signs_to_approve",
            "procedures.approve_page",
            _("Warning signs to approve"),
            _("Read what changes, then approve the list or send it back."),
        ),
        EventKind.SENT_BACK.value: (
            "signs_sent_back",
            "procedures.change_page",
            _("Warning signs sent back to you"),
            _("A reviewer asked for changes."),
        ),
        EventKind.APPROVED.value: (
            "signs_to_publish",
            "procedures.publish_page",
            _("Warning signs approved, not published yet"),
            _("Publishing updates every page that shows them."),
        ),
    }[decision.kind]
    if not user.has_perm(permission) or (key == "signs_to_approve" and explain_own_list(user, revision)):
        return []
    reason = str(decision.actor) if decision.actor else _("Supplied starter text")
    if decision.actor and decision.comment:
        reason = _("%(name)s: %(reason)s") % {"name": decision.actor, "reason": decision.comment}
    return [TaskList(key, title, hint, [Task(WarningSignList(), reason)], 1)]


def sent_back_tasks() -> TaskList:
    """Drafts that a reviewer sent back."""
    pages = _pages_in_state(PageState.SENT_BACK, EventKind.SENT_BACK)
    return _make_review_list(
        "sent_back", _("Sent back to you"), _("A reviewer asked for changes."), _order_by_event(pages)
    )


def approval_tasks(user: User) -> TaskList:
    """Texts in review, without those that the user must not approve."""
    pages: Iterable[Page] = _order_by_event(_pages_in_state(PageState.IN_REVIEW, EventKind.SUBMITTED))
    if settings.REQUIRE_PEER_REVIEW:
        newest = Revision.objects.filter(page__in=list(pages)).order_by("number").defer("content")
        authors = find_text_authors({revision.page_id: revision for revision in newest}.values())
        pages = [page for page in pages if not needs_other_reviewer(user, *authors.get(page.pk, ()))]
    hint = _("Read what changes, then approve it or send it back.")
    return _make_review_list("to_approve", _("Waiting for your review"), hint, pages)


def in_review_tasks() -> TaskList:
    """Texts in review, for staff who cannot approve them."""
    pages = _pages_in_state(PageState.IN_REVIEW, EventKind.SUBMITTED)
    return _make_review_list(
        "in_review", _("With a reviewer"), _("Sent for review; no decision yet."), _order_by_event(pages)
    )


def figure_approval_tasks(user: User) -> TaskList:
    """Public pages that show an old picture, or leave one out, until a reviewer approves the new one.

    A picture whose kind or source was changed counts as new, because pages then print something else about it.
    """
    figure_pages = list(_live_figure_pages())
    figures = Figure.objects.filter(pk__in={figure for figure, _page in figure_pages})
    unapproved = {figure.pk: figure for figure in unapproved_figures(list(figures))}
    slugs_by_page: dict[int, set[str]] = {}
    for figure, page_pk in figure_pages:
        if figure in unapproved and not needs_other_reviewer(user, *unapproved[figure].author_ids):
            slugs_by_page.setdefault(page_pk, set()).add(unapproved[figure].slug)
    pages = Page.objects.defer("body").filter(pk__in=slugs_by_page).order_by("title", "pk")
    reason = _("Picture %(slugs)s")
    tasks = [Task(page, reason % {"slugs": ", ".join(sorted(slugs_by_page[page.pk]))}) for page in pages]
    hint = _(
        "Patients still see the old picture and its texts. Check the new picture, then approve it along with the text."
    )
    return _make_list("new_pictures", _("New or changed pictures to approve"), hint, tasks)


def _live_figure_pages() -> Iterator[tuple[int, int]]:
    """Yield (figure pk, page pk) for each figure that a live page shows; for a series, its current figures."""
    live = ReleaseDependency.objects.live()
    yield from live.filter(kind="figure", figure__isnull=False).values_list("figure", "release__page")
    series_figures: dict[tuple[str, str], list[int]] = {}
    for slug, language, figure in SeriesItem.objects.values_list("series__slug", "series__language", "figure"):
        series_figures.setdefault((slug, language), []).append(figure)
    series_pages = live.filter(kind="series").values_list("key", "release__page__language", "release__page")
    for slug, language, page in series_pages:
        yield from ((figure, page) for figure in series_figures.get((slug, language), ()))


def approved_tasks() -> TaskList:
    """Approved texts that are neither published nor scheduled."""
    rows: list[Any] = list(_pages_to_publish().order_by("event_at", "pk"))
    # Starter texts that were approved unchanged, and public texts that were reviewed again.
    already_public = [page for page in rows if page.shows(page.latest_hash)]
    if len(already_public) == len(rows) and not all(page.live_release.is_starter for page in rows):
        hint = _("Patients can already read these texts. Publishing them shows the date of the new review.")
    elif len(already_public) == len(rows):
        hint = _(
            "Patients can already read these starter texts. Publishing them shows that your clinic has reviewed them."
        )
    elif already_public:
        hint = _("Publish these texts so that patients read them.")
    elif any(page.live_release_id for page in rows):
        hint = _("Patients do not read the approved versions yet.")
    else:
        hint = _("Patients do not read these pages yet.")
    tasks = [Task(page, _approved_page_reason(page)) for page in rows]
    return TaskList("approved", _("Approved, not published yet"), hint, tasks, len(rows))


def _pages_to_publish() -> QuerySet[Page]:
    """Keep only pages whose newest text is approved but not scheduled; an older text may be."""
    is_scheduled = Q(publish_at__isnull=False, scheduled_revision__content_hash=F("latest_hash"))
    return _pages_in_state(PageState.APPROVED, EventKind.APPROVED).exclude(is_scheduled)


def _approved_page_reason(page: Any) -> str:
    """Return who approved a page, and what patients read until it is published."""
    summary = _event_summary(page)
    if not ends_sentence(summary):
        summary += "."
    if page.shows(page.latest_hash) and page.live_release.is_starter:
        status = _("Patients read it already, marked as starter text.")
    elif page.shows(page.latest_hash):
        status = _("Patients read it already, with the date of the earlier review.")
    else:
        status = _("Patients read an older version.") if page.live_release_id else _("Not public.")
    if page.publish_at:
        status += " " + _("An older text is scheduled: publish or schedule this one instead.")
    return f"{summary} {status}"


def own_draft_tasks(user: User) -> TaskList:
    """Drafts that ``user`` saved and that were not sent for review."""
    drafts = _unsubmitted_drafts().filter(latest_author=user.pk)
    reason = gettext_lazy("Saved on %(date)s")
    return _make_draft_list("own_drafts", _("Your drafts"), _("Saved, not sent for review yet."), drafts, reason)


def other_draft_tasks(user: User) -> TaskList:
    """Drafts that other users saved and that were not sent for review."""
    drafts = _unsubmitted_drafts().filter(Q(latest_author__isnull=True) | ~Q(latest_author=user.pk))
    hint = _("Saved by others, not sent for review yet.")
    reason = gettext_lazy("Saved by %(name)s on %(date)s")
    return _make_draft_list("other_drafts", _("Drafts by others"), hint, drafts, reason)


def withdrawal_tasks() -> TaskList:
    """Public pages that link to a withdrawn page, or whose translation is withdrawn."""
    withdrawn: dict[tuple[str, str], str] = {}
    titles_by_subject: dict[str, str] = {}
    for page in Page.objects.withdrawn().order_by("title"):
        withdrawn[page.language, page.subject] = titles_by_subject[page.subject] = page.title
    if not withdrawn:
        return TaskList("withdrawn", "", "")
    reasons: dict[Page, list[str]] = {}
    links = ReleaseDependency.objects.live().filter(kind="page", key__in=titles_by_subject)
    message = _("Links to “%(title)s”, which is withdrawn.")
    for link in without_text(links.select_related("release__page").defer("release__page__body"), "release__"):
        if title := withdrawn.get((link.release.page.language, link.key)):
            reasons.setdefault(link.release.page, []).append(message % {"title": title})
    message = _("Its translation “%(title)s” is withdrawn.")
    for page in Page.objects.published().filter(subject__in=titles_by_subject):
        reasons.setdefault(page, []).append(message % {"title": titles_by_subject[page.subject]})
    tasks = [Task(page, " ".join(sentences)) for page, sentences in reasons.items()]
    hint = _("Change or withdraw these public pages, too.")
    return _make_list(
        "withdrawn", _("Pages affected by a withdrawal"), hint, sorted(tasks, key=lambda task: task.page.title)
    )


def scheduled_tasks() -> TaskList:
    """Scheduled pages, next first."""
    tasks = []
    superseded = set(_pages_to_publish().filter(publish_at__isnull=False).values_list("pk", flat=True))
    for page in get_scheduled_pages():
        reason = date_format(timezone.localtime(page.publish_at), "DATETIME_FORMAT")
        if page.pk in superseded:
            reason = _("%(time)s. A newer text has been approved.") % {"time": reason}
        tasks.append(Task(page, reason))
    return _make_list("planned", _("Scheduled"), _("Times are in the clinic’s time zone."), tasks)


def failed_schedule_tasks() -> TaskList:
    """Pages whose scheduled publishing failed, or will fail, until someone schedules or publishes them again."""
    schedule_events = (EventKind.SCHEDULED, EventKind.UNSCHEDULED, EventKind.PUBLISHED, EventKind.WITHDRAWN)
    last = ReleaseEvent.objects.filter(page=OuterRef("pk"), kind__in=schedule_events).order_by("-pk")
    # Without an actor, the portal itself canceled the schedule.
    failed = Page.objects.annotate(
        last_kind=Subquery(last.values("kind")[:1]),
        last_actor=Subquery(last.values("actor")[:1]),
        last_reason=Subquery(last.values("reason")[:1]),
    ).filter(last_kind=EventKind.UNSCHEDULED, last_actor__isnull=True)
    message = _("Was not published at the scheduled time. %(reason)s")
    tasks = [Task(page, message % {"reason": getattr(page, "last_reason", "")}) for page in failed]
    message = _("This page will not be published: a reviewer sent it back after it was scheduled.")
    tasks += [Task(page, message) for page in _schedules_without_approval()]
    message = _("This page will not be published: %(reason)s")
    tasks += [Task(page, message % {"reason": reason}) for page, reason in find_schedules_without_publisher()]
    return _make_list("not_published", _("Not published"), _("A scheduled page could not be published."), tasks)


def _schedules_without_approval() -> QuerySet[Page]:
    """Keep only scheduled pages whose text has lost its approval: it was sent back."""
    approvals = ReleaseEvent.objects.approvals_in_force().filter(
        page=OuterRef("pk"), revision__content_hash=OuterRef("scheduled_revision__content_hash")
    )
    return Page.objects.filter(~Exists(approvals), publish_at__isnull=False)


def review_due_tasks() -> TaskList:
    """Public pages whose review is due within a month, or overdue."""
    today = clinic_today()
    pages = Page.objects.due_for_review(today + REVIEW_NOTICE).select_related("live_release").defer("body")
    pages = without_text(pages).order_by("live_release__next_review_on", "title")
    tasks = []
    for page in pages:
        due = page.live_release.next_review_on if page.live_release else today
        message = _("Due since %(date)s") if due <= today else _("Due on %(date)s")
        tasks.append(Task(page, message % {"date": format_date(due)}))
    hint = _("Is the text still correct? If so, approve and publish it again.")
    return _make_list("reviews", _("Reviews due"), hint, tasks)


def stale_page_tasks() -> TaskList:
    """Public pages that print outdated values."""
    tasks = [Task(stale.page, describe_changes(stale.changed)) for stale in find_stale_pages()]
    hint = _("A picture, glossary term, source, or answer on these pages has changed.")
    return _make_list("outdated", _("Pages showing outdated details"), hint, tasks)


def out_of_sync_tasks() -> TaskList:
    """Translations that may not match their source text."""
    tasks = []
    page: Any  # annotated
    for page in filter_out_of_sync(Page.objects.order_by("title")):
        if page.made_from_hash is None:
            reason = _("It has not been compared with its source text yet.")
        elif page.made_from_hash != page.source_hash:
            reason = _("The source text has changed.")
        else:
            reason = _("The draft is up to date but not public yet.")
        tasks.append(Task(page, reason))
    return _make_list("translations", _("Translations out of date"), _("Update them to match the source text."), tasks)


def unchecked_translation_tasks() -> TaskList:
    """The number of public translations that no qualified translator has checked, without a task for each."""
    count = (
        Page.objects.published()
        .exclude(language=languages.DEFAULT)
        .filter(live_release__translation_checked=False)
        .aggregate(count=Count("pk"))["count"]
    )
    hint = _("No qualified translator has checked these pages yet. The pages say so.")
    return TaskList("unchecked", _("Unchecked translations"), hint, [], count)


def _pages_in_state(state: PageState, kind: EventKind) -> QuerySet[Page]:
    """Keep only pages in a state, annotated with their last event of ``kind`` for ``_event_summary``."""
    last = ReleaseEvent.objects.filter(page=OuterRef("pk"), kind=kind).order_by("-pk")
    return filter_by_state(annotate_status(Page.objects.defer("body")), state).annotate(
        event_reason=Subquery(last.values("reason")[:1]),
        event_at=Subquery(last.values("created_at")[:1]),
        actor_first_name=Subquery(last.values("actor__first_name")[:1]),
        actor_last_name=Subquery(last.values("actor__last_name")[:1]),
        actor_username=Subquery(last.values("actor__username")[:1]),
    )


def _unsubmitted_drafts() -> Any:
    """Keep only drafts that were not sent for review, annotated with their author for ``_actor_name``."""
    authors = User.objects.filter(pk=OuterRef("latest_author"))
    return filter_by_state(annotate_status(Page.objects.defer("body")), PageState.UNSUBMITTED).annotate(
        actor_first_name=Subquery(authors.values("first_name")[:1]),
        actor_last_name=Subquery(authors.values("last_name")[:1]),
        actor_username=Subquery(authors.values("username")[:1]),
    )


def _actor_name(page: Any) -> str:
    names = (page.actor_first_name, page.actor_last_name)
    return " ".join(name for name in names if name) or page.actor_username or _("Someone")


def _event_summary(page: Any) -> str:
    """Summarize the annotated event, such as “Rosa, March 3, 2026: Say who it is for.”"""
    summary = _actor_name(page)
    if page.event_at:
        date = format_date(timezone.localtime(page.event_at).date())
        summary = _("%(name)s, %(date)s") % {"name": summary, "date": date}
    if page.event_reason:
        summary = _("%(name)s: %(reason)s") % {"name": summary, "reason": page.event_reason}
    return summary


def _make_list(key: str, title: str, hint: str, tasks: list[Task]) -> TaskList:
    return TaskList(key, title, hint, tasks, len(tasks))


def _order_by_event(pages: QuerySet[Page]) -> QuerySet[Page]:
    """Order pages by their last event, longest waiting first."""
    return pages.order_by("event_at", "pk")


def _make_review_list(key: str, title: str, hint: str, pages: Iterable[Page]) -> TaskList:
    return _make_list(key, title, hint, [Task(page, _event_summary(page)) for page in pages])


def _make_draft_list(key: str, title: str, hint: str, drafts: QuerySet[Any], reason: Promise) -> TaskList:
    """Order drafts by the last save, newest first."""
    rows = list(drafts.order_by("-latest_at", "pk"))
    tasks = [
        Task(
            draft, str(reason) % {"name": _actor_name(draft), "date": format_date(timezone.localdate(draft.latest_at))}
        )
        for draft in rows
    ]
    return _make_list(key, title, hint, tasks)


def send_digests(at: datetime.datetime) -> list[User]:
    """Send the weekly digests that are due at ``at``. Return the users who received one.

    A delivery is recorded before it is sent: a failed email is not retried that week, and no one receives two.
    """
    local = at.astimezone(get_clinic_timezone())
    if not mail.is_configured() or (local.weekday() == MONDAY and local.hour < SEND_FROM_HOUR):
        return []
    year, number, _weekday = local.isocalendar()
    week = f"{year}-W{number:02}"
    recipients = (
        User.objects.filter(is_active=True, is_staff=True)
        .exclude(email="")
        .exclude(pk__in=DigestDelivery.objects.filter(week=week).values("user"))
    )
    return [user for user in recipients.order_by("pk") if _send_digest(user, week)]


def _send_digest(user: User, week: str) -> bool:
    """Send one digest, if there is anything to do.

    The week is recorded anyway, so that each user is checked only once a week.
    """
    try:
        with transaction.atomic():
            DigestDelivery.objects.create(user=user, week=week)
    except IntegrityError:  # another server sent it first
        return False
    task_lists = [task_list for task_list in get_task_lists(user) if task_list.key in DIGEST_KEYS]
    return bool(task_lists) and mail.send(user, _("your open tasks"), format_digest(task_lists))


def format_digest(task_lists: list[TaskList]) -> str:
    """Return the digest as plain text: the lists with titles of pages, and the sign-in address."""
    lines: list[str] = []
    for task_list in task_lists:
        lines.append(f"{task_list.title}: {task_list.total}")
        tasks = task_list.tasks[:MAX_TASKS_SHOWN]
        lines += [f"  - {task.page.title} ({task.page.get_language_display()})" for task in tasks]
        if len(task_list.tasks) > len(tasks):
            lines.append("  " + _("and %(count)s more") % {"count": task_list.total - len(tasks)})
        lines.append("")
    lines += [_("Sign in to see them: %(url)s") % {"url": f"{settings.PUBLIC_URL}{ADMIN_PREFIX}"}, ""]
    lines.append(_("You get this email at most once a week, and only when there is something to do."))
    return "\n".join(lines)
