"""What waits for somebody: drafts sent back, texts to approve, reviews due … Each list is a fixed number of queries."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from portal.accounts import mail
from portal.accounts.models import User
from procedures import languages
from procedures.enums import EventKind
from procedures.figures.approval import unapproved_figures
from procedures.models import DigestDelivery, Figure, Page, ReleaseDependency, ReleaseEvent, SeriesItem
from procedures.publishing.review import PageState, annotate_status, filter_by_state
from procedures.publishing.schedule import get_scheduled_pages
from procedures.publishing.timezones import format_date, get_clinic_timezone
from procedures.publishing.translations import filter_out_of_sync
from procedures.publishing.usage import find_stale_pages
from procedures.publishing.warning_signs import is_own_revision, latest_decision, pending_revision

MAX_TASKS_SHOWN = 6
WEEK = datetime.timedelta(days=7)
REVIEW_NOTICE = datetime.timedelta(days=30)


@dataclass(frozen=True)
class WarningSignList:
    """The list of warning signs, which waits like a page."""

    title: str = "Warning signs"
    language: str = languages.DEFAULT

    def get_language_display(self) -> str:
        """It holds every language."""
        return "all languages"


@dataclass(frozen=True)
class Task:
    """One page, or the list of warning signs, that waits, and why, in words."""

    page: Page | WarningSignList
    reason: str = ""


@dataclass(frozen=True)
class TaskList:
    """One list. ``key`` tells the screens where the work is done; ``total`` may be more than ``items``."""

    key: str
    title: str
    hint: str
    tasks: list[Task] = field(default_factory=list)
    total: int = 0


def get_task_lists(user: User) -> list[TaskList]:
    """All lists with something in them, the most urgent first, for what this person may do."""
    writes = user.has_perm("procedures.change_page")
    approves = user.has_perm("procedures.approve_page")
    publishes = user.has_perm("procedures.publish_page")
    lists: list[TaskList] = warning_sign_tasks(user) if writes or approves or publishes else []
    if publishes:
        lists += [failed_schedule_tasks(), approved_tasks(), scheduled_tasks()]
    if approves:
        lists += [approval_tasks(user), figure_approval_tasks(user)]
    if writes:
        lists += [sent_back_tasks(), own_draft_tasks(user), other_draft_tasks(user)]
    if writes or approves or publishes:
        lists += [withdrawal_tasks(), review_due_tasks(), stale_page_tasks(), out_of_sync_tasks()]
    if approves or publishes:
        lists.append(unchecked_translation_tasks())
    return [one for one in lists if one.total]


def warning_sign_tasks(user: User) -> list[TaskList]:
    """The list of warning signs, for the people who take the next step with it."""
    revision = pending_revision()
    decision = latest_decision(revision) if revision else None
    if revision is None or decision is None:
        return []
    key, permission, title, hint = {
        EventKind.SUBMITTED.value: (
            "signs_to_approve",
            "procedures.approve_page",
            "Warning signs to approve",
            "Read what changes, then approve the list or send it back.",
        ),
        EventKind.SENT_BACK.value: (
            "signs_sent_back",
            "procedures.change_page",
            "Warning signs sent back to you",
            "A reviewer asked for changes.",
        ),
        EventKind.APPROVED.value: (
            "signs_to_publish",
            "procedures.publish_page",
            "Warning signs approved, not published yet",
            "Publishing updates every page that prints them at the same time.",
        ),
    }[decision.kind]
    if not user.has_perm(permission) or (key == "signs_to_approve" and is_own_revision(revision, user)):
        return []
    who = str(decision.actor) if decision.actor else "From the content folder"
    words = f"{who}: {decision.comment}" if decision.comment and decision.actor else who
    return [TaskList(key, title, hint, [Task(WarningSignList(), words)], 1)]


def _last_event(kind: EventKind) -> QuerySet[ReleaseEvent]:
    return ReleaseEvent.objects.filter(page=OuterRef("pk"), kind=kind).order_by("-pk")


def _pages_in_state(state: PageState, kind: EventKind) -> QuerySet[Page]:
    """Pages in a state with the event that brought them there: ``said``, ``said_at`` and ``said_by``."""
    last = _last_event(kind)
    names = {"event_reason": "reason", "event_at": "created_at", "event_actor": "actor"}
    return filter_by_state(annotate_status(Page.objects.defer("body")), state).annotate(
        **{name: Subquery(last.values(column)[:1]) for name, column in names.items()},
        said_first=Subquery(last.values("actor__first_name")[:1]),
        said_last=Subquery(last.values("actor__last_name")[:1]),
        said_user=Subquery(last.values("actor__username")[:1]),
    )


def _actor_name(page: Page) -> str:
    names = (getattr(page, "actor_first_name", ""), getattr(page, "actor_last_name", ""))
    return " ".join(name for name in names if name) or getattr(page, "actor_username", "") or "Somebody"


def _event_summary(page: Page) -> str:
    """“Rosa, 3 March 2026: Say who it is for.”"""
    at, reason = getattr(page, "event_at", None), getattr(page, "event_reason", "") or ""
    day = f", {format_date(timezone.localtime(at).date())}" if at else ""
    return f"{_actor_name(page)}{day}: {reason}" if reason else f"{_actor_name(page)}{day}"


def _make_task_list(key: str, title: str, hint: str, pages: QuerySet[Page]) -> TaskList:
    """The pages that have waited longest first."""
    rows = list(pages.order_by("event_at", "pk"))
    return TaskList(key, title, hint, [Task(page, _event_summary(page)) for page in rows[:MAX_TASKS_SHOWN]], len(rows))


def sent_back_tasks() -> TaskList:
    """For those who write."""
    pages = _pages_in_state(PageState.SENT_BACK, EventKind.SENT_BACK)
    return _make_task_list("sent_back", "Sent back to you", "A reviewer asked for changes.", pages)


def approval_tasks(user: User) -> TaskList:
    """For those who review; one's own text is for somebody else."""
    pages = _pages_in_state(PageState.IN_REVIEW, EventKind.SUBMITTED)
    if settings.REQUIRE_PEER_REVIEW:
        pages = pages.filter(Q(latest_author__isnull=True) | ~Q(latest_author=user.pk))
    return _make_task_list("to_approve", "To approve", "Read what changes, then approve it or send it back.", pages)


