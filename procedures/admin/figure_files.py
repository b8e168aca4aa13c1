"""Picture files for staff, including files that are not public."""

import re

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.serving.media import NAME, stored_file
from procedures.figures.approval import public_files

ADDRESS = re.compile(re.escape(settings.MEDIA_URL) + f"({NAME.pattern.removesuffix(chr(92) + 'Z')})")


@require_safe
@permission_required("procedures.view_figure", raise_exception=True)
def file(request: HttpRequest, name: str) -> HttpResponseBase:
    """Serve a stored file to staff. Browsers and proxies must not cache it."""
    return stored_file(request, name, "no-store, private")


def staff_url(name: str) -> str:
    """The address at which staff can open a file of a picture."""
    return reverse("admin:procedures_figure_file", args=[name])


def with_staff_urls(html: str, public: frozenset[str] | None = None) -> str:
    """Replace addresses of files that are not public, in HTML or a single address, by ones that staff can open.

    ``public``: the result of ``public_files()``, for callers that convert several texts.
    """
    if not ADDRESS.search(html):
        return html
    public = public_files() if public is None else public
    return ADDRESS.sub(lambda found: found[0] if found[1] in public else staff_url(found[1]), html)
