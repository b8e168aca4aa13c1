"""For search engines and security researchers: sitemap, robots, security contact."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone

from portal.serving.public import public
from procedures.enums import Language
from procedures.models import Page
from procedures.views.chrome import root


@public
def sitemap(request: HttpRequest) -> HttpResponse:
    """Every public page with its translations, and the lists of topics and visits."""
    rows = list(Page.objects.published().select_related("live_release").with_translations())
    releases = [page.live_release for page in rows if page.live_release]
    pages = [
        _entry(
            page.live_release.path,
            page.live_release.published_at,
            {code: getattr(page, f"path_{code}") for code in Language.values},
        )
        for page in rows
        if page.live_release
    ]
    languages = [code for code in Language.values if any(page.language == code for page in rows)]
    for part in ("", "visits/"):
        addresses = {code: f"{root(code)}{part}" for code in languages}
        newest = max((release.published_at for release in releases), default=None)
        # The first page itself stands in the template.
        pages += [_entry(path, newest, addresses) for path in addresses.values() if newest and path != "/"]
    xml = render_to_string("site/sitemap.xml", {"home": f"{settings.PUBLIC_URL}/", "pages": pages})
    return HttpResponse(xml, content_type="application/xml")


def _entry(path: str, changed: datetime.datetime, translations: Mapping[str, str | None]) -> dict[str, Any]:
    """One address of the sitemap."""
    return {
        "url": settings.PUBLIC_URL + path,
        "changed": changed.date(),
        "alternates": [
            {"language": code, "url": settings.PUBLIC_URL + address}
            for code, address in translations.items()
            if address
        ],
    }


@public
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers leave alone."""
    lines = ["User-agent: *", "Disallow: /admin/", "Disallow: /search/", "Disallow: /p/"]
    lines.append(f"Sitemap: {settings.PUBLIC_URL}/sitemap.xml")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@public
def security(request: HttpRequest) -> HttpResponse:
    """RFC 9116: where to report a weakness. Valid for a year from the day it is read."""
    expires = (timezone.now() + datetime.timedelta(days=365)).strftime("%Y-%m-%dT00:00:00Z")
    lines = [f"Contact: {settings.PUBLIC_URL}/contact/", f"Expires: {expires}", "Preferred-Languages: en, es"]
    lines.append(f"Canonical: {settings.PUBLIC_URL}/.well-known/security.txt")
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    # With a time of its own it is not kept as a snapshot, whose date would grow old.
    response.headers["Cache-Control"] = "max-age=86400"
    return response
