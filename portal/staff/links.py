"""One-time links: made, sent, used, revoked. Each has exactly one writer here."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from portal.staff import audit, mail, sessions
from portal.staff.damaged import TOKEN_BYTES, tokens_in
from portal.staff.models import PasswordRequest, StaffLink, User, person_called
from portal.staff.models.link import hash_of

LASTS = {
    StaffLink.Purpose.INVITATION: timedelta(days=7),
    StaffLink.Purpose.PASSWORD: timedelta(hours=24),
}
IN_WORDS = {StaffLink.Purpose.INVITATION: "7 days", StaffLink.Purpose.PASSWORD: "24 hours"}
AGAIN = timedelta(minutes=15)


def find_link(address: str, at: datetime) -> tuple[StaffLink | None, str]:
    """The usable link whose token is in an address, which may be damaged, with the token."""
    tokens = {hash_of(token): token for token in tokens_in(address)}
    link = StaffLink.objects.usable(at).filter(token_hash__in=list(tokens)).select_related("user").first()
    return link, tokens[link.token_hash] if link else ""


@transaction.atomic
def make_link(user: User, *, actor: User | None, request: HttpRequest | None = None) -> str:
    """The address of a new link; earlier ones end. An account that has no password yet gets an invitation."""
    purpose = StaffLink.Purpose.PASSWORD if user.has_usable_password() else StaffLink.Purpose.INVITATION
    now = timezone.now()
    StaffLink.objects.filter(user=user).usable(now).update(revoked_at=now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    StaffLink.objects.create(
        user=user, purpose=purpose, token_hash=hash_of(token), created_at=now, created_by=actor,
        expires_at=now + LASTS[purpose],
    )  # fmt: skip
    audit.record(audit.Kind.LINK_MADE, person=user, actor=actor, request=request, detail=purpose.label)
    return f"{settings.PUBLIC_URL}{reverse('welcome', args=[token])}"


def send_link(user: User, address: str) -> bool:
    """Whether it went out by mail."""
    invited = not user.has_usable_password()
    lasts = IN_WORDS[StaffLink.Purpose.INVITATION if invited else StaffLink.Purpose.PASSWORD]
    first = (
        "you are invited to work on the clinic's patient pages."
        if invited
        else "somebody, probably you, asked for a new password for the clinic's patient pages."
    )
    text = (
        f"Hello {user},\n\n{first}\n\nOpen this address and choose a password (it works once, for {lasts}):\n\n"
        f"{address}\n\nYour user name is {user.username}."
    )
    closing = "" if invited else "\n\nIf you did not ask, do nothing: your password stays as it is.\n"
    return mail.send(user, "your invitation" if invited else "a new password", text + (closing or "\n"))


@transaction.atomic
def use_link(token: str, password: str, *, request: HttpRequest) -> StaffLink | None:
    """Set the password with a link, once. None when it no longer works, also when two come at the same moment."""
    now = timezone.now()
    link = StaffLink.objects.of_token(token, now)
    if link is None or not StaffLink.objects.filter(pk=link.pk, used_at=None, revoked_at=None).update(used_at=now):
        return None
    user = link.user
    user.set_password(password)
    user.save(update_fields=["password"])
    sessions.end_all(user)
    audit.record(audit.Kind.LINK_USED, person=user, actor=user, request=request, detail=link.get_purpose_display())
    if link.purpose == StaffLink.Purpose.PASSWORD:
        audit.record(audit.Kind.PASSWORD_CHANGED, person=user, actor=user, request=request)
        transaction.on_commit(lambda: mail.tell(user, "a new password was set"))
    return link


@transaction.atomic
def revoke_links(user: User, *, actor: User, request: HttpRequest | None = None) -> int:
    """No open link of ``user`` works any more; returns how many there were."""
    now = timezone.now()
    ended = StaffLink.objects.filter(user=user, used_at=None, revoked_at=None, expires_at__gt=now).update(
        revoked_at=now
    )
    if ended:
        audit.record(audit.Kind.LINK_REVOKED, person=user, actor=actor, request=request)
    return ended


def _has_new_link(user: User) -> bool:
    """Asking again and again neither fills a mailbox nor ends the link that is in it."""
    return StaffLink.objects.filter(user=user, created_at__gt=timezone.now() - AGAIN).usable(timezone.now()).exists()


def answer_password_requests() -> int:
    """Send links to those who asked and whom we know; returns how many. ``serve`` does this each minute."""
    sent = 0
    for asked in PasswordRequest.objects.order_by("asked_at"):
        # Whoever deletes it answers it: two processes never send twice.
        if not PasswordRequest.objects.filter(pk=asked.pk).delete()[0]:
            continue
        user = person_called(asked.typed)
        if user and user.is_active and user.is_staff and user.email and not user.is_demo and not _has_new_link(user):
            went = send_link(user, make_link(user, actor=None))
            if not went:
                # Asking again must help: a link that nobody has would stand in the way of the next one.
                StaffLink.objects.filter(user=user).usable(timezone.now()).update(revoked_at=timezone.now())
            sent += went
    return sent
