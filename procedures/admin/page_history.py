"""Everything that happened to one page: who, when, why. And an earlier text back as a draft."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from procedures.admin.base import staff, whole_number
from procedures.admin.clock import MomentForm
from procedures.admin.desk import change_address, page_trail
from procedures.admin.shell import screen
from procedures.admin.true_page import released_page
from procedures.enums import EventKind
from procedures.models import Page, Release, ReleaseEvent, Revision
from procedures.publishing.drafts import EditedMeanwhileError
from procedures.publishing.restore import restore
from procedures.publishing.versions import read_on

MOST = 200


@dataclass(frozen=True)
class Entry:
    """One line of the history: a saved text, or what was done with one."""

    at: datetime.datetime
    what: str
    who: str
    why: str
    name: str = ""
    revision: Revision | None = None
    release: Release | None = None
    live: bool = False


@require_safe
@permission_required("procedures.view_revision", raise_exception=True)
def versions(request: HttpRequest, page_id: int) -> HttpResponse:
    """The whole history, newest first, with two columns of buttons to choose what to compare."""
    page = get_object_or_404(Page.objects.select_related("live_release__revision"), pk=page_id)
    entries = history(page)
    live = page.live_release
    context = {
        "page": page,
        "trail": page_trail(page),
        "entries": entries[:MOST],
        "more": len(entries) > MOST,
        "old": f"v{live.number}" if live else next((e.name for e in entries[1:] if e.name), ""),
        "new": next((e.name for e in entries if e.revision), ""),
        "may_restore": staff(request).has_perm("procedures.change_page"),
        "moment": MomentForm(),
    }
    return screen(request, "workflow/versions", context, title="History")


def history(page: Page) -> list[Entry]:
    """Saved texts and events in one list: two queries."""
    saved = [
        Entry(row.created_at, f"Saved revision {row.number}", str(row.author or "The content folder"), row.note,
              name=f"r{row.number}", revision=row)
        for row in page.revisions.select_related("author")[: MOST + 1]
    ]  # fmt: skip
    events = page.events.select_related("actor", "release", "revision")[: MOST + 1]
    done = [_event(page, row) for row in events]
    return sorted(saved + done, key=lambda entry: entry.at, reverse=True)


def _event(page: Page, row: ReleaseEvent) -> Entry:
    # A withdrawal names the release that was taken away; only what went public can be chosen here.
    public = row.release if row.kind in {EventKind.PUBLISHED, EventKind.RENEWED} else None
    what = f"{row.get_kind_display()}" + (f": version {public.number}" if public else "")
    if row.revision and public is None:
        what += f" (revision {row.revision.number})"
    who = str(row.actor or ("The content folder" if public else "The portal"))
    why = row.reason or (public.what_changed if public else "")
    live = bool(public) and public.pk == page.live_release_id if public else False
    return Entry(row.created_at, what, who, why, name=f"v{public.number}" if public else "", release=public, live=live)


@require_POST
@permission_required("procedures.change_page", raise_exception=True)
def bring_back(request: HttpRequest, page_id: int) -> HttpResponse:
    """An earlier text becomes the draft. 404 for a text of another page, 409 when somebody saved meanwhile."""
    page = get_object_or_404(Page, pk=page_id)
    wanted = whole_number(request.POST.get("revision", ""))
    revision = get_object_or_404(Revision.objects.select_related("page"), pk=wanted, page=page)
    try:
        _, missing = restore(revision, actor=staff(request), expected=whole_number(request.POST.get("version", "")))
    except EditedMeanwhileError:
        context: dict[str, Any] = {"page": page, "trail": page_trail(page), "back": change_address(page)}
        return screen(request, "workflow/not_restored", context, title="Not restored", status=409)
    messages.success(request, f"Revision {revision.number} is the draft now. What patients read has not changed.")
    for sentence in missing:
        messages.warning(request, sentence)
    return HttpResponseRedirect(change_address(page))


@require_safe
@permission_required("procedures.view_release", raise_exception=True)
def reading(request: HttpRequest, page_id: int) -> HttpResponse:
    """What the patient read on 3 March, at this time, in each language."""
    page = get_object_or_404(Page, pk=page_id)
    form = MomentForm(request.GET if request.GET else None)
    status = 400 if form.is_bound and not form.is_valid() else 200
    rows = []
    if form.is_bound and status == 200:
        rows = [
            (one, release, event, released_page(one, release) if release else "")
            for one, release, event in read_on(page.subject, form.cleaned_data["at"])
        ]
    context = {"page": page, "trail": page_trail(page), "moment": form, "rows": rows}
    return screen(request, "workflow/read_on", context, title="What did the patient read?", status=status)
