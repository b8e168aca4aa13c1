"""Helpers of the workflow tests: scheduling a page, and the task lists of the dashboard."""

from typing import Any

from django.test import Client

from procedures.models import Page
from tests.admin.conftest import PAGES


def publish_url(page: Page) -> str:
    """Return the URL where a page is published, scheduled, and unscheduled."""
    return f"{PAGES}{page.pk}/publish/"


def schedule_page(client: Client, page: Page, day: str, time: str, **more: str) -> Any:
    """Schedule the text that the screen shows."""
    shown = page.revisions.first()
    assert shown is not None
    return client.post(publish_url(page), {"revision": shown.pk, "later": "1", "day": day, "time": time, **more})


def task_lists(client: Client) -> dict[str, list[str]]:
    """Return the task lists of the dashboard by key: title and reason of each row."""
    cards = client.get("/admin/").context["cards"]
    return {card.task_list.key: [f"{page.title}: {words}" for page, _, words in card.rows] for card in cards}
