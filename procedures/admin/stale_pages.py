"""Public pages that print old values: messages after a save, the list of these pages, and the button to update them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from procedures.admin.base import AnyAdmin, get_change_url, get_staff_user, parse_int_or_zero, render_admin
from procedures.enums import Language
from procedures.models import Page
from procedures.publishing.publish import PublishError, rerelease_page
from procedures.publishing.rerelease import (
    find_pages_with_stale_link,
    find_pages_with_stale_value,
    find_stale_pages_by_rendering,
)
from procedures.publishing.tasks import describe_changes


class StalePagesMixin(AnyAdmin):
    """Mixin for rows that pages print. After each save or deletion, a message counts the pages with the old value."""

    def dependency_key(self, obj: Any) -> tuple[str, str]:
        """Return the kind and key of the row's ReleaseDependency. An empty key means every key of that kind."""
        raise NotImplementedError

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Add the message about stale pages."""
        self.message_stale_pages(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Add the message about stale pages."""
        self.message_stale_pages(request, obj)
        return super().response_change(request, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row, and add the message about stale pages."""
        super().delete_model(request, obj)
        self.message_stale_pages(request, obj)

    def message_stale_pages(self, request: HttpRequest, obj: Any) -> None:
        """Add a message with a link if public pages print another value than the row has now."""
        kind, key = self.dependency_key(obj)
        languages = [obj.language] if hasattr(obj, "language") else Language.values
        pages = [
            page
            for language in languages
            for page in find_pages_with_stale_value(kind=kind, key=key, language=language)
        ]
        message = ngettext(
            "%(count)s public page prints the old values.", "%(count)s public pages print the old values.", len(pages)
        )
        _message_rerelease_link(request, pages, message)


def message_already_published(request: HttpRequest) -> None:
    """Report that the text is already public, after a double-click or when another manager was faster."""
    messages.info(request, _("This text is already published. Patients can read it now."))


def message_published(request: HttpRequest, page: Page) -> None:
    """Report the publication, and other public pages that link to the page's old title or address."""
    messages.success(request, _("Published. Patients read this text now."))
    pages = find_pages_with_stale_link(page)
    message = ngettext(
        "%(count)s public page prints its old title or address.",
        "%(count)s public pages print its old title or address.",
        len(pages),
    )
    _message_rerelease_link(request, pages, message)


def _message_rerelease_link(request: HttpRequest, pages: list[Page], message: str) -> None:
    """Add a warning with a link to the list of stale pages. ``message`` contains ``%(count)s``."""
    if pages:
        link = format_html('<a href="{}">{}</a>', reverse("admin:procedures_page_stale"), _("Look and renew"))
        messages.warning(request, format_html("{} {}.", message % {"count": len(pages)}, link))


@require_http_methods(["GET", "HEAD", "POST"])
def stale_pages_view(request: HttpRequest) -> HttpResponse:
    """List stale pages to everyone who can view pages. With POST, re-release the selected ones: publishers only.

    409 if some pages could not be re-released.
    """
    actor = get_staff_user(request)
    can_rerelease = actor.has_perm("procedures.publish_page")
    if not (actor.has_perm("procedures.view_page") if request.method != "POST" else can_rerelease):
        raise PermissionDenied
    failed: list[tuple[Page, PublishError]] = []
    if request.method == "POST":
        failed = _rerelease_selected(request)
        if not failed:
            return HttpResponseRedirect(request.path)
    rows = [
        (row.page, get_change_url(row.page), describe_changes(row.changed)) for row in find_stale_pages_by_rendering()
    ]
    context = {"rows": rows, "failed": failed, "can_rerelease": can_rerelease}
    title = _("Public pages that print old values")
    return render_admin(request, "page/stale", context, title=title, status=409 if failed else 200)


def _rerelease_selected(request: HttpRequest) -> list[tuple[Page, PublishError]]:
    """Re-release each selected page on its own. Return the pages that failed, with their errors."""
    failed, count = [], 0
    selected = [parse_int_or_zero(pk) for pk in request.POST.getlist("page")]
    for page in Page.objects.published().filter(pk__in=selected).select_related("live_release"):
        try:
            count += rerelease_page(page, actor=get_staff_user(request)) is not None
        except PublishError as error:
            failed.append((page, error))
    messages.info(request, ngettext("%(count)s page renewed.", "%(count)s pages renewed.", count) % {"count": count})
    return failed
