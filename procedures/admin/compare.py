"""Two versions side by side, as a reader meets them or as an editor typed them."""

from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from procedures.admin.desk import page_trail
from procedures.admin.figure_files import with_staff_urls
from procedures.admin.shell import screen
from procedures.figures.approval import public_files
from procedures.models import Page
from procedures.publishing.diff import Row, changes, compare
from procedures.publishing.versions import Version, version

# Unchanged rows beside a change that stay in sight.
AROUND = 1


@dataclass(frozen=True)
class Part:
    """Rows that are shown, or (``folded``) unchanged ones that open on a click."""

    folded: bool
    rows: list[tuple[int, Row]]


def folded(rows: list[Row]) -> list[Part]:
    """Changes with a little around them; the rest folds away. Rows are numbered for the comment fields."""
    near = {
        other
        for number, row in enumerate(rows)
        if row.kind != "same"
        for other in range(number - AROUND, number + AROUND + 1)
    }
    numbered = list(enumerate(rows))
    parts = [(not shown, list(group)) for shown, group in groupby(numbered, key=lambda item: item[0] in near)]
    # One row is not worth a click.
    return [Part(hidden and len(group) > 2, group) for hidden, group in parts]


def difference(old: Version | None, new: Version, *, source: bool = False) -> dict[str, Any]:
    """Context of ``workflow/diff.html``. Without an old version everything is new, and is shown as it is."""
    after = new.source() if source else new.reading()
    before = (old.source() if source else old.reading()) if old else after
    public = public_files()
    rows = [_for_staff(row, public) for row in compare(before, after)]
    return {"parts": folded(rows), "count": changes(rows) if old else 0, "old": old, "new": new}


def _for_staff(row: Row, public: frozenset[str]) -> Row:
    """Give pictures that are not public addresses that staff can open."""
    old, new = (
        replace(block, picture=with_staff_urls(block.picture, public)) if block and block.picture else block
        for block in (row.old, row.new)
    )
    return replace(row, old=old, new=new)


@require_safe
@permission_required("procedures.view_revision", raise_exception=True)
def comparison(request: HttpRequest, page_id: int) -> HttpResponse:
    """``?old=v2&new=r7&as=markdown``. Without names: the public text against the newest draft."""
    page = get_object_or_404(Page.objects.select_related("live_release"), pk=page_id)
    names = {key: request.GET.get(key, "") for key in ("old", "new")}
    old, new = (version(page, name or default) for name, default in zip(names.values(), _usual(page), strict=True))
    as_typed = request.GET.get("as") == "markdown"
    context: dict[str, Any] = {"page": page, "trail": page_trail(page), "as_typed": as_typed, **_choices(page)}
    if old is None or new is None:
        missing = next((name for name, found in zip(names.values(), (old, new), strict=True) if name and not found), "")
        context["missing"] = missing or "two versions"
        return screen(request, "workflow/compare", context, title="Compare", status=404 if missing else 200)
    context |= {"diff": difference(old, new, source=as_typed)}
    return screen(request, "workflow/compare", context, title="Compare")


def _usual(page: Page) -> tuple[str, str]:
    newest = page.revisions.values_list("number", flat=True).first()
    return f"v{page.live_release.number}" if page.live_release else "", f"r{newest}" if newest else ""


def _choices(page: Page) -> dict[str, Any]:
    """All names of versions with words, newest first."""
    releases = page.releases.values_list("number", "published_at")
    revisions = page.revisions.values_list("number", "created_at", "note")
    return {
        "releases": [(f"v{number}", number, at) for number, at in releases],
        "revisions": [(f"r{number}", number, at, note) for number, at, note in revisions],
    }
