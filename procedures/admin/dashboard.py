"""The admin index, and the lists behind its panels: the activity log, page views, and the readers' feedback."""

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from portal.accounts.models import User
from portal.admin_site import ReadOnlyAdmin, SearchableModelAdmin
from procedures import languages
from procedures.admin.base import get_change_url, get_staff_user, render_admin
from procedures.admin.navigation import QUICK_ACTIONS
from procedures.enums import EventKind
from procedures.models import Autosave, ExternalLink, Feedback, Page, ReleaseEvent
from procedures.page_views import LIST_PATHS, most_viewed_pages, page_views_by_path
from procedures.publishing.review import PageState
from procedures.publishing.tasks import (
    MAX_TASKS_SHOWN,
    TaskList,
    WarningSignList,
    get_task_lists,
    in_review_tasks,
)
from procedures.revisions import drafts
from procedures.revisions.history import stream_csv
from procedures.timezones import DateOutOfRangeError, get_clinic_timezone, validate_date

MAX_PANEL_LINES = 6
PAGE_VIEW_DAYS = 30

# The screen on which each list's tasks are handled. All other lists link to the page's change form.
TASK_SCREENS = {
    "to_approve": "review",
    "new_pictures": "review",
    "approved": "publish",
    "planned": "publish",
    "not_published": "publish",
    "translations": "translation",
}
# The task lists of the Reviews screen.
REVIEW_KEYS = frozenset(
    "signs_to_approve signs_sent_back signs_to_publish to_approve new_pictures approved sent_back reviews".split()
)
PERIODS_DAYS = (7, 30, 90, 365)
DEFAULT_PERIOD_DAYS = 30


@dataclass(frozen=True)
class PanelLine:
    """One line of a panel. ``url`` can be empty."""

    label: str
    url: str
    detail: str


@dataclass(frozen=True)
class Panel:
    """A panel of the dashboard. A panel without lines is not shown."""

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
        "unsaved": [build_unsaved_line(autosave) for autosave in drafts.find_all_unsaved(user)],
        "quick_actions": get_quick_actions(user),
        "panels": panels,
    }


def build_unsaved_line(autosave: Autosave) -> PanelLine:
    """Return a link that opens an unsaved text in its form."""
    typed = " ".join(str(autosave.fields.get("title", "")).split())
    date = formats.date_format(timezone.localtime(autosave.edited_at), "DATETIME_FORMAT")
    detail = _("Typed on %(date)s, and not saved.") % {"date": date}
    page = autosave.page
    title = typed or (page.title if page else _("New page without a title"))
    url = get_change_url(page) if page else reverse(f"admin:procedures_{autosave.form}_add")
    return PanelLine(title, f"{url}?{urlencode({'unsaved': autosave.client_id})}", detail)


def build_card(task_list: TaskList, max_rows: int | None = MAX_TASKS_SHOWN) -> TaskCard:
    """Add URLs to a task list, and cut it to ``max_rows``."""
    tasks = task_list.tasks[:max_rows]
    rows = [(task.page, _get_task_url(task_list.key, task.page), task.reason) for task in tasks]
    return TaskCard(task_list, rows, len(task_list.tasks) - len(rows), _get_list_url(task_list.key))


@require_safe
@permission_required("procedures.view_page", raise_exception=True)
def reviews_view(request: HttpRequest) -> HttpResponse:
    """Show everything that is in review, without a limit, with links to the screen for the next step."""
    user = get_staff_user(request)
    task_lists = [task_list for task_list in get_task_lists(user) if task_list.key in REVIEW_KEYS]
    if not user.has_perm("procedures.approve_page") and (with_reviewer := in_review_tasks()).total:
        task_lists.insert(0, with_reviewer)
    cards = [build_card(task_list, None) for task_list in task_lists]
    return render_admin(request, "workflow/reviews", {"cards": cards}, title=_("Reviews"))


def _get_task_url(key: str, page: Page | WarningSignList) -> str:
    if isinstance(page, WarningSignList):
        return reverse("admin:procedures_warningsign_changelist")
    screen = TASK_SCREENS.get(key)
    return reverse(f"admin:procedures_page_{screen}", args=[page.pk]) if screen else get_change_url(page)


def _get_list_url(key: str) -> str:
    """Return the URL of the whole list, or an empty string if no screen shows it."""
    pages = reverse("admin:procedures_page_changelist")
    others = [code for code in languages.CODES if code != languages.DEFAULT]
    # The list filters by one language.
    translations = f"{pages}?language__exact={others[0]}" if len(others) == 1 else pages
    urls = {
        "to_approve": f"{pages}?state={PageState.IN_REVIEW.value}",
        "approved": f"{pages}?state={PageState.APPROVED.value}",
        "sent_back": f"{pages}?state={PageState.SENT_BACK.value}",
        "own_drafts": f"{pages}?state={PageState.UNSUBMITTED.value}",
        "other_drafts": f"{pages}?state={PageState.UNSUBMITTED.value}",
        "planned": reverse("admin:procedures_page_scheduled"),
        "outdated": reverse("admin:procedures_page_stale"),
        "unchecked": translations,
        "reviews": pages,
        "translations": translations,
    }
    return urls.get(key, "")


