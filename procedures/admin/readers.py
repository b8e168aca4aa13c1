"""What readers tell us: how often pages are opened, and their answers to “Was this clear?”."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.admin_lists import SearchableList
from procedures.admin.desk import change_address
from procedures.admin.shell import screen
from procedures.links.reads import LISTS, most_read, reads_by_address
from procedures.models import Feedback

SPANS = (7, 30, 90, 365)
USUAL = 30


@require_safe
@permission_required("procedures.view_readcount", raise_exception=True)
def reads(request: HttpRequest) -> HttpResponse:
    """What patients read: totals by page for the last days."""
    asked = request.GET.get("days", "")
    days = next((span for span in SPANS if str(span) == asked), USUAL)
    rows = most_read(days)
    highest = max((row.reads for row in rows), default=0) or 1
    lists = reads_by_address(days)
    context = {
        "rows": [(row, change_address(row.page), round(100 * row.reads / highest)) for row in rows],
        "lists": [(address, lists[address]) for address in sorted(LISTS)],
        "spans": [(span, span == days) for span in SPANS],
        "days": days,
        "counting": settings.COUNT_READS,
    }
    return screen(request, "readers/reads", context, title="What patients read")


@admin.register(Feedback)
class FeedbackAdmin(SearchableList):
    """Answers, unread first: to read, to mark and to delete. Nobody writes or changes one."""

    list_display = ("comment_or_none", "is_read", "verdict", "on_page", "part", "received_on")
    list_filter = ("is_read", "was_clear", "received_on", ("page", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("page__live_release",)
    list_per_page = 50
    search_fields = ("comment", "page__title")
    actions = ("mark_read", "mark_unread")
    fields = ("on_page", "part", "verdict", "comment", "received_on", "is_read")
    readonly_fields = ("on_page", "part", "verdict")

    @admin.display(description="words")
    def comment_or_none(self, answer: Feedback) -> str:
        """The line, whole: nobody has to open it."""
        return answer.comment or "(no words)"

    @admin.display(description="clear?", ordering="was_clear")
    def verdict(self, answer: Feedback) -> str:
        """The answer."""
        return "Yes" if answer.was_clear else "No"

    @admin.display(description="page", ordering="page__title")
    def on_page(self, answer: Feedback) -> str:
        """Its title as patients know it."""
        live = answer.page.live_release
        return f"{live.title if live else answer.page.title} ({answer.page.language})"

    @admin.display(description="part", ordering="section")
    def part(self, answer: Feedback) -> str:
        """The heading of the section; its anchor where the text has changed since."""
        live = answer.page.live_release
        titles = {section["anchor"]: section["title"] for section in live.sections} if live else {}
        present = live.old_anchors.get(answer.section, answer.section) if live else answer.section
        return str(titles.get(present, answer.section))

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
    def mark_read(self, request: HttpRequest, answers: QuerySet[Feedback]) -> None:
        """They move to the end of the list."""
        messages.success(request, f"Marked as read: {answers.update(is_read=True)}.")

    @admin.action(description="Mark as unread", permissions=["mark"])
    def mark_unread(self, request: HttpRequest, answers: QuerySet[Feedback]) -> None:
        """They come to the front again."""
        messages.success(request, f"Marked as unread: {answers.update(is_read=False)}.")
