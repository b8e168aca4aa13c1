"""Search: ``/search/?q=``."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from portal.published.decorators import cacheable
from portal.security.request_limits import TokenBucket
from procedures import languages
from procedures.languages import home_path
from procedures.models import Page
from procedures.search.index import SearchResults, get_index
from procedures.views.errors import too_many_requests
from procedures.views.layout import base_context, load_clinic, render_response
from procedures.views.pages import get_clinic, page_card

MAX_QUERY_LENGTH = 100
MAX_TOPICS = 40
# Enough for a waiting room behind one IP address; a scraper is slowed down.
SEARCH_RATE_LIMIT = TokenBucket(burst=60, per_second=5)


@cacheable
def search(request: HttpRequest, language: str) -> HttpResponse:
    """Show the sections that match a query, and all topics if there is no query or no result."""
    if SEARCH_RATE_LIMIT.is_limited(request):
        return too_many_requests(request)
    query = " ".join(request.GET.get("q", "")[:MAX_QUERY_LENGTH].replace("\0", " ").split())
    answer, clinic, pages = SearchResults([]), None, []
    if query:
        clinic, event = load_clinic(language)
        answer = get_index(language, event).search(query)
    if not answer.results:
        pages = list(Page.objects.for_cards(language)[:MAX_TOPICS])
        clinic = clinic or get_clinic(pages, language)
    context = base_context(
        language=language,
        clinic=clinic,
        title=_("Search"),
        path=f"{home_path(language)}search/",
        translations={code: f"{home_path(code)}search/" for code in languages.CODES},
    )
    values = {
        "query": query,
        "searched": bool(query),
        "results": answer.results,
        "suggestion": answer.suggestion if answer.suggestion != query.casefold() else "",
        "topics": [page_card(page) for page in pages],
        "robots": "noindex",
    }
    response = render_response("site/search.html", {**context, **values})
    response.headers["Cache-Control"] = "no-store"
    return response