def figure_approval_tasks(user: User) -> TaskList:
    """Public pages that go on showing an old picture, or leave one out, until a reviewer approves the new one.

    A picture whose kind was changed is a new one, too: pages say other things about it.
    """
    found: dict[int, set[str]] = {}
    shown = list(_live_figure_pages())
    new = {
        figure.pk: figure for figure in unapproved_figures(list(Figure.objects.filter(pk__in={pk for pk, _ in shown})))
    }
    for pk, page in shown:
        if pk in new and not (settings.REQUIRE_PEER_REVIEW and new[pk].was_changed_by(user.pk)):
            found.setdefault(page, set()).add(new[pk].slug)
    pages = Page.objects.defer("body").filter(pk__in=found).order_by("title", "pk")
    items = [Task(page, f"Picture {', '.join(sorted(found[page.pk]))}") for page in pages]
    hint = "Patients still see the old picture and what it said. Look at the new one, then approve it with the text."
    return TaskList("new_pictures", "New or changed pictures to approve", hint, items[:MAX_TASKS_SHOWN], len(items))


def _live_figure_pages() -> Iterator[tuple[int, int]]:
    """Figures with the public pages whose texts show them, as keys; those of a series as it is now."""
    live = ReleaseDependency.objects.filter(release__live_on__isnull=False)
    yield from live.filter(kind="figure", figure__isnull=False).values_list("figure", "release__page")
    series: dict[tuple[str, str], list[int]] = {}
    for slug, language, figure in SeriesItem.objects.values_list("series__slug", "series__language", "figure"):
        series.setdefault((slug, language), []).append(figure)
    for slug, language, page in live.filter(kind="series").values_list(
        "key", "release__page__language", "release__page"
    ):
        yield from ((figure, page) for figure in series.get((slug, language), ()))


