"""One's own account: password, second factor, recovery codes, and where one is signed in."""

from typing import Any, cast

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, EditWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.staff import audit, factors, mail, sessions
from portal.staff.models import User
from portal.staff.views.frame import Framed, fresh, show

SECRET = "mfa.totp.secret"  # noqa: S105 -- the name under which allauth keeps it in the session
LAST = "This is your only second factor. Add another one first, then remove this one."


def person(request: HttpRequest) -> User:
    """Who is signed in; the view is decorated so that somebody is."""
    return cast("User", request.user)


@never_cache
@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Everything about one's own account on one page."""
    user = person(request)
    rows = list(Authenticator.objects.filter(user=user).order_by("pk"))
    codes = next((row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES), None)
    stamps = sessions.stamps(request)
    context = {
        "app": next((row for row in rows if row.type == Authenticator.Type.TOTP), None),
        "passkeys": [row for row in rows if row.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "sessions": sessions.open_of(user),
        "this_session": stamps["row"] if stamps else None,
        "is_set_up": factors.has_factor(user),
    }
    return show(request, "account.html", context, title="Your account")


@never_cache
@login_required
@require_safe
def set_up(request: HttpRequest) -> HttpResponse:
    """After the first sign-in: a second factor, then the recovery codes, then work."""
    user = person(request)
    if sessions.is_complete(request):
        return redirect("admin:index")
    if factors.has_factor(user):
        return redirect("mfa_view_recovery_codes")
    return show(request, "set_up.html", {}, title="One more step")


class AddApp(Framed, ActivateTOTPView):  # type: ignore[misc]
    """An app on the phone that shows codes."""

    title = "Use an app on your phone"
    template_name = "staff/add_app.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The key in groups of four, to be typed where no camera is."""
        found = super().get_context_data(**kwargs)
        secret = found["form"].secret
        return {**found, "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))}

    def get_success_url(self) -> str:
        """To the codes, or back."""
        return after_adding(self.request)


class RemoveApp(Framed, DeactivateTOTPView):  # type: ignore[misc]
    """Take the app away from the account."""

    title = "Remove the app"
    template_name = "staff/remove.html"
    success_url = reverse_lazy("mfa_index")

    def form_invalid(self, form: Any) -> HttpResponse:
        """The last factor stays."""
        messages.error(self.request, LAST)
        return HttpResponseRedirect(reverse("mfa_index"))

    def get_form_kwargs(self) -> dict[str, Any]:
        """Refused when the button is pressed, not before."""
        found: dict[str, Any] = super().get_form_kwargs()
        if self.request.method != "POST":
            found["data"] = None
        return found


class AddPasskey(Framed, AddWebAuthnView):  # type: ignore[misc]
    """The device itself, or a key to plug in."""

    title = "Use a passkey"
    template_name = "staff/add_passkey.html"

    def get_success_url(self) -> str:
        """To the codes, or back."""
        return after_adding(self.request)


class RemovePasskey(Framed, RemoveWebAuthnView):  # type: ignore[misc]
    """Take a passkey away from the account."""

    title = "Remove the passkey"
    template_name = "staff/remove.html"
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponse:
        """The last factor stays."""
        if factors.is_last_factor(self.get_object()):
            messages.error(self.request, LAST)
            return HttpResponseRedirect(reverse("mfa_index"))
        response: HttpResponse = super().form_valid(form)
        return response


class RenamePasskey(Framed, EditWebAuthnView):  # type: ignore[misc]
    """Another name for a passkey."""

    title = "Rename the passkey"
    template_name = "staff/rename_passkey.html"
    success_url = reverse_lazy("mfa_index")


class MakeCodes(Framed, GenerateRecoveryCodesView):  # type: ignore[misc]
    """New recovery codes; the old ones end."""

    title = "New recovery codes"
    template_name = "staff/make_codes.html"


def after_adding(request: HttpRequest) -> str:
    """Where somebody goes who just added a factor."""
    return reverse("mfa_index" if factors.codes_are_kept(person(request)) else "mfa_view_recovery_codes")


@never_cache
@login_required
@require_safe
def app_picture(request: HttpRequest) -> HttpResponse:
    """The square that the app reads: a file of its own, because pages hold no inline pictures."""
    secret = request.session.get(SECRET)
    if not secret:
        raise Http404
    adapter = get_adapter()
    svg = adapter.build_totp_svg(adapter.build_totp_url(person(request), secret))
    return HttpResponse(svg, content_type="image/svg+xml")


@never_cache
@login_required
@fresh
@require_http_methods(["GET", "HEAD", "POST"])
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Shown until the person says that they are put away, and never again."""
    user = person(request)
    row = factors.recovery(user)
    if row is None or not factors.has_factor(user):
        return redirect("mfa_index")
    if row.data.get("kept"):
        sessions.complete(request)
        return redirect("mfa_index")
    if request.method == "POST" and request.POST.get("kept"):
        factors.keep_codes(user)
        sessions.complete(request)
        messages.success(request, "Your account is protected. From now on you are asked for the second step.")
        return redirect("admin:index")
    context = {"codes": row.wrap().get_unused_codes(), "missed": request.method == "POST"}
    return show(request, "codes.html", context, title="Keep these recovery codes")


@never_cache
@login_required
@fresh
@require_safe
def codes_file(request: HttpRequest) -> HttpResponse:
    """The codes as a text file, as long as they are shown."""
    row = factors.recovery(person(request))
    if row is None or row.data.get("kept"):
        raise Http404
    lines = ["Recovery codes for Plainspine", f"User name: {person(request).username}", "Each works once.", ""]
    text = "\r\n".join([*lines, *row.wrap().get_unused_codes(), ""])
    disposition = 'attachment; filename="recovery-codes.txt"'
    return HttpResponse(text, content_type="text/plain", headers={"Content-Disposition": disposition})


@login_required
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """Sign one other device out."""
    number = request.POST.get("session", "")
    if number.isdecimal() and sessions.end_one(request, person(request), int(number)):
        messages.success(request, "That device is signed out.")
    else:
        messages.info(request, "That device was signed out already.")
    return redirect("mfa_index")


@login_required
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    user = person(request)
    sessions.end_all(user, keep_this=request)
    audit.record(audit.Kind.SESSIONS_ENDED, person=user, actor=user, request=request)
    mail.tell(user, "all other devices were signed out")
    messages.success(request, "All other devices are signed out.")
    return redirect("mfa_index")
