"""An earlier text becomes the draft again. What patients read stays as it is."""

from typing import Any

from django.db import transaction

from portal.staff.models import User
from procedures.enums import EventKind
from procedures.models import Figure, GuideItem, Page, ReleaseEvent, Revision
from procedures.publishing.drafts import claim_version, save_revision

PLAIN = "slug title key_message description body next_label review_months".split()


@transaction.atomic
def restore(revision: Revision, *, actor: User, expected: int) -> tuple[Revision, list[str]]:
    """Make ``revision`` the draft: a new revision with the same text. Also returns what could not be brought back.

    ``expected``: the draft version that the person saw; raises EditedMeanwhileError when somebody saved since.
    """
    page = Page.objects.get(pk=revision.page_id)
    claim_version(page, expected=expected)
    missing = put_back(page, revision.content)
    saved = save_revision(page, author=actor, note=f"Restored from revision {revision.number}")
    ReleaseEvent.objects.create(
        page=page,
        kind=EventKind.RESTORED,
        revision=saved,
        actor=actor,
        reason=f"Revision {revision.number} is the draft again.",
    )
    return saved, missing


def put_back(page: Page, content: dict[str, Any]) -> list[str]:
    """Write plain data (Page.draft) into the draft's own fields and save them. Sentences say what is gone since."""
    missing: list[str] = []
    for name in PLAIN:
        setattr(page, name, content[name])
    page.lead_figure = Figure.objects.filter(slug=content["lead_figure"]).first()
    if content["lead_figure"] and page.lead_figure is None:
        missing.append(f"The picture “{content['lead_figure']}” is not here any more. Choose another one.")
    pages = Page.objects.in_language(page.language)
    page.next_page = pages.filter(subject=content["next_page"]).first()
    if content["next_page"] and page.next_page is None:
        missing.append(f"The next step “{content['next_page']}” is not here any more. Choose another one.")
    page.save(update_fields=[*PLAIN, "lead_figure", "next_page"])
    if "items" in content:
        missing += _put_back_items(page, content["items"])
    return missing


def _put_back_items(page: Page, items: list[dict[str, Any]]) -> list[str]:
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
