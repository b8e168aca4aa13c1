"""Saving, restoring, and autosaving drafts.

Every save creates a Revision, and concurrent edits are detected, never overwritten. An autosave holds the unsaved text
of one open form and shows who is editing a page; it is deleted when its text is saved or discarded.
"""

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.models import Autosave, Figure, GuideItem, Page, ReleaseEvent, Revision
from procedures.models.revisions import REVIEW_FORM

# Draft fields that are copied verbatim; the others refer to other rows.
PLAIN_FIELDS = "slug title key_message description body next_label review_months".split()
# A browser window reports every 15 seconds, or every minute while hidden; without reports, it is considered closed,
# asleep, or offline.
PRESENCE_TIMEOUT = datetime.timedelta(seconds=90)
# An autosave without unsaved text only signals presence.
EMPTY_AUTOSAVE_LIFETIME = datetime.timedelta(hours=1)


class EditConflictError(Exception):
    """Raised if someone else saved the page after it was opened. The two texts must be merged first."""

    def __init__(self, page_id: int) -> None:
        super().__init__(_("Someone else saved this page while you were writing."))
        self.page_id = page_id


@transaction.atomic
def check_and_bump_version(page: Page, *, expected_version: int) -> None:
    """Increment the draft version, or raise EditConflictError if it is not ``expected_version``.

    A conditional UPDATE, because ``select_for_update`` does nothing on SQLite.
    """
    updated = Page.objects.filter(pk=page.pk, draft_version=expected_version).update(
        draft_version=F("draft_version") + 1
    )
    if not updated:
        raise EditConflictError(page.pk)
    page.draft_version = expected_version + 1


@transaction.atomic
def save_revision(page: Page, *, author: User | None, note: str = "", copied_authors: Collection[int] = ()) -> Revision:
    """Record the page's saved draft as a Revision; return the latest one if the text has not changed.

    ``copied_authors``: who wrote the page that it was copied or imported from (``find_page_authors``).
    """
    content = page.draft_content()
    latest = page.revisions.order_by("-number").first()
    if latest and latest.content == content:
        return latest
    number = latest.number + 1 if latest else 1
    return Revision.objects.create(
        page=page, number=number, content=content, author=author, note=note, copied_authors=sorted(copied_authors)
    )


def find_page_authors(page: Page) -> set[int]:
    """Return the keys of all who wrote any text of the page, here or before it was copied or imported."""
    rows = page.revisions.values_list("author", "copied_authors")
    return {key for author, copied in rows for key in (author, *copied) if key is not None}


@transaction.atomic
def restore_revision(revision: Revision, *, actor: User, expected_version: int) -> tuple[Revision, list[str]]:
    """Make the content of ``revision`` the draft again, as a new revision.

    Return that revision, and messages about what could not be restored. ``expected_version``: the draft version that
    the user saw; raise EditConflictError if there is a newer one.
    """
    page = Page.objects.get(pk=revision.page_id)
    check_and_bump_version(page, expected_version=expected_version)
    messages = apply_content(page, revision.content)
    number = {"number": revision.number}
    restored = save_revision(page, author=actor, note=_("Restored from revision %(number)s") % number)
    ReleaseEvent.objects.create(
        page=page,
        kind=EventKind.RESTORED,
        revision=restored,
        actor=actor,
        reason=_("Revision %(number)s is the draft again.") % number,
    )
    return restored, messages


def apply_content(page: Page, content: dict[str, Any]) -> list[str]:
    """Write plain data (``Page.draft_content``) to the draft and save it.

    Return messages about references to rows that no longer exist.
    """
    messages: list[str] = []
    for name in PLAIN_FIELDS:
        setattr(page, name, content[name])
    page.lead_figure = Figure.objects.filter(slug=content["lead_figure"]).first()
    if content["lead_figure"] and page.lead_figure is None:
        message = _("The picture “%(slug)s” no longer exists. Choose another one.")
        messages.append(message % {"slug": content["lead_figure"]})
    pages = Page.objects.in_language(page.language)
    page.next_page = pages.filter(subject=content["next_page"]).first()
    if content["next_page"] and page.next_page is None:
        message = _("The next step “%(subject)s” no longer exists. Choose another one.")
        messages.append(message % {"subject": content["next_page"]})
    page.save(update_fields=[*PLAIN_FIELDS, "lead_figure", "next_page"])
    if "items" in content:
        messages += _apply_guide_items(page, content["items"])
    return messages


def _apply_guide_items(guide: Page, items: list[dict[str, Any]]) -> list[str]:
    messages = []
    guide.items.all().delete()
    by_subject = {page.subject: page for page in Page.objects.in_language(guide.language)}
    for order, item in enumerate(items):
        page = by_subject.get(item["page"])
        if page is None:
            message = _("The page “%(subject)s” of the reading list no longer exists.")
            messages.append(message % {"subject": item["page"]})
            continue
        values = {name: item[name] for name in GuideItem.PLAIN_FIELDS}
        GuideItem.objects.create(guide=guide, order=order, page=page, **values)
    return messages


@dataclass(frozen=True, slots=True)
class EditingSession:
    """A form that a user has open in one browser window. ``page_id`` is None for a page that was never saved."""

    user: User
    page_id: int | None
    form: str
    client_id: str


