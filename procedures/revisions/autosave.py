"""Autosave of unsaved text, one row for each open form; the same rows tell who is editing a page.

An autosave is not a Revision: it is deleted when its text is saved or discarded.
"""

import datetime
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from procedures.models import Autosave
from procedures.models.revisions import REVIEW_FORM

# A browser window reports every 15 seconds, or every minute while hidden; a silent one is closed, asleep, or offline.
PRESENCE_TIMEOUT = datetime.timedelta(seconds=90)
# An autosave without unsaved text only signals presence.
EMPTY_AUTOSAVE_LIFETIME = datetime.timedelta(hours=1)
# The maximum number of unsaved texts that a form offers to recover.
MAX_RECOVERABLE = 5


@dataclass(frozen=True, slots=True)
class EditingSession:
    """A form that a user has open in one browser window. ``page_id`` is None for a page that was never saved."""

    user: User
    page_id: int | None
    form: str
    client_id: str


@transaction.atomic
def save_autosave(session: EditingSession, fields: dict[str, str], *, version: int) -> Autosave:
    """Store the values of a form; empty ``fields`` mean that nothing is unsaved. Delete expired empty autosaves.

    ``version``: the draft version that the form was opened with.
    """
    now = timezone.now()
    values = {
        "page_id": session.page_id,
        "form": session.form,
        "version": version,
        "fields": fields,
        "last_seen_at": now,
    }
    previous = Autosave.objects.filter(user=session.user, client_id=session.client_id).first()
    edited_at = (previous.edited_at if previous and previous.fields == fields else now) if fields else None
    autosave, _created = Autosave.objects.update_or_create(
        user=session.user,
        client_id=session.client_id,
        defaults={**values, "edited_at": edited_at},
        create_defaults={**values, "edited_at": edited_at, "opened_at": now},
    )
    Autosave.objects.filter(edited_at__isnull=True, last_seen_at__lt=now - EMPTY_AUTOSAVE_LIFETIME).delete()
    return autosave


def find_unsaved(session: EditingSession) -> list[Autosave]:
    """Return unsaved text that the user typed into the same form in other windows, newest first."""
    autosaves = Autosave.objects.for_form(session.page_id, session.form).filter(user=session.user)
    return list(autosaves.exclude(client_id=session.client_id).with_unsaved_text()[:MAX_RECOVERABLE])


def active_editors(session: EditingSession) -> list[Autosave]:
    """Return one autosave for each other user who has the page open now: the one edited last."""
    if session.page_id is None:
        return []
    active = Autosave.objects.for_form(session.page_id, session.form).active_since(timezone.now() - PRESENCE_TIMEOUT)
    autosaves = active.exclude(user=session.user).select_related("user").defer("fields").order_by("opened_at")
    latest: dict[int, Autosave] = {}
    for autosave in autosaves:
        other = latest.get(autosave.user_id)
        if other is None or (autosave.edited_at and (other.edited_at is None or autosave.edited_at > other.edited_at)):
            latest[autosave.user_id] = autosave
    return list(latest.values())


def discard_autosaves(user: User, client_ids: list[str]) -> int:
    """Delete autosaves of one user. Return the number of deleted rows."""
    return Autosave.objects.filter(user=user, client_id__in=client_ids).delete()[0]


def save_review_comments(user: User, page_id: int, fields: dict[str, str], *, version: int) -> Autosave:
    """Store a reviewer's unsent comments on revision ``version``; empty ``fields`` mean that there are none."""
    return save_autosave(
        EditingSession(user, page_id, REVIEW_FORM, _review_client_id(page_id)), fields, version=version
    )


def get_review_comments(user: User, page_id: int) -> Autosave | None:
    """Return the reviewer's unsent comments on the page."""
    return Autosave.objects.filter(user=user, client_id=_review_client_id(page_id)).with_unsaved_text().first()


def discard_review_comments(user: User, page_id: int) -> None:
    """Delete the reviewer's unsent comments on the page."""
    discard_autosaves(user, [_review_client_id(page_id)])


def _review_client_id(page_id: int) -> str:
    return f"{REVIEW_FORM}-{page_id}"
