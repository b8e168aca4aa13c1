"""``/connect/…``: pages for health record and scheduling systems. Their queries are never logged."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy as _

from portal.http import public_response
from procedures import infobutton, languages
from procedures.models import Page
from procedures.sharing.short_codes import short_url
from procedures.views.errors import render_error
from procedures.views.layout import base_context, render_response
from procedures.views.pages import get_clinic, page_card

FEED_CACHE_CONTROL = "public, max-age=43200"


@public_response
def infobutton_feed(request: HttpRequest) -> HttpResponse:
    """Return the pages for a code as a feed: Atom, JSON, or JSONP."""
    values = infobutton.strip_illegal_xml(request.GET.dict())
    kind, callback = infobutton.XML_TYPE, ""
    try:
        kind, callback = infobutton.parse_response_format(values)
        query = infobutton.parse_request(values)
    except infobutton.BadRequestError as error:
        return _feed_response({"error": str(error)}, kind, callback, status=400)
    pages = _find_pages_with_fallback(query)
    clinic = get_clinic(pages, query.language)
    data = infobutton.build_feed(values, query, pages, (clinic or {}).get("name", ""))
    return _feed_response(data, kind, callback)


def _find_pages_with_fallback(query: infobutton.InfobuttonRequest) -> list[Page]:
    """Return pages in the requested language, or in the default language if there are none; ``lang`` says which."""
    pages = infobutton.find_pages(query)
    if pages or query.language == languages.DEFAULT:
        return pages
    return infobutton.find_pages(infobutton.InfobuttonRequest(query.system, query.code, query.name, languages.DEFAULT))


def _feed_response(data: dict[str, object], kind: str, callback: str, status: int = 200) -> HttpResponse:
    if kind == infobutton.XML_TYPE:
        text = infobutton.render_atom(data) if "feed" in data else infobutton.render_error_xml(str(data["error"]))
    else:
        text = infobutton.render_json(data, callback)
    response = HttpResponse(text, status=status, content_type=f"{kind}; charset=utf-8")
    response.headers["Cache-Control"] = FEED_CACHE_CONTROL if status == 200 else "no-store"
    if kind == infobutton.JAVASCRIPT_TYPE:
        # JSONP exists for pages of other sites that load it as a script.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@public_response
def infobutton_redirect(request: HttpRequest) -> HttpResponse:
    """Redirect to the page for a code, list the pages if there are several, or show the search page if there are
    none.
    """
    values = infobutton.strip_illegal_xml(request.GET.dict())
    try:
        query = infobutton.parse_request(values)
    except infobutton.BadRequestError as error:
        return render_error(
            languages.language_of_infobutton(values.get(infobutton.LANGUAGE_PARAM, "")), 400, str(error)
        )
    pages = _find_pages_with_fallback(query)
    live = [page.live_release for page in pages if page.live_release]
    if len(live) == 1:
        # Without FEED_CACHE_CONTROL: the page may move or be withdrawn within that time.
        return HttpResponse(status=302, headers={"Location": live[0].path})
    clinic = get_clinic(pages, query.language)
    context = base_context(language=query.language, clinic=clinic, title=_("Reading for your visit"))
    results = [
        {"title": release.title, "href": release.path, "section": "", "snippet": release.key_message}
        for release in live
    ]
    topics = [] if results else [page_card(page) for page in Page.objects.for_cards(query.language)]
    search_values = {"results": results, "topics": topics, "query": "", "searched": False, "robots": "noindex"}
    # Without FEED_CACHE_CONTROL here, too: the clinic's phone number may change within that time.
    return render_response("site/search.html", {**context, **search_values, "chosen": True})


@public_response
def guides(request: HttpRequest) -> HttpResponse:
    """Return all guides with their links, for the email templates of a scheduling system. IDs never change."""
    rows = [
        {
            "id": page.code,
            "language": language,
            "title": release.title,
            "url": f"{settings.PUBLIC_URL}{release.path}",
            "neutral_url": short_url(language, page.code),
            "minutes": release.minutes,
            "updated": release.published_at.isoformat(timespec="seconds"),
        }
        for language in languages.CODES
        for page in Page.objects.for_cards(language).guides()
        if (release := page.live_release)
    ]
    return JsonResponse({"guides": rows}, json_dumps_params={"ensure_ascii": False})
