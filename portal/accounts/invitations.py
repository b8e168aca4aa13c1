"""Saving a password, and one-time links for it: creating, sending, redeeming, revoking, and repairing damaged URLs.

Email programs and people damage links by wrapping lines, encoding characters, and adding or dropping some. Any URL that
still contains a whole token works.
"""

import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from portal import audit
from portal.accounts import mail, sessions
from portal.accounts.models import AccessToken, PasswordResetRequest, User, find_user, hash_token
from portal.http import ADMIN_PREFIX
from portal.text import undo_encodings

LIFETIME = {
    AccessToken.Purpose.INVITATION: timedelta(days=7),
    AccessToken.Purpose.PASSWORD_RESET: timedelta(hours=24),
}
# A new reset link is not sent while one that is younger than this still works.
RESEND_AFTER = timedelta(minutes=15)
TOKEN_BYTES = 32
TOKEN_LENGTH = 43  # characters of URL-safe base64 for TOKEN_BYTES
MAX_TOKENS = 400  # candidates taken from one URL
MAX_URL_LENGTH = 2000
# At least 20 characters of a token, with a capital or a digit, which distinguishes it from hyphenated words.
TRUNCATED_TOKEN = re.compile(r"(?=[a-z-_]*[A-Z0-9])[A-Za-z0-9_-]{20,}")


@transaction.atomic
def create_link(user: User, *, actor: User | None, request: HttpRequest | None = None) -> str:
    """Return the URL of a new link and revoke earlier ones. An account without a password gets an invitation.

    The URL cannot be recovered later: only the hash of its token is stored.
    """
    purpose = _link_purpose(user)
    now = timezone.now()
    revoke_tokens(user, actor=actor, request=request)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    AccessToken.objects.create(
        user=user, purpose=purpose, token_hash=hash_token(token), created_at=now, created_by=actor,
        expires_at=now + LIFETIME[purpose],
    )  # fmt: skip
    audit.record(
        audit.Kind.LINK_CREATED, user=user, actor=actor, request=request, detail=_english_purpose_label(purpose)
    )
    return f"{settings.PUBLIC_URL}{reverse('account_set_password', args=[token])}"


