"""Error pages under /admin/: why a request was refused, and what to do about it."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_BAD_ORIGIN, REASON_BAD_REFERER, REASON_NO_CSRF_COOKIE, REASON_NO_REFERER
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.views.base import render_page

# Title and explanation of a page.
ErrorText = tuple[str | Promise, str | Promise]
WRONG_ORIGIN: ErrorText = (
    gettext_lazy("The form came from another address"),
    gettext_lazy(
        "Your browser says that this form was sent from a different address than the one this site is set up for. "
        "Open the site by its own address and try again. If that does not help, ask your IT team to check "
        "PORTAL_PUBLIC_URL."
    ),
)
COOKIES_OFF: ErrorText = (
    gettext_lazy("Cookies are turned off"),
    gettext_lazy(
        "Signing in needs cookies, and your browser did not send ours. Allow cookies for this site in the browser's "
        "settings, or leave private mode, and then open the sign-in page again."
    ),
)
STALE_FORM: ErrorText = (
    gettext_lazy("This form is out of date"),
    gettext_lazy(
        "It was opened before you last signed in or out, so nothing was saved. Go back, copy what you typed, reload "
        "the page, and send it again."
    ),
)
PERMISSION_DENIED: ErrorText = (
    gettext_lazy("Your role does not include this"),
    gettext_lazy("Ask a manager if you need it. Nothing was changed."),
)
# Prefixes of Django's reasons for a failed CSRF check; any other reason gets STALE_FORM.
CSRF_FAILURES: tuple[tuple[str, ErrorText], ...] = (
    (REASON_NO_CSRF_COOKIE, COOKIES_OFF),
    (REASON_BAD_ORIGIN.partition("%s")[0], WRONG_ORIGIN),
    (REASON_BAD_REFERER.partition("%s")[0], WRONG_ORIGIN),
    (REASON_NO_REFERER, WRONG_ORIGIN),
)


def forbidden(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Render a 403 page. ``reason`` is Django's for a failed CSRF check; empty for a missing permission."""
    if reason:
        title, explanation = next((text for prefix, text in CSRF_FAILURES if reason.startswith(prefix)), STALE_FORM)
    else:
        title, explanation = PERMISSION_DENIED
    return render_page(request, "error.html", {"explanation": explanation}, title=title, status=403)


def not_found(request: HttpRequest) -> HttpResponse:
    """Render a 404 page."""
    explanation = _("The address may be misspelled, or what it showed was deleted or renamed.")
    title = _("There is nothing at this address")
    return render_page(request, "error.html", {"explanation": explanation}, title=title, status=404)