def approved_tasks() -> TaskList:
    """For those who publish: approved, and not planned yet."""
    pages = _pages_in_state(PageState.APPROVED, EventKind.APPROVED).filter(publish_at__isnull=True)
    rows = list(pages.order_by("event_at", "pk"))
    read = [page for page in rows if _is_newest_public(page)]
    if len(read) == len(rows):
        hint = "Patients read these starter texts already. Publishing shows that your clinic reviewed them."
    elif read:
        hint = "Publish these texts so that patients read them."
    elif any(page.live_release_id for page in rows):
        hint = "Patients do not read the approved versions yet."
    else:
        hint = "Patients do not read these pages yet."
    items = [Task(page, _public_status(page)) for page in rows[:MAX_TASKS_SHOWN]]
    return TaskList("approved", "Approved, to be published", hint, items, len(rows))


def _public_status(page: Any) -> str:
    """Who approved a page, and what patients read until it is published."""
    said = _event_summary(page)
    dot = "" if said.endswith((".", "!", "?", "…")) else "."
    if _is_newest_public(page):
        return f"{said}{dot} Patients read it already, marked as starter text."
    return f"{said}{dot} Patients read an older version." if page.live_release_id else f"{said}{dot} Not public."


def _is_newest_public(page: Any) -> bool:
    """Whether patients read the newest text already: starter text that was approved as it is."""
    live = page.live_release
    return live is not None and live.revision.content_hash == page.latest_hash


def own_draft_tasks(user: User) -> TaskList:
    """What this person saved and did not send for review."""
    pages = _unsubmitted_pages().filter(latest_author=user.pk)
    return _make_draft_list("own_drafts", "Your drafts", "Saved but not sent for review yet.", pages)


def other_draft_tasks(user: User) -> TaskList:
    """What others saved and did not send for review."""
    pages = _unsubmitted_pages().filter(Q(latest_author__isnull=True) | ~Q(latest_author=user.pk))
    return _make_draft_list(
        "other_drafts", "Other people’s drafts", "Saved by other people but not sent for review yet.", pages
    )


def _unsubmitted_pages() -> Any:
    writers = User.objects.filter(pk=OuterRef("latest_author"))
    return filter_by_state(annotate_status(Page.objects.defer("body")), PageState.UNSUBMITTED).annotate(
        said_first=Subquery(writers.values("first_name")[:1]),
        said_last=Subquery(writers.values("last_name")[:1]),
        said_user=Subquery(writers.values("username")[:1]),
    )


def _make_draft_list(key: str, title: str, hint: str, pages: QuerySet[Page]) -> TaskList:
    """The draft saved last comes first."""
    rows = list(pages.order_by("-latest_at", "pk"))
    own = key == "own_drafts"
    items = [
        Task(page, f"Saved {'' if own else f'by {_actor_name(page)} '}on {_saved_on(page)}")
        for page in rows[:MAX_TASKS_SHOWN]
    ]
    return TaskList(key, title, hint, items, len(rows))


def _saved_on(page: Page) -> str:
    return format_date(timezone.localdate(getattr(page, "latest_at", None)))


