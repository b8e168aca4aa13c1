"""Saving a draft: every save is a Revision, and nobody overwrites what somebody else saved meanwhile."""

from typing import Any

from django.db import transaction
from django.db.models import F

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.models import Figure, GuideItem, Page, ReleaseEvent, Revision


class EditConflictError(Exception):
    """Somebody else saved this page since it was opened: the two texts must be put together first."""

    def __init__(self, page_id: int) -> None:
        super().__init__("Somebody else saved this page while you were writing.")
        self.page_id = page_id


@transaction.atomic
def check_and_bump_version(page: Page, *, expected_version: int) -> None:
    """Take the next draft version, or raise EditedMeanwhileError. ``select_for_update`` does nothing on SQLite."""
    taken = Page.objects.filter(pk=page.pk, draft_version=expected_version).update(draft_version=F("draft_version") + 1)
    if not taken:
        raise EditConflictError(page.pk)
    page.draft_version = expected_version + 1


@transaction.atomic
def save_revision(page: Page, *, author: User | None, note: str = "") -> Revision:
    """Record the page's saved draft as a Revision. The same text twice in a row gives one Revision."""
    content = page.draft_content()
    latest = page.revisions.order_by("-number").first()
    if latest and latest.content == content:
        return latest
    number = latest.number + 1 if latest else 1
    return Revision.objects.create(page=page, number=number, content=content, author=author, note=note)


PLAIN_FIELDS = "slug title key_message description body next_label review_months".split()


@transaction.atomic
def restore_revision(revision: Revision, *, actor: User, expected_version: int) -> tuple[Revision, list[str]]:
    """Make ``revision`` the draft: a new revision with the same text. Also returns what could not be brought back.

    ``expected``: the draft version that the person saw; raises EditedMeanwhileError when somebody saved since.
    """
    page = Page.objects.get(pk=revision.page_id)
    check_and_bump_version(page, expected_version=expected_version)
    missing = apply_content(page, revision.content)
    saved = save_revision(page, author=actor, note=f"Restored from revision {revision.number}")
    ReleaseEvent.objects.create(
        page=page,
        kind=EventKind.RESTORED,
        revision=saved,
        actor=actor,
        reason=f"Revision {revision.number} is the draft again.",
    )
    return saved, missing


def apply_content(page: Page, content: dict[str, Any]) -> list[str]:
    """Write plain data (Page.draft) into the draft's own fields and save them. Sentences say what is gone since."""
    missing: list[str] = []
    for name in PLAIN_FIELDS:
        setattr(page, name, content[name])
    page.lead_figure = Figure.objects.filter(slug=content["lead_figure"]).first()
    if content["lead_figure"] and page.lead_figure is None:
        missing.append(f"The picture “{content['lead_figure']}” is not here any more. Choose another one.")
    pages = Page.objects.in_language(page.language)
    page.next_page = pages.filter(subject=content["next_page"]).first()
    if content["next_page"] and page.next_page is None:
        missing.append(f"The next step “{content['next_page']}” is not here any more. Choose another one.")
    page.save(update_fields=[*PLAIN_FIELDS, "lead_figure", "next_page"])
    if "items" in content:
        missing += _apply_guide_items(page, content["items"])
    return missing


def _apply_guide_items(page: Page, items: list[dict[str, Any]]) -> list[str]:
    missing = []
    page.items.all().delete()
    by_subject = {p.subject: p for p in Page.objects.in_language(page.language)}
    for order, item in enumerate(items):
        target = by_subject.get(item["page"])
        if target is None:
            missing.append(f"The reading list named “{item['page']}”, which is not here any more.")
            continue
        values = {name: item[name] for name in ("section", "minutes", "note")}
        GuideItem.objects.create(guide=page, order=order, page=target, **values)
    return missing
