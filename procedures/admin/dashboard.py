"""The admin index: the user's tasks, quick actions, and panels about recent activity, page views, and broken links."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.accounts.models import User
from procedures.admin.base import get_change_url, get_staff_user
from procedures.models import ExternalLink, Page, ReleaseEvent
from procedures.page_views import most_viewed_pages
from procedures.publishing.review import PageState
from procedures.publishing.tasks import MAX_TASKS_SHOWN, TaskList, WarningSignList, get_task_lists

MAX_PANEL_LINES = 6
PAGE_VIEW_DAYS = 30

# Screens where the tasks of a list are done; the change form of the page for any other list.
TASK_SCREENS = {
    "to_approve": "review",
    "new_pictures": "review",
    "approved": "publish",
    "planned": "publish",
    "not_published": "publish",
    "translations": "translation",
}
# Permission, label, and URL name.
QUICK_ACTIONS = (
    ("procedures.add_page", gettext_lazy("Write a new page"), "admin:procedures_page_add"),
    ("procedures.add_figure", gettext_lazy("Add a picture"), "admin:procedures_figure_add"),
    ("procedures.view_page", gettext_lazy("All pages"), "admin:procedures_page_changelist"),
    ("procedures.view_page", gettext_lazy("All guides"), "admin:procedures_guide_changelist"),
    ("procedures.publish_page", gettext_lazy("Scheduled to go public"), "admin:procedures_page_scheduled"),
    ("procedures.publish_page", gettext_lazy("Move texts between two portals"), "admin:procedures_page_transfer"),
    ("procedures.view_releaseevent", gettext_lazy("Activity log"), "admin:procedures_releaseevent_changelist"),
    ("staff.view_user", gettext_lazy("People"), "admin:staff_user_changelist"),
)


@dataclass(frozen=True)
class PanelLine:
    """One line of a panel. ``url`` can be empty."""

    label: str
    url: str
    detail: str


@dataclass(frozen=True)
class Panel:
    """A list of news. A panel without lines is not shown."""

    key: str
    title: str
    hint: str
    lines: list[PanelLine]


@dataclass(frozen=True)
class TaskCard:
    """A task list with links. ``rows`` holds page, URL, and reason; ``list_url`` can be empty."""

    task_list: TaskList
    rows: list[tuple[Page | WarningSignList, str, str]]
    remaining_count: int
    list_url: str


def build_dashboard(request: HttpRequest) -> dict[str, object]:
    """Return the context that ``admin/index.html`` needs besides Django's, in a fixed number of queries."""
    user = get_staff_user(request)
    panels = [panel for build in PANEL_BUILDERS if (panel := build(user)) and panel.lines]
    return {
        "cards": [build_card(task_list) for task_list in get_task_lists(user)],
        "quick_actions": quick_actions(user),
        "panels": panels,
    }


def build_card(task_list: TaskList) -> TaskCard:
    """Add URLs to a task list."""
    rows = [(task.page, _get_task_url(task_list.key, task.page), task.reason) for task in task_list.tasks]
    remaining = max(0, task_list.total - MAX_TASKS_SHOWN) if rows else 0
    return TaskCard(task_list, rows, remaining, _get_list_url(task_list.key))


def _get_task_url(key: str, page: Page | WarningSignList) -> str:
    if isinstance(page, WarningSignList):
        return reverse("admin:procedures_warningsign_changelist")
    screen = TASK_SCREENS.get(key)
    return reverse(f"admin:procedures_page_{screen}", args=[page.pk]) if screen else get_change_url(page)


def _get_list_url(key: str) -> str:
    """Return the URL of the whole list, or an empty string if no screen shows it."""
    pages = reverse("admin:procedures_page_changelist")
    urls = {
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
    return urls.get(key, "")


def quick_actions(user: User) -> list[tuple[str, str]]:
    """Return label and URL of the most common actions that this user has permission for."""
    return [
        (str(label), reverse(url_name)) for permission, label, url_name in QUICK_ACTIONS if user.has_perm(permission)
    ]


def most_viewed(user: User) -> Panel | None:
    """Build the panel of the most viewed pages."""
    if not user.has_perm("procedures.view_pageview"):
        return None
    lines = [
        PanelLine(
            row.page.title,
            get_change_url(row.page),
            ngettext("opened about %(count)s time", "opened about %(count)s times", row.views) % {"count": row.views},
        )
        for row in most_viewed_pages(PAGE_VIEW_DAYS)[:MAX_PANEL_LINES]
        if row.views
    ]
    hint = _("In the last %(days)s days. An estimate: nobody is tracked.") % {"days": PAGE_VIEW_DAYS}
    return Panel("most-viewed", _("What patients read most"), hint, lines)


def broken_links(user: User) -> Panel | None:
    """Build the panel of external links that the last check found broken."""
    if not user.has_perm("procedures.view_externallink"):
        return None
    url = reverse("admin:procedures_externallink_changelist")
    lines = [PanelLine(link.url, url, link.last_result) for link in ExternalLink.objects.broken()[:MAX_PANEL_LINES]]
    return Panel(
        "broken-links", _("Broken links to other sites"), _("Found by the last check_links --external."), lines
    )


def recent_activity(user: User) -> Panel | None:
    """Build the panel of the latest events."""
    if not user.has_perm("procedures.view_releaseevent"):
        return None
    # The initial load publishes every page without an actor, which is not news.
    events = ReleaseEvent.objects.filter(actor__isnull=False).select_related("page", "actor")[:MAX_PANEL_LINES]
    lines = [
        PanelLine(
            event.page.title,
            get_change_url(event.page),
            _("%(event)s by %(name)s") % {"event": event.get_kind_display(), "name": event.actor},
        )
        for event in events
    ]
    return Panel("recent-activity", _("Recent activity"), "", lines)


# Each builds a panel for one user, or returns None, in a fixed number of queries.
PANEL_BUILDERS: tuple[Callable[[User], Panel | None], ...] = (most_viewed, broken_links, recent_activity)