def withdrawal_tasks() -> TaskList:
    """Public pages that a withdrawal left behind: they lead to the withdrawn page, or are its translation."""
    withdrawn: dict[tuple[str, str], str] = {}
    subjects: dict[str, str] = {}
    for page in Page.objects.filter(live_release__isnull=True).exclude(withdrawn_reason="").order_by("title"):
        withdrawn[page.language, page.subject] = subjects[page.subject] = page.title
    if not withdrawn:
        return TaskList("withdrawn", "", "")
    said: dict[Page, list[str]] = {}
    links = ReleaseDependency.objects.filter(kind="page", key__in=subjects, release__live_on__isnull=False)
    for used in links.select_related("release__page").defer("release__html", "release__sections"):
        if title := withdrawn.get((used.release.page.language, used.key)):
            said.setdefault(used.release.page, []).append(f"Links to “{title}”, which is withdrawn.")
    for page in Page.objects.published().filter(subject__in=subjects):
        said.setdefault(page, []).append(f"Its translation “{subjects[page.subject]}” is withdrawn.")
    rows = sorted(said.items(), key=lambda row: row[0].title)
    hint = "Change these public pages, or withdraw them, too."
    items = [Task(page, " ".join(words)) for page, words in rows[:MAX_TASKS_SHOWN]]
    return TaskList("withdrawn", "Pages affected by a withdrawal", hint, items, len(rows))


def scheduled_tasks() -> TaskList:
    """What goes public by itself, and what will not, because it is not approved any more."""
    rows = list(get_scheduled_pages())
    here = [
        Task(
            page,
            f"{timezone.localtime(page.publish_at):%H:%M}, {format_date(timezone.localtime(page.publish_at).date())}",
        )
        for page in rows
        if page.publish_at
    ]
    return TaskList("planned", "Planned to go public", "By the clinic’s clock.", here[:MAX_TASKS_SHOWN], len(here))


def failed_schedule_tasks() -> TaskList:
    """Plans that the portal itself had to give up, until somebody plans or publishes anew; and those it will."""
    plans = (EventKind.SCHEDULED, EventKind.UNSCHEDULED, EventKind.PUBLISHED, EventKind.WITHDRAWN)
    last = ReleaseEvent.objects.filter(page=OuterRef("pk"), kind__in=plans).order_by("-pk")
    pages = Page.objects.annotate(
        last_kind=Subquery(last.values("kind")[:1]),
        last_actor=Subquery(last.values("actor")[:1]),
        last_reason=Subquery(last.values("reason")[:1]),
    ).filter(last_kind=EventKind.UNSCHEDULED, last_actor__isnull=True)
    items = [Task(page, f"Was not published at its time. {getattr(page, 'last_reason', '')}") for page in pages]
    items += [
        Task(page, "Will not be published: a reviewer sent this text back after it was planned.")
        for page in _schedules_without_approval()
    ]
    hint = "A text that was planned cannot go public."
    return TaskList("not_published", "Not published", hint, items[:MAX_TASKS_SHOWN], len(items))


def _schedules_without_approval() -> QuerySet[Page]:
    """Planned pages whose text has lost its approval: the last decision on it is another one."""
    said = ReleaseEvent.objects.filter(
        page=OuterRef("pk"),
        kind__in=(EventKind.APPROVED, EventKind.SENT_BACK),
        revision__content_hash=OuterRef("scheduled_revision__content_hash"),
    ).order_by("-pk")
    return (
        Page.objects.filter(publish_at__isnull=False)
        .annotate(last_said=Subquery(said.values("kind")[:1]))
        .exclude(last_said=EventKind.APPROVED)
    )


def review_due_tasks() -> TaskList:
    """Public pages whose review is due or comes within a month."""
    today = timezone.localdate(timezone=get_clinic_timezone())
    rows = list(
        Page.objects.due_for_review(today + REVIEW_NOTICE)
        .select_related("live_release")
        .defer("live_release__html", "live_release__sections")
        .order_by("live_release__next_review_on", "title")
    )
    items = []
    for page in rows[:MAX_TASKS_SHOWN]:
        due = page.live_release.next_review_on if page.live_release else today
        items.append(Task(page, f"{'Due since' if due <= today else 'Due on'} {format_date(due)}"))
    return TaskList(
        "reviews", "Reviews due", "Is the text still right? Then approve and publish it anew.", items, len(rows)
    )


