"""One's own account: password, second factor, recovery codes, and where one is signed in."""

from typing import Any, cast

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, EditWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts import audit, mail, mfa, sessions
from portal.accounts.models import User
from portal.accounts.views.base import AdminPageMixin, render_page, require_recent_login

TOTP_SECRET_SESSION_KEY = "mfa.totp.secret"  # noqa: S105 -- the name under which allauth keeps it in the session
LAST_FACTOR = "This is your only second factor. Add another one first, then remove this one."


def current_user(request: HttpRequest) -> User:
    """Who is signed in; the view is decorated so that somebody is."""
    return cast("User", request.user)


@never_cache
@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Everything about one's own account on one page."""
    user = current_user(request)
    rows = list(Authenticator.objects.filter(user=user).order_by("pk"))
    codes = next((row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES), None)
    stamps = sessions.get_state(request)
    context = {
        "app": next((row for row in rows if row.type == Authenticator.Type.TOTP), None),
        "passkeys": [row for row in rows if row.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "sessions": sessions.active_sessions(user),
        "this_session": stamps["row"] if stamps else None,
        "is_set_up": mfa.has_mfa(user),
    }
    return render_page(request, "account.html", context, title="Your account")


@never_cache
@login_required
@require_safe
def mfa_setup(request: HttpRequest) -> HttpResponse:
    """After the first sign-in: a second factor, then the recovery codes, then work."""
    user = current_user(request)
    if sessions.is_mfa_complete(request):
        return redirect("admin:index")
    if mfa.has_mfa(user):
        return redirect("mfa_view_recovery_codes")
    return render_page(request, "mfa_setup.html", {}, title="One more step")


class AddTOTPView(AdminPageMixin, ActivateTOTPView):  # type: ignore[misc]
    """An app on the phone that shows codes."""

    title = "Use an app on your phone"
    template_name = "accounts/activate_totp.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The key in groups of four, to be typed where no camera is."""
        found = super().get_context_data(**kwargs)
        secret = found["form"].secret
        return {**found, "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))}

    def get_success_url(self) -> str:
        """To the codes, or back."""
        return get_setup_next_url(self.request)


class RemoveTOTPView(AdminPageMixin, DeactivateTOTPView):  # type: ignore[misc]
    """Take the app away from the account."""

    title = "Remove the app"
    template_name = "accounts/remove_factor.html"
    success_url = reverse_lazy("mfa_index")

    def form_invalid(self, form: Any) -> HttpResponse:
        """The last factor stays."""
        messages.error(self.request, LAST_FACTOR)
        return HttpResponseRedirect(reverse("mfa_index"))

    def get_form_kwargs(self) -> dict[str, Any]:
        """Refused when the button is pressed, not before."""
        found: dict[str, Any] = super().get_form_kwargs()
        if self.request.method != "POST":
            found["data"] = None
        return found


class AddPasskeyView(AdminPageMixin, AddWebAuthnView):  # type: ignore[misc]
    """The device itself, or a key to plug in."""

    title = "Use a passkey"
    template_name = "accounts/add_passkey.html"

    def get_success_url(self) -> str:
        """To the codes, or back."""
        return get_setup_next_url(self.request)


class RemovePasskeyView(AdminPageMixin, RemoveWebAuthnView):  # type: ignore[misc]
    """Take a passkey away from the account."""

    title = "Remove the passkey"
    template_name = "accounts/remove_factor.html"
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponse:
        """The last factor stays."""
        if mfa.is_last_authenticator(self.get_object()):
            messages.error(self.request, LAST_FACTOR)
            return HttpResponseRedirect(reverse("mfa_index"))
        response: HttpResponse = super().form_valid(form)
        return response


class RenamePasskeyView(AdminPageMixin, EditWebAuthnView):  # type: ignore[misc]
    """Another name for a passkey."""

    title = "Rename the passkey"
    template_name = "accounts/rename_passkey.html"
    success_url = reverse_lazy("mfa_index")


class GenerateCodesView(AdminPageMixin, GenerateRecoveryCodesView):  # type: ignore[misc]
    """New recovery codes; the old ones end."""

    title = "New recovery codes"
    template_name = "accounts/generate_recovery_codes.html"


def get_setup_next_url(request: HttpRequest) -> str:
    """Where somebody goes who just added a factor."""
    return reverse("mfa_index" if mfa.has_saved_codes(current_user(request)) else "mfa_view_recovery_codes")


@never_cache
@login_required
@require_safe
def totp_qr_code(request: HttpRequest) -> HttpResponse:
    """The square that the app reads: a file of its own, because pages hold no inline pictures."""
    secret = request.session.get(TOTP_SECRET_SESSION_KEY)
    if not secret:
        raise Http404
    adapter = get_adapter()
    svg = adapter.build_totp_svg(adapter.build_totp_url(current_user(request), secret))
    return HttpResponse(svg, content_type="image/svg+xml")


@never_cache
@login_required
@require_recent_login
@require_http_methods(["GET", "HEAD", "POST"])
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Shown until the person says that they are put away, and never again."""
    user = current_user(request)
    row = mfa.get_recovery_codes(user)
    if row is None or not mfa.has_mfa(user):
        return redirect("mfa_index")
    if row.data.get("kept"):
        sessions.mark_mfa_complete(request)
        return redirect("mfa_index")
    if request.method == "POST" and request.POST.get("codes_saved"):
        mfa.mark_codes_saved(user)
        sessions.mark_mfa_complete(request)
        messages.success(request, "Your account is protected. From now on you are asked for the second step.")
        return redirect("admin:index")
    context = {"codes": row.wrap().get_unused_codes(), "missed": request.method == "POST"}
    return render_page(request, "recovery_codes.html", context, title="Keep these recovery codes")


@never_cache
@login_required
@require_recent_login
@require_safe
def download_recovery_codes(request: HttpRequest) -> HttpResponse:
    """The codes as a text file, as long as they are shown."""
    row = mfa.get_recovery_codes(current_user(request))
    if row is None or row.data.get("kept"):
        raise Http404
    lines = ["Recovery codes for Plainspine", f"User name: {current_user(request).username}", "Each works once.", ""]
    text = "\r\n".join([*lines, *row.wrap().get_unused_codes(), ""])
    disposition = 'attachment; filename="recovery-codes.txt"'
    return HttpResponse(text, content_type="text/plain", headers={"Content-Disposition": disposition})


@login_required
@require_POST
def revoke_session(request: HttpRequest) -> HttpResponse:
    """Sign one other device out."""
    number = request.POST.get("session", "")
    if number.isdecimal() and sessions.revoke(request, current_user(request), int(number)):
        messages.success(request, "That device is signed out.")
    else:
        messages.info(request, "That device was signed out already.")
    return redirect("mfa_index")


@login_required
@require_POST
def revoke_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    user = current_user(request)
    sessions.revoke_all(user, except_request=request)
    audit.record(audit.Kind.ALL_SESSIONS_REVOKED, user=user, actor=user, request=request)
    mail.notify(user, "all other devices were signed out")
    messages.success(request, "All other devices are signed out.")
    return redirect("mfa_index")


@never_cache
@require_safe
def session_status(request: HttpRequest) -> JsonResponse:
    """``signed_in``, ``user`` (key of the account, to notice another person), ``seconds_left``, ``csrf_token``.

    Asking is no activity: the clock goes on. The token belongs to this browser, signed in or not, and goes into
    ``csrfmiddlewaretoken`` or ``X-CSRFToken`` of what is sent next.
    """
    signed_in = isinstance(request.user, User) and sessions.is_mfa_complete(request)
    return JsonResponse(
        {
            "signed_in": signed_in,
            "user": request.user.pk if signed_in else None,
            "seconds_left": sessions.seconds_left(request.session) if signed_in else 0,
            "csrf_token": get_token(request),
        }
    )
