"""Setting a password with a one-time link, requesting a link, and changing the password."""

from typing import cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.accounts import audit, mail, sessions, throttle
from portal.accounts.forms import PasswordChangeForm, PasswordResetForm, SetPasswordForm
from portal.accounts.invitations import find_token, redeem_token
from portal.accounts.models import AccessToken, PasswordResetRequest
from portal.accounts.views.base import current_user, render_page
from portal.accounts.views.login import HTTP_TOO_MANY_REQUESTS, end_current_session
from portal.security.client_ip import client_network

HTTP_GONE = 410


@sensitive_post_parameters("new_password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest, token: str) -> HttpResponse:
    """Set a password with a one-time link, then continue with the normal login.

    Only the POST redeems the link: mail scanners open links. ``token`` is the rest of the path, which may be empty, cut
    off, or damaged by a mail program.
    """
    link, token = find_token(token, timezone.now())
    if link is None:
        return expired_link(request)
    is_invitation = link.purpose == AccessToken.Purpose.INVITATION
    form = SetPasswordForm(link.user, request.POST) if request.method == "POST" else SetPasswordForm(link.user)
    if not (form.is_bound and form.is_valid()):
        title = _("Welcome") if is_invitation else _("Choose a new password")
        context = {"form": form, "person": link.user, "is_invitation": is_invitation}
        return render_page(request, "set_password.html", context, title=title)
    redeemed = redeem_token(token, form.cleaned_data["new_password"], request=request)
    if redeemed is None:
        return expired_link(request)
    end_current_session(request)
    return cast("HttpResponse", perform_password_login(request, {}, Login(user=redeemed.user)))


def expired_link(request: HttpRequest) -> HttpResponse:
    """Render the same 410 page for a used, revoked, expired, or unknown link."""
    return render_page(request, "expired.html", {}, title=_("This link no longer works"), status=HTTP_GONE)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    """Store a request for a reset link. The response and the work are the same whether or not an account matches."""
    form = PasswordResetForm(request.POST) if request.method == "POST" else PasswordResetForm()
    title = _("Forgot your password?")
    has_mail = mail.is_configured()
    context = {"form": form, "has_mail": has_mail, "is_requested": False}
    if has_mail and form.is_bound and form.is_valid():
        wait = throttle.hit([throttle.Bucket(f"password-reset|{client_network(request)}", throttle.NETWORK)])
        if wait:
            form.add_error(None, throttle.throttled_message(wait))
            return render_page(request, "password_reset.html", context, title=title, status=HTTP_TOO_MANY_REQUESTS)
        PasswordResetRequest.objects.create(identifier=form.cleaned_data["username"])
        audit.record(audit.Kind.PASSWORD_RESET_REQUESTED, user=None, request=request)
        context["is_requested"] = True
    return render_page(request, "password_reset.html", context, title=title)


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def password_change(request: HttpRequest) -> HttpResponse:
    """Change the password and end the user's other sessions."""
    user = current_user(request)
    form = PasswordChangeForm(user, request.POST) if request.method == "POST" else PasswordChangeForm(user)
    if not (form.is_bound and form.is_valid()):
        return render_page(request, "password_change.html", {"form": form}, title=_("Change your password"))
    user.set_password(form.cleaned_data["new_password"])
    user.save(update_fields=["password"])
    update_session_auth_hash(request, user)
    sessions.revoke_all(user, except_request=request)
    audit.record(audit.Kind.PASSWORD_CHANGED, user=user, actor=user, request=request)
    mail.notify(user, _("Password changed"))
    messages.success(request, _("Your password is changed. All other devices are signed out."))
    return redirect("mfa_index")
