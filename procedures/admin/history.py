"""What was written, decided, published and read: to look at, never to change."""

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from procedures.admin.base import ReadOnlyAdmin
from procedures.models import Approval, OutsideLink, Release, Revision


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """Every saved draft."""

    list_display = ("page", "number", "author", "created_at", "note", "as_page")
    list_display_links = ("number",)
    list_filter = ("created_at", "author")
    list_select_related = ("page", "author")
    search_fields = ("page__title", "page__subject", "note")
    fields = ("page", "number", "author", "created_at", "note", "as_page", "text", "rest", "content_hash")
    readonly_fields = ("as_page", "text", "rest")

    @admin.display(description="as a page")
    def as_page(self, revision: Revision) -> SafeString:
        """Opens it in the public page's form."""
        address = reverse("admin:procedures_revision_page", args=[revision.pk])
        return format_html('<a href="{}">See as a page<span class="visually-hidden">: {}</span></a>', address, revision)

    @admin.display(description="text")
    def text(self, revision: Revision) -> SafeString:
        """The Markdown."""
        return format_html('<pre class="source">{}</pre>', revision.content["body"])

    @admin.display(description="everything else")
    def rest(self, revision: Revision) -> SafeString:
        """The other fields, as they were."""
        values = {name: value for name, value in revision.content.items() if name != "body"}
        return format_html('<pre class="source">{}</pre>', json.dumps(values, ensure_ascii=False, indent=2))


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    """Every decision of a reviewer."""

    list_display = ("revision", "decision", "reviewer", "created_at", "comment")
    list_display_links = ("revision",)
    list_filter = ("decision", "created_at")
    list_select_related = ("revision__page", "reviewer")
    search_fields = ("revision__page__title", "comment")


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Everything patients ever read."""

    list_display = ("title", "number", "path", "published_at", "published_by", "reviewer_name", "live", "as_page")
    list_display_links = ("title",)
    list_filter = ("is_starter", "published_at")
    search_fields = ("title", "path")
    exclude = ("html", "sections", "thumbnail")
    readonly_fields = ("as_page",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        """With what the list shows, in one query."""
        return super().get_queryset(request).select_related("page", "live_on", "published_by")

    @admin.display(description="public now", boolean=True)
    def live(self, release: Release) -> bool:
        """Whether patients read it today."""
        return hasattr(release, "live_on")

    @admin.display(description="as a page")
    def as_page(self, release: Release) -> SafeString:
        """Opens what patients read."""
        address = reverse("admin:procedures_release_page", args=[release.pk])
        return format_html('<a href="{}">See as a page<span class="visually-hidden">: {}</span></a>', address, release)


@admin.register(OutsideLink)
class OutsideLinkAdmin(ReadOnlyAdmin):
    """Links to other sites, as ``check_links --outside`` found them last."""

    list_display = ("url", "answer", "broken_since", "checked_at")
    list_filter = (("broken_since", admin.EmptyFieldListFilter),)
    search_fields = ("url", "answer")
    ordering = ("-broken_since", "url")
