"""Picture files for staff: also those that the public may not see yet, or any more."""

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
    """One stored file, for this person, now: no browser and no proxy keeps it."""
    return stored_file(request, name, "no-store, private")


def staff_url(name: str) -> str:
    """Where staff see a file of a picture."""
    return reverse("admin:procedures_figure_file", args=[name])


def with_staff_urls(html: str, public: frozenset[str] | None = None) -> str:
    """The same HTML, or one address, for a staff screen: with addresses that staff can open for what is not public.

    ``public``: what ``public_files()`` gave, where several texts are changed.
    """
    if not ADDRESS.search(html):
        return html
    public = public_files() if public is None else public
    return ADDRESS.sub(lambda found: found[0] if found[1] in public else staff_url(found[1]), html)
