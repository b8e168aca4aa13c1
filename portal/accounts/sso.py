"""Single sign-on: accounts and roles from the clinic's identity provider, and how long they are trusted.

allauth implements OpenID Connect and SAML; sso_settings.py configures it. The provider's groups decide the roles at
each sign-in and at each confirmation: every SSO_RECHECK_MINUTES, the provider must confirm the session, or it ends. Of
the provider's claims about a person, only the identifier, name, and email address are stored.
"""

import re
import time
import unicodedata
from typing import Any, NoReturn

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal import audit
from portal.accounts import services, sessions, throttle
from portal.accounts.models import User, skeleton
from portal.accounts.sso_settings import OIDC
from portal.security import client_network

# Key of our own data in the state that is passed through the provider.
PURPOSE_KEY = "purpose"
SIGN_IN, CONFIRM, REAUTHENTICATE = "sign-in", "confirm", "reauthenticate"
# Clocks differ, so an authentication dated up to this long before our request still counts as new.
CLOCK_TOLERANCE_SECONDS = 60
NO_GROUP = gettext_noop("single sign-on: in no group with a role")
MAX_USERNAME_LENGTH = 60


def is_configured() -> bool:
    """Return whether the clinic has a provider."""
    return bool(settings.SSO_PROVIDER)


def provider_label() -> str:
    """Return the clinic's name for its provider, as buttons and messages show it."""
    return settings.SSO_NAME or _("single sign-on")


def has_sso_account(user: User) -> bool:
    """Return whether the account signs in with the provider, which then decides its roles."""
    return bool(SocialAccount.objects.filter(user=user).exists())


def start_url(next_url: str, purpose: str = SIGN_IN) -> str:
    """Return the URL that sends the browser to the provider and then to ``next_url``."""
    query = {"next": next_url, PURPOSE_KEY: purpose} if purpose != SIGN_IN else {"next": next_url}
    return f"{reverse('sso_login')}?{urlencode(query)}" if next_url else reverse("sso_login")


def _counters(request: HttpRequest) -> list[throttle.AttemptCounter]:
    return [throttle.AttemptCounter(f"sso|{client_network(request)}", throttle.SSO)]


def start_attempt(request: HttpRequest) -> str:
    """Throttle a request of single sign-on, which stores data before anyone has signed in.

    Return the message for someone who has to wait, or an empty string.
    """
    return throttle.start_attempt(_counters(request), request, detail="single sign-on")


class SSOAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Handles a person whom the provider has identified."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """Return the configured provider. allauth would also read the database, where a row could add another one."""
        apps = [
            SocialApp(provider=name, **app)
            for name, config in settings.SOCIALACCOUNT_PROVIDERS.items()
            for app in config["APPS"]
        ]
        return [
            app
            for app in apps
            if provider in {None, app.provider, app.provider_id} and client_id in {None, app.client_id}
        ]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Return False: ``pre_social_login`` creates the accounts of people with a role."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Set roles from the provider's groups, and create the account on the first sign-in. Refuse everyone else.

        If the provider only confirmed an ongoing session, redirect immediately.
        """
        account, purpose = sociallogin.account, _purpose(sociallogin)
        user = sociallogin.user if sociallogin.is_existing else None
        is_linked = user is not None
        claims = _merge_claims(account.uid, _take_claims(account))
        roles = get_roles(claims)
        if not roles:
            if user:
                remove_roles(user, request)
            _refuse(request, user, NO_GROUP, _no_group_message())
        if user is None:
            user = _find_user(request, sociallogin.user, claims)
        if user and not sessions.can_log_in(request, user):
            _refuse(request, user, "single sign-on: account not active", _("Your account here is deactivated."))
        if user is None or not is_linked:
            user = sociallogin.user = _link_user(request, account, user, sociallogin.user)
        set_roles(user, roles, request)
        throttle.refund(_counters(request))
        if purpose != SIGN_IN and request.user == user and sessions.get_state(request):
            _confirm_session(request, claims, sociallogin)

    def on_authentication_error(self, request: HttpRequest, provider: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Return to the login page with a message. allauth has logged the reason."""
        raise ImmediateHttpResponse(failure_response(request, str(kwargs.get("error") or "unknown")))


def failure_response(request: HttpRequest, code: str) -> HttpResponseRedirect:
    """Record a failed sign-in, and return to the login page with a message."""
    audit.record(audit.Kind.LOGIN_FAILED, user=None, request=request, detail=f"single sign-on: {code}")
    message = _("Sign-in failed. Try again. If it keeps failing, tell your IT team what time you tried.")
    messages.error(request, message)
    return HttpResponseRedirect(reverse("account_login"))


def _merge_claims(uid: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the provider's claims; for OpenID Connect, the ID token and user info merged.

    Raise PermissionDenied, which allauth reports as a failed sign-in, if the two are about different people.
    """
    if settings.SSO_PROVIDER != OIDC:
        return dict(data)
    id_token, user_info = data.get("id_token") or {}, data.get("userinfo") or {}
    if id_token.get("sub", uid) != uid:
        # OpenID Connect Core 5.3.2: such a user info must not be used.
        raise PermissionDenied
    return {**id_token, **user_info}


def _take_claims(account: SocialAccount) -> dict[str, Any]:
    """Return the claims that allauth has stored with the account, and delete them there."""
    claims, account.extra_data = dict(account.extra_data), {}
    if account.pk:
        account.save(update_fields=["extra_data", "last_login"])
    return claims


def _purpose(sociallogin: SocialLogin) -> str:
    return str((sociallogin.state.get("data") or {}).get(PURPOSE_KEY, SIGN_IN))


def get_roles(claims: dict[str, Any]) -> list[str]:
    """Return the roles granted by the groups in ``claims``, least powerful first."""
    groups = claims.get(settings.SSO_GROUPS_CLAIM, [])
    groups = [groups] if isinstance(groups, str) else groups
    if not isinstance(groups, list):
        return []
    roles = {role for group, role in settings.SSO_ROLES.items() if group in groups}
    return [role for role in dict.fromkeys(settings.SSO_ROLES.values()) if role in roles]


@transaction.atomic
def set_roles(user: User, roles: list[str], request: HttpRequest) -> None:
    """Give the account exactly these roles, and log a change."""
    previous = services.role_names(user)
    user.groups.set(Group.objects.filter(name__in=roles))
    services.record_user_changes(user, was_active=user.is_active, previous_roles=previous, actor=None, request=request)


@transaction.atomic
def remove_roles(user: User, request: HttpRequest) -> None:
    """Remove all roles from an account that is no longer in any group, and end its sessions."""
    set_roles(user, [], request)
    sessions.revoke_all(user)
    audit.record(audit.Kind.ALL_SESSIONS_REVOKED, user=user, request=request, detail="single sign-on: no group")


def _no_group_message() -> str:
    message = _("You signed in with %(provider)s, but you are not in a group that has access. Ask your manager.")
    return message % {"provider": provider_label()}


def _refuse(request: HttpRequest, user: User | None, detail: str, message: str) -> NoReturn:
    raise ImmediateHttpResponse(sessions.refuse(request, user, message, detail))


def _confirm_session(request: HttpRequest, claims: dict[str, Any], sociallogin: SocialLogin) -> NoReturn:
    """Continue the session that the provider has confirmed."""
    is_new = _purpose(sociallogin) == REAUTHENTICATE and _was_just_authenticated(request, claims)
    sessions.record_confirmation(request, reauthenticated=is_new)
    if _purpose(sociallogin) == REAUTHENTICATE and not is_new:
        messages.error(request, _("%(provider)s did not ask for your password. Sign out, and sign in again.") % {
            "provider": capfirst(provider_label())
        })  # fmt: skip
    next_url = sociallogin.get_redirect_url(request)
    raise ImmediateHttpResponse(HttpResponseRedirect(next_url or reverse("admin:index")))


def _was_just_authenticated(request: HttpRequest, claims: dict[str, Any]) -> bool:
    """Return whether the provider authenticated the person after it was asked to, as far as it reports this.

    An ID token must contain the time, because the request asks for it with ``max_age``. For SAML, the request sets
    ForceAuthn, and the portal cannot tell whether the provider honored it.
    """
    state = sessions.get_state(request)
    asked_at = state.get("asked", 0.0) if state else 0.0
    auth_time = claims.get("auth_time")
    if settings.SSO_PROVIDER != OIDC:
        return time.time() - asked_at < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return isinstance(auth_time, int | float) and auth_time >= asked_at - CLOCK_TOLERANCE_SECONDS


def _find_user(request: HttpRequest, suggested: User, claims: dict[str, Any]) -> User | None:
    """Return the account with the person's verified email address, or None.

    Refuse superuser accounts, any address that another account has but the provider has not verified, and any address
    that is the username of another account: the provider must not be able to take them over.
    """
    email = suggested.email
    is_taken = Q(email__iexact=email) | Q(username=User.normalize_username(email))
    others = list(User.objects.filter(is_taken)) if email else []
    if not others:
        return None
    user = others[0]
    # Some providers send "false" as a string, which allauth treats as true.
    is_verified = settings.SSO_PROVIDER != OIDC or claims.get("email_verified") in {True, "true"}
    is_protected = user.is_superuser or user.is_demo or has_sso_account(user) or user.email.lower() != email.lower()
    if len(others) > 1 or not is_verified or is_protected:
        message = _(
            "Another account here already uses the email address %(email)s. Ask a manager to remove the address from "
            "that account, and sign in again."
        )
        _refuse(request, user, "single sign-on: email address in use", message % {"email": email})
    return user


@transaction.atomic
def _link_user(request: HttpRequest, account: SocialAccount, user: User | None, suggested: User) -> User:
    """Link the provider's account to ``user``, or to a new user, and return that user."""
    if user is None:
        user = _create_user(request, suggested)
    else:
        audit.record(audit.Kind.ACCOUNT_LINKED, user=user, actor=user, request=request, detail=settings.SSO_PROVIDER)
    account.user = user
    account.save()
    return user


def _create_user(request: HttpRequest, suggested: User) -> User:
    """Create an account without a password from what the provider suggests."""
    user = User(
        first_name=_single_line(suggested.first_name), last_name=_single_line(suggested.last_name),
        email=_valid_email(suggested.email), is_staff=True,
    )  # fmt: skip
    user.set_unusable_password()
    for username in _free_usernames(suggested):
        user.username = username
        try:
            with transaction.atomic():
                user.save()
        except IntegrityError:  # just taken by another request
            continue
        audit.record(audit.Kind.ACCOUNT_CREATED, user=user, actor=user, request=request, detail=settings.SSO_PROVIDER)
        return user
    raise RuntimeError("no username is free")


def _free_usernames(suggested: User) -> list[str]:
    """Return usernames that no other account has or resembles, best first."""
    source = suggested.username or suggested.email or f"{suggested.first_name}.{suggested.last_name}"
    ascii_name = unicodedata.normalize("NFKD", source.partition("@")[0].lower()).encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9._-]+", ".", ascii_name).strip("._-")[:MAX_USERNAME_LENGTH] or "staff"
    taken = {skeleton(name) for name in User.objects.values_list("username", flat=True)}
    candidates = [base, *(f"{base}-{number}" for number in range(2, 10_000))]
    return [name for name in candidates if skeleton(name) not in taken][:5]


def _single_line(text: str) -> str:
    return " ".join(text.split())[:150]


def _valid_email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        return ""
    return text
