"""The user's own account: second factors, recovery codes, sessions, and the status that pages poll."""

from typing import Any

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
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import audit
from portal.accounts import mail, mfa, sessions
from portal.accounts.models import User
from portal.accounts.views.base import AdminPageMixin, current_user, render_page, require_recent_login
from portal.text import parse_int_or_zero

TOTP_SECRET_SESSION_KEY = "mfa.totp.secret"  # noqa: S105 -- allauth's session key
LAST_FACTOR = _("This is your only second step. Add another one first, then remove this one.")


@never_cache
@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show the user's factors, recovery codes, and sessions."""
    user = current_user(request)
    authenticators = list(Authenticator.objects.filter(user=user).order_by("pk"))
    codes = next((row for row in authenticators if row.type == Authenticator.Type.RECOVERY_CODES), None)
    context = {
        "app": next((row for row in authenticators if row.type == Authenticator.Type.TOTP), None),
        "passkeys": [row for row in authenticators if row.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "sessions": [(row, sessions.device_label(row)) for row in sessions.active_sessions(user)],
        "has_mfa": mfa.has_mfa(user),
    }
    return render_page(request, "account.html", context, title=gettext("Your account"))


@never_cache
@login_required
@require_safe
def mfa_setup(request: HttpRequest) -> HttpResponse:
    """Guide the user through setup after the first login: a second factor, then the recovery codes, then the admin."""
    user = current_user(request)
    if sessions.is_mfa_complete(request):
        return redirect("admin:index")
    if mfa.has_mfa(user):
        return redirect("mfa_view_recovery_codes")
    return render_page(request, "mfa_setup.html", {}, title=gettext("Add a second sign-in step"))


class AddTOTPView(AdminPageMixin, ActivateTOTPView):  # type: ignore[misc]
    title = _("Set up an authenticator app")
    template_name = "accounts/activate_totp.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the secret in groups of four characters, for typing it in without a camera."""
        context = super().get_context_data(**kwargs)
        secret = context["form"].secret
        return {**context, "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))}

    def get_success_url(self) -> str:
        return get_setup_next_url(self.request)


class RemoveTOTPView(AdminPageMixin, DeactivateTOTPView):  # type: ignore[misc]
    title = _("Remove the authenticator app")
    template_name = "accounts/remove_factor.html"
    success_url = reverse_lazy("mfa_index")

    def form_invalid(self, form: Any) -> HttpResponse:
        """Explain that the last factor cannot be removed (``MFAAdapter.can_delete_authenticator``)."""
        messages.error(self.request, LAST_FACTOR)
        return HttpResponseRedirect(reverse("mfa_index"))

    def get_form_kwargs(self) -> dict[str, Any]:
        """Leave the form unbound on GET. allauth binds it, which would show errors before the user submits anything."""
        form_kwargs: dict[str, Any] = super().get_form_kwargs()
        if self.request.method != "POST":
            form_kwargs["data"] = None
        return form_kwargs


class AddPasskeyView(AdminPageMixin, AddWebAuthnView):  # type: ignore[misc]
    """Add a passkey: the device itself, or a security key."""

    title = _("Use a passkey")
    template_name = "accounts/add_passkey.html"

    def get_success_url(self) -> str:
        return get_setup_next_url(self.request)


class RemovePasskeyView(AdminPageMixin, RemoveWebAuthnView):  # type: ignore[misc]
    title = _("Remove the passkey")
    template_name = "accounts/remove_factor.html"
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponse:
        """Remove the passkey, unless it is the last factor."""
        if mfa.is_last_authenticator(self.get_object()):
            messages.error(self.request, LAST_FACTOR)
            return HttpResponseRedirect(reverse("mfa_index"))
        response: HttpResponse = super().form_valid(form)
        return response


class RenamePasskeyView(AdminPageMixin, EditWebAuthnView):  # type: ignore[misc]
    title = _("Rename the passkey")
    template_name = "accounts/rename_passkey.html"
    success_url = reverse_lazy("mfa_index")


class GenerateCodesView(AdminPageMixin, GenerateRecoveryCodesView):  # type: ignore[misc]
    title = _("New recovery codes")
    template_name = "accounts/generate_recovery_codes.html"


def get_setup_next_url(request: HttpRequest) -> str:
    """Return where to go after adding a factor: to the recovery codes, or to the account page if they are saved."""
    return reverse("mfa_index" if mfa.has_saved_codes(current_user(request)) else "mfa_view_recovery_codes")


@never_cache
@login_required
@require_safe
def totp_qr_code(request: HttpRequest) -> HttpResponse:
    """Render the QR code of the new secret, as a file because the content security policy allows no inline images."""
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
    """Show the recovery codes until the user confirms having saved them, and never again."""
    user = current_user(request)
    codes = mfa.get_recovery_codes(user)
    if codes is None or not mfa.has_mfa(user):
        return redirect("mfa_index")
    if mfa.are_codes_saved(codes):
        sessions.mark_mfa_complete(request)
        return redirect("mfa_index")
    if request.method == "POST" and request.POST.get("codes_saved"):
        mfa.mark_codes_saved(user)
        sessions.mark_mfa_complete(request)
        messages.success(
            request, gettext("Your account is protected. From now on, you need your second step to sign in.")
        )
        return redirect("admin:index")
    context = {"codes": codes.wrap().get_unused_codes(), "is_unconfirmed": request.method == "POST"}
    return render_page(request, "recovery_codes.html", context, title=gettext("Save these recovery codes"))


@never_cache
@login_required
@require_recent_login
@require_safe
def download_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Download the codes as a text file; 404 once they are confirmed as saved."""
    user = current_user(request)
    codes = mfa.get_recovery_codes(user)
    if codes is None or mfa.are_codes_saved(codes):
        raise Http404
    lines = [
        gettext("Recovery codes for Plainspine"),
        gettext("Username: %(username)s") % {"username": user.username},
        gettext("Each code works once."),
        "",
        *codes.wrap().get_unused_codes(),
        "",
    ]
    disposition = 'attachment; filename="recovery-codes.txt"'
    return HttpResponse("\r\n".join(lines), content_type="text/plain", headers={"Content-Disposition": disposition})


@login_required
@require_POST
def revoke_session(request: HttpRequest) -> HttpResponse:
    """End the session whose key is in the POST data."""
    if sessions.revoke(request, current_user(request), parse_int_or_zero(request.POST.get("session", ""))):
        messages.success(request, gettext("That device has been signed out."))
    else:
        messages.info(request, gettext("That device was already signed out."))
    return redirect("mfa_index")


@login_required
@require_POST
def revoke_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all other sessions of the user."""
    user = current_user(request)
    sessions.revoke_all(user, except_request=request)
    audit.record(audit.Kind.ALL_SESSIONS_REVOKED, user=user, actor=user, request=request)
    mail.notify(user, gettext("All other devices signed out"))
    messages.success(request, gettext("All other devices are signed out."))
    return redirect("mfa_index")


@never_cache
@require_safe
def session_status(request: HttpRequest) -> JsonResponse:
    """Return the session's state as JSON: ``signed_in``, ``user``, ``seconds_left``, and ``csrf_token``.

    ``user`` is the account's key, so that a page notices when another user has signed in. Calling this does not count
    as activity. The token belongs to this browser, signed in or not; the next request sends it as
    ``csrfmiddlewaretoken`` or ``X-CSRFToken``.
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