def stale_page_tasks() -> TaskList:
    """Public pages that print a value which has changed since."""
    rows = find_stale_pages()
    items = [Task(row.page, describe_changes(row.changed)) for row in rows[:MAX_TASKS_SHOWN]]
    hint = "A picture, word, source or answer that they show was changed."
    return TaskList("outdated", "Pages that print old values", hint, items, len(rows))


DEPENDENCY_LABELS = {
    "figure": "picture",
    "indexed": "picture",
    "series": "series",
    "term": "word",
    "source": "source",
    "care": "answer",
    "signs": "warning signs",
    "page": "address of the page",
    "title": "title of the page",
    "clinic": "",
    "list": "list of",
}


def describe_changes(changed: list[tuple[str, str]]) -> str:
    """What changed: “word osteoporosis, answer driving”."""
    return ", ".join(f"{DEPENDENCY_LABELS.get(kind, kind)} {key.removesuffix('#')}".strip() for kind, key in changed)


def out_of_sync_tasks() -> TaskList:
    """Translations whose source was changed since."""
    rows = list(filter_out_of_sync(Page.objects.order_by("title")))
    items = [Task(page, "The source text has changed since.") for page in rows[:MAX_TASKS_SHOWN]]
    return TaskList("translations", "Translations behind", "Bring them up to date.", items, len(rows))


def unchecked_translation_tasks() -> TaskList:
    """Public translations that no qualified translator has checked: one line, not one for each."""
    count = (
        Page.objects.published()
        .exclude(language=languages.DEFAULT)
        .filter(live_release__translation_checked=False)
        .aggregate(count=Count("pk"))["count"]
    )
    hint = "No qualified translator’s check is on record. Their pages say so to patients."
    return TaskList("unchecked", "Translations to be checked", hint, [], count)


MONDAY, SEND_FROM_HOUR = 0, 7
# What is worth a mail; the rest can wait until somebody signs in.
DIGEST_KEYS = frozenset(
    "sent_back to_approve new_pictures approved not_published reviews translations outdated "
    "signs_to_approve signs_sent_back signs_to_publish".split()
)


def send_digests(at: datetime.datetime) -> list[User]:
    """Send what is due at ``at``: from Monday, seven in the morning by the clinic's clock. Returns who got a mail.

    The week is written down first: a mail that fails is not tried again that week, and nobody ever gets two.
    """
    here = at.astimezone(get_clinic_timezone())
    if not mail.is_configured() or (here.weekday() == MONDAY and here.hour < SEND_FROM_HOUR):
        return []
    year, number, _ = here.isocalendar()
    week = f"{year}-W{number:02}"
    had = DigestDelivery.objects.filter(week=week).values("user")
    people = User.objects.filter(is_active=True, is_staff=True).exclude(email="").exclude(pk__in=had)
    return [person for person in people.order_by("pk") if _send_digest(person, week)]


def _send_digest(person: User, week: str) -> bool:
    """Also where nothing waits the week is noted, so that the lists are made once a week and not each minute."""
    try:
        with transaction.atomic():
            DigestDelivery.objects.create(user=person, week=week)
    except IntegrityError:  # another server was faster
        return False
    waiting = [one for one in get_task_lists(person) if one.key in DIGEST_KEYS]
    return bool(waiting) and mail.send(person, "what waits for you", format_digest(waiting))


def format_digest(task_lists: list[TaskList]) -> str:
    """The mail as plain text: lists with the titles of pages, and where to sign in."""
    lines: list[str] = []
    for one in task_lists:
        lines.append(f"{one.title}: {one.total}")
        lines += [f"  - {item.page.title} ({item.page.get_language_display()})" for item in one.tasks]
        if one.tasks and one.total > len(one.tasks):
            lines.append(f"  and {one.total - len(one.tasks)} more")
        lines.append("")
    lines += [f"Sign in to see them: {settings.PUBLIC_URL}/admin/", ""]
    lines.append("You get this once a week at most, only when something waits for you.")
    return "\n".join(lines)
