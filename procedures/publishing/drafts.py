"""Saving a draft: every save is a Revision, and nobody overwrites what somebody else saved meanwhile."""

from django.db import transaction
from django.db.models import F

from portal.staff.models import User
from procedures.models import Page, Revision


class EditedMeanwhileError(Exception):
    """Somebody else saved this page since it was opened: the two texts must be put together first."""

    def __init__(self, page_id: int) -> None:
        super().__init__("Somebody else saved this page while you were writing.")
        self.page_id = page_id


@transaction.atomic
def claim_version(page: Page, *, expected: int) -> None:
    """Take the next draft version, or raise EditedMeanwhileError. ``select_for_update`` does nothing on SQLite."""
    taken = Page.objects.filter(pk=page.pk, draft_version=expected).update(draft_version=F("draft_version") + 1)
    if not taken:
        raise EditedMeanwhileError(page.pk)
    page.draft_version = expected + 1


@transaction.atomic
def save_revision(page: Page, *, author: User | None, note: str = "") -> Revision:
    """Record the page's saved draft as a Revision. The same text twice in a row gives one Revision."""
    content = page.draft()
    latest = page.revisions.order_by("-number").first()
    if latest and latest.content == content:
        return latest
    number = latest.number + 1 if latest else 1
    return Revision.objects.create(page=page, number=number, content=content, author=author, note=note)
