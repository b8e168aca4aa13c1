"""Read-only screens of the history: revisions, approvals, releases, comparison of versions, and restoring a draft."""

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
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portal.admin_site import ReadOnlyAdmin
from portal.text import parse_int_or_zero
from procedures.admin.base import (
    build_breadcrumbs,
    get_change_url,
    get_staff_user,
    render_admin,
    rewrite_media_urls,
)
from procedures.admin.editor import render_full_preview, render_release_preview
from procedures.admin.publishing import ClinicDateTimeForm
from procedures.enums import EventKind
from procedures.figures.approval import FigureVersion, public_files
from procedures.models import Approval, Page, Release, ReleaseEvent, Revision
from procedures.rendering import ReferenceResolver, render_page
from procedures.revisions.diff import DiffRow, compare_blocks, count_changes
from procedures.revisions.drafts import EditConflictError, restore_revision
from procedures.revisions.history import Version, compare_versions, find_version, live_at

MAX_ENTRIES = 200
# Unchanged rows that stay visible before and after a change.
CONTEXT_ROWS = 1


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """Admin for all saved drafts."""

    list_display = ("page", "number", "author", "created_at", "note", "preview_link")
    list_display_links = ("number",)
    list_filter = ("created_at", "author")
    list_select_related = ("page", "author")
    search_fields = ("page__title", "page__subject", "note")
    fields = ("page", "number", "author", "created_at", "note", "preview_link", "source")
    readonly_fields = ("preview_link", "source")

    def row_title(self, revision: Revision) -> str:
        """Name the page and the number."""
        return _("%(title)s, revision %(number)s") % {"title": revision.page.title, "number": revision.number}

    @admin.display(description=gettext_lazy("as a page"))
    def preview_link(self, revision: Revision) -> SafeString:
        """Link to the revision in the public template."""
        return _preview_link(reverse("admin:procedures_revision_page", args=[revision.pk]), revision)

    @admin.display(description=gettext_lazy("source"))
    def source(self, revision: Revision) -> SafeString:
        """Show the Markdown, and the other fields as JSON, collapsed by default because few users need them."""
        values = {name: value for name, value in revision.content.items() if name != "body"}
        return format_html(
            '<details><summary>{}</summary><pre class="source">{}</pre><pre class="source">{}</pre></details>',
            _("Show the source"),
            revision.content["body"],
            json.dumps(values, ensure_ascii=False, indent=2),
        )


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    """Admin for all review decisions."""

    list_display = ("revision", "decision", "reviewer", "created_at", "comment")
    list_display_links = ("revision",)
    list_filter = ("decision", "created_at")
    list_select_related = ("revision__page", "reviewer")
    search_fields = ("revision__page__title", "comment")

    def row_title(self, approval: Approval) -> str:
        """Name the decision and the page."""
        page = approval.revision.page
        return _("%(decision)s: %(title)s") % {"decision": approval.get_decision_display(), "title": page.title}


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Admin for everything that has ever been public."""

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
    # Machine-readable data.
    exclude = (
        "html", "sections", "document", "thumbnail", "old_anchors", "anchor_renames", "lost_anchors", "content_hash",
        "renderer_version",
    )  # fmt: skip
    readonly_fields = ("preview_link",)

    def row_title(self, release: Release) -> str:
        """Name the title and the number."""
        return _("%(title)s, version %(number)s") % {"title": release.title, "number": release.number}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        """Load related rows in the same query."""
        return super().get_queryset(request).select_related("page", "live_on", "published_by")

    @admin.display(description=gettext_lazy("public now"), boolean=True)
    def is_live(self, release: Release) -> bool:
        return hasattr(release, "live_on")

    @admin.display(description=gettext_lazy("as a page"))
    def preview_link(self, release: Release) -> SafeString:
        """Link to the release in the public template."""
        return _preview_link(reverse("admin:procedures_release_page", args=[release.pk]), release)


def _preview_link(url: str, row: Revision | Release) -> SafeString:
    label = _("View as a page")
    return format_html('<a href="{}">{}<span class="visually-hidden">: {}</span></a>', url, label, row)


@dataclass(frozen=True)
class HistoryEntry:
    """A line of the history: a saved revision, or an event."""

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
    """Show the history, newest first, with radio buttons to choose two versions to compare."""
    page = get_object_or_404(Page.objects.select_related("live_release__revision"), pk=page_id)
    entries = build_history(page)
    live = page.live_release
    context = {
        "page": page,
        "breadcrumbs": build_breadcrumbs(page),
        "entries": entries[:MAX_ENTRIES],
        "has_more": len(entries) > MAX_ENTRIES,
        "default_old": live.version_name if live else next((e.version_name for e in entries[1:] if e.version_name), ""),
        "default_new": next((e.version_name for e in entries if e.revision), ""),
        "can_restore": get_staff_user(request).has_perm("procedures.change_page"),
        "datetime_form": ClinicDateTimeForm(),
    }
    return render_admin(request, "workflow/history", context, title=_("History of “%(title)s”") % {"title": page.title})


def build_history(page: Page) -> list[HistoryEntry]:
    """Combine saved revisions and events, newest first, in two queries."""
    revisions = page.revisions.select_related("author")[: MAX_ENTRIES + 1]
    events = page.events.select_related("actor", "release", "revision")[: MAX_ENTRIES + 1]
    entries = [_revision_entry(row) for row in revisions] + [_event_entry(page, row) for row in events]
    return sorted(entries, key=lambda entry: entry.created_at, reverse=True)


def _revision_entry(revision: Revision) -> HistoryEntry:
    return HistoryEntry(
        revision.created_at,
        _("Saved revision %(number)s") % {"number": revision.number},
        str(revision.author or _("Supplied starter text")),
        revision.note,
        version_name=revision.version_name,
        revision=revision,
    )


def _event_entry(page: Page, event: ReleaseEvent) -> HistoryEntry:
    # A withdrawal also names its release, but only releases that went public with the event can be compared.
    release = event.release if event.kind in {EventKind.PUBLISHED, EventKind.RERELEASED} else None
    action = event.get_kind_display()
    if release:
        action = _("%(event)s: version %(number)s") % {"event": action, "number": release.number}
    elif event.revision:
        action = _("%(event)s (revision %(number)s)") % {"event": action, "number": event.revision.number}
    return HistoryEntry(
        event.created_at,
        action,
        str(event.actor or (_("Supplied starter text") if release else _("The portal"))),
        event.reason or (release.what_changed if release else ""),
        version_name=release.version_name if release else "",
        release=release,
        is_live=release is not None and release.pk == page.live_release_id,
    )


@require_POST
@permission_required("procedures.change_page", raise_exception=True)
def restore_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Make an earlier revision the draft.

    404 for a revision of another page, 409 if the page was saved in the meantime. The revision is posted as
    ``revision``, or as ``discard``, which also offers an undo on the form.
    """
    page = get_object_or_404(Page, pk=page_id)
    is_discard = "discard" in request.POST
    revision_id = parse_int_or_zero(request.POST.get("discard" if is_discard else "revision", ""))
    revision = get_object_or_404(Revision.objects.select_related("page"), pk=revision_id, page=page)
    expected_version = parse_int_or_zero(request.POST.get("version", ""))
    discarded = page.revisions.first() if is_discard else None
    try:
        warnings = restore_revision(revision, actor=get_staff_user(request), expected_version=expected_version)[1]
    except EditConflictError:
        context = {"page": page, "breadcrumbs": build_breadcrumbs(page), "change_url": get_change_url(page)}
        return render_admin(request, "workflow/not_restored", context, title=_("Not restored"), status=409)
    for warning in warnings:
        messages.warning(request, warning)
    if discarded:
        return HttpResponseRedirect(f"{get_change_url(page)}?discarded={discarded.pk}")
    message = _("Revision %(number)s is now the draft. What patients read has not changed.")
    messages.success(request, message % {"number": revision.number})
    return HttpResponseRedirect(get_change_url(page))


