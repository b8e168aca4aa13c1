"""The one redirect that a public address may cost."""

import re

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from portal.published.decorators import CACHE_CONTROL_REVALIDATE, CacheableResponse, cacheable
from procedures import languages
from procedures.models import Page
from procedures.sharing.messages import short_path
from procedures.sharing.qr import build_qr_code
from procedures.sharing.short_codes import is_valid_code, parse_code
from procedures.views.layout import base_context, load_clinic, render_response


def redirect_permanently(path: str, *, is_cacheable: bool = False) -> HttpResponse:
    """Redirect to the canonical address. It comes from a row or from our own list, never from the request.

    ``lasting``: from an address that has a row of its own. There is no end to the others: they are not stored.

    Without a Cache-Control of its own, so that ``public`` makes browsers revalidate it: a page may come back to an
    earlier address, and a cached redirect from there would send its reader around in a circle.
    """
    return (CacheableResponse if is_cacheable else HttpResponse)(status=301, headers={"Location": path})


def redirect_to_staff(path: str) -> HttpResponse:
    """Redirect to a page for staff. The address may contain the token of a one-time link: no cache may store it."""
    response = HttpResponseRedirect(path)
    response.headers["Cache-Control"] = "no-store"
    return response


MAX_CODE_LENGTH = 40
CODE_PATH = re.compile(rf"/(?:({'|'.join(languages.CODES)})/)?p/(.+)/\Z")


@cacheable
def short_code_form(request: HttpRequest, language: str) -> HttpResponse:
    """``/p/``: a field for the code, and where it leads."""
    return redirect_short_code(request.GET.get("code", ""), language)


def match_code_path(candidates: list[str]) -> tuple[str, str] | None:
    """Code as it arrived and its language, where one of these spellings of an address, the first as it came, is so."""
    found = next((match for name in candidates[1:] or candidates if (match := CODE_PATH.match(name))), None)
    if found is None:
        return None
    # Rather what came than the mended spelling: it is shown again, and a code may hold spaces.
    arrived = re.search(r"(?i:p)/+(.+?)/*\Z", candidates[0], re.DOTALL)
    return (arrived[1] if arrived else found[2]), (found[1] or languages.DEFAULT)


def redirect_short_code(code: str, language: str, requested_path: str = "") -> HttpResponse:
    """Redirect to the page of a code; a mistyped one is never taken for another page's.

    ``asked``: the whole address, where the code is part of it.
    """
    code = code[:MAX_CODE_LENGTH]
    wanted = parse_code(code)
    if wanted:
        page = Page.objects.with_code(wanted).first()
        if page:
            # A withdrawn page answers at its address, with its reason.
            last = page.live_release or page.releases.order_by("-number").first()
            if last:
                # However else it is typed leads there too, but only this spelling stands on letters.
                return redirect_permanently(
                    last.path, is_cacheable=requested_path == short_path(page.language, page.code)
                )
    context = base_context(language=language, clinic=load_clinic(language)[0], title=_("Please check the code"))
    error = _("This code leads nowhere. Look at your letter: 6 letters and digits, no 0, O, 1, I, L or U.")
    values = {"code": code, "error": error if code else "", "robots": "noindex"}
    return render_response("site/short_code.html", {**context, **values}, status=404 if code else 200)


@cacheable
def qr_code(request: HttpRequest, language: str, code: str) -> HttpResponse:
    """``/p/K7M4P2.svg``: the code's address as a QR code, for pages on paper. 404 unless a page is public under it."""
    page = Page.objects.with_code(code).published().first() if is_valid_code(code) else None
    if page is None:
        raise Http404
    drawing = build_qr_code(settings.PUBLIC_URL + short_path(language, code))
    svg = render_to_string("components/qr.html", {"qr": drawing, "file": True})
    response = HttpResponse(svg.strip(), content_type="image/svg+xml")
    if page.language != language:
        # No page shows this one. Without a snapshot it is gone when the page is.
        response.headers["Cache-Control"] = CACHE_CONTROL_REVALIDATE
    return response