def get_quick_actions(user: User) -> list[tuple[str, str]]:
    """Return the label and URL of the most common actions that this user has permission for."""
    return [
        (str(action.label), reverse(f"admin:{action.url_name}"))
        for action in QUICK_ACTIONS
        if user.has_perm(action.permission)
    ]


def build_most_viewed_panel(user: User) -> Panel | None:
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
    hint = _("In the last %(days)s days. An estimate: no one is tracked.") % {"days": PAGE_VIEW_DAYS}
    return Panel("most-viewed", _("Most viewed pages"), hint, lines)


def build_broken_links_panel(user: User) -> Panel | None:
    if not user.has_perm("procedures.view_externallink"):
        return None
    url = reverse("admin:procedures_externallink_changelist")
    lines = [PanelLine(link.url, url, link.last_result) for link in ExternalLink.objects.broken()[:MAX_PANEL_LINES]]
    return Panel("broken-links", _("Broken external links"), _("From the last check of external links."), lines)


def build_recent_activity_panel(user: User) -> Panel | None:
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
PANEL_BUILDERS: tuple[Callable[[User], Panel | None], ...] = (
    build_most_viewed_panel,
    build_broken_links_panel,
    build_recent_activity_panel,
)


def validate_day(day: datetime.date) -> None:
    """Raise ValidationError for a date that the database cannot handle."""
    try:
        validate_date(day)
    except DateOutOfRangeError as error:
        raise ValidationError(str(error)) from error


