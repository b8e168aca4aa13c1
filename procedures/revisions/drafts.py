"""Saving and restoring drafts: every save creates a Revision, and concurrent edits are detected, never overwritten."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.models import Figure, GuideItem, Page, ReleaseEvent, Revision

# The fields of a draft that are copied as they are; the others refer to other rows.
PLAIN_FIELDS = "slug title key_message description body next_label review_months".split()


class EditConflictError(Exception):
    """Someone else saved the page after it was opened: the two texts must be merged first."""

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
def save_revision(page: Page, *, author: User | None, note: str = "") -> Revision:
    """Record the page's saved draft as a Revision; return the latest one if the text has not changed."""
    content = page.draft_content()
    latest = page.revisions.order_by("-number").first()
    if latest and latest.content == content:
        return latest
    number = latest.number + 1 if latest else 1
    return Revision.objects.create(page=page, number=number, content=content, author=author, note=note)


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
        values = {name: item[name] for name in ("section", "minutes", "note")}
        GuideItem.objects.create(guide=guide, order=order, page=page, **values)
    return messages
