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

from portal.serving.callers import network
from portal.staff import audit, mail, sessions, throttle
from portal.staff.forms import ChangePasswordForm, ForgottenForm, NewPasswordForm
from portal.staff.links import find_link, use_link
from portal.staff.models import PasswordRequest, StaffLink
from portal.staff.throttle import wait_in_words
from portal.staff.views.account import person
from portal.staff.views.entrance import sign_this_out
from portal.staff.views.frame import show

GONE = 410
TOO_MANY = 429


@sensitive_post_parameters("new_password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a password with a link. The button uses it up, not the visit; then the sign-in goes on as always.

    ``token`` is the rest of the address: it may be empty, cut off, or damaged in a mail.
    """
    link, token = find_link(token, timezone.now())
    if link is None:
        return gone(request)
    invited = link.purpose == StaffLink.Purpose.INVITATION
    form = NewPasswordForm(link.user, request.POST) if request.method == "POST" else NewPasswordForm(link.user)
    if not (form.is_bound and form.is_valid()):
        title = "Welcome" if invited else "Choose a new password"
        return show(request, "welcome.html", {"form": form, "person": link.user, "invited": invited}, title=title)
    used = use_link(token, form.cleaned_data["new_password"], request=request)
    if used is None:
        return gone(request)
    sign_this_out(request)
    return cast("HttpResponse", perform_password_login(request, {}, Login(user=used.user)))


def gone(request: HttpRequest) -> HttpResponse:
    """One answer for a link that was used, revoked, is too old, or never was."""
    return show(request, "gone.html", {}, title="This link no longer works", status=GONE)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link. The answer is the same for every name, and so is the work: a row, answered a moment later."""
    form = ForgottenForm(request.POST) if request.method == "POST" else ForgottenForm()
    asked = bool(mail.is_configured() and form.is_bound and form.is_valid())
    if asked:
        wait = throttle.take([throttle.Bucket(f"forgotten|{network(request)}", throttle.PLACE)])
        if wait:
            form.add_error(None, f"That was asked for too often. Wait {wait_in_words(wait)} and try again.")
            context = {"form": form, "mail": True}
            return show(request, "forgotten.html", context, title="Password forgotten?", status=TOO_MANY)
        PasswordRequest.objects.create(typed=form.cleaned_data["username"])
        audit.record(audit.Kind.LINK_ASKED, person=None, request=request)
    context = {"form": form, "mail": mail.is_configured(), "asked": asked}
    return show(request, "forgotten.html", context, title="Password forgotten?")


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """A new password signs all other browsers out."""
    user = person(request)
    form = ChangePasswordForm(user, request.POST) if request.method == "POST" else ChangePasswordForm(user)
    if not (form.is_bound and form.is_valid()):
        return show(request, "change_password.html", {"form": form}, title="Change your password")
    user.set_password(form.cleaned_data["new_password"])
    user.save(update_fields=["password"])
    update_session_auth_hash(request, user)
    sessions.end_all(user, keep_this=request)
    audit.record(audit.Kind.PASSWORD_CHANGED, person=user, actor=user, request=request)
    mail.tell(user, "your password was changed")
    messages.success(request, "Your password is changed. All other devices are signed out.")
    return redirect("mfa_index")
