"""What waits for somebody: drafts sent back, texts to approve, reviews due … Each list is a fixed number of queries."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from portal.staff.models import User
from procedures.enums import EventKind, Language
from procedures.figures.approval import unapproved
from procedures.models import Figure, Page, ReleaseEvent, ReleaseInput, SeriesItem
from procedures.publishing.clock import clinic_zone, day_words
from procedures.publishing.outdated import changed_since
from procedures.publishing.schedule import scheduled
from procedures.publishing.states import PageState, in_state, with_states
from procedures.publishing.translations import behind
from procedures.publishing.warning_signs import is_own, last_decision, open_revision

SHOWN = 6
WEEK = datetime.timedelta(days=7)
MONTH = datetime.timedelta(days=30)


@dataclass(frozen=True)
class SignList:
    """The list of warning signs, which waits like a page."""

    title: str = "Warning signs"
    language: str = Language.ENGLISH.value

    def get_language_display(self) -> str:
        """It holds every language."""
        return "all languages"


@dataclass(frozen=True)
class Item:
    """One page, or the list of warning signs, that waits, and why, in words."""

    page: Page | SignList
    words: str = ""


@dataclass(frozen=True)
class Waiting:
    """One list. ``key`` tells the screens where the work is done; ``total`` may be more than ``items``."""

    key: str
    title: str
    hint: str
    items: list[Item] = field(default_factory=list)
    total: int = 0


def waiting_for(user: User) -> list[Waiting]:
    """All lists with something in them, the most urgent first, for what this person may do."""
    writes = user.has_perm("procedures.change_page")
    approves = user.has_perm("procedures.approve_page")
    publishes = user.has_perm("procedures.publish_page")
    lists: list[Waiting] = signs_waiting(user) if writes or approves or publishes else []
    if publishes:
        lists += [not_published(), approved(), planned()]
    if approves:
        lists += [to_approve(user), new_pictures(user)]
    if writes:
        lists += [sent_back(), own_drafts(user), other_drafts(user)]
    if writes or approves or publishes:
        lists += [left_by_withdrawal(), reviews_due(), out_of_date(), translations_behind()]
    if approves or publishes:
        lists.append(unchecked_translations())
    return [one for one in lists if one.total]


def signs_waiting(user: User) -> list[Waiting]:
    """The list of warning signs, for the people who take the next step with it."""
    revision = open_revision()
    decision = last_decision(revision) if revision else None
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
    if not user.has_perm(permission) or (key == "signs_to_approve" and is_own(revision, user)):
        return []
    who = str(decision.actor) if decision.actor else "From the content folder"
    words = f"{who}: {decision.comment}" if decision.comment and decision.actor else who
    return [Waiting(key, title, hint, [Item(SignList(), words)], 1)]


def _last_event(kind: EventKind) -> QuerySet[ReleaseEvent]:
    return ReleaseEvent.objects.filter(page=OuterRef("pk"), kind=kind).order_by("-pk")


def _in_state(state: PageState, kind: EventKind) -> QuerySet[Page]:
    """Pages in a state with the event that brought them there: ``said``, ``said_at`` and ``said_by``."""
    last = _last_event(kind)
    names = {"said": "reason", "said_at": "created_at", "said_by": "actor"}
    return in_state(with_states(Page.objects.defer("body")), state).annotate(
        **{name: Subquery(last.values(column)[:1]) for name, column in names.items()},
        said_first=Subquery(last.values("actor__first_name")[:1]),
        said_last=Subquery(last.values("actor__last_name")[:1]),
        said_user=Subquery(last.values("actor__username")[:1]),
    )


def _who(page: Page) -> str:
    names = (getattr(page, "said_first", ""), getattr(page, "said_last", ""))
    return " ".join(name for name in names if name) or getattr(page, "said_user", "") or "Somebody"


def _said(page: Page) -> str:
    """“Rosa, 3 March 2026: Say who it is for.”"""
    at, reason = getattr(page, "said_at", None), getattr(page, "said", "") or ""
    day = f", {day_words(timezone.localtime(at).date())}" if at else ""
    return f"{_who(page)}{day}: {reason}" if reason else f"{_who(page)}{day}"


def _listed(key: str, title: str, hint: str, pages: QuerySet[Page]) -> Waiting:
    """The pages that have waited longest first."""
    rows = list(pages.order_by("said_at", "pk"))
    return Waiting(key, title, hint, [Item(page, _said(page)) for page in rows[:SHOWN]], len(rows))


def sent_back() -> Waiting:
    """For those who write."""
    pages = _in_state(PageState.SENT_BACK, EventKind.SENT_BACK)
    return _listed("sent_back", "Sent back to you", "A reviewer asked for changes.", pages)


def to_approve(user: User) -> Waiting:
    """For those who review; one's own text is for somebody else."""
    pages = _in_state(PageState.WAITING, EventKind.SUBMITTED)
    if settings.REQUIRE_SECOND_PERSON:
        pages = pages.filter(Q(latest_author__isnull=True) | ~Q(latest_author=user.pk))
    return _listed("to_approve", "To approve", "Read what changes, then approve it or send it back.", pages)


