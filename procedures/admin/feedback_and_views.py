"""Page view counts, and the readers' feedback from “Was this clear?”."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from portal.admin_search import SearchableModelAdmin
from procedures.admin.base import get_change_url, render_admin
from procedures.models import Feedback
from procedures.page_views import LIST_PATHS, most_viewed_pages, page_views_by_path

PERIODS_DAYS = (7, 30, 90, 365)
DEFAULT_PERIOD_DAYS = 30


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
    return render_admin(request, "feedback/page_views", context, title=_("What patients read"))


@admin.register(Feedback)
class FeedbackAdmin(SearchableModelAdmin):
    """Admin of the feedback, unread first. Staff can mark and delete it, but not write or change it."""

    list_display = ("comment_text", "is_read", "was_clear_label", "page_title", "section_title", "received_on")
    list_filter = ("is_read", "was_clear", "received_on", ("page", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("page__live_release",)
    list_per_page = 50
    search_fields = ("comment", "page__title")
    actions = ("mark_read", "mark_unread")
    fields = ("page_title", "section_title", "was_clear_label", "comment", "received_on", "is_read")
    readonly_fields = ("page_title", "section_title", "was_clear_label")

    @admin.display(description=gettext_lazy("comment"))
    def comment_text(self, feedback: Feedback) -> str:
        """Return the whole comment, so that nobody has to open the row."""
        return feedback.comment or _("(no comment)")

    @admin.display(description=gettext_lazy("clear?"), ordering="was_clear")
    def was_clear_label(self, feedback: Feedback) -> str:
        """Return the answer as text."""
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
        """Refuse: only readers write feedback."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: staff cannot edit what readers wrote."""
        return False

    def has_mark_permission(self, request: HttpRequest) -> bool:
        """Whether the user can mark feedback as read."""
        return request.user.has_perm("procedures.change_feedback")

    @admin.action(description=gettext_lazy("Mark as read"), permissions=["mark"])
    def mark_read(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        """Mark the selected feedback as read, which moves it to the end of the list."""
        messages.success(request, _("Marked as read: %(count)s.") % {"count": queryset.update(is_read=True)})

    @admin.action(description=gettext_lazy("Mark as unread"), permissions=["mark"])
    def mark_unread(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        """Mark the selected feedback as unread, which moves it to the front of the list."""
        messages.success(request, _("Marked as unread: %(count)s.") % {"count": queryset.update(is_read=False)})
