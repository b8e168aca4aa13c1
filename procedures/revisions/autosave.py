"""Text that is kept while it is typed, one slot for each open window; and who else is at the same page.

A slot is no Revision: it ends when its text is saved or discarded.
"""

import datetime
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from procedures.models import Autosave
from procedures.models.revisions import REVIEW_FORM

# A window reports every 15 seconds, a hidden one every minute; one that is silent is closed, asleep or offline.
PRESENCE_TIMEOUT = datetime.timedelta(seconds=90)
# An empty slot is only presence.
EMPTY_SLOT_LIFETIME = datetime.timedelta(hours=1)
MAX_RECOVERABLE = 5


@dataclass(frozen=True, slots=True)
class EditingSession:
    """One form that one person has open. ``page_id`` is None for a page that was never saved."""

    user: User
    page_id: int | None
    form: str
    client_id: str


@transaction.atomic
def save_autosave(session: EditingSession, fields: dict[str, str], *, version: int) -> Autosave:
    """Store what stands in the form; empty ``fields`` mean that nothing is unsaved. One slot for each window."""
    now = timezone.now()
    values = {
        "page_id": session.page_id,
        "form": session.form,
        "version": version,
        "fields": fields,
        "last_seen_at": now,
    }
    slot = Autosave.objects.filter(user=session.user, client_id=session.client_id).first()
    edited_at = (slot.edited_at if slot and slot.fields == fields else now) if fields else None
    slot, _ = Autosave.objects.update_or_create(
        user=session.user,
        client_id=session.client_id,
        defaults={**values, "edited_at": edited_at},
        create_defaults={**values, "edited_at": edited_at, "opened_at": now},
    )
    Autosave.objects.filter(edited_at__isnull=True, last_seen_at__lt=now - EMPTY_SLOT_LIFETIME).delete()
    return slot


def find_unsaved(session: EditingSession) -> list[Autosave]:
    """What this person typed into this form in other windows and never saved, the newest first."""
    mine = Autosave.objects.for_form(session.page_id, session.form).filter(user=session.user)
    return list(mine.exclude(client_id=session.client_id).with_unsaved_text()[:MAX_RECOVERABLE])


def active_editors(session: EditingSession) -> list[Autosave]:
    """Other people who have this page open now, one slot each: the one typed into last."""
    if session.page_id is None:
        return []
    here = Autosave.objects.for_form(session.page_id, session.form).active_since(timezone.now() - PRESENCE_TIMEOUT)
    rows = here.exclude(user=session.user).select_related("user").defer("fields").order_by("opened_at")
    latest: dict[int, Autosave] = {}
    for row in rows:
        before = latest.get(row.user_id)
        if before is None or (row.edited_at and (before.edited_at is None or row.edited_at > before.edited_at)):
            latest[row.user_id] = row
    return list(latest.values())


def discard_autosaves(user: User, client_ids: list[str]) -> int:
    """End slots of one person: their text is saved, or nobody wants it. Returns how many there were."""
    return Autosave.objects.filter(user=user, client_id__in=client_ids).delete()[0]


def save_review_comments(user: User, page_id: int, fields: dict[str, str], *, version: int) -> Autosave:
    """Store what a reviewer has typed about revision ``version``; nothing typed empties the slot."""
    return save_autosave(
        EditingSession(user, page_id, REVIEW_FORM, _review_client_id(page_id)), fields, version=version
    )


def get_review_comments(user: User, page_id: int) -> Autosave | None:
    """What this reviewer typed about the page and has not sent yet."""
    return Autosave.objects.filter(user=user, client_id=_review_client_id(page_id)).with_unsaved_text().first()


def discard_review_comments(user: User, page_id: int) -> None:
    """The comments are sent, or the reviewer does not want them."""
    discard_autosaves(user, [_review_client_id(page_id)])


def _review_client_id(page_id: int) -> str:
    return f"{REVIEW_FORM}-{page_id}"
