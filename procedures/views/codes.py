"""``/p/<CODE>``: from a neutral code on a letter to the page it stands for."""

import re

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from portal.serving.public import REVALIDATE, public
from procedures.enums import Language
from procedures.links.codes import is_valid, read_code
from procedures.links.kit import neutral_path
from procedures.links.kit.qr import qr
from procedures.models import Page
from procedures.views.chrome import frame, show, site_now
from procedures.views.moved import moved

LONGEST = 40
ADDRESS = re.compile(rf"/(?:({'|'.join(Language.values)})/)?p/(.+)/\Z")


@public
def form(request: HttpRequest, language: str) -> HttpResponse:
    """``/p/``: a field for the code, and where it leads."""
    return answer(request.GET.get("code", ""), language)


def code_address(names: list[str]) -> tuple[str, str] | None:
    """Code as it arrived and its language, where one of these spellings of an address, the first as it came, is so."""
    found = next((match for name in names[1:] or names if (match := ADDRESS.match(name))), None)
    if found is None:
        return None
    # Rather what came than the mended spelling: it is shown again, and a code may hold spaces.
    arrived = re.search(r"(?i:p)/+(.+?)/*\Z", names[0], re.DOTALL)
    return (arrived[1] if arrived else found[2]), (found[1] or Language.ENGLISH)


def answer(typed: str, language: str, asked: str = "") -> HttpResponse:
    """Redirect to the page of a code; a mistyped one is never taken for another page's.

    ``asked``: the whole address, where the code is part of it.
    """
    typed = typed[:LONGEST]
    wanted = read_code(typed)
    if wanted:
        page = Page.objects.with_code(wanted).first()
        if page:
            # A withdrawn page answers at its address, with its reason.
            last = page.live_release or page.releases.order_by("-number").first()
            if last:
                # However else it is typed leads there too, but only this spelling stands on letters.
                return moved(last.path, lasting=asked == neutral_path(page.language, page.code))
    context = frame(language=language, clinic=site_now(language)[0], title=_("Please check the code"))
    error = _("This code leads nowhere. Look at your letter: 6 letters and digits, no 0, O, 1, I, L or U.")
    values = {"code": typed, "error": error if typed else "", "robots": "noindex"}
    return show("site/check_code.html", {**context, **values}, status=404 if typed else 200)


@public
def qr_code(request: HttpRequest, language: str, typed: str) -> HttpResponse:
    """``/p/K7M4P2.svg``: the code's address as a QR code, for pages on paper. 404 unless a page is public under it."""
    page = Page.objects.with_code(typed).published().first() if is_valid(typed) else None
    if page is None:
        raise Http404
    drawing = qr(settings.PUBLIC_URL + neutral_path(language, typed))
    svg = render_to_string("components/qr.html", {"qr": drawing, "file": True})
    response = HttpResponse(svg.strip(), content_type="image/svg+xml")
    if page.language != language:
        # No page shows this one. Without a snapshot it is gone when the page is.
        response.headers["Cache-Control"] = REVALIDATE
    return response
