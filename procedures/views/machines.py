"""For search engines and security researchers: sitemap, robots, security contact."""

import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone

from portal.serving.public import public
from procedures.enums import Language
from procedures.models import Page


@public
def sitemap(request: HttpRequest) -> HttpResponse:
    """Every public page with its translations."""
    rows = Page.objects.published().select_related("live_release").with_translations()
    pages = [
        {
            "url": settings.PUBLIC_URL + page.live_release.path,
            "changed": page.live_release.published_at.date(),
            "alternates": [
                {"language": code, "url": settings.PUBLIC_URL + path}
                for code in Language.values
                if (path := getattr(page, f"path_{code}"))
            ],
        }
        for page in rows
        if page.live_release
    ]
    xml = render_to_string("site/sitemap.xml", {"home": f"{settings.PUBLIC_URL}/", "pages": pages})
    return HttpResponse(xml, content_type="application/xml")


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
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