def new_pictures(user: User) -> Waiting:
    """Public pages that go on showing an old picture, or leave one out, until a reviewer approves the new one.

    A picture whose kind was changed is a new one, too: pages say other things about it.
    """
    found: dict[int, set[str]] = {}
    shown = list(_shown_on_live_pages())
    new = {figure.pk: figure for figure in unapproved(list(Figure.objects.filter(pk__in={pk for pk, _ in shown})))}
    for pk, page in shown:
        if pk in new and not (settings.REQUIRE_SECOND_PERSON and new[pk].is_by(user.pk)):
            found.setdefault(page, set()).add(new[pk].slug)
    pages = Page.objects.defer("body").filter(pk__in=found).order_by("title", "pk")
    items = [Item(page, f"Picture {', '.join(sorted(found[page.pk]))}") for page in pages]
    hint = "Patients still see the old picture and what it said. Look at the new one, then approve it with the text."
    return Waiting("new_pictures", "New or changed pictures to approve", hint, items[:SHOWN], len(items))


def _shown_on_live_pages() -> Iterator[tuple[int, int]]:
    """Figures with the public pages whose texts show them, as keys; those of a series as it is now."""
    live = ReleaseInput.objects.filter(release__live_on__isnull=False)
    yield from live.filter(kind="figure", figure__isnull=False).values_list("figure", "release__page")
    series: dict[tuple[str, str], list[int]] = {}
    for slug, language, figure in SeriesItem.objects.values_list("series__slug", "series__language", "figure"):
        series.setdefault((slug, language), []).append(figure)
    for slug, language, page in live.filter(kind="series").values_list(
        "key", "release__page__language", "release__page"
    ):
        yield from ((figure, page) for figure in series.get((slug, language), ()))


def approved() -> Waiting:
    """For those who publish: approved, and not planned yet."""
    pages = _in_state(PageState.APPROVED, EventKind.APPROVED).filter(publish_at__isnull=True)
    rows = list(pages.order_by("said_at", "pk"))
    read = [page for page in rows if _is_public(page)]
    if len(read) == len(rows):
        hint = "Patients read these starter texts already. Publishing shows that your clinic reviewed them."
    elif read:
        hint = "Publish these texts so that patients read them."
    elif any(page.live_release_id for page in rows):
        hint = "Patients do not read the approved versions yet."
    else:
        hint = "Patients do not read these pages yet."
    items = [Item(page, _read_now(page)) for page in rows[:SHOWN]]
    return Waiting("approved", "Approved, to be published", hint, items, len(rows))


def _read_now(page: Any) -> str:
    """Who approved a page, and what patients read until it is published."""
    said = _said(page)
    dot = "" if said.endswith((".", "!", "?", "…")) else "."
    if _is_public(page):
        return f"{said}{dot} Patients read it already, marked as starter text."
    return f"{said}{dot} Patients read an older version." if page.live_release_id else f"{said}{dot} Not public."


def _is_public(page: Any) -> bool:
    """Whether patients read the newest text already: starter text that was approved as it is."""
    live = page.live_release
    return live is not None and live.revision.content_hash == page.latest_hash


def own_drafts(user: User) -> Waiting:
    """What this person saved and did not send for review."""
    pages = _unsent().filter(latest_author=user.pk)
    return _drafts("own_drafts", "Your drafts", "Saved but not sent for review yet.", pages)


def other_drafts(user: User) -> Waiting:
    """What others saved and did not send for review."""
    pages = _unsent().filter(Q(latest_author__isnull=True) | ~Q(latest_author=user.pk))
    return _drafts("other_drafts", "Other people’s drafts", "Saved by other people but not sent for review yet.", pages)


def _unsent() -> Any:
    writers = User.objects.filter(pk=OuterRef("latest_author"))
    return in_state(with_states(Page.objects.defer("body")), PageState.UNSENT).annotate(
        said_first=Subquery(writers.values("first_name")[:1]),
        said_last=Subquery(writers.values("last_name")[:1]),
        said_user=Subquery(writers.values("username")[:1]),
    )


def _drafts(key: str, title: str, hint: str, pages: QuerySet[Page]) -> Waiting:
    """The draft saved last comes first."""
    rows = list(pages.order_by("-latest_at", "pk"))
    own = key == "own_drafts"
    items = [Item(page, f"Saved {'' if own else f'by {_who(page)} '}on {_day(page)}") for page in rows[:SHOWN]]
    return Waiting(key, title, hint, items, len(rows))


def _day(page: Page) -> str:
    return day_words(timezone.localdate(getattr(page, "latest_at", None)))


