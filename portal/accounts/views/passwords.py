"""Pages behind one-time links, and the way to a new password. Opening them changes nothing: mail scanners do that."""

from typing import cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.accounts import audit, mail, sessions, throttle
from portal.accounts.forms import PasswordChangeForm, PasswordResetForm, SetPasswordForm
from portal.accounts.invitations import find_token, redeem_token
from portal.accounts.models import AccessToken, PasswordResetRequest
from portal.accounts.throttle import format_wait
from portal.accounts.views.account import current_user
from portal.accounts.views.base import render_page
from portal.accounts.views.login import end_current_session
from portal.security.client_ip import client_network

HTTP_GONE = 410
HTTP_TOO_MANY_REQUESTS = 429


@sensitive_post_parameters("new_password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a password with a link. The button uses it up, not the visit; then the sign-in goes on as always.

    ``token`` is the rest of the address: it may be empty, cut off, or damaged in a mail.
    """
    link, token = find_token(token, timezone.now())
    if link is None:
        return expired_link(request)
    invited = link.purpose == AccessToken.Purpose.INVITATION
    form = SetPasswordForm(link.user, request.POST) if request.method == "POST" else SetPasswordForm(link.user)
    if not (form.is_bound and form.is_valid()):
        title = "Welcome" if invited else "Choose a new password"
        return render_page(
            request, "set_password.html", {"form": form, "person": link.user, "invited": invited}, title=title
        )
    used = redeem_token(token, form.cleaned_data["new_password"], request=request)
    if used is None:
        return expired_link(request)
    end_current_session(request)
    return cast("HttpResponse", perform_password_login(request, {}, Login(user=used.user)))


def expired_link(request: HttpRequest) -> HttpResponse:
    """One answer for a link that was used, revoked, is too old, or never was."""
    return render_page(request, "expired.html", {}, title="This link no longer works", status=HTTP_GONE)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    """Ask for a link. The answer is the same for every name, and so is the work: a row, answered a moment later."""
    form = PasswordResetForm(request.POST) if request.method == "POST" else PasswordResetForm()
    asked = bool(mail.is_configured() and form.is_bound and form.is_valid())
    if asked:
        wait = throttle.hit([throttle.Bucket(f"password-reset|{client_network(request)}", throttle.NETWORK)])
        if wait:
            form.add_error(None, f"That was asked for too often. Wait {format_wait(wait)} and try again.")
            context = {"form": form, "mail": True}
            return render_page(
                request, "password_reset.html", context, title="Password forgotten?", status=HTTP_TOO_MANY_REQUESTS
            )
        PasswordResetRequest.objects.create(typed=form.cleaned_data["username"])
        audit.record(audit.Kind.PASSWORD_RESET_REQUESTED, user=None, request=request)
    context = {"form": form, "mail": mail.is_configured(), "asked": asked}
    return render_page(request, "password_reset.html", context, title="Password forgotten?")


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def password_change(request: HttpRequest) -> HttpResponse:
    """A new password signs all other browsers out."""
    user = current_user(request)
    form = PasswordChangeForm(user, request.POST) if request.method == "POST" else PasswordChangeForm(user)
    if not (form.is_bound and form.is_valid()):
        return render_page(request, "password_change.html", {"form": form}, title="Change your password")
    user.set_password(form.cleaned_data["new_password"])
    user.save(update_fields=["password"])
    update_session_auth_hash(request, user)
    sessions.revoke_all(user, except_request=request)
    audit.record(audit.Kind.PASSWORD_CHANGED, user=user, actor=user, request=request)
    mail.notify(user, "your password was changed")
    messages.success(request, "Your password is changed. All other devices are signed out.")
    return redirect("mfa_index")