@require_safe
@permission_required("procedures.view_release", raise_exception=True)
def history_at_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Show what patients read at a given time, in each language."""
    page = get_object_or_404(Page, pk=page_id)
    form = ClinicDateTimeForm(request.GET if request.GET else None)
    status = 400 if form.is_bound and not form.is_valid() else 200
    rows = []
    if form.is_bound and status == 200:
        rows = [
            (version, release, event, render_release_preview(version, release, is_past=True) if release else "")
            for version, release, event in live_at(page.subject, form.cleaned_data["at"])
        ]
    context = {"page": page, "breadcrumbs": build_breadcrumbs(page), "datetime_form": form, "rows": rows}
    title = _("“%(title)s” on an earlier day") % {"title": page.title}
    return render_admin(request, "workflow/history_at", context, title=title, status=status)


@dataclass(frozen=True)
class DiffSection:
    """Consecutive rows of a diff with their indexes. Collapsed sections hold unchanged rows only."""

    is_collapsed: bool
    rows: list[tuple[int, DiffRow]]


def collapse_unchanged(rows: list[DiffRow]) -> list[DiffSection]:
    """Group rows into sections, and collapse unchanged rows that are not next to a change."""
    visible = {
        neighbor
        for index, row in enumerate(rows)
        if row.kind != "same"
        for neighbor in range(index - CONTEXT_ROWS, index + CONTEXT_ROWS + 1)
    }
    groups = [
        (is_visible, list(group)) for is_visible, group in groupby(enumerate(rows), lambda item: item[0] in visible)
    ]
    # Do not collapse only one or two rows.
    return [DiffSection(not is_visible and len(group) > 2, group) for is_visible, group in groups]


def build_diff_context(old: Version | None, new: Version, *, as_source: bool = False) -> dict[str, Any]:
    """Return the context of ``workflow/diff.html``. Without an old version, the new one is shown unmarked."""
    if old is None:
        # All positions are new, and the pictures show them.
        blocks = [block for block in new.rendered_blocks() if block.name != _("Position of a marker")]
        rows = compare_blocks(blocks, blocks)
    elif as_source:
        rows = compare_blocks(old.markdown_blocks(), new.markdown_blocks())
    else:
        rows = compare_versions(old, new)
    public = public_files()
    rows = [_with_staff_urls(row, public) for row in rows]
    return {"sections": collapse_unchanged(rows), "count": count_changes(rows) if old else 0, "old": old, "new": new}


def _with_staff_urls(row: DiffRow, public: frozenset[str]) -> DiffRow:
    """Replace the URLs of pictures that are not public with URLs that staff can open."""
    old, new = (
        replace(block, picture=rewrite_media_urls(block.picture, public)) if block and block.picture else block
        for block in (row.old, row.new)
    )
    return replace(row, old=old, new=new)


@require_safe
@permission_required("procedures.view_revision", raise_exception=True)
def compare_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Compare two versions: ``?old=v2&new=r7&as=markdown``.

    The defaults are the live release and the newest draft. 404 for a version that does not exist.
    """
    page = get_object_or_404(Page.objects.select_related("live_release"), pk=page_id)
    title = _("Compare versions of “%(title)s”") % {"title": page.title}
    names = {key: request.GET.get(key, "") for key in ("old", "new")}
    old, new = (
        find_version(page, name or default)
        for name, default in zip(names.values(), _default_versions(page), strict=True)
    )
    as_markdown = request.GET.get("as") == "markdown"
    context: dict[str, Any] = {
        "page": page,
        "breadcrumbs": build_breadcrumbs(page),
        "as_markdown": as_markdown,
        **_version_options(page),
    }
    if old is None or new is None:
        versions = zip(names.values(), (old, new), strict=True)
        missing = next((name for name, version in versions if name and not version), "")
        context["missing_version"] = missing
        return render_admin(request, "workflow/compare", context, title=title, status=404 if missing else 200)
    context |= {"diff": build_diff_context(old, new, as_source=as_markdown)}
    return render_admin(request, "workflow/compare", context, title=title)


