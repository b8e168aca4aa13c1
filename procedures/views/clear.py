"""“Was this clear?”: a small page of its own behind each page. No cookie, so other signs say that a form is ours."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portal.serving.callers import network
from portal.serving.public import public
from procedures.feedback.answer import UnusableError, clean_comment, receive
from procedures.feedback.limits import LIMITS
from procedures.feedback.sender import comes_from_here
from procedures.links.codes import is_valid
from procedures.models import Page
from procedures.models.clinic import clinic_json, clinic_time_zone
from procedures.models.feedback import COMMENT_MAX
from procedures.views.chrome import frame, root, show, site_now
from procedures.views.reading import not_found

LARGEST_FORM = 8_000  # bytes
ANSWERS = {"yes": True, "no": False}
# People never see this field; programs that fill in forms do.
TRAP = "website"


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def clear(request: HttpRequest, language: str, code: str) -> HttpResponseBase:
    """The question, and the answer to it."""
    if request.method == "POST":
        with translation.override(language):
            response = _take(request, language, code)
        response.headers["Cache-Control"] = "no-store"
        return response
    return ask(request, language=language, code=code)


@public
def ask(request: HttpRequest, language: str, code: str) -> HttpResponse:
    """The form. ``?part=`` names a section of the page, which is then chosen already."""
    page = _page(language, code)
    # All three names are there: a template would take a missing “clear” for the method of a dictionary.
    typed = {"clear": "", "section": request.GET.get("part", "")[:80], "comment": ""}
    return _form(page, language, typed) if page else not_found(language, [])


@public
def thanks(request: HttpRequest, language: str, code: str) -> HttpResponse:
    """After the answer."""
    page = _page(language, code)
    if page is None:
        return not_found(language, [])
    return show("site/clear_thanks.html", _context(page, language, _("Thank you.")))


def _page(language: str, code: str) -> Page | None:
    if not is_valid(code):
        return None
    pages = Page.objects.with_code(code).published().in_language(language)
    return pages.annotate(clinic=clinic_json(language), time_zone=clinic_time_zone()).first()


def _context(page: Page, language: str, title: object) -> dict[str, Any]:
    live = page.live_release
    if live is None:
        raise ValueError("Only public pages are asked about.")
    context = frame(language=language, clinic=getattr(page, "clinic", None), title=title)
    context["breadcrumbs"].insert(1, {"label": live.title, "href": live.path})
    with translation.override(language):
        page_title = f"{title} {live.title}"
    return {**context, "page_title": page_title, "read": {"title": live.title, "href": live.path}}


def _form(page: Page, language: str, typed: dict[str, str], *, error: str = "", status: int = 200) -> HttpResponse:
    live = page.live_release
    parts = [part for part in live.sections if part["title"] and part["anchor"]] if live else []
    values = {
        "parts": parts,
        "typed": typed,
        "error": error,
        "most": COMMENT_MAX,
        "trap": TRAP,
        "action": f"{root(language)}clear/{page.code}/",
        "robots": "noindex",
    }
    context = _context(page, language, _("Was this clear?"))
    return show("site/clear.html", {**context, **values}, status=status)


def _take(request: HttpRequest, language: str, code: str) -> HttpResponse:
    if not comes_from_here(request):
        sentence = _("This answer did not come from our own page. Please open the page again and answer there.")
        return _refuse(language, sentence, 403)
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_FORM:
        return _refuse(language, _("That was too much text for us to take in. Please write one line."), 413)
    page = _page(language, code)
    if page is None:
        return not_found(language, [])
    typed = {name: request.POST.get(name, "") for name in ("clear", "section", "comment")}
    if not request.POST.get(TRAP):
        try:
            if typed["clear"] not in ANSWERS:
                raise UnusableError(_("Please choose Yes or No."))
            comment = clean_comment(typed["comment"])
        except UnusableError as error:
            return _form(page, language, typed, error=str(error), status=400)
        if not LIMITS.allow(network(request)):
            sentence = _("We are getting very many answers right now. Please try again in an hour, or call us.")
            return _form(page, language, typed, error=str(sentence), status=429)
        receive(page, was_clear=ANSWERS[typed["clear"]], section=typed["section"], comment=comment)
    response = HttpResponse(status=303)
    response.headers["Location"] = f"{root(language)}clear/{page.code}/thanks/"
    return response


def _refuse(language: str, sentence: object, status: int) -> HttpResponse:
    context = frame(language=language, clinic=site_now(language)[0], title=_("We could not read that"))
    return show("site/bad_request.html", {**context, "sentence": sentence, "robots": "noindex"}, status=status)
