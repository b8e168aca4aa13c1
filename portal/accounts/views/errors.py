"""Error pages under /admin/: why a request was refused, and what to do now."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_BAD_ORIGIN, REASON_BAD_REFERER, REASON_NO_CSRF_COOKIE, REASON_NO_REFERER

from portal.accounts.views.base import render_page

WRONG_ORIGIN = (
    "The form came from another address",
    (
        "Your browser says that this form was sent from a different address than the one this site is set up for. "
        "Open the site by its own address and try again. If that does not help, ask your IT team to check "
        "PORTAL_PUBLIC_URL."
    ),
)
# The beginnings of Django's reasons for a failed CSRF check, each with the title and the sentence of the page.
CSRF_FAILURES: tuple[tuple[str, tuple[str, str]], ...] = (
    (
        REASON_NO_CSRF_COOKIE,
        (
            "Cookies are turned off",
            (
                "Signing in needs cookies, and your browser did not send ours. Allow cookies for this site in the "
                "browser's settings, or leave private mode, and then open the sign-in page again."
            ),
        ),
    ),
    (REASON_BAD_ORIGIN.partition("%s")[0], WRONG_ORIGIN),
    (REASON_BAD_REFERER.partition("%s")[0], WRONG_ORIGIN),
    (REASON_NO_REFERER, WRONG_ORIGIN),
)
STALE_FORM = (
    "This form is out of date",
    (
        "It was opened before you last signed in or out, so nothing was saved. Go back, copy what you typed, reload "
        "the page, and send it again."
    ),
)
PERMISSION_DENIED = (
    "Your role does not include this",
    "Ask a manager if you need it. Nothing was changed.",
)


def forbidden(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403. ``reason``: Django's, when a form failed the CSRF check; empty for a missing permission."""
    if reason:
        title, sentence = next((words for start, words in CSRF_FAILURES if reason.startswith(start)), STALE_FORM)
    else:
        title, sentence = PERMISSION_DENIED
    return render_page(request, "error.html", {"sentence": sentence}, title=title, status=403)


def not_found(request: HttpRequest) -> HttpResponse:
    """404."""
    sentence = "The address may be misspelled, or what it showed was deleted or renamed."
    return render_page(
        request, "error.html", {"sentence": sentence}, title="There is nothing at this address", status=404
    )
