"""``/search/?q=``."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from portal.serving.public import public
from portal.serving.rates import Rate
from procedures.enums import Language
from procedures.models import Page
from procedures.search.index import Answer, index_for
from procedures.views.chrome import frame, root, show, site_now
from procedures.views.errors import too_many
from procedures.views.reading import card, clinic_of

LONGEST = 100
MAX_TOPICS = 40
# A waiting room behind one address may search; a program that reads us out waits.
SEARCHES = Rate(burst=60, per_second=5)


@public
def search(request: HttpRequest, language: str) -> HttpResponse:
    """What the clinic's pages say about a word; without one, all topics."""
    if SEARCHES.exceeded(request):
        return too_many(request)
    query = " ".join(request.GET.get("q", "")[:LONGEST].replace("\0", " ").split())
    answer, clinic, pages = Answer([]), None, []
    if query:
        clinic, event = site_now(language)
        answer = index_for(language, event).search(query)
    if not answer.results:
        pages = list(Page.objects.for_cards(language)[:MAX_TOPICS])
        clinic = clinic or clinic_of(pages, language)
    context = frame(
        language=language,
        clinic=clinic,
        title=_("Search"),
        path=f"{root(language)}search/",
        translations={code: f"{root(code)}search/" for code in Language.values},
    )
    values = {
        "query": query,
        "searched": bool(query),
        "results": answer.results,
        "suggestion": answer.suggestion if answer.suggestion != query.casefold() else "",
        "topics": [card(page) for page in pages],
        "robots": "noindex",
    }
    response = show("site/search.html", {**context, **values})
    response.headers["Cache-Control"] = "no-store"
    return response
