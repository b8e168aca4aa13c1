"""``/p/<CODE>``: from a neutral code on a letter to the page it stands for."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from portal.serving.public import Lasting, public
from procedures.links.codes import is_valid, normalise
from procedures.models import Page
from procedures.views.chrome import frame, show, site_now
from procedures.views.reading import HEALS_AFTER

LONGEST = 40


@public
def code(request: HttpRequest, language: str, typed: str = "") -> HttpResponse:
    """Redirect to the page of a code; a mistyped one is never taken for another page's."""
    typed = (typed or request.GET.get("code", ""))[:LONGEST]
    wanted = normalise(typed)
    if is_valid(wanted):
        page = Page.objects.with_code(wanted).first()
        if page:
            # A withdrawn page answers at its address, with its reason.
            last = page.live_release or page.releases.order_by("-number").first()
            if last:
                # However else it is typed leads there too, but only this spelling stands on letters.
                response = Lasting(status=301) if typed == page.code else HttpResponse(status=301)
                response.headers["Location"] = last.path
                response.headers["Cache-Control"] = HEALS_AFTER
                return response
    context = frame(language=language, clinic=site_now(language)[0], title=_("Please check the code"))
    error = _("This code leads nowhere. Look at your letter: 6 letters and digits, no 0, O, 1, I, L or U.")
    values = {"code": typed, "error": error if typed else "", "robots": "noindex"}
    return show("site/check_code.html", {**context, **values}, status=404 if typed else 200)