@transaction.atomic
def save_autosave(session: EditingSession, fields: dict[str, str], *, version: int) -> Autosave:
    """Store the values of a form; empty ``fields`` mean that there is nothing unsaved. Delete expired empty autosaves.

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
    if fields and session.page_id is None:
        _delete_superseded(session, fields, now)
    return autosave


def _delete_superseded(session: EditingSession, fields: dict[str, str], now: datetime.datetime) -> None:
    """Delete earlier unsaved texts of new pages, in closed windows, that ``fields`` contain completely.

    A user who started the same page several times is then offered one text to recover, not one for each attempt.
    """
    earlier = (
        Autosave.objects.for_form(None, session.form).filter(user=session.user).exclude(client_id=session.client_id)
    )
    closed = earlier.with_unsaved_text().filter(last_seen_at__lt=now - PRESENCE_TIMEOUT)
    texts = {name: " ".join(value.split()) for name, value in fields.items()}
    superseded = [
        autosave.pk
        for autosave in closed
        if all(" ".join(value.split()) in texts.get(name, "") for name, value in autosave.fields.items())
    ]
    Autosave.objects.filter(pk__in=superseded).delete()


def find_unsaved(session: EditingSession) -> list[Autosave]:
    """Return unsaved text that the user typed into the same form in other windows, newest first."""
    autosaves = Autosave.objects.for_form(session.page_id, session.form).filter(user=session.user)
    return list(autosaves.exclude(client_id=session.client_id).with_unsaved_text())


def is_open(autosave: Autosave) -> bool:
    """Return whether the window of an autosave still reports."""
    return autosave.last_seen_at >= timezone.now() - PRESENCE_TIMEOUT


def find_all_unsaved(user: User) -> QuerySet[Autosave]:
    """Return all unsaved text of a user, newest first, also in windows that are still open: the site cannot know
    whether a window that has just reported is closed.
    """
    texts = Autosave.objects.filter(user=user).exclude(form=REVIEW_FORM).with_unsaved_text()
    return texts.select_related("page").defer("page__body")


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


@dataclass(frozen=True, slots=True)
class ReviewComments:
    """A reviewer's unsent comments on a page, typed in one or more windows.

    ``paragraphs``: the comments by quoted paragraph. ``seen``: one token for each autosave that they come from.
    """

    comment: str
    paragraphs: dict[str, str]
    edited_at: datetime.datetime
    seen: list[str]


@transaction.atomic
def save_review_comments(
    session: EditingSession, fields: dict[str, str], *, version: int, seen: Iterable[str] = ()
) -> Autosave:
    """Store a reviewer's unsent comments on revision ``version``; empty ``fields`` mean that there are none.

    The autosaves that the window showed when it was opened (``seen``) are deleted, unless they have changed since.
    """
    autosave = save_autosave(session, fields, version=version)
    _discard_seen(session, seen)
    return autosave


def get_review_comments(user: User, page_id: int) -> ReviewComments | None:
    """Return the reviewer's unsent comments on the page, merged by quoted paragraph."""
    autosaves = list(Autosave.objects.filter(user=user, page=page_id, form=REVIEW_FORM).with_unsaved_text())
    if not autosaves:
        return None
    comment = ""
    paragraphs: dict[str, str] = {}
    for autosave in reversed(autosaves):
        fields = autosave.fields
        comment = _join_comments(comment, fields.get("comment", ""))
        own: dict[str, str] = {}
        for name in fields:
            if name.startswith("at-"):
                quote = fields.get(f"quote-{name.removeprefix('at-')}", "")
                # Two paragraphs can have the same text, such as "Call us."
                own[quote] = f"{own[quote]}\n\n{fields[name]}" if quote in own else fields[name]
        paragraphs |= {quote: _join_comments(paragraphs.get(quote, ""), text) for quote, text in own.items()}
    edited_at = autosaves[0].edited_at or autosaves[0].last_seen_at
    return ReviewComments(comment, paragraphs, edited_at, [seen_token(autosave) for autosave in autosaves])


def discard_review_comments(session: EditingSession, seen: Iterable[str]) -> None:
    """Delete the comments of this window, and those that it showed when it was opened (``seen``)."""
    discard_autosaves(session.user, [session.client_id])
    _discard_seen(session, seen)


def seen_token(autosave: Autosave) -> str:
    """Return the token of an autosave as it is now."""
    return f"{autosave.client_id}|{autosave.edited_at.isoformat() if autosave.edited_at else ''}"


def _discard_seen(session: EditingSession, seen: Iterable[str]) -> None:
    tokens = set(seen)
    rows = Autosave.objects.filter(user=session.user, page=session.page_id, form=REVIEW_FORM)
    others = rows.exclude(client_id=session.client_id)
    for row in others:
        if seen_token(row) in tokens:
            # Not if its window has saved again meanwhile.
            others.filter(pk=row.pk, edited_at=row.edited_at).delete()


def _join_comments(earlier: str, later: str) -> str:
    """Join two comments on the same paragraph, or return the one that contains the other."""
    if later in earlier:
        return earlier
    return later if earlier in later else f"{earlier}\n{later}"
