"""Everything under /admin/: signing in, one's own account, the screens. Only what is used of allauth is mounted."""

from django.contrib import admin
from django.urls import path, re_path, register_converter

from portal.staff.damaged import looks_damaged
from portal.staff.views import account, entrance, links, state


class DamagedAddress:
    """Matches the rest of an address only if it seems to be from a one-time link."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        if not looks_damaged(value):
            raise ValueError
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(DamagedAddress, "damaged")

urlpatterns = [
    path("login/", entrance.sign_in, name="account_login"),
    path("login/passkey/", entrance.PasskeySignIn.as_view(), name="mfa_login_webauthn"),
    path("login/code/", entrance.SecondFactor.as_view(), name="mfa_authenticate"),
    path("logout/", entrance.sign_out, name="account_logout"),
    path("confirm/", entrance.ConfirmPassword.as_view(), name="account_reauthenticate"),
    path("confirm/code/", entrance.ConfirmCode.as_view(), name="mfa_reauthenticate"),
    path("confirm/passkey/", entrance.ConfirmPasskey.as_view(), name="mfa_reauthenticate_webauthn"),
    path("session/", state.session_state, name="staff_session"),
    path("password_change/", links.change_password, name="staff_change_password"),
    path("password/forgotten/", links.forgotten, name="staff_forgotten"),
    path("welcome/<str:token>/", links.welcome, name="welcome"),
    path("account/", account.account, name="mfa_index"),
    path("account/start/", account.set_up, name="staff_set_up"),
    path("account/app/", account.AddApp.as_view(), name="mfa_activate_totp"),
    path("account/app/picture.svg", account.app_picture, name="staff_app_picture"),
    path("account/app/remove/", account.RemoveApp.as_view(), name="mfa_deactivate_totp"),
    path("account/passkeys/add/", account.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", account.RemovePasskey.as_view(), name="mfa_remove_webauthn"),
    path("account/passkeys/<int:pk>/rename/", account.RenamePasskey.as_view(), name="mfa_edit_webauthn"),
    path("account/codes/", account.recovery_codes, name="mfa_view_recovery_codes"),
    path("account/codes/file/", account.codes_file, name="staff_codes_file"),
    path("account/codes/new/", account.MakeCodes.as_view(), name="mfa_generate_recovery_codes"),
    path("account/sessions/end/", account.end_session, name="staff_end_session"),
    path("account/sessions/end-all/", account.end_sessions, name="staff_end_sessions"),
    # After ours: its own sign-in knows no second factor.
    path("", admin.site.urls),
    # A one-time link that was damaged in a mail.
    path("<damaged:token>", links.welcome, name="damaged_welcome"),
    # Everything else leads to the sign-in, so that no answer tells which addresses exist.
    re_path(r"(?P<url>.*)$", admin.site.admin_view(admin.site.catch_all_view)),
]
