"""What the tests of the workflow's screens share: planning, and what waits on the first page."""

from typing import Any

from django.test import Client

from procedures.models import Page
from tests.admin.conftest import PAGES


def publish_address(page: Page) -> str:
    """Where a page is published, planned and taken from the plan."""
    return f"{PAGES}{page.pk}/publish/"


def plan(client: Client, page: Page, day: str, time: str, **more: str) -> Any:
    """Send the plan for the text that the screen shows."""
    shown = page.revisions.first()
    assert shown is not None
    return client.post(publish_address(page), {"revision": shown.pk, "later": "1", "day": day, "time": time, **more})


def home(client: Client) -> dict[str, list[str]]:
    """The lists of the first page, by their key: title and words of each row."""
    cards = client.get("/admin/").context["cards"]
    return {card.task_list.key: [f"{page.title}: {words}" for page, _, words in card.rows] for card in cards}
