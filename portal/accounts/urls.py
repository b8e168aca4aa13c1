"""URLs under /admin/: login, the user's account, and the admin site. Only the allauth views in use are routed."""

from django.conf import settings
from django.contrib import admin
from django.urls import path, re_path, register_converter
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

from portal.accounts.invitations import is_damaged_link
from portal.accounts.views import account, login, resubmit


class DamagedLinkConverter:
    """Matches the rest of a path only if it seems to come from a one-time link."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        if not is_damaged_link(value):
            raise ValueError
        return value

    def to_url(self, value: str) -> str:
        return value


class IssuerConverter:
    """Matches ``oidc`` and converts it to the provider's issuer, which allauth uses as the key of its provider."""

    regex = "oidc"

    def to_python(self, value: str) -> str:
        return str(settings.SSO_PROVIDER_ID)

    def to_url(self, value: str) -> str:
        return "oidc"


class SAMLConverter:
    """Matches ``saml``, the name of the only SAML provider."""

    regex = "saml"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(DamagedLinkConverter, "damaged_link")
register_converter(IssuerConverter, "issuer")
register_converter(SAMLConverter, "saml")

urlpatterns = [
    path("login/", login.login_view, name="account_login"),
    path("login/passkey/", login.PasskeyLoginView.as_view(), name="mfa_login_webauthn"),
    path("login/code/", login.SecondFactorView.as_view(), name="mfa_authenticate"),
    path("sso/", login.sso_login, name="sso_login"),
    path("sso/<issuer:provider_id>/callback/", login.oidc_callback, name="openid_connect_callback"),
    path("sso/<saml:organization_slug>/acs/", login.saml_acs, name="saml_acs"),
    path("sso/<saml:organization_slug>/acs/finish/", login.saml_finish_acs, name="saml_finish_acs"),
    path("sso/<saml:organization_slug>/metadata/", login.saml_metadata, name="saml_metadata"),
    path("sso/<saml:organization_slug>/sls/", login.saml_sls, name="saml_sls"),
    path("logout/", login.logout_view, name="account_logout"),
    path("confirm/", login.ConfirmPasswordView.as_view(), name="account_reauthenticate"),
    path("confirm/code/", login.ConfirmCodeView.as_view(), name="mfa_reauthenticate"),
    path("confirm/passkey/", login.ConfirmPasskeyView.as_view(), name="mfa_reauthenticate_webauthn"),
    path("session/", account.session_status, name="account_session_status"),
    path("send-again/", resubmit.resubmit_view, name="account_resubmit"),
    path("password_change/", login.password_change, name="account_change_password"),
    path("password/forgotten/", login.password_reset, name="account_reset_password"),
    path("welcome/<str:token>/", login.set_password, name="account_set_password"),
    path("account/", account.account, name="mfa_index"),
    path("account/start/", account.mfa_setup, name="mfa_setup"),
    path("account/app/", account.AddTOTPView.as_view(), name="mfa_activate_totp"),
    path("account/app/picture.svg", account.totp_qr_code, name="mfa_totp_qr_code"),
    path("account/app/remove/", account.RemoveTOTPView.as_view(), name="mfa_deactivate_totp"),
    path("account/passkeys/add/", account.AddPasskeyView.as_view(), name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", account.RemovePasskeyView.as_view(), name="mfa_remove_webauthn"),
    path("account/passkeys/<int:pk>/rename/", account.RenamePasskeyView.as_view(), name="mfa_edit_webauthn"),
    path("account/codes/", account.recovery_codes, name="mfa_view_recovery_codes"),
    path("account/codes/file/", account.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("account/codes/new/", account.GenerateCodesView.as_view(), name="mfa_generate_recovery_codes"),
    path("account/sessions/end/", account.revoke_session, name="account_revoke_session"),
    path("account/sessions/end-all/", account.revoke_other_sessions, name="account_revoke_other_sessions"),
    # Replaces the admin's own catalog, which has only the strings of Django's scripts and is not available on the login
    # page.
    path("jsi18n/", cache_control(private=True, max_age=3600)(JavaScriptCatalog.as_view()), name="jsi18n"),
    # After ours, because the admin's own login view does not ask for a second factor.
    path("", admin.site.urls),
    # A one-time link that was damaged by a mail program.
    path("<damaged_link:token>", login.set_password, name="account_set_password_damaged"),
    # Everything else redirects to the login page, so that responses do not reveal which URLs exist.
    re_path(r"(?P<url>.*)$", admin.site.admin_view(admin.site.catch_all_view)),
]
