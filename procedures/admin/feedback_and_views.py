"""What readers tell us: how often pages are opened, and their answers to “Was this clear?”."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.admin_search import SearchableModelAdmin
from procedures.admin.base import render_admin
from procedures.admin.edit_page import get_change_url
from procedures.analytics.page_views import LIST_PATHS, most_viewed_pages, page_views_by_path
from procedures.models import Feedback

PERIODS_DAYS = (7, 30, 90, 365)
DEFAULT_PERIOD_DAYS = 30


@require_safe
@permission_required("procedures.view_pageview", raise_exception=True)
def page_views_view(request: HttpRequest) -> HttpResponse:
    """What patients read: totals by page for the last days."""
    asked = request.GET.get("days", "")
    days = next((span for span in PERIODS_DAYS if str(span) == asked), DEFAULT_PERIOD_DAYS)
    rows = most_viewed_pages(days)
    highest = max((row.views for row in rows), default=0) or 1
    lists = page_views_by_path(days)
    context = {
        "rows": [(row, get_change_url(row.page), round(100 * row.views / highest)) for row in rows],
        "list_views": [(address, lists[address]) for address in sorted(LIST_PATHS)],
        "periods": [(span, span == days) for span in PERIODS_DAYS],
        "days": days,
        "is_counting": settings.COUNT_PAGE_VIEWS,
    }
    return render_admin(request, "feedback/page_views", context, title="What patients read")


@admin.register(Feedback)
class FeedbackAdmin(SearchableModelAdmin):
    """Answers, unread first: to read, to mark and to delete. Nobody writes or changes one."""

    list_display = ("comment_text", "is_read", "was_clear_label", "page_title", "section_title", "received_on")
    list_filter = ("is_read", "was_clear", "received_on", ("page", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("page__live_release",)
    list_per_page = 50
    search_fields = ("comment", "page__title")
    actions = ("mark_read", "mark_unread")
    fields = ("page_title", "section_title", "was_clear_label", "comment", "received_on", "is_read")
    readonly_fields = ("page_title", "section_title", "was_clear_label")

    @admin.display(description="words")
    def comment_text(self, feedback: Feedback) -> str:
        """The line, whole: nobody has to open it."""
        return feedback.comment or "(no words)"

    @admin.display(description="clear?", ordering="was_clear")
    def was_clear_label(self, feedback: Feedback) -> str:
        """The answer."""
        return "Yes" if feedback.was_clear else "No"

    @admin.display(description="page", ordering="page__title")
    def page_title(self, feedback: Feedback) -> str:
        """Its title as patients know it."""
        live = feedback.page.live_release
        return f"{live.title if live else feedback.page.title} ({feedback.page.language})"

    @admin.display(description="part", ordering="section")
    def section_title(self, feedback: Feedback) -> str:
        """The heading of the section; its anchor where the text has changed since."""
        live = feedback.page.live_release
        titles = {section["anchor"]: section["title"] for section in live.sections} if live else {}
        present = live.old_anchors.get(feedback.section, feedback.section) if live else feedback.section
        return str(titles.get(present, feedback.section))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Readers write them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Their words stay theirs."""
        return False

    def has_mark_permission(self, request: HttpRequest) -> bool:
        """Who may say that an answer was read."""
        return request.user.has_perm("procedures.change_feedback")

    @admin.action(description="Mark as read", permissions=["mark"])
    def mark_read(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        """They move to the end of the list."""
        messages.success(request, f"Marked as read: {queryset.update(is_read=True)}.")

    @admin.action(description="Mark as unread", permissions=["mark"])
    def mark_unread(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        """They come to the front again."""
        messages.success(request, f"Marked as unread: {queryset.update(is_read=False)}.")
