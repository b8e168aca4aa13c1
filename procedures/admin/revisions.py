"""What was written, decided, published and read: to look at, never to change."""

import datetime
import json
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from procedures.admin.base import ReadOnlyAdmin, get_staff_user, parse_int_or_zero, render_admin, rewrite_media_urls
from procedures.admin.edit_page import build_breadcrumbs, get_change_url
from procedures.admin.preview import render_full_preview, render_release_preview
from procedures.admin.schedule import ClinicDateTimeForm
from procedures.enums import EventKind
from procedures.figures.approval import FigureVersion, public_files
from procedures.models import Approval, ExternalLink, Page, Release, ReleaseEvent, Revision
from procedures.rendering import ReferenceResolver, render_page
from procedures.revisions.diff import DiffRow, compare_blocks, count_changes
from procedures.revisions.drafts import EditConflictError, restore_revision
from procedures.revisions.history import Version, find_version, live_at


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """Every saved draft."""

    list_display = ("page", "number", "author", "created_at", "note", "preview_link")
    list_display_links = ("number",)
    list_filter = ("created_at", "author")
    list_select_related = ("page", "author")
    search_fields = ("page__title", "page__subject", "note")
    fields = ("page", "number", "author", "created_at", "note", "preview_link", "body", "other_fields", "content_hash")
    readonly_fields = ("preview_link", "body", "other_fields")

    @admin.display(description="as a page")
    def preview_link(self, revision: Revision) -> SafeString:
        """Opens it in the public page's form."""
        address = reverse("admin:procedures_revision_page", args=[revision.pk])
        return format_html('<a href="{}">See as a page<span class="visually-hidden">: {}</span></a>', address, revision)

    @admin.display(description="text")
    def body(self, revision: Revision) -> SafeString:
        """The Markdown."""
        return format_html('<pre class="source">{}</pre>', revision.content["body"])

    @admin.display(description="everything else")
    def other_fields(self, revision: Revision) -> SafeString:
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

    list_display = (
        "title",
        "number",
        "path",
        "published_at",
        "published_by",
        "reviewer_name",
        "is_live",
        "preview_link",
    )
    list_display_links = ("title",)
    list_filter = ("is_starter", "published_at")
    search_fields = ("title", "path")
    exclude = ("html", "sections", "thumbnail")
    readonly_fields = ("preview_link",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        """With what the list shows, in one query."""
        return super().get_queryset(request).select_related("page", "live_on", "published_by")

    @admin.display(description="public now", boolean=True)
    def is_live(self, release: Release) -> bool:
        """Whether patients read it today."""
        return hasattr(release, "live_on")

    @admin.display(description="as a page")
    def preview_link(self, release: Release) -> SafeString:
        """Opens what patients read."""
        address = reverse("admin:procedures_release_page", args=[release.pk])
        return format_html('<a href="{}">See as a page<span class="visually-hidden">: {}</span></a>', address, release)


@admin.register(ExternalLink)
class ExternalLinkAdmin(ReadOnlyAdmin):
    """Links to other sites, as ``check_links --external`` found them last."""

    list_display = ("url", "last_result", "broken_since", "checked_at")
    list_filter = (("broken_since", admin.EmptyFieldListFilter),)
    search_fields = ("url", "last_result")
    ordering = ("-broken_since", "url")


MAX_ENTRIES = 200


@dataclass(frozen=True)
class HistoryEntry:
    """One line of the history: a saved text, or what was done with one."""

    created_at: datetime.datetime
    action: str
    actor_name: str
    reason: str
    version_name: str = ""
    revision: Revision | None = None
    release: Release | None = None
    is_live: bool = False


@require_safe
@permission_required("procedures.view_revision", raise_exception=True)
def history_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """The whole history, newest first, with two columns of buttons to choose what to compare."""
    page = get_object_or_404(Page.objects.select_related("live_release__revision"), pk=page_id)
    entries = build_history(page)
    live = page.live_release
    context = {
        "page": page,
        "breadcrumbs": build_breadcrumbs(page),
        "entries": entries[:MAX_ENTRIES],
        "has_more": len(entries) > MAX_ENTRIES,
        "default_old": f"v{live.number}" if live else next((e.version_name for e in entries[1:] if e.version_name), ""),
        "default_new": next((e.version_name for e in entries if e.revision), ""),
        "can_restore": get_staff_user(request).has_perm("procedures.change_page"),
        "datetime_form": ClinicDateTimeForm(),
    }
    return render_admin(request, "workflow/history", context, title="History")


def build_history(page: Page) -> list[HistoryEntry]:
    """Saved texts and events in one list: two queries."""
    saved = [
        HistoryEntry(row.created_at, f"Saved revision {row.number}", str(row.author or "The content folder"), row.note,
              version_name=f"r{row.number}", revision=row)
        for row in page.revisions.select_related("author")[: MAX_ENTRIES + 1]
    ]  # fmt: skip
    events = page.events.select_related("actor", "release", "revision")[: MAX_ENTRIES + 1]
    done = [_event_entry(page, row) for row in events]
    return sorted(saved + done, key=lambda entry: entry.created_at, reverse=True)


def _event_entry(page: Page, row: ReleaseEvent) -> HistoryEntry:
    # A withdrawal names the release that was taken away; only what went public can be chosen here.
    public = row.release if row.kind in {EventKind.PUBLISHED, EventKind.REBUILT} else None
    what = f"{row.get_kind_display()}" + (f": version {public.number}" if public else "")
    if row.revision and public is None:
        what += f" (revision {row.revision.number})"
    who = str(row.actor or ("The content folder" if public else "The portal"))
    why = row.reason or (public.what_changed if public else "")
    live = bool(public) and public.pk == page.live_release_id if public else False
    return HistoryEntry(
        row.created_at, what, who, why, version_name=f"v{public.number}" if public else "", release=public, is_live=live
    )


@require_POST
@permission_required("procedures.change_page", raise_exception=True)
def restore_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """An earlier text becomes the draft. 404 for a text of another page, 409 when somebody saved meanwhile."""
    page = get_object_or_404(Page, pk=page_id)
    wanted = parse_int_or_zero(request.POST.get("revision", ""))
    revision = get_object_or_404(Revision.objects.select_related("page"), pk=wanted, page=page)
    try:
        _, missing = restore_revision(
            revision, actor=get_staff_user(request), expected_version=parse_int_or_zero(request.POST.get("version", ""))
        )
    except EditConflictError:
        context: dict[str, Any] = {
            "page": page,
            "breadcrumbs": build_breadcrumbs(page),
            "change_url": get_change_url(page),
        }
        return render_admin(request, "workflow/not_restored", context, title="Not restored", status=409)
    messages.success(request, f"Revision {revision.number} is the draft now. What patients read has not changed.")
    for sentence in missing:
        messages.warning(request, sentence)
    return HttpResponseRedirect(get_change_url(page))


@require_safe
@permission_required("procedures.view_release", raise_exception=True)
def history_at_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """What the patient read on 3 March, at this time, in each language."""
    page = get_object_or_404(Page, pk=page_id)
    form = ClinicDateTimeForm(request.GET if request.GET else None)
    status = 400 if form.is_bound and not form.is_valid() else 200
    rows = []
    if form.is_bound and status == 200:
        rows = [
            (one, release, event, render_release_preview(one, release) if release else "")
            for one, release, event in live_at(page.subject, form.cleaned_data["at"])
        ]
    context = {"page": page, "breadcrumbs": build_breadcrumbs(page), "datetime_form": form, "rows": rows}
    return render_admin(request, "workflow/history_at", context, title="What did the patient read?", status=status)


# Unchanged rows beside a change that stay in sight.
CONTEXT_ROWS = 1


@dataclass(frozen=True)
class DiffSection:
    """Rows that are shown, or (``folded``) unchanged ones that open on a click."""

    is_collapsed: bool
    rows: list[tuple[int, DiffRow]]


def collapse_unchanged(rows: list[DiffRow]) -> list[DiffSection]:
    """Changes with a little around them; the rest folds away. Rows are numbered for the comment fields."""
    near = {
        other
        for number, row in enumerate(rows)
        if row.kind != "same"
        for other in range(number - CONTEXT_ROWS, number + CONTEXT_ROWS + 1)
    }
    numbered = list(enumerate(rows))
    parts = [(not shown, list(group)) for shown, group in groupby(numbered, key=lambda item: item[0] in near)]
    # One row is not worth a click.
    return [DiffSection(hidden and len(group) > 2, group) for hidden, group in parts]


def build_diff_context(old: Version | None, new: Version, *, as_source: bool = False) -> dict[str, Any]:
    """Context of ``workflow/diff.html``. Without an old version everything is new, and is shown as it is."""
    after = new.markdown_blocks() if as_source else new.rendered_blocks()
    before = (old.markdown_blocks() if as_source else old.rendered_blocks()) if old else after
    public = public_files()
    rows = [_with_staff_urls(row, public) for row in compare_blocks(before, after)]
    return {"sections": collapse_unchanged(rows), "count": count_changes(rows) if old else 0, "old": old, "new": new}


def _with_staff_urls(row: DiffRow, public: frozenset[str]) -> DiffRow:
    """Give pictures that are not public addresses that staff can open."""
    old, new = (
        replace(block, picture=rewrite_media_urls(block.picture, public)) if block and block.picture else block
        for block in (row.old, row.new)
    )
    return replace(row, old=old, new=new)


@require_safe
@permission_required("procedures.view_revision", raise_exception=True)
def compare_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """``?old=v2&new=r7&as=markdown``. Without names: the public text against the newest draft."""
    page = get_object_or_404(Page.objects.select_related("live_release"), pk=page_id)
    names = {key: request.GET.get(key, "") for key in ("old", "new")}
    old, new = (
        find_version(page, name or default)
        for name, default in zip(names.values(), _default_versions(page), strict=True)
    )
    as_typed = request.GET.get("as") == "markdown"
    context: dict[str, Any] = {
        "page": page,
        "breadcrumbs": build_breadcrumbs(page),
        "as_markdown": as_typed,
        **_version_options(page),
    }
    if old is None or new is None:
        missing = next((name for name, found in zip(names.values(), (old, new), strict=True) if name and not found), "")
        context["missing_version"] = missing or "two versions"
        return render_admin(request, "workflow/compare", context, title="Compare", status=404 if missing else 200)
    context |= {"diff": build_diff_context(old, new, as_source=as_typed)}
    return render_admin(request, "workflow/compare", context, title="Compare")


def _default_versions(page: Page) -> tuple[str, str]:
    newest = page.revisions.values_list("number", flat=True).first()
    return f"v{page.live_release.number}" if page.live_release else "", f"r{newest}" if newest else ""


def _version_options(page: Page) -> dict[str, Any]:
    """All names of versions with words, newest first."""
    releases = page.releases.values_list("number", "published_at")
    revisions = page.revisions.values_list("number", "created_at", "note")
    return {
        "releases": [(f"v{number}", number, at) for number, at in releases],
        "revisions": [(f"r{number}", number, at, note) for number, at, note in revisions],
    }


@require_safe
@permission_required("procedures.view_revision", raise_exception=True)
def revision_preview_view(request: HttpRequest, revision_id: int) -> HttpResponse:
    """A saved draft with today's pictures and answers."""
    row: Revision = get_object_or_404(Revision.objects.select_related("page", "author"), pk=revision_id)
    library = ReferenceResolver(row.page.language, FigureVersion.CURRENT)
    rendered = render_page(row.content, kind=row.page.kind, resolver=library)
    return HttpResponse(render_full_preview(row.page, row.content, rendered, author=str(row.author or "")))


@require_safe
@permission_required("procedures.view_release", raise_exception=True)
def release_preview_view(request: HttpRequest, release_id: int) -> HttpResponse:
    """What patients read, byte for byte in its article."""
    row: Release = get_object_or_404(Release.objects.select_related("page"), pk=release_id)
    return HttpResponse(render_release_preview(row.page, row))
