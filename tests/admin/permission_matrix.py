"""The permission matrix: requests and expected statuses by role for each admin URL. test_permission_matrix.py runs them all.

Each code has one letter for editor, reviewer, manager, staff without a role, and anonymous user:
2 success (including form errors) · 4 forbidden · 0 not found · 1 JSON 401 · L redirect to sign-in.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from procedures.models import Page

ALL_ROLES, VIEW, EDIT, REVIEW, MANAGE, NO_ROLE = "2222L", "2224L", "2424L", "4244L", "4424L", "4444L"
JSON_EDIT = "24241"


@dataclass(frozen=True)
class MatrixRequest:
    """One request. ``data`` may contain callables that receive the page."""

    method: str
    who: str
    data: dict[str, Any] = field(default_factory=dict)


def get(who: str, **data: Any) -> MatrixRequest:
    return MatrixRequest("GET", who, data)


def post(who: str, **data: Any) -> MatrixRequest:
    return MatrixRequest("POST", who, data)


def newest_revision(page: Page) -> Any:
    return page.revisions.values_list("pk", flat=True).first() or 0


def draft_version(page: Page) -> int:
    return page.draft_version


def in_30_days(page: Page) -> str:
    return (timezone.localdate() + datetime.timedelta(days=30)).isoformat()


# Django's five admin views of a model: list, add, change (GET, POST), delete (GET, POST), and history.
def model_screens(
    *, view: str = VIEW, add: str = NO_ROLE, change: str = NO_ROLE, delete: str = NO_ROLE
) -> dict[str, list[MatrixRequest]]:
    return {
        "changelist": [get(view)],
        "add": [get(add), post(add)],
        "change": [get(view), post(change)],
        "delete": [get(delete), post(delete, post="yes")],
        "history": [get(view)],
    }


MODELS: dict[str, dict[str, list[MatrixRequest]]] = {
    # Pages are withdrawn, never deleted, because their URLs must keep working.
    "page": model_screens(add=EDIT, change=EDIT),
    "guide": model_screens(add=EDIT, change=EDIT),
    **{
        name: model_screens(add=EDIT, change=EDIT, delete=MANAGE)
        for name in ("figure", "series", "glossaryterm", "source", "clinicanswer")
    },
    "clinic": model_screens(change=MANAGE),
    **{name: model_screens(add=MANAGE, change=MANAGE, delete=MANAGE) for name in ("location", "clinicalcode")},
    **{name: model_screens() for name in ("revision", "approval", "release", "releaseevent", "externallink")},
    # Reader feedback: everyone who works on texts can view it, no one can add it here, and some roles can delete it.
    "feedback": model_screens(delete=EDIT),
}

# Screens of one page, requested in every page state.
PAGE_URLS: dict[str, list[MatrixRequest]] = {
    "page_review": [
        get(REVIEW),
        post(REVIEW, revision=newest_revision, decision="approved", comment="Good."),
        post(REVIEW, revision=newest_revision, decision="sent_back", comment="No."),
    ],
    "page_review_autosave": [post("42441", page=lambda page: page.pk, comment="No.")],
    "page_publish": [
        get(MANAGE),
        post(MANAGE, revision=newest_revision, now="1"),
        post(MANAGE, revision=newest_revision, later="1", day="2031-05-01", time="09:00"),
        post(MANAGE, cancel="1"),
    ],
    "page_withdraw": [get(MANAGE), post(MANAGE, reason="Old.")],
    "page_revisions": [get(VIEW)],
    "page_compare": [get(VIEW), get(VIEW, old="r1", new="r1"), get("0004L", old="r1", new="r99")],
    "page_restore": [post(EDIT, revision=newest_revision, version=draft_version)],
    "page_history_at": [get(VIEW), get(VIEW, day="2026-03-03", time="12:00")],
    "page_translation": [get(VIEW)],
    "revision_page": [get(VIEW)],
    "release_page": [get(VIEW)],
    "page_preview": [post(JSON_EDIT)],
    "page_sharing": [get(VIEW)],
}
# Material for patients exists only for public pages.
PUBLIC_PAGE_URLS: dict[str, list[MatrixRequest]] = {
    f"page_{name}": [get(VIEW)] for name in ("message", "calendar_event", "qr_svg", "qr_png", "letter")
}
SITE_URLS: dict[str, list[MatrixRequest]] = {
    "page_stale": [get(VIEW), post(MANAGE)],
    "page_scheduled": [get(VIEW)],
    "page_transfer": [get(MANAGE)],
    "page_export": [post(MANAGE)],
    "page_import": [post(MANAGE), post(MANAGE, token="x", page="en small-cut")],
    "releaseevent_csv": [get(MANAGE)],
    "figure_upload": [post(JSON_EDIT)],
    "clinicalcode_lookup": [get(VIEW)],
    "warningsign_changelist": [get(VIEW), post(EDIT, action="propose"), post(REVIEW, action="approve")],
    "page_views": [get(VIEW)],
    "page_send": [get(VIEW)],
    "page_reviews": [get(VIEW)],
    "page_autosave": [post(JSON_EDIT)],
    "page_autosave_discard": [post(JSON_EDIT)],
    "page_autosave_compare": [post(JSON_EDIT)],
    "page_insert_options": [get(JSON_EDIT)],
    "page_render_blocks": [post(JSON_EDIT, language="en", block="::: figure needle")],
    "figure_choose": [get(EDIT), post(EDIT)],
    "figure_markers_preview": [post("04041")],  # for no picture
    "figure_file": [get("0004L")],  # no such file
}
# Screens of one picture.
FIGURE_URLS: dict[str, list[MatrixRequest]] = {
    "figure_markers": [get(EDIT), post(EDIT)],
    "figure_detect_text": [get(EDIT), post(EDIT)],
}
# The texts of one picture in one language.
FIGURE_TEXT_URLS: dict[str, list[MatrixRequest]] = {
    "figure_texts": [get(JSON_EDIT)],
    "figure_save_texts": [post(JSON_EDIT)],
}
# A staged picture belongs to its uploader; everyone else gets 404.
STAGED_IMAGE_URLS: dict[str, list[MatrixRequest]] = {
    f"figure_{name}": [get("0000L")] for name in ("check", "staged", "redacted", "frames", "frame")
} | {
    "figure_cancel": [post(ALL_ROLES)],
    "figure_staged_text": [post("0000L")],
    "figure_upload_status": [get(JSON_EDIT)],
}
# A picture of a bundle that is reviewed before the import.
BUNDLE_URLS: dict[str, list[MatrixRequest]] = {"page_import_image": [get("4404L")]}
# Sign-in and account pages, which are the same for every role and tested in tests/accounts.
ACCOUNT_URLS = frozenset(
    "account_login account_logout account_reauthenticate mfa_activate_totp mfa_add_webauthn mfa_authenticate "
    "sso_login openid_connect_callback saml_acs saml_finish_acs saml_metadata saml_sls "
    "mfa_deactivate_totp mfa_edit_webauthn mfa_generate_recovery_codes mfa_index mfa_login_webauthn "
    "mfa_reauthenticate mfa_reauthenticate_webauthn mfa_remove_webauthn mfa_view_recovery_codes mfa_totp_qr_code "
    "account_change_password mfa_download_recovery_codes account_revoke_session account_revoke_other_sessions "
    "account_reset_password account_resubmit account_session_status "
    "mfa_setup account_set_password account_set_password_damaged".split()
)
# Django's own views, and user accounts.
DJANGO_URLS: dict[str, list[MatrixRequest]] = {
    "index": [get(ALL_ROLES)],
    "search": [get(ALL_ROLES), get(ALL_ROLES, q="cut")],
    "app_list": [get(ALL_ROLES)],
    "login": [get("22222")],
    "logout": [post("LLLLL")],
    "password_change": [get(ALL_ROLES)],
    "password_change_done": [get(ALL_ROLES)],
    "autocomplete": [get(NO_ROLE)],
    "jsi18n": [get("22222")],  # the sign-in page needs it
    "view_on_site": [get("0000L")],
    "auth_user_password_change": [get(NO_ROLE)],
    # Managers manage users. Accounts are deactivated, never deleted.
    **{f"staff_user_{screen}": [get(MANAGE)] for screen in ("changelist", "add", "change", "history")},
    "staff_user_delete": [get(NO_ROLE)],
    **{f"staff_user_{act}": [post(MANAGE)] for act in ("link", "reset_factor", "revoke", "sign_out")},
    **{f"staff_auditevent_{screen}": [get(MANAGE)] for screen in ("changelist", "change", "history")},
    **{f"staff_auditevent_{screen}": [get(NO_ROLE)] for screen in ("add", "delete")},
}


def table() -> dict[str, list[MatrixRequest]]:
    """Return all rows by full URL name."""
    rows = {f"procedures_{model}_{screen}": asks for model, own in MODELS.items() for screen, asks in own.items()}
    own = {**PAGE_URLS, **SITE_URLS, **FIGURE_URLS, **FIGURE_TEXT_URLS, **STAGED_IMAGE_URLS, **BUNDLE_URLS}
    own |= PUBLIC_PAGE_URLS
    rows |= {f"procedures_{name}": asks for name, asks in own.items()}
    return rows | DJANGO_URLS


# The status that each page view returns to a permitted user, by page state.
STATES = "draft waiting sent_back approved planned public newer starter withdrawn".split()
ACTIONS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    # Action: URL name, role, POST data, status in each state (302 done, 409 not possible now).
    "approve": ("page_review", "reviewer", {"revision": newest_revision, "decision": "approved"}, "302 " * 9),
    "send back": (
        "page_review",
        "reviewer",
        {"revision": newest_revision, "decision": "sent_back", "comment": "No."},
        "302 " * 9,
    ),
    "publish": (
        "page_publish",
        "manager",
        {"revision": newest_revision, "now": "1"},
        "409 409 409 302 302 302 409 409 409",
    ),
    "schedule": (
        "page_publish",
        "manager",
        {"revision": newest_revision, "later": "1", "day": in_30_days, "time": "09:00"},
        "409 409 409 302 302 409 409 409 409",
    ),
    "cancel": ("page_publish", "manager", {"cancel": "1"}, "302 " * 9),
    "withdraw": ("page_withdraw", "manager", {"reason": "Old."}, "409 409 409 409 409 302 302 302 302"),
    "restore": ("page_restore", "editor", {"revision": newest_revision, "version": draft_version}, "302 " * 9),
    "restore unseen": ("page_restore", "editor", {"revision": newest_revision, "version": "99"}, "409 " * 9),
}
