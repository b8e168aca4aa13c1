"""Other formats of a page: plain text, and a guide with the pages of its reading list as a booklet to print."""

import textwrap
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.published.decorators import cacheable
from procedures.languages import language_of_path
from procedures.models import Path, Release
from procedures.rendering.html import namespace_ids
from procedures.sharing.path_lookup import lookup_paths
from procedures.views.layout import render_response
from procedures.views.pages import page_context, serve_path, translation_paths

LINE_WIDTH = 72


@cacheable
def plain_text(request: HttpRequest, address: str) -> HttpResponse:
    """``/kyphoplasty/plain.txt``: the text of a page, for screen readers, email, and old printers."""
    row, release = _find_release(address)
    if row is None or release is None:
        return serve_path(f"/{address}plain.txt")
    with translation.override(row.page.language):
        text = _format_plain_text(release, row)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response.headers["Content-Language"] = str(row.page.language)
    # Search engines should offer the page itself.
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _find_release(address: str) -> tuple[Path, Release] | tuple[None, None]:
    path = f"/{address}"
    language = language_of_path(path)
    row = next(iter(lookup_paths([path], language)), None)
    release = row.page.live_release if row else None
    if row is None or release is None or release.path != path:
        return None, None
    return row, release


def _format_plain_text(release: Release, row: Path) -> str:
    lines: list[str] = []
    for section in release.sections:
        if section["title"]:
            lines += ["", section["title"].upper(), ""]
        for block in section["text"].split("\n"):
            lines += [textwrap.fill(block, LINE_WIDTH), ""]
    clinic: dict[str, Any] = row.clinic or {}
    if release.is_starter:
        lines += ["", _("Starter text. Not yet reviewed by your clinic.")]
    lines += ["", f"{clinic.get('name', '')}  {clinic.get('phone', '')}".strip()]
    text = "\n".join(lines).strip() + "\n"
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


@cacheable
def booklet(request: HttpRequest, address: str) -> HttpResponse:
    """``/visits/<guide>/booklet/``: the guide and every page of its reading list in one document."""
    path = f"/{address}"
    language = language_of_path(path)
    releases = {release.page.subject: release for release in Release.objects.for_booklet(path, language)}
    guide = next((release for release in releases.values() if release.path == path), None)
    if guide is None:
        # A page whose slug is older than its reservation, or a damaged URL.
        return serve_path(f"{path}booklet/")
    subjects = dict.fromkeys(item["page"] for item in guide.revision.content.get("items", []))
    parts = [guide, *(releases[subject] for subject in subjects if subject in releases)]
    context = page_context(guide.page, guide, guide.clinic, translation_paths(None))
    context["breadcrumbs"][-1]["href"] = guide.path
    context["breadcrumbs"].append({"label": gettext_lazy("Booklet"), "href": None})
    return render_response(
        "site/booklet.html", {**context, "parts": [_booklet_part(part) for part in parts], "robots": "noindex"}
    )


def _booklet_part(release: Release) -> dict[str, str]:
    subject = release.page.subject
    return {"html": namespace_ids(release.article, subject), "anchor": f"part-{subject}", "title": release.title}