class ActivityLogFilterForm(forms.Form):
    """The filters above the log, all optional."""

    first = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[validate_day],
    )
    last = forms.DateField(
        label=gettext_lazy("To"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[validate_day],
    )
    page = forms.ModelChoiceField(
        Page.objects.order_by("title"),
        label=gettext_lazy("Page"),
        required=False,
        empty_label=gettext_lazy("All pages"),
    )
    person = forms.ModelChoiceField(
        User.objects.order_by("username"),
        label=gettext_lazy("Person"),
        required=False,
        empty_label=gettext_lazy("Everyone"),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Action"), required=False, choices=[("", gettext_lazy("All actions")), *EventKind.choices]
    )

    def filter_events(self, events: QuerySet[ReleaseEvent]) -> QuerySet[ReleaseEvent]:
        """Narrow down ``events``. Days are days in the clinic's time zone. An invalid form filters nothing."""
        if not self.is_valid():
            return events
        values = self.cleaned_data
        lookups: dict[str, Any] = {"page": values["page"], "actor": values["person"], "kind": values["kind"]}
        with timezone.override(get_clinic_timezone()):
            if values["first"]:
                lookups["created_at__date__gte"] = values["first"]
            if values["last"]:
                lookups["created_at__date__lte"] = values["last"]
            # Building the query reads the current time zone, so it must happen inside this block.
            return events.filter(**{name: value for name, value in lookups.items() if value})


class ActivityLogFilter(admin.SimpleListFilter):
    """Accepts the parameters of ActivityLogFilterForm, which the template shows in place of Django's filters."""

    title = gettext_lazy("submitted")
    parameter_name = "first"
    parameter_names = ("first", "last", "page", "person", "kind")

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.submitted = {name: value[-1] for name in self.parameter_names if (value := params.pop(name, None))}
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer no links: the form has its own controls."""
        return []

    def has_output(self) -> bool:
        """Return True, without which Django would not apply a filter that has no lookups."""
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameter_names)

    def choices(self, changelist: Any) -> Any:
        """Offer no links: the form has its own controls."""
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReleaseEvent]) -> QuerySet[ReleaseEvent]:
        """Apply the submitted form."""
        return ActivityLogFilterForm(self.submitted).filter_events(queryset)


@admin.register(ReleaseEvent)
class ReleaseEventAdmin(ReadOnlyAdmin):
    """Admin for the activity log."""

    change_list_template = "admin/procedures/workflow/activity_log.html"
    list_title = gettext_lazy("Activity")
    list_display = ("created_at", "kind", "page", "actor", "reason")
    list_display_links = ("created_at",)
    list_filter = (ActivityLogFilter,)
    list_select_related = ("page", "actor")
    search_fields = ("page__title", "page__subject", "reason")

    def row_title(self, event: ReleaseEvent) -> str:
        """Name the event and the page."""
        return _("%(event)s: %(title)s") % {"event": event.get_kind_display(), "title": event.page.title}

    def get_urls(self) -> list[URLPattern]:
        """Add the CSV export before Django's URLs, whose last pattern matches everything."""
        view = self.admin_site.admin_view(self.export_csv_view)
        return [path("table.csv", view, name="procedures_releaseevent_csv"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse | Any:
        """Add the filter form, and the export URL for managers."""
        query = request.GET.urlencode()
        csv_url = reverse("admin:procedures_releaseevent_csv") + (f"?{query}" if query else "")
        can_export = get_staff_user(request).has_perm("procedures.publish_page")
        context = {"filter_form": ActivityLogFilterForm(request.GET), "csv_url": csv_url if can_export else ""}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def export_csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """Stream the filtered rows as CSV. Managers only."""
        if not get_staff_user(request).has_perm("procedures.publish_page"):
            raise PermissionDenied
        return _csv_response(request, self)


@require_safe
def _csv_response(request: HttpRequest, model_admin: ReleaseEventAdmin) -> HttpResponseBase:
    try:
        events = model_admin.get_changelist_instance(request).get_queryset(request)
    except IncorrectLookupParameters:
        return HttpResponseRedirect(reverse("admin:procedures_releaseevent_changelist"))
    name = f"plainspine-log-{timezone.localdate():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(_iterate_csv_lines(events), content_type="text/csv; charset=utf-8", headers=headers)


def _iterate_csv_lines(events: QuerySet[ReleaseEvent]) -> Iterator[str]:
    """Yield lines in the clinic's time zone, which the middleware has deactivated by the time they are streamed."""
    zone = get_clinic_timezone()
    lines = stream_csv(events)
    while True:
        with timezone.override(zone):
            line = next(lines, None)
        if line is None:
            return
        yield line


@require_safe
@permission_required("procedures.view_pageview", raise_exception=True)
def page_views_view(request: HttpRequest) -> HttpResponse:
    """Show the view counts of each page for a period (``?days=30``)."""
    requested = request.GET.get("days", "")
    days = next((period for period in PERIODS_DAYS if str(period) == requested), DEFAULT_PERIOD_DAYS)
    rows = most_viewed_pages(days)
    highest = max((row.views for row in rows), default=0) or 1
    views_by_path = page_views_by_path(days)
    context = {
        "rows": [(row, get_change_url(row.page), round(100 * row.views / highest)) for row in rows],
        "list_views": [(path, views_by_path[path]) for path in sorted(LIST_PATHS)],
        "periods": [(period, period == days) for period in PERIODS_DAYS],
        "days": days,
        "is_counting": settings.COUNT_PAGE_VIEWS,
    }
    return render_admin(request, "feedback/page_views", context, title=_("Page views"))


@admin.register(Feedback)
class FeedbackAdmin(SearchableModelAdmin):
    """Admin for the feedback, unread first. Staff can mark and delete it, but not write or change it."""

    list_title = gettext_lazy("Feedback")
    list_display = ("comment_text", "is_read", "was_clear_label", "page_title", "section_title", "received_on")
    list_filter = ("is_read", "was_clear", "received_on", ("page", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("page__live_release",)
    list_per_page = 50
    search_fields = ("comment", "page__title")
    actions = ("mark_read", "mark_unread")
    fields = ("page_title", "section_title", "was_clear_label", "comment", "received_on", "is_read")

    def row_title(self, feedback: Feedback) -> str:
        """Return a title with the page that the feedback is about."""
        return _("Feedback on %(title)s") % {"title": feedback.page.title}

    readonly_fields = ("page_title", "section_title", "was_clear_label")

    @admin.display(description=gettext_lazy("comment"))
    def comment_text(self, feedback: Feedback) -> str:
        """Return the full comment, so that staff do not have to open the row."""
        return feedback.comment or _("(no comment)")

    @admin.display(description=gettext_lazy("was it clear?"), ordering="was_clear")
    def was_clear_label(self, feedback: Feedback) -> str:
        return _("Yes") if feedback.was_clear else _("No")

    @admin.display(description=gettext_lazy("page"), ordering="page__title")
    def page_title(self, feedback: Feedback) -> str:
        """Return the page's public title and language."""
        live = feedback.page.live_release
        return f"{live.title if live else feedback.page.title} ({feedback.page.language})"

    @admin.display(description=gettext_lazy("section"), ordering="section")
    def section_title(self, feedback: Feedback) -> str:
        """Return the heading of the section, or its anchor if the section no longer exists."""
        live = feedback.page.live_release
        titles = {section["anchor"]: section["title"] for section in live.sections} if live else {}
        anchor = live.old_anchors.get(feedback.section, feedback.section) if live else feedback.section
        return str(titles.get(anchor, feedback.section))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny: only readers write feedback."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: staff cannot edit reader feedback."""
        return False

    def has_mark_permission(self, request: HttpRequest) -> bool:
        """Return whether the user can mark feedback as read."""
        return request.user.has_perm("procedures.change_feedback")

    @admin.action(description=gettext_lazy("Mark as read"), permissions=["mark"])
    def mark_read(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        """Mark the selected feedback as read, which moves it to the end of the list."""
        messages.success(request, _("Marked as read: %(count)s.") % {"count": queryset.update(is_read=True)})

    @admin.action(description=gettext_lazy("Mark as unread"), permissions=["mark"])
    def mark_unread(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        """Mark the selected feedback as unread, which moves it to the front of the list."""
        messages.success(request, _("Marked as unread: %(count)s.") % {"count": queryset.update(is_read=False)})
