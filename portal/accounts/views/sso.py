"""Single sign-on views: redirecting to the provider and handling its response.

These are the only allauth views that are routed for it.

allauth's protocol modules are imported inside the views because they need the packages from the "sso" extra.
"""

import logging
from typing import cast

from allauth.socialaccount.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from portal.accounts import sessions, sso
from portal.accounts.models import User
from portal.accounts.sso_settings import OIDC, SAML
from portal.accounts.views.base import get_safe_next_url, render_page
from portal.http import plain_response

log = logging.getLogger(__name__)

# The request metadata that the SAML toolkit needs to process a response. The rest, such as IP addresses, is not stored.
STORED_META = frozenset({"HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME", "PATH_INFO", "CONTENT_TYPE"})


def _require_provider(*names: str) -> None:
    if settings.SSO_PROVIDER not in names:
        raise Http404


@never_cache
@require_safe
def sso_login(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider.

    GET only: after a form submission, browsers apply our content security policy's ``form-action`` to every following
    redirect.
    """
    _require_provider(OIDC, SAML)
    next_url, purpose = get_safe_next_url(request), request.GET.get(sso.PURPOSE_KEY, sso.SIGN_IN)
    if isinstance(request.user, User) and purpose == sso.SIGN_IN:
        return HttpResponseRedirect(next_url or reverse("admin:index"))
    if message := sso.start_attempt(request):
        messages.error(request, message)
        return HttpResponseRedirect(reverse("account_login"))
    sessions.record_provider_redirect(request)
    try:
        response = _redirect_to_provider(request, next_url, purpose)
        return response if purpose == sso.SIGN_IN else _begin_new_navigation(request, response)
    except (OSError, ValueError, KeyError) as error:
        log.error("The single sign-on provider is not responding: %s", type(error).__name__)  # noqa: TRY400 -- no address
    if isinstance(request.user, User):
        message = _(
            "%(provider)s is not responding, so your sign-in could not be confirmed. You can keep working for now."
        )
    else:
        message = _("%(provider)s is not responding. Try again in a few minutes.")
    messages.warning(request, message % {"provider": capfirst(sso.provider_label())})
    fallback = next_url if isinstance(request.user, User) else reverse("account_login")
    return HttpResponseRedirect(fallback or reverse("admin:index"))


def _begin_new_navigation(request: HttpRequest, redirect: HttpResponse) -> HttpResponse:
    """Return a page that forwards the browser to the target of ``redirect``.

    This request can be the last of several redirects after a form, and ``form-action`` would stop the next one.
    """
    if "Location" not in redirect:
        return redirect
    title = _("Checking your sign-in…")
    response = render_page(request, "sso_continue.html", {"url": redirect["Location"]}, title=title)
    response.headers["Refresh"] = f"0; url={redirect['Location']}"
    return response


def _redirect_to_provider(request: HttpRequest, next_url: str, purpose: str) -> HttpResponse:
    # Errors from requests are OSErrors; ValueError and KeyError mean a malformed response.
    provider = get_adapter().get_provider(request, settings.SSO_PROVIDER_ID)
    data = {sso.PURPOSE_KEY: purpose}
    must_authenticate = purpose == sso.REAUTHENTICATE
    if settings.SSO_PROVIDER == OIDC:
        # max_age makes the provider state in the ID token when it authenticated the person.
        auth_params = {"prompt": "login", "max_age": "0"} if must_authenticate else {}
        return cast(
            "HttpResponse",
            provider.redirect(request, "login", next_url=next_url, data=data, auth_params=auth_params),
        )
    from allauth.socialaccount.providers.saml.utils import build_auth

    auth = build_auth(request, provider)
    url = auth.login(return_to="", force_authn=must_authenticate)
    provider.stash_redirect_state(request, "login", next_url, data, state_id=auth.get_last_request_id())
    return HttpResponseRedirect(url)


@never_cache
@require_safe
def oidc_callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Complete a sign-in with OpenID Connect."""
    _require_provider(OIDC)
    from allauth.socialaccount.providers.openid_connect.views import callback

    try:
        return cast("HttpResponse", callback(request, provider_id))
    except (ValueError, KeyError) as error:
        # The provider's response lacks something that the standard requires.
        log.error("The single sign-on provider sent an invalid response: %s", type(error).__name__)  # noqa: TRY400 -- as above
        return sso.failure_response(request, "invalid answer")


@csrf_exempt  # the provider's page sends the form; the SAML response is signed and tied to a request from this browser
@never_cache
@require_POST
def saml_acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Store a SAML response for ``saml_finish_acs``: browsers send no session cookie with the provider's form."""
    _require_provider(SAML)
    if message := sso.start_attempt(request):
        return plain_response(429, message)
    from allauth.socialaccount.providers.saml.views import acs

    request.POST  # noqa: B018 -- parse the body before removing the headers that this needs
    request.META = {name: value for name, value in request.META.items() if name in STORED_META}
    return cast("HttpResponse", acs(request, organization_slug))


@never_cache
@require_safe
def saml_finish_acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Complete a sign-in with SAML."""
    _require_provider(SAML)
    import xmlsec
    from allauth.socialaccount.providers.saml.views import finish_acs

    try:
        return cast("HttpResponse", finish_acs(request, organization_slug))
    except (PermissionDenied, ValueError, SyntaxError, xmlsec.Error):
        # The response does not match a request from this browser, has no subject, contains entities, is not XML (lxml's
        # SyntaxError), or is encrypted for another key.
        return sso.failure_response(request, "invalid answer")


@never_cache
@require_safe
def saml_metadata(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Return the portal's metadata, which is used to configure the provider."""
    _require_provider(SAML)
    from allauth.socialaccount.providers.saml.utils import build_saml_config
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    provider = get_adapter().get_provider(request, settings.SSO_PROVIDER_ID)
    config = build_saml_config(request, provider.app.settings, organization_slug)
    # Signing out at the provider does not sign out here: unsigned logout requests cannot be distinguished from forged
    # ones.
    del config["sp"]["singleLogoutService"]
    # Set only for the metadata, so that it includes the encryption key. Unencrypted assertions are still accepted.
    config["security"]["wantAssertionsEncrypted"] = "privateKey" in config["sp"]
    metadata = OneLogin_Saml2_Settings(settings=config, sp_validation_only=True).get_sp_metadata()
    return HttpResponse(metadata, content_type="application/samlmetadata+xml")


def saml_sls(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Single logout is not supported, but allauth needs the URL to build its configuration."""
    raise Http404