def _default_versions(page: Page) -> tuple[str, str]:
    newest = page.revisions.defer("content").first()
    return page.live_release.version_name if page.live_release else "", newest.version_name if newest else ""


def _version_options(page: Page) -> dict[str, Any]:
    """Return the releases and revisions to choose from, newest first."""
    releases = page.releases.values_list("number", "published_at")
    revisions = page.revisions.values_list("number", "created_at", "note")
    return {
        "releases": [(f"v{number}", number, at) for number, at in releases],
        "revisions": [(f"r{number}", number, at, note) for number, at, note in revisions],
    }


@require_safe
@permission_required("procedures.view_revision", raise_exception=True)
def revision_preview_view(request: HttpRequest, revision_id: int) -> HttpResponse:
    """Show a saved draft as a page, with today's pictures and clinic values."""
    revision: Revision = get_object_or_404(Revision.objects.select_related("page", "author"), pk=revision_id)
    resolver = ReferenceResolver(revision.page.language, FigureVersion.CURRENT)
    rendered = render_page(revision.content, kind=revision.page.kind, resolver=resolver)
    author = str(revision.author or "")
    return HttpResponse(render_full_preview(revision.page, revision.content, rendered, author=author))


@require_safe
@permission_required("procedures.view_release", raise_exception=True)
def release_preview_view(request: HttpRequest, release_id: int) -> HttpResponse:
    """Show a release as a page. Its article is what patients read; only its relative URLs are resolved."""
    release: Release = get_object_or_404(Release.objects.select_related("page"), pk=release_id)
    is_past = release.page.live_release_id != release.pk
    return HttpResponse(render_release_preview(release.page, release, is_past=is_past))
