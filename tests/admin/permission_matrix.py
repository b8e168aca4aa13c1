"""The permission matrix: requests and expected statuses by role for each admin URL. test_permission_matrix.py runs them all.

Letters stand for editor, reviewer, manager, a colleague without a role, a stranger:
2 answered (also with problems to fix) · 4 forbidden · 0 not found · 1 sign in first, as JSON · L led to the sign-in.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from procedures.models import Page

EVERYBODY, READS, WRITES, REVIEWS, MANAGES, NOBODY = "2222L", "2224L", "2424L", "4244L", "4424L", "4444L"
JSON_WRITES = "24241"


@dataclass(frozen=True)
class MatrixRequest:
    """One request. ``data`` may hold callables that are given the page."""

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


# Django's five screens of a model: list, new, change (look, save), delete (ask, do), history.
def model_screens(
    *, look: str = READS, add: str = NOBODY, change: str = NOBODY, delete: str = NOBODY
) -> dict[str, list[MatrixRequest]]:
    return {
        "changelist": [get(look)],
        "add": [get(add), post(add)],
        "change": [get(look), post(change)],
        "delete": [get(delete), post(delete, post="yes")],
        "history": [get(look)],
    }


MODELS: dict[str, dict[str, list[MatrixRequest]]] = {
    # Pages are withdrawn, never deleted: their addresses answer for ever.
    "page": model_screens(add=WRITES, change=WRITES),
    "guide": model_screens(add=WRITES, change=WRITES),
    **{
        name: model_screens(add=WRITES, change=WRITES, delete=MANAGES)
        for name in ("figure", "series", "glossaryterm", "source", "clinicanswer")
    },
    "clinic": model_screens(change=MANAGES),
    **{name: model_screens(add=MANAGES, change=MANAGES, delete=MANAGES) for name in ("location", "clinicalcode")},
    **{name: model_screens() for name in ("revision", "approval", "release", "releaseevent", "externallink")},
    # Readers' words: read by all who work on texts, written by nobody here, deleted by those who answer for them.
    "feedback": model_screens(delete=WRITES),
}

# Screens of one page; asked for in every state of a page.
PAGE_URLS: dict[str, list[MatrixRequest]] = {
    "page_review": [
        get(REVIEWS),
        post(REVIEWS, revision=newest_revision, decision="approved", comment="Good."),
        post(REVIEWS, revision=newest_revision, decision="sent_back", comment="No."),
    ],
    "page_review_autosave": [post("42441", page=lambda page: page.pk, comment="No.")],
    "page_publish": [
        get(MANAGES),
        post(MANAGES, revision=newest_revision, now="1"),
        post(MANAGES, revision=newest_revision, later="1", day="2031-05-01", time="09:00"),
        post(MANAGES, cancel="1"),
    ],
    "page_withdraw": [get(MANAGES), post(MANAGES, reason="Old.")],
    "page_revisions": [get(READS)],
    "page_compare": [get(READS), get(READS, old="r1", new="r1"), get("0004L", old="r1", new="r99")],
    "page_restore": [post(WRITES, revision=newest_revision, version=draft_version)],
    "page_history_at": [get(READS), get(READS, day="2026-03-03", time="12:00")],
    "page_translation": [get(READS)],
    "revision_page": [get(READS)],
    "release_page": [get(READS)],
    "page_preview": [post(JSON_WRITES)],
    "page_sharing": [get(READS)],
}
# What is sent to patients exists for public pages only.
PUBLIC_PAGE_URLS: dict[str, list[MatrixRequest]] = {
    f"page_{name}": [get(READS)] for name in ("message", "calendar_event", "qr_svg", "qr_png", "letter")
}
SITE_URLS: dict[str, list[MatrixRequest]] = {
    "page_stale": [get(READS), post(MANAGES)],
    "page_scheduled": [get(READS)],
    "page_transfer": [get(MANAGES)],
    "page_export": [post(MANAGES)],
    "page_import": [post(MANAGES), post(MANAGES, token="x", page="en small-cut")],
    "releaseevent_csv": [get(MANAGES)],
    "figure_upload": [post(JSON_WRITES)],
    "clinicalcode_lookup": [get(READS)],
    "warningsign_changelist": [get(READS), post(WRITES, action="propose"), post(REVIEWS, action="approve")],
    "page_views": [get(READS)],
    "page_send": [get(READS)],
    "page_reviews": [get(READS)],
    "page_autosave": [post(JSON_WRITES)],
    "page_autosave_discard": [post(JSON_WRITES)],
    "page_autosave_compare": [post(JSON_WRITES)],
    "page_insert_options": [get(JSON_WRITES)],
    "page_render_blocks": [post(JSON_WRITES, language="en", block="::: figure needle")],
    "figure_choose": [get(WRITES), post(WRITES)],
    "figure_markers_preview": [post("04041")],  # for no picture
    "figure_file": [get("0004L")],  # no such file
}
# Screens of one picture.
FIGURE_URLS: dict[str, list[MatrixRequest]] = {
    "figure_markers": [get(WRITES), post(WRITES)],
    "figure_detect_text": [get(WRITES), post(WRITES)],
}
# A picture that waits belongs to the person who sent it: others find nothing there.
STAGED_IMAGE_URLS: dict[str, list[MatrixRequest]] = {
    f"figure_{name}": [get("0000L")] for name in ("check", "staged", "redacted", "frames", "frame")
} | {
    "figure_cancel": [post(EVERYBODY)],
    "figure_staged_text": [post("0000L")],
    "figure_upload_status": [get(JSON_WRITES)],
}
# A picture of a bundle that somebody looks at before the import.
BUNDLE_URLS: dict[str, list[MatrixRequest]] = {"page_import_image": [get("4404L")]}
# One's own sign-in and account: the same for every role, and tested where they are made (tests/accounts).
OWN_ACCOUNT = frozenset(
    "account_login account_logout account_reauthenticate mfa_activate_totp mfa_add_webauthn mfa_authenticate "
    "sso_login openid_connect_callback saml_acs saml_finish_acs saml_metadata saml_sls "
    "mfa_deactivate_totp mfa_edit_webauthn mfa_generate_recovery_codes mfa_index mfa_login_webauthn "
    "mfa_reauthenticate mfa_reauthenticate_webauthn mfa_remove_webauthn mfa_view_recovery_codes mfa_totp_qr_code "
    "account_change_password mfa_download_recovery_codes account_revoke_session account_revoke_other_sessions "
    "account_reset_password account_session_status "
    "mfa_setup account_set_password account_set_password_damaged".split()
)
# Django's own, and people.
FRAME: dict[str, list[MatrixRequest]] = {
    "index": [get(EVERYBODY)],
    "search": [get(EVERYBODY), get(EVERYBODY, q="cut")],
    "app_list": [get(EVERYBODY)],
    "login": [get("22222")],
    "logout": [post("LLLLL")],
    "password_change": [get(EVERYBODY)],
    "password_change_done": [get(EVERYBODY)],
    "autocomplete": [get(NOBODY)],
    "jsi18n": [get("22222")],  # the sign-in page needs it
    "view_on_site": [get("0000L")],
    "auth_user_password_change": [get(NOBODY)],
    # People are the managers' work; accounts are closed, never deleted.
    **{f"staff_user_{screen}": [get(MANAGES)] for screen in ("changelist", "add", "change", "history")},
    "staff_user_delete": [get(NOBODY)],
    **{f"staff_user_{act}": [post(MANAGES)] for act in ("link", "reset_factor", "revoke", "sign_out")},
    **{f"staff_auditevent_{screen}": [get(MANAGES)] for screen in ("changelist", "change", "history")},
    **{f"staff_auditevent_{screen}": [get(NOBODY)] for screen in ("add", "delete")},
}


def table() -> dict[str, list[MatrixRequest]]:
    """All rows, by the full name of the address."""
    rows = {f"procedures_{model}_{screen}": asks for model, own in MODELS.items() for screen, asks in own.items()}
    own = {**PAGE_URLS, **SITE_URLS, **FIGURE_URLS, **STAGED_IMAGE_URLS, **BUNDLE_URLS, **PUBLIC_PAGE_URLS}
    rows |= {f"procedures_{name}": asks for name, asks in own.items()}
    return rows | FRAME


# What the page itself answers to the one who may: the status in each state.
STATES = "draft waiting sent_back approved planned public newer starter withdrawn".split()
ACTS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    #                  address          who         what is sent                                     302 done, 409 not now
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
        "409 409 409 302 302 302 409 409 302",
    ),
    "schedule": (
        "page_publish",
        "manager",
        {"revision": newest_revision, "later": "1", "day": in_30_days, "time": "09:00"},
        "409 409 409 302 302 409 409 409 302",
    ),
    "cancel": ("page_publish", "manager", {"cancel": "1"}, "302 " * 9),
    "withdraw": ("page_withdraw", "manager", {"reason": "Old."}, "409 409 409 409 409 302 302 302 302"),
    "restore": ("page_restore", "editor", {"revision": newest_revision, "version": draft_version}, "302 " * 9),
    "restore unseen": ("page_restore", "editor", {"revision": newest_revision, "version": "99"}, "409 " * 9),
}