def left_by_withdrawal() -> Waiting:
    """Public pages that a withdrawal left behind: they lead to the withdrawn page, or are its translation."""
    withdrawn: dict[tuple[str, str], str] = {}
    subjects: dict[str, str] = {}
    for page in Page.objects.filter(live_release__isnull=True).exclude(withdrawn_reason="").order_by("title"):
        withdrawn[page.language, page.subject] = subjects[page.subject] = page.title
    if not withdrawn:
        return Waiting("withdrawn", "", "")
    said: dict[Page, list[str]] = {}
    links = ReleaseInput.objects.filter(kind="page", key__in=subjects, release__live_on__isnull=False)
    for used in links.select_related("release__page").defer("release__html", "release__sections"):
        if title := withdrawn.get((used.release.page.language, used.key)):
            said.setdefault(used.release.page, []).append(f"Links to “{title}”, which is withdrawn.")
    for page in Page.objects.published().filter(subject__in=subjects):
        said.setdefault(page, []).append(f"Its translation “{subjects[page.subject]}” is withdrawn.")
    rows = sorted(said.items(), key=lambda row: row[0].title)
    hint = "Change these public pages, or withdraw them, too."
    items = [Item(page, " ".join(words)) for page, words in rows[:SHOWN]]
    return Waiting("withdrawn", "Pages affected by a withdrawal", hint, items, len(rows))


def planned() -> Waiting:
    """What goes public by itself, and what will not, because it is not approved any more."""
    rows = list(scheduled())
    here = [
        Item(
            page,
            f"{timezone.localtime(page.publish_at):%H:%M}, {day_words(timezone.localtime(page.publish_at).date())}",
        )
        for page in rows
        if page.publish_at
    ]
    return Waiting("planned", "Planned to go public", "By the clinic’s clock.", here[:SHOWN], len(here))


def not_published() -> Waiting:
    """Plans that the portal itself had to give up, until somebody plans or publishes anew; and those it will."""
    plans = (EventKind.SCHEDULED, EventKind.UNSCHEDULED, EventKind.PUBLISHED, EventKind.WITHDRAWN)
    last = ReleaseEvent.objects.filter(page=OuterRef("pk"), kind__in=plans).order_by("-pk")
    pages = Page.objects.annotate(
        last_kind=Subquery(last.values("kind")[:1]),
        last_actor=Subquery(last.values("actor")[:1]),
        last_reason=Subquery(last.values("reason")[:1]),
    ).filter(last_kind=EventKind.UNSCHEDULED, last_actor__isnull=True)
    items = [Item(page, f"Was not published at its time. {getattr(page, 'last_reason', '')}") for page in pages]
    items += [
        Item(page, "Will not be published: a reviewer sent this text back after it was planned.") for page in _voided()
    ]
    hint = "A text that was planned cannot go public."
    return Waiting("not_published", "Not published", hint, items[:SHOWN], len(items))


def _voided() -> QuerySet[Page]:
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


def reviews_due() -> Waiting:
    """Public pages whose review is due or comes within a month."""
    today = timezone.localdate(timezone=clinic_zone())
    rows = list(
        Page.objects.due_for_review(today + MONTH)
        .select_related("live_release")
        .defer("live_release__html", "live_release__sections")
        .order_by("live_release__next_review_on", "title")
    )
    items = []
    for page in rows[:SHOWN]:
        due = page.live_release.next_review_on if page.live_release else today
        items.append(Item(page, f"{'Due since' if due <= today else 'Due on'} {day_words(due)}"))
    return Waiting(
        "reviews", "Reviews due", "Is the text still right? Then approve and publish it anew.", items, len(rows)
    )


def out_of_date() -> Waiting:
    """Public pages that print a value which has changed since."""
    rows = changed_since()
    items = [Item(row.page, words(row.changed)) for row in rows[:SHOWN]]
    hint = "A picture, word, source or answer that they show was changed."
    return Waiting("outdated", "Pages that print old values", hint, items, len(rows))


KINDS = {
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


def words(changed: list[tuple[str, str]]) -> str:
    """What changed: “word osteoporosis, answer driving”."""
    return ", ".join(f"{KINDS.get(kind, kind)} {key.removesuffix('#')}".strip() for kind, key in changed)


def translations_behind() -> Waiting:
    """Translations whose source was changed since."""
    rows = list(behind(Page.objects.order_by("title")))
    items = [Item(page, "The source text has changed since.") for page in rows[:SHOWN]]
    return Waiting("translations", "Translations behind", "Bring them up to date.", items, len(rows))


def unchecked_translations() -> Waiting:
    """Public translations that no qualified translator has checked: one line, not one for each."""
    count = (
        Page.objects.published()
        .exclude(language=Language.ENGLISH)
        .filter(live_release__translation_checked=False)
        .aggregate(count=Count("pk"))["count"]
    )
    hint = "No qualified translator’s check is on record. Their pages say so to patients."
    return Waiting("unchecked", "Translations to be checked", hint, [], count)
