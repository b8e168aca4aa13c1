"""Redirects to canonical paths, short codes, and QR codes."""

import re

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from portal.published.decorators import cacheable
from procedures import languages
from procedures.models import Page
from procedures.sharing.messages import short_path
from procedures.sharing.qr import build_qr_code
from procedures.sharing.short_codes import is_valid_code, parse_code
from procedures.views.layout import base_context, load_clinic, render_response

MAX_CODE_LENGTH = 40
CODE_PATH = re.compile(rf"/(?:({'|'.join(languages.CODES)})/)?p/(.+)/\Z")


def redirect_permanently(path: str) -> HttpResponse:
    """Redirect to a canonical path. ``path`` must come from the database or from a constant, never from the request.

    Sets no Cache-Control, so that ``@cacheable`` makes browsers revalidate it: a page can return to an earlier path,
    and a redirect cached from there would cause a loop.
    """
    return HttpResponse(status=301, headers={"Location": path})


def redirect_to_staff(path: str) -> HttpResponse:
    """Redirect to an admin page without caching, because ``path`` can contain the token of a one-time link."""
    response = HttpResponseRedirect(path)
    response.headers["Cache-Control"] = "no-store"
    return response


@cacheable
def short_code_form(request: HttpRequest, language: str) -> HttpResponse:
    """``/p/``: show a form for a code, and redirect to the page of ``?code=``."""
    return redirect_short_code(request.GET.get("code", ""), language)


def match_code_path(candidates: list[str]) -> tuple[str, str] | None:
    """Return code and language if one of ``candidates`` is the path of a short code.

    ``candidates[0]`` is the requested path, the others are repaired.
    """
    match = next((found for name in candidates[1:] or candidates if (found := CODE_PATH.match(name))), None)
    if match is None:
        return None
    # The code as typed, not repaired: it is shown in the form, and it can contain spaces.
    typed = re.search(r"(?i:p)/+(.+?)/*\Z", candidates[0], re.DOTALL)
    return (typed[1] if typed else match[2]), (match[1] or languages.DEFAULT)


def redirect_short_code(code: str, language: str) -> HttpResponse:
    """Redirect to the page of a code. A check character keeps a mistyped code from leading to another page."""
    code = code[:MAX_CODE_LENGTH]
    valid_code = parse_code(code)
    if valid_code:
        page = Page.objects.with_code(valid_code).first()
        if page:
            # A withdrawn page says at its last path why it was withdrawn.
            last = page.live_release or page.releases.order_by("-number").first()
            if last:
                return redirect_permanently(last.path)
    context = base_context(language=language, clinic=load_clinic(language)[0], title=_("Please check the code"))
    error = _("This code leads nowhere. Look at your letter: 6 letters and digits, no 0, O, 1, I, L or U.")
    values = {"code": code, "error": error if code else "", "robots": "noindex"}
    return render_response("site/short_code.html", {**context, **values}, status=404 if code else 200)


@cacheable
def qr_code(request: HttpRequest, language: str, code: str) -> HttpResponse:
    """``/p/K7M4P2.svg``: the URL of a code as a QR code, for printed pages. 404 unless the code has a public page."""
    page = Page.objects.with_code(code).published().first() if is_valid_code(code) else None
    if page is None:
        raise Http404
    drawing = build_qr_code(settings.PUBLIC_URL + short_path(language, code))
    svg = render_to_string("components/qr.html", {"qr": drawing, "file": True})
    return HttpResponse(svg.strip(), content_type="image/svg+xml")
