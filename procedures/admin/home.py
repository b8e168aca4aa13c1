"""The first screen of the staff: what waits for this person, what to do next, and what happened lately."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from portal.staff.models import User
from procedures.admin.base import staff
from procedures.admin.desk import change_address
from procedures.links.reads import most_read
from procedures.models import OutsideLink, Page, ReleaseEvent
from procedures.publishing.states import PageState
from procedures.publishing.waiting import SHOWN, SignList, Waiting, waiting_for

LATELY = 6
MONTH = 30  # days


@dataclass(frozen=True)
class Line:
    """One line of a panel: words that may lead somewhere, and what stands beside them."""

    words: str
    address: str
    beside: str


@dataclass(frozen=True)
class Panel:
    """Something to know. A panel without lines is not shown."""

    key: str
    title: str
    hint: str
    lines: list[Line]


@dataclass(frozen=True)
class Card:
    """A list of what waits, with the places where the work is done."""

    waiting: Waiting
    rows: list[tuple[Page | SignList, str, str]]
    more: int
    everything: str


def home(request: HttpRequest) -> dict[str, object]:
    """Context of ``admin/index.html`` besides Django's. The number of queries does not grow with the site."""
    user = staff(request)
    panels = [panel for make in PANELS if (panel := make(user)) and panel.lines]
    return {"cards": [card(waiting) for waiting in waiting_for(user)], "quick": quick_actions(user), "panels": panels}


def card(waiting: Waiting) -> Card:
    """The list with addresses."""
    rows = [(item.page, _address(waiting.key, item.page), item.words) for item in waiting.items]
    return Card(waiting, rows, max(0, waiting.total - SHOWN) if rows else 0, _everything(waiting.key))


def _address(key: str, page: Page | SignList) -> str:
    """Where the work on this page is done."""
    if isinstance(page, SignList):
        return reverse("admin:procedures_warningsign_changelist")
    screens = {
        "to_approve": "review",
        "new_pictures": "review",
        "approved": "publish",
        "planned": "publish",
        "not_published": "publish",
        "translations": "translation",
    }
    screen = screens.get(key)
    return reverse(f"admin:procedures_page_{screen}", args=[page.pk]) if screen else change_address(page)


def _everything(key: str) -> str:
    """The whole list, where there is one."""
    pages = reverse("admin:procedures_page_changelist")
    lists = {
        "to_approve": f"{pages}?state={PageState.WAITING.value}",
        "approved": f"{pages}?state={PageState.APPROVED.value}",
        "sent_back": f"{pages}?state={PageState.SENT_BACK.value}",
        "own_drafts": f"{pages}?state={PageState.UNSENT.value}",
        "other_drafts": f"{pages}?state={PageState.UNSENT.value}",
        "planned": reverse("admin:procedures_page_planned"),
        "outdated": reverse("admin:procedures_page_outdated"),
        "unchecked": f"{pages}?language__exact=es",
        "reviews": pages,
        "translations": f"{pages}?language__exact=es",
    }
    return lists.get(key, "")


def quick_actions(user: User) -> list[tuple[str, str]]:
    """Words and address of what this person does most."""
    offered = (
        ("procedures.add_page", "Write a new page", "admin:procedures_page_add"),
        ("procedures.add_figure", "Add a picture", "admin:procedures_figure_add"),
        ("procedures.view_page", "All pages", "admin:procedures_page_changelist"),
        ("procedures.view_page", "All guides", "admin:procedures_guide_changelist"),
        ("procedures.publish_page", "Planned to go public", "admin:procedures_page_planned"),
        ("procedures.publish_page", "Move texts between two portals", "admin:procedures_page_transfer"),
        ("procedures.view_releaseevent", "What happened", "admin:procedures_releaseevent_changelist"),
        ("staff.view_user", "People", "admin:staff_user_changelist"),
    )
    return [(words, reverse(name)) for permission, words, name in offered if user.has_perm(permission)]


def lately(user: User) -> Panel | None:
    """The last few lines of the log."""
    if not user.has_perm("procedures.view_releaseevent"):
        return None
    # A first load publishes everything at once, by nobody: no news.
    events = ReleaseEvent.objects.filter(actor__isnull=False).select_related("page", "actor")[:LATELY]
    lines = [
        Line(event.page.title, change_address(event.page), f"{event.get_kind_display()} by {event.actor}")
        for event in events
    ]
    return Panel("lately", "What happened lately", "", lines)


def most_opened(user: User) -> Panel | None:
    """What patients read most, in day totals that name nobody."""
    if not user.has_perm("procedures.view_readcount"):
        return None
    lines = [
        Line(row.page.title, change_address(row.page), f"opened about {row.reads} times")
        for row in most_read(MONTH)[:LATELY]
        if row.reads
    ]
    hint = "In the last 30 days. An estimate: nobody is watched."
    return Panel("most-read", "What patients read most", hint, lines)


def broken_links(user: User) -> Panel | None:
    """Links to other sites that lead nowhere, as the last check found them."""
    if not user.has_perm("procedures.view_outsidelink"):
        return None
    address = reverse("admin:procedures_outsidelink_changelist")
    lines = [Line(link.url, address, link.answer) for link in OutsideLink.objects.broken()[:LATELY]]
    return Panel("broken-links", "Broken links to other sites", "Found by the last check_links --outside.", lines)


# Each makes a panel or None for one person, in a fixed number of queries.
PANELS: tuple[Callable[[User], Panel | None], ...] = (most_opened, broken_links, lately)
