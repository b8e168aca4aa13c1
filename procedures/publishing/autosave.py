"""Text that is kept while it is typed, one slot for each open window; and who else is at the same page.

A slot is no Revision: it ends when its text is saved or discarded.
"""

import datetime
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from portal.staff.models import User
from procedures.models import Autosave
from procedures.models.autosave import REVIEW

# A window reports every 15 seconds, a hidden one every minute; one that is silent is closed, asleep or offline.
OPEN_FOR = datetime.timedelta(seconds=90)
# An empty slot is only presence.
EMPTY_FOR = datetime.timedelta(hours=1)
MAX_OFFERED = 5


@dataclass(frozen=True, slots=True)
class Window:
    """One form that one person has open. ``page_id`` is None for a page that was never saved."""

    user: User
    page_id: int | None
    form: str
    key: str


@transaction.atomic
def keep(window: Window, fields: dict[str, str], *, version: int) -> Autosave:
    """Store what stands in the form; empty ``fields`` mean that nothing is unsaved. One slot for each window."""
    now = timezone.now()
    values = {
        "page_id": window.page_id,
        "form": window.form,
        "version": version,
        "fields": fields,
        "seen_at": now,
    }
    slot = Autosave.objects.filter(user=window.user, window=window.key).first()
    typed_at = (slot.typed_at if slot and slot.fields == fields else now) if fields else None
    slot, _ = Autosave.objects.update_or_create(
        user=window.user,
        window=window.key,
        defaults={**values, "typed_at": typed_at},
        create_defaults={**values, "typed_at": typed_at, "opened_at": now},
    )
    Autosave.objects.filter(typed_at__isnull=True, seen_at__lt=now - EMPTY_FOR).delete()
    return slot


def unsaved(window: Window) -> list[Autosave]:
    """What this person typed into this form in other windows and never saved, the newest first."""
    mine = Autosave.objects.of_page(window.page_id, window.form).filter(user=window.user)
    return list(mine.exclude(window=window.key).with_text()[:MAX_OFFERED])


def colleagues(window: Window) -> list[Autosave]:
    """Other people who have this page open now, one slot each: the one typed into last."""
    if window.page_id is None:
        return []
    here = Autosave.objects.of_page(window.page_id, window.form).open_since(timezone.now() - OPEN_FOR)
    rows = here.exclude(user=window.user).select_related("user").defer("fields").order_by("opened_at")
    latest: dict[int, Autosave] = {}
    for row in rows:
        before = latest.get(row.user_id)
        if before is None or (row.typed_at and (before.typed_at is None or row.typed_at > before.typed_at)):
            latest[row.user_id] = row
    return list(latest.values())


def forget(user: User, keys: list[str]) -> int:
    """End slots of one person: their text is saved, or nobody wants it. Returns how many there were."""
    return Autosave.objects.filter(user=user, window__in=keys).delete()[0]


def keep_comments(user: User, page_id: int, fields: dict[str, str], *, version: int) -> Autosave:
    """Store what a reviewer has typed about revision ``version``; nothing typed empties the slot."""
    return keep(Window(user, page_id, REVIEW, _review_key(page_id)), fields, version=version)


def comments_of(user: User, page_id: int) -> Autosave | None:
    """What this reviewer typed about the page and has not sent yet."""
    return Autosave.objects.filter(user=user, window=_review_key(page_id)).with_text().first()


def forget_comments(user: User, page_id: int) -> None:
    """The comments are sent, or the reviewer does not want them."""
    forget(user, [_review_key(page_id)])


def _review_key(page_id: int) -> str:
    return f"{REVIEW}-{page_id}"
