"""Where a page stands on its way to the public, in one query for any number of pages."""

from typing import Any

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery

from procedures.enums import EventKind
from procedures.models import Page, ReleaseEvent, Revision

REVIEW_EVENTS = (EventKind.SUBMITTED, EventKind.APPROVED, EventKind.SENT_BACK)


class PageState(models.TextChoices):
    """What lists of pages can be narrowed down to."""

    DRAFT = "draft", "Draft"
    UNSENT = "unsent", "Draft not sent for review"
    WAITING = "waiting", "Waiting for review"
    SENT_BACK = "sent_back", "Sent back"
    APPROVED = "approved", "Approved, to be published"
    PUBLIC = "public", "Public"
    NEWER = "newer", "Public with a newer draft"
    STARTER = "starter", "Public starter text, never reviewed"
    PLANNED = "planned", "Planned to go public"
    WITHDRAWN = "withdrawn", "Withdrawn"


# What a list has no use for: the whole text that patients read, three times over.
TEXTS = ("live_release__html", "live_release__sections", "live_release__revision__content")


def with_states(pages: models.QuerySet[Page], *, texts: bool = False) -> models.QuerySet[Page]:
    """Adds ``latest_hash``, ``latest_author`` and ``latest_at`` (of the newest revision), and ``last_word`` (the last
    review event on that same text). ``texts``: with all of the live release; else reading them costs a query a row.
    """
    newest = Revision.objects.filter(page=OuterRef("pk")).order_by("-number")
    # Withdrawing ends what was said of the text before.
    said = ReleaseEvent.objects.filter(
        page=OuterRef("pk"),
        kind__in=(*REVIEW_EVENTS, EventKind.WITHDRAWN),
        revision__content_hash=OuterRef("latest_hash"),
    )
    pages = pages.select_related("live_release__revision")
    return (pages if texts else pages.defer(*TEXTS)).annotate(
        latest_hash=Subquery(newest.values("content_hash")[:1]),
        latest_author=Subquery(newest.values("author")[:1]),
        latest_at=Subquery(newest.values("created_at")[:1]),
        last_word=Subquery(said.order_by("-pk").values("kind")[:1]),
    )


SAME = Q(live_release__revision__content_hash=F("latest_hash"))
# The last word still counts: the text is not what the public reads, or nobody has approved what it reads.
OPEN = Q(live_release__isnull=True) | ~SAME | Q(live_release__is_starter=True)
CONDITIONS: dict[str, Q] = {
    PageState.DRAFT: Q(live_release__isnull=True, withdrawn_reason="", last_word__isnull=True),
    PageState.UNSENT: Q(latest_hash__isnull=False, last_word__isnull=True) & (Q(live_release__isnull=True) | ~SAME),
    PageState.WAITING: OPEN & Q(last_word=EventKind.SUBMITTED),
    PageState.SENT_BACK: OPEN & Q(last_word=EventKind.SENT_BACK),
    PageState.APPROVED: OPEN & Q(last_word=EventKind.APPROVED),
    PageState.PUBLIC: Q(live_release__isnull=False),
    PageState.NEWER: Q(live_release__isnull=False) & ~SAME,
    PageState.STARTER: Q(live_release__is_starter=True),
    PageState.PLANNED: Q(publish_at__isnull=False),
    PageState.WITHDRAWN: Q(live_release__isnull=True) & ~Q(withdrawn_reason=""),
}


def in_state(pages: models.QuerySet[Page], state: str) -> models.QuerySet[Page]:
    """Pages in one state; they need ``with_states``. A public page can be waiting for review, too."""
    return pages.filter(CONDITIONS[state])


REVIEW_WORDS: dict[str, str] = {
    EventKind.SUBMITTED: "waiting for review",
    EventKind.SENT_BACK: "sent back",
    EventKind.APPROVED: "approved, to be published",
}


def last_word(page: Any) -> str:
    """The last review event that still counts, or an empty text. The page needs ``with_states``."""
    live = page.live_release
    counts = live is None or live.is_starter or live.revision.content_hash != page.latest_hash
    return page.last_word or "" if counts else ""


def state_words(page: Any) -> str:
    """One phrase, such as “Public, with a newer draft: waiting for review”. The page needs ``with_states``."""
    live, word = page.live_release, REVIEW_WORDS.get(last_word(page), "")
    if live is None:
        first = "Withdrawn" if page.withdrawn_reason else "Draft"
        return f"{first}: {word}" if page.withdrawn_reason and word else (word.capitalize() or first)
    if live.revision.content_hash != page.latest_hash:
        return f"Public, with a newer draft: {word}" if word else "Public, with a newer draft"
    first = "Public (starter text)" if live.is_starter else "Public"
    return f"{first}: {word}" if word else first
