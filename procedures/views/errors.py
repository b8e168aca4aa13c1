"""Error pages. Each one says what to do, and none of them echoes the request."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from portal.http import is_staff_path, plain_response
from portal.storage.database import is_connection_error
from procedures.languages import DEFAULT, LANGUAGES, home_path, language_of_path
from procedures.views.layout import base_context, load_clinic, published_clinic, render_response


def _language_of_request(request: HttpRequest) -> str:
    return language_of_path(request.path_info)


def render_error(language: str, status: int, message: object, template: str = "site/bad_request.html") -> HttpResponse:
    """Return an error page with a heading and a sentence that says what to do."""
    title = _("Please wait a moment") if status == 429 else _("We could not understand that request")
    context = base_context(language=language, clinic=load_clinic(language)[0], title=title) | {"heading": title}
    return render_response(template, {**context, "sentence": message, "robots": "noindex"}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 400 as plain text."""
    # A wrong Host header must not cause a query or be echoed in the response.
    return plain_response(400, "400: this request was not understood.")


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """Return 403, for a missing permission or a form that failed the CSRF check."""
    if is_staff_path(request):
        # A process that serves only patients never loads the admin.
        from portal.accounts.views import base as staff_errors

        return staff_errors.forbidden(request, reason)
    return render_error(
        _language_of_request(request),
        403,
        _("You do not have access to this page, or the form has expired. Go back, reload the page, and try again."),
        "site/forbidden.html",
    )


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Return 429 for search."""
    message = _("Your connection has sent too many searches. Wait 10 seconds, then search again.")
    response = render_error(_language_of_request(request), 429, message)
    response.headers["Retry-After"] = "10"
    response.headers["Cache-Control"] = "no-store"
    return response


def render_not_found(language: str, suggestions: list[dict[str, str]]) -> HttpResponse:
    """Return 404 with a search form and suggested pages."""
    context = base_context(
        language=language,
        clinic=load_clinic(language)[0],
        title=_("Page not found"),
        translations={other.code: home_path(other.code) for other in LANGUAGES},
    )
    response = render_response(
        "site/not_found.html", {**context, "suggestions": suggestions, "robots": "noindex"}, status=404
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 404 for a view that raised Http404."""
    if is_staff_path(request):
        from portal.accounts.views import base as staff_errors

        return staff_errors.not_found(request)
    return render_not_found(_language_of_request(request), [])


def server_error(request: HttpRequest) -> HttpResponse:
    """Return 500, or 503 if the database cannot be reached. Sends no query."""
    if is_connection_error(sys.exc_info()[1]):
        return unavailable(request)
    others = [language for language in LANGUAGES if language.code != DEFAULT and language.error_notice]
    html = render_to_string("500.html", {"language": DEFAULT, "others": others})
    return HttpResponse(html, status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return 503 while the database cannot be reached. Sends no query; cached pages are still served."""
    if is_staff_path(request):
        message: object = _(
            "The database is not responding, and your changes were not saved. Go back, copy what you typed, "
            "and try again in a few minutes. Patients can still read the pages."
        )
    else:
        message = _("This part of our site is temporarily unavailable. Please try again in a few minutes, or call us.")
    language = _language_of_request(request)
    title = _("Please come back in a few minutes")
    context = base_context(language=language, clinic=published_clinic(language), title=title)
    response = render_response(
        "site/unavailable.html", {**context, "sentence": message, "robots": "noindex"}, status=503
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Retry-After"] = "60"
    return response
