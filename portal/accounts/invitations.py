"""One-time links: made, sent, used, revoked. Each has exactly one writer here."""

import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote, unquote

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from portal.accounts import audit, mail, sessions
from portal.accounts.models import AccessToken, PasswordResetRequest, User, find_user, hash_token

LIFETIME = {
    AccessToken.Purpose.INVITATION: timedelta(days=7),
    AccessToken.Purpose.PASSWORD_RESET: timedelta(hours=24),
}
LIFETIME_LABELS = {AccessToken.Purpose.INVITATION: "7 days", AccessToken.Purpose.PASSWORD_RESET: "24 hours"}
RESEND_AFTER = timedelta(minutes=15)


def find_token(url: str, now: datetime) -> tuple[AccessToken | None, str]:
    """The usable link whose token is in an address, which may be damaged, with the token."""
    tokens = {hash_token(token): token for token in extract_tokens(url)}
    link = AccessToken.objects.usable(now).filter(token_hash__in=list(tokens)).select_related("user").first()
    return link, tokens[link.token_hash] if link else ""


@transaction.atomic
def create_link(user: User, *, actor: User | None, request: HttpRequest | None = None) -> str:
    """The address of a new link; earlier ones end. An account that has no password yet gets an invitation."""
    purpose = AccessToken.Purpose.PASSWORD_RESET if user.has_usable_password() else AccessToken.Purpose.INVITATION
    now = timezone.now()
    AccessToken.objects.filter(user=user).usable(now).update(revoked_at=now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    AccessToken.objects.create(
        user=user, purpose=purpose, token_hash=hash_token(token), created_at=now, created_by=actor,
        expires_at=now + LIFETIME[purpose],
    )  # fmt: skip
    audit.record(audit.Kind.LINK_CREATED, user=user, actor=actor, request=request, detail=purpose.label)
    return f"{settings.PUBLIC_URL}{reverse('account_set_password', args=[token])}"


def send_link(user: User, url: str) -> bool:
    """Whether it went out by mail."""
    invited = not user.has_usable_password()
    lasts = LIFETIME_LABELS[AccessToken.Purpose.INVITATION if invited else AccessToken.Purpose.PASSWORD_RESET]
    first = (
        "you are invited to work on the clinic's patient pages."
        if invited
        else "somebody, probably you, asked for a new password for the clinic's patient pages."
    )
    text = (
        f"Hello {user},\n\n{first}\n\nOpen this address and choose a password (it works once, for {lasts}):\n\n"
        f"{url}\n\nYour user name is {user.username}."
    )
    closing = "" if invited else "\n\nIf you did not ask, do nothing: your password stays as it is.\n"
    return mail.send(user, "your invitation" if invited else "a new password", text + (closing or "\n"))


@transaction.atomic
def redeem_token(token: str, password: str, *, request: HttpRequest) -> AccessToken | None:
    """Set the password with a link, once. None when it no longer works, also when two come at the same moment."""
    now = timezone.now()
    link = AccessToken.objects.find_by_token(token, now)
    if link is None or not AccessToken.objects.filter(pk=link.pk, used_at=None, revoked_at=None).update(used_at=now):
        return None
    user = link.user
    user.set_password(password)
    user.save(update_fields=["password"])
    sessions.revoke_all(user)
    audit.record(audit.Kind.LINK_USED, user=user, actor=user, request=request, detail=link.get_purpose_display())
    if link.purpose == AccessToken.Purpose.PASSWORD_RESET:
        audit.record(audit.Kind.PASSWORD_CHANGED, user=user, actor=user, request=request)
        transaction.on_commit(lambda: mail.notify(user, "a new password was set"))
    return link


@transaction.atomic
def revoke_tokens(user: User, *, actor: User, request: HttpRequest | None = None) -> int:
    """No open link of ``user`` works any more; returns how many there were."""
    now = timezone.now()
    ended = AccessToken.objects.filter(user=user, used_at=None, revoked_at=None, expires_at__gt=now).update(
        revoked_at=now
    )
    if ended:
        audit.record(audit.Kind.LINK_REVOKED, user=user, actor=actor, request=request)
    return ended


def _has_recent_token(user: User) -> bool:
    """Asking again and again neither fills a mailbox nor ends the link that is in it."""
    return (
        AccessToken.objects.filter(user=user, created_at__gt=timezone.now() - RESEND_AFTER)
        .usable(timezone.now())
        .exists()
    )


def send_password_resets() -> int:
    """Send links to those who asked and whom we know; returns how many. ``serve`` does this each minute."""
    sent = 0
    for asked in PasswordResetRequest.objects.order_by("asked_at"):
        # Whoever deletes it answers it: two processes never send twice.
        if not PasswordResetRequest.objects.filter(pk=asked.pk).delete()[0]:
            continue
        user = find_user(asked.typed)
        if (
            user
            and user.is_active
            and user.is_staff
            and user.email
            and not user.is_demo
            and not _has_recent_token(user)
        ):
            went = send_link(user, create_link(user, actor=None))
            if not went:
                # Asking again must help: a link that nobody has would stand in the way of the next one.
                AccessToken.objects.filter(user=user).usable(timezone.now()).update(revoked_at=timezone.now())
            sent += went
    return sent


# 32 random bytes are 43 characters of URL-safe base64.
TOKEN_BYTES, TOKEN_LENGTH = 32, 43
MAX_TOKENS = 400
MAX_URL_LENGTH = 2000
TRUNCATED_TOKEN = re.compile(r"(?=[a-z-_]*[A-Z0-9])[A-Za-z0-9_-]{20,}")


def _decode_variants(url: str) -> list[str]:
    """Ways to decode an address: without quoted-printable line breaks, with its codes decoded, or as plain text."""
    text = unquote(unquote(url[:MAX_URL_LENGTH]))
    unbroken = re.sub(r"=0D|=0A", "", text, flags=re.IGNORECASE)
    decoded = re.sub(r"=([0-7][0-9A-F])", lambda code: chr(int(code[1], 16)), text, flags=re.IGNORECASE)
    return list(dict.fromkeys(re.sub(r"[=\s\u200b\u00ad]+", "", form) for form in (unbroken, decoded, text)))


def extract_tokens(url: str) -> list[str]:
    """All substrings of ``address`` that have the form of a token."""
    runs = (run for text in _decode_variants(url) for run in re.findall(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH},}}", text))
    found = (run[at : at + TOKEN_LENGTH] for run in runs for at in range(len(run) - TOKEN_LENGTH + 1))
    return list(dict.fromkeys(found))[:MAX_TOKENS]


def is_damaged_link(path: str) -> bool:
    """Whether ``rest``, the part after ``/admin/``, seems to be from a one-time link."""
    return any(
        re.search(r"w+e+l+c", text, re.IGNORECASE) or TRUNCATED_TOKEN.search(text) for text in _decode_variants(path)
    )


def repair_admin_path(url: str) -> str:
    """The address under /admin/ that a public address without a page was meant to be; "" if there is none."""
    for text in _decode_variants(url):
        path = "/" + text.lstrip("/")
        under_admin = re.fullmatch(r"/admin(?![a-z0-9_-])/*(.*)", path, re.IGNORECASE | re.DOTALL)
        if under_admin:
            return "/admin/" + quote(under_admin[1])
        if re.match(r"/welcome/.", path, re.IGNORECASE):
            return "/admin/welcome/" + quote(path[len("/welcome/") :])
    tokens = [token for token in extract_tokens(url) if re.search(r"[A-Z]", token) and re.search(r"[a-z]", token)]
    return "/admin/welcome/" + quote(url.lstrip("/")) if tokens else ""