def send_link(user: User, url: str) -> bool:
    """Email a link to ``user`` and return whether the mail server accepted it."""
    purpose = _link_purpose(user)
    lifetime = LIFETIME[purpose]
    values = {"user": user, "url": url, "username": user.username}
    values |= {"days": lifetime.days, "hours": lifetime // timedelta(hours=1)}
    if purpose == AccessToken.Purpose.INVITATION:
        subject = _("your invitation")
        body = _(
            "Hello %(user)s,\n\nYou are invited to work on the clinic's patient pages.\n\n"
            "Open this link and choose a password (it works once, for %(days)s days):\n\n%(url)s\n\n"
            "Your username is %(username)s.\n"
        )
    else:
        subject = _("a new password")
        body = _(
            "Hello %(user)s,\n\nSomeone, probably you, requested a new password for the clinic's patient pages.\n\n"
            "Open this link and choose a password (it works once, for %(hours)s hours):\n\n%(url)s\n\n"
            "Your username is %(username)s.\n\n"
            "If you did not request this, do nothing: your password does not change.\n"
        )
    return mail.send(user, subject, body % values)


def _link_purpose(user: User) -> AccessToken.Purpose:
    return AccessToken.Purpose.PASSWORD_RESET if user.has_usable_password() else AccessToken.Purpose.INVITATION


def _english_purpose_label(purpose: str) -> str:
    with override("en"):
        return str(AccessToken.Purpose(purpose).label)


def find_token(url: str, now: datetime) -> tuple[AccessToken | None, str]:
    """Return the usable link whose token is somewhere in a possibly damaged URL, and the token; (None, "") if none."""
    tokens = {hash_token(token): token for token in extract_tokens(url)}
    link = AccessToken.objects.usable(now).filter(token_hash__in=list(tokens)).select_related("user").first()
    return link, tokens[link.token_hash] if link else ""


@transaction.atomic
def redeem_token(token: str, password: str, *, request: HttpRequest) -> AccessToken | None:
    """Set the password with a link, end the user's sessions, and return the link, or None if it no longer works.

    Of two parallel requests with the same token, only one gets the link.
    """
    now = timezone.now()
    link = AccessToken.objects.find_by_token(token, now)
    if link is None or not AccessToken.objects.filter(pk=link.pk, used_at=None, revoked_at=None).update(used_at=now):
        return None
    detail = _english_purpose_label(link.purpose)
    audit.record(audit.Kind.LINK_USED, user=link.user, actor=link.user, request=request, detail=detail)
    is_change = link.purpose == AccessToken.Purpose.PASSWORD_RESET
    save_password(link.user, password, request=request, notice=_("Password changed with a link") if is_change else "")
    return link


@transaction.atomic
def save_password(user: User, password: str, *, request: HttpRequest, notice: str, keep_session: bool = False) -> None:
    """Save a password, revoke the open links of ``user``, and end their sessions, or all but that of ``request``.

    A change is logged, and ``notice`` tells the user about it; it is empty for the first password.
    """
    user.set_password(password)
    user.save(update_fields=["password"])
    revoke_tokens(user, actor=user, request=request)
    sessions.revoke_all(user, except_request=request if keep_session else None)
    if notice:
        audit.record(audit.Kind.PASSWORD_CHANGED, user=user, actor=user, request=request)
        transaction.on_commit(lambda: mail.notify(user, notice))


@transaction.atomic
def revoke_tokens(user: User, *, actor: User | None, request: HttpRequest | None = None) -> int:
    """Revoke the open links of ``user`` and return how many there were."""
    now = timezone.now()
    # Not usable(): the account may have been deactivated just before.
    open_links = AccessToken.objects.filter(user=user, used_at=None, revoked_at=None, expires_at__gt=now)
    count = open_links.update(revoked_at=now)
    if count:
        audit.record(audit.Kind.LINK_REVOKED, user=user, actor=actor, request=request)
    return count


def send_password_resets() -> int:
    """Email links for the open ``PasswordResetRequest`` rows and return how many were sent.

    The worker runs this every minute. A request is handled by the process that deletes its row, so two processes never
    both send.
    """
    sent = 0
    for reset_request in PasswordResetRequest.objects.order_by("requested_at"):
        if not PasswordResetRequest.objects.filter(pk=reset_request.pk).delete()[0]:
            continue
        user = find_user(reset_request.identifier)
        if user and _can_get_reset_link(user):
            delivered = send_link(user, create_link(user, actor=None))
            if not delivered:
                # Otherwise this link, which never arrived, would delay the next one (RESEND_AFTER).
                revoke_tokens(user, actor=None)
            sent += delivered
    return sent


def _can_get_reset_link(user: User) -> bool:
    is_eligible = user.is_active and user.is_staff and user.email and not user.is_demo
    is_eligible = is_eligible and sessions.allows_local_login(user)
    return bool(is_eligible) and not _has_recent_token(user)


def _has_recent_token(user: User) -> bool:
    """Return whether a link was sent just now: repeated requests must not fill a mailbox or revoke that link."""
    recent = AccessToken.objects.filter(user=user, created_at__gt=timezone.now() - RESEND_AFTER)
    return recent.usable(timezone.now()).exists()


def extract_tokens(url: str) -> list[str]:
    """Return every substring of ``url`` that looks like a token, at most ``MAX_TOKENS``."""
    pattern = rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH},}}"
    runs = (run for text in _decode_variants(url) for run in re.findall(pattern, text))
    candidates = (run[start : start + TOKEN_LENGTH] for run in runs for start in range(len(run) - TOKEN_LENGTH + 1))
    return list(dict.fromkeys(candidates))[:MAX_TOKENS]


def is_damaged_link(path: str) -> bool:
    """Return whether ``path``, the part after ``/admin/``, seems to come from a one-time link."""
    return any(
        re.search(r"w+e+l+c", text, re.IGNORECASE) or TRUNCATED_TOKEN.search(text) for text in _decode_variants(path)
    )


def repair_admin_path(url: str) -> str:
    """Return the path under ``/admin/`` that an unknown public URL was probably meant to be; "" if there is none."""
    for text in _decode_variants(url):
        path = "/" + text.lstrip("/")
        admin_match = re.fullmatch(r"/admin(?![a-z0-9_-])/*(.*)", path, re.IGNORECASE | re.DOTALL)
        if admin_match:
            return ADMIN_PREFIX + quote(admin_match[1])
        if re.match(r"/welcome/.", path, re.IGNORECASE):
            return f"{ADMIN_PREFIX}welcome/" + quote(path[len("/welcome/") :])
    has_token = any(re.search(r"[A-Z]", token) and re.search(r"[a-z]", token) for token in extract_tokens(url))
    return f"{ADMIN_PREFIX}welcome/" + quote(url.lstrip("/")) if has_token else ""


def _decode_variants(url: str) -> list[str]:
    """Return possible decodings of ``url``.

    They are: with quoted-printable line breaks removed, with quoted-printable codes decoded, and unchanged.
    """
    text = undo_encodings(url[:MAX_URL_LENGTH])
    unwrapped = re.sub(r"=0D|=0A", "", text, flags=re.IGNORECASE)
    decoded = re.sub(r"=([0-7][0-9A-F])", lambda code: chr(int(code[1], 16)), text, flags=re.IGNORECASE)
    variants = (re.sub(r"[=\s\u200b\u00ad]+", "", variant) for variant in (unwrapped, decoded, text))
    return list(dict.fromkeys(variants))
