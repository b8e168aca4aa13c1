"""Public pages that print old values: told after a save, listed, and renewed with one button."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from procedures.admin.base import AnyAdmin, staff, whole_number
from procedures.admin.desk import change_address
from procedures.admin.shell import screen
from procedures.enums import Language
from procedures.models import Page
from procedures.publishing.outdated import outdated_pages
from procedures.publishing.publish import PublishRefusedError, renew
from procedures.publishing.uses import naming_old, printing_old
from procedures.publishing.waiting import words


class QuotedAdmin(AnyAdmin):
    """Mixin for what pages quote. After each save it says how many public pages print the old value."""

    def quotes(self, obj: Any) -> tuple[str, str]:
        """Kind and key as a release notes them; the key may be empty: all."""
        raise NotImplementedError

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Django's answer, with our message."""
        self.tell_outdated(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Django's answer, with our message."""
        self.tell_outdated(request, obj)
        return super().response_change(request, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete, then say which pages still print it."""
        super().delete_model(request, obj)
        self.tell_outdated(request, obj)

    def tell_outdated(self, request: HttpRequest, obj: Any) -> None:
        """A message with a link, where public pages print another value than ``obj`` has now."""
        kind, key = self.quotes(obj)
        languages = [obj.language] if hasattr(obj, "language") else Language.values
        old = [page for language in languages for page in printing_old(kind=kind, key=key, language=language)]
        tell_of(request, old, "the old values")


def tell_already_published(request: HttpRequest) -> None:
    """The answer to a double click, or to a manager who was not the first."""
    messages.info(request, "This text is already published. Patients can read it now.")


def tell_published(request: HttpRequest, page: Page) -> None:
    """What has happened, and which other public pages still name the page as it was."""
    messages.success(request, "Published. Patients read this text now.")
    tell_of(request, naming_old(page), "its old title or address")


def tell_of(request: HttpRequest, pages: list[Page], what: str) -> None:
    """A message with the way to renew, where there are such pages."""
    if pages:
        count = "1 public page prints" if len(pages) == 1 else f"{len(pages)} public pages print"
        link = format_html('<a href="{}">Look and renew</a>', reverse("admin:procedures_page_outdated"))
        messages.warning(request, format_html("{} {}. {}.", count, what, link))


@require_http_methods(["GET", "HEAD", "POST"])
def outdated(request: HttpRequest) -> HttpResponse:
    """The list for everybody who sees pages; the button for those who publish."""
    actor = staff(request)
    may_renew = actor.has_perm("procedures.publish_page")
    if not (actor.has_perm("procedures.view_page") if request.method != "POST" else may_renew):
        raise PermissionDenied
    refused: list[tuple[Page, PublishRefusedError]] = []
    if request.method == "POST":
        refused = _renew(request)
        if not refused:
            return HttpResponseRedirect(request.path)
    rows = [(row.page, change_address(row.page), words(row.changed)) for row in outdated_pages()]
    context = {"rows": rows, "refused": refused, "may_renew": may_renew}
    title = "Public pages that print old values"
    return screen(request, "page/outdated", context, title=title, status=409 if refused else 200)


def _renew(request: HttpRequest) -> list[tuple[Page, PublishRefusedError]]:
    """Renew the ticked pages, each by itself: one that cannot be renewed holds up no other."""
    refused, done = [], 0
    ticked = [whole_number(pk) for pk in request.POST.getlist("page")]
    for page in Page.objects.published().filter(pk__in=ticked).select_related("live_release"):
        try:
            done += renew(page, actor=staff(request)) is not None
        except PublishRefusedError as error:
            refused.append((page, error))
    messages.info(request, f"{done} {'page' if done == 1 else 'pages'} renewed.")
    return refused
