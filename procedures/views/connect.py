"""``/connect/…``: for health-record and scheduling systems. What they ask is never logged."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy as _

from portal.serving.public import public
from procedures.enums import Language
from procedures.links import connect
from procedures.models import Page
from procedures.views.chrome import frame, root, show, site_now
from procedures.views.reading import card, clinic_of

HALF_A_DAY = "public, max-age=43200"


@public
def service(request: HttpRequest) -> HttpResponse:
    """The pages for a code as a feed: Atom, JSON or JavaScript."""
    values = connect.legal_values(request.GET.dict())
    kind, callback = connect.XML, ""
    try:
        kind, callback = connect.answer_format(values)
        asked = connect.read_request(values)
    except connect.BadRequestError as error:
        return _feed_response({"error": str(error)}, kind, callback, status=400)
    pages = _in_any_language(asked)
    clinic = clinic_of(pages, asked.language)
    data = connect.feed(values, asked, pages, (clinic or {}).get("name", ""))
    return _feed_response(data, kind, callback)


def _in_any_language(asked: connect.Request) -> list[Page]:
    """Pages in the language asked for; where the clinic has none, English ones, which say so in ``lang``."""
    pages = connect.find_pages(asked)
    if pages or asked.language == Language.ENGLISH:
        return pages
    return connect.find_pages(connect.Request(asked.system, asked.code, asked.name, Language.ENGLISH))


def _feed_response(data: dict[str, object], kind: str, callback: str, status: int = 200) -> HttpResponse:
    if kind == connect.XML:
        text = connect.to_xml(data) if "feed" in data else connect.error_xml(str(data["error"]))
    else:
        text = connect.to_json(data, callback)
    response = HttpResponse(text, status=status, content_type=f"{kind}; charset=utf-8")
    response.headers["Cache-Control"] = HALF_A_DAY if status == 200 else "no-store"
    if kind == connect.JAVASCRIPT:
        # Another site's page loads it as a script; that is what this format is for.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@public
def application(request: HttpRequest) -> HttpResponse:
    """The page for a code, for a person: a redirect to the only one, a choice of several, or the search page."""
    values = connect.legal_values(request.GET.dict())
    try:
        asked = connect.read_request(values)
    except connect.BadRequestError as error:
        context = frame(language=Language.ENGLISH, clinic=site_now("en")[0], title=_("We could not read that"))
        return show("site/bad_request.html", {**context, "sentence": str(error), "robots": "noindex"}, status=400)
    pages = _in_any_language(asked)
    live = [page.live_release for page in pages if page.live_release]
    if len(live) == 1:
        # Without HALF_A_DAY: the page may move or be withdrawn before that is over.
        return HttpResponse(status=302, headers={"Location": live[0].path})
    clinic = clinic_of(pages, asked.language)
    context = frame(language=asked.language, clinic=clinic, title=_("Reading for your visit"))
    results = [
        {"title": release.title, "href": release.path, "section": "", "snippet": release.key_message}
        for release in live
    ]
    topics = [] if results else [card(page) for page in Page.objects.for_cards(asked.language)]
    values_shown = {"results": results, "topics": topics, "query": "", "searched": False, "robots": "noindex"}
    response = show("site/search.html", {**context, **values_shown, "chosen": True})
    response.headers["Cache-Control"] = HALF_A_DAY
    return response


@public
def guides(request: HttpRequest) -> HttpResponse:
    """All guides with their links, for the mail templates of a scheduling system. Ids never change."""
    rows = [
        {
            "id": page.code,
            "language": language,
            "title": release.title,
            "url": f"{settings.PUBLIC_URL}{release.path}",
            "neutral_url": f"{settings.PUBLIC_URL}{root(language)}p/{page.code}",
            "minutes": release.minutes,
            "updated": release.published_at.isoformat(timespec="seconds"),
        }
        for language in Language.values
        for page in Page.objects.for_cards(language).guides()
        if (release := page.live_release)
    ]
    return JsonResponse({"guides": rows}, json_dumps_params={"ensure_ascii": False})
