"""A draft in the public page's own template: the one place that knows how the public site puts a page together."""

from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone, translation

from procedures.admin.figure_files import with_staff_urls
from procedures.enums import PageKind
from procedures.markdown import RenderedPage
from procedures.models import Page, Release
from procedures.models.page import public_path
from procedures.publishing.publish import add_months
from procedures.views.chrome import site_now
from procedures.views.reading import page_context


def true_page(page: Page, content: dict[str, Any], rendered: RenderedPage, *, author: str = "") -> str:
    """The whole HTML document of a draft, as patients would get it today. ``page`` may be unsaved."""
    today = timezone.localdate()
    release = Release(
        path=public_path(page.language, page.kind, content["slug"]),
        title=content["title"],
        key_message=content["key_message"],
        description=content["description"],
        html=rendered.html,
        author_name=author,
        published_at=timezone.now(),
        next_review_on=add_months(today, _months(content)),
    )
    return released_page(page, release)


def released_page(page: Page, release: Release) -> str:
    """The whole HTML document of a release, whether or not it is still live."""
    clinic, _ = site_now(page.language)
    context = page_context(page, release, clinic, {})
    template = "site/guide.html" if page.kind == PageKind.GUIDE else "site/page.html"
    with translation.override(page.language):
        html = render_to_string(template, {**context, "preview": True})
    return with_staff_urls(html)


def _months(content: dict[str, Any]) -> int:
    """Months to the next review; what is typed may be out of the allowed range."""
    return min(max(int(content["review_months"]), 1), 36)
