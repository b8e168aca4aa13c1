"""Public pages that print old values: told after a save, listed, and renewed with one button."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from procedures.admin.base import AnyAdmin, get_staff_user, parse_int_or_zero, render_admin
from procedures.admin.edit_page import get_change_url
from procedures.enums import Language
from procedures.models import Page
from procedures.publishing.publish import PublishError, rerelease_page
from procedures.publishing.tasks import describe_changes
from procedures.publishing.usage import (
    find_pages_with_stale_link,
    find_pages_with_stale_value,
    find_stale_pages_by_rendering,
)


class StalePagesMixin(AnyAdmin):
    """Mixin for what pages quote. After each save it says how many public pages print the old value."""

    def dependency_key(self, obj: Any) -> tuple[str, str]:
        """Kind and key as a release notes them; the key may be empty: all."""
        raise NotImplementedError

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Django's answer, with our message."""
        self.message_stale_pages(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Django's answer, with our message."""
        self.message_stale_pages(request, obj)
        return super().response_change(request, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete, then say which pages still print it."""
        super().delete_model(request, obj)
        self.message_stale_pages(request, obj)

    def message_stale_pages(self, request: HttpRequest, obj: Any) -> None:
        """A message with a link, where public pages print another value than ``obj`` has now."""
        kind, key = self.dependency_key(obj)
        languages = [obj.language] if hasattr(obj, "language") else Language.values
        old = [
            page
            for language in languages
            for page in find_pages_with_stale_value(kind=kind, key=key, language=language)
        ]
        message_rerelease_link(request, old, "the old values")


def message_already_published(request: HttpRequest) -> None:
    """The answer to a double click, or to a manager who was not the first."""
    messages.info(request, "This text is already published. Patients can read it now.")


def message_published(request: HttpRequest, page: Page) -> None:
    """What has happened, and which other public pages still name the page as it was."""
    messages.success(request, "Published. Patients read this text now.")
    message_rerelease_link(request, find_pages_with_stale_link(page), "its old title or address")


def message_rerelease_link(request: HttpRequest, pages: list[Page], stale_value: str) -> None:
    """A message with the way to renew, where there are such pages."""
    if pages:
        count = "1 public page prints" if len(pages) == 1 else f"{len(pages)} public pages print"
        link = format_html('<a href="{}">Look and renew</a>', reverse("admin:procedures_page_stale"))
        messages.warning(request, format_html("{} {}. {}.", count, stale_value, link))


@require_http_methods(["GET", "HEAD", "POST"])
def stale_pages_view(request: HttpRequest) -> HttpResponse:
    """The list for everybody who sees pages; the button for those who publish."""
    actor = get_staff_user(request)
    may_renew = actor.has_perm("procedures.publish_page")
    if not (actor.has_perm("procedures.view_page") if request.method != "POST" else may_renew):
        raise PermissionDenied
    refused: list[tuple[Page, PublishError]] = []
    if request.method == "POST":
        refused = _rerelease_selected(request)
        if not refused:
            return HttpResponseRedirect(request.path)
    rows = [
        (row.page, get_change_url(row.page), describe_changes(row.changed)) for row in find_stale_pages_by_rendering()
    ]
    context = {"rows": rows, "failed": refused, "can_rerelease": may_renew}
    title = "Public pages that print old values"
    return render_admin(request, "page/stale", context, title=title, status=409 if refused else 200)


def _rerelease_selected(request: HttpRequest) -> list[tuple[Page, PublishError]]:
    """Renew the ticked pages, each by itself: one that cannot be renewed holds up no other."""
    refused, done = [], 0
    ticked = [parse_int_or_zero(pk) for pk in request.POST.getlist("page")]
    for page in Page.objects.published().filter(pk__in=ticked).select_related("live_release"):
        try:
            done += rerelease_page(page, actor=get_staff_user(request)) is not None
        except PublishError as error:
            refused.append((page, error))
    messages.info(request, f"{done} {'page' if done == 1 else 'pages'} renewed.")
    return refused
