"""The first screen of the staff: what waits for this person, what to do next, and what happened lately."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from portal.accounts.models import User
from procedures.admin.base import get_staff_user
from procedures.admin.edit_page import get_change_url
from procedures.analytics.page_views import most_viewed_pages
from procedures.models import ExternalLink, Page, ReleaseEvent
from procedures.publishing.review import PageState
from procedures.publishing.tasks import MAX_TASKS_SHOWN, TaskList, WarningSignList, get_task_lists

MAX_PANEL_LINES = 6
PAGE_VIEW_DAYS = 30  # days


@dataclass(frozen=True)
class PanelLine:
    """One line of a panel: words that may lead somewhere, and what stands beside them."""

    label: str
    url: str
    detail: str


@dataclass(frozen=True)
class Panel:
    """Something to know. A panel without lines is not shown."""

    key: str
    title: str
    hint: str
    lines: list[PanelLine]


@dataclass(frozen=True)
class TaskCard:
    """A list of what waits, with the places where the work is done."""

    task_list: TaskList
    rows: list[tuple[Page | WarningSignList, str, str]]
    remaining_count: int
    list_url: str


def build_dashboard(request: HttpRequest) -> dict[str, object]:
    """Context of ``admin/index.html`` besides Django's. The number of queries does not grow with the site."""
    user = get_staff_user(request)
    panels = [panel for make in PANEL_BUILDERS if (panel := make(user)) and panel.lines]
    return {
        "cards": [build_card(waiting) for waiting in get_task_lists(user)],
        "quick_actions": quick_actions(user),
        "panels": panels,
    }


def build_card(task_list: TaskList) -> TaskCard:
    """The list with addresses."""
    rows = [(item.page, _get_task_url(task_list.key, item.page), item.reason) for item in task_list.tasks]
    return TaskCard(
        task_list, rows, max(0, task_list.total - MAX_TASKS_SHOWN) if rows else 0, _get_list_url(task_list.key)
    )


def _get_task_url(key: str, page: Page | WarningSignList) -> str:
    """Where the work on this page is done."""
    if isinstance(page, WarningSignList):
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
    return reverse(f"admin:procedures_page_{screen}", args=[page.pk]) if screen else get_change_url(page)


def _get_list_url(key: str) -> str:
    """The whole list, where there is one."""
    pages = reverse("admin:procedures_page_changelist")
    lists = {
        "to_approve": f"{pages}?state={PageState.IN_REVIEW.value}",
        "approved": f"{pages}?state={PageState.APPROVED.value}",
        "sent_back": f"{pages}?state={PageState.SENT_BACK.value}",
        "own_drafts": f"{pages}?state={PageState.UNSUBMITTED.value}",
        "other_drafts": f"{pages}?state={PageState.UNSUBMITTED.value}",
        "planned": reverse("admin:procedures_page_scheduled"),
        "outdated": reverse("admin:procedures_page_stale"),
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
        ("procedures.publish_page", "Scheduled to go public", "admin:procedures_page_scheduled"),
        ("procedures.publish_page", "Move texts between two portals", "admin:procedures_page_transfer"),
        ("procedures.view_releaseevent", "What happened", "admin:procedures_releaseevent_changelist"),
        ("staff.view_user", "People", "admin:staff_user_changelist"),
    )
    return [(words, reverse(name)) for permission, words, name in offered if user.has_perm(permission)]


def recent_activity(user: User) -> Panel | None:
    """The last few lines of the log."""
    if not user.has_perm("procedures.view_releaseevent"):
        return None
    # A first load publishes everything at once, by nobody: no news.
    events = ReleaseEvent.objects.filter(actor__isnull=False).select_related("page", "actor")[:MAX_PANEL_LINES]
    lines = [
        PanelLine(event.page.title, get_change_url(event.page), f"{event.get_kind_display()} by {event.actor}")
        for event in events
    ]
    return Panel("recent-activity", "What happened lately", "", lines)


def most_viewed(user: User) -> Panel | None:
    """What patients read most, in day totals that name nobody."""
    if not user.has_perm("procedures.view_pageview"):
        return None
    lines = [
        PanelLine(row.page.title, get_change_url(row.page), f"opened about {row.views} times")
        for row in most_viewed_pages(PAGE_VIEW_DAYS)[:MAX_PANEL_LINES]
        if row.views
    ]
    hint = "In the last 30 days. An estimate: nobody is watched."
    return Panel("most-viewed", "What patients read most", hint, lines)


def broken_links(user: User) -> Panel | None:
    """Links to other sites that lead nowhere, as the last check found them."""
    if not user.has_perm("procedures.view_externallink"):
        return None
    address = reverse("admin:procedures_externallink_changelist")
    lines = [PanelLine(link.url, address, link.last_result) for link in ExternalLink.objects.broken()[:MAX_PANEL_LINES]]
    return Panel("broken-links", "Broken links to other sites", "Found by the last check_links --external.", lines)


# Each makes a panel or None for one person, in a fixed number of queries.
PANEL_BUILDERS: tuple[Callable[[User], Panel | None], ...] = (most_viewed, broken_links, recent_activity)
