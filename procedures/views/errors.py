"""What a reader sees when something is wrong. Each says what to do; none says what was asked for."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from procedures.enums import Language
from procedures.views.chrome import frame, show, site_now
from procedures.views.reading import not_found as missing


def _language(request: HttpRequest) -> str:
    return Language.SPANISH if request.path_info.startswith("/es/") else Language.ENGLISH


def _plain(
    request: HttpRequest, status: int, sentence: object, template: str = "site/bad_request.html"
) -> HttpResponse:
    language = _language(request)
    title = _("Please wait a moment") if status == 429 else _("We could not read that")
    context = frame(language=language, clinic=site_now(language)[0], title=title) | {"heading": title}
    return show(template, {**context, "sentence": sentence, "robots": "noindex"}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    # A wrong Host must not cost a query, nor echo anything.
    return HttpResponse("400: this request was not understood.\n", status=400, content_type="text/plain; charset=utf-8")


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """403, also for a form that was open too long."""
    return _plain(
        request,
        403,
        _("You may not see this, or the form was open for too long. Go back, load the page again and try once more."),
        "site/forbidden.html",
    )


def too_many(request: HttpRequest) -> HttpResponse:
    """429."""
    sentence = _("Many searches came from your connection. Wait ten seconds, then search again.")
    response = _plain(request, 429, sentence)
    response.headers["Retry-After"] = "10"
    response.headers["Cache-Control"] = "no-store"
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 from a view that knows no better."""
    return missing(_language(request), [])
