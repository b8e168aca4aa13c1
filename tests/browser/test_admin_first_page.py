"""A new editor's first page, from draft to publication and withdrawal, in a real browser: by mouse, and by keyboard alone.

Run with ``-s`` to see how long each step took.
"""

import datetime
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Locator, expect

from portal.accounts.models import User
from procedures.models import Clinic
from procedures.models import Page as PageRow
from procedures.publishing.schedule import publish_scheduled
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, change_url, make_staff
from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, StaffTab, open_staff_tab
from tests.factories import make_clinic, make_figure, make_next, make_page, make_public, make_source, make_user

pytestmark = [pytest.mark.browser, pytest.mark.writes, pytest.mark.django_db(transaction=True)]

TEXT = """::: key-points
- It is short.
- You can go home the same day.
:::

## What you see

::: figure needle

## How often it helps

::: chance 2 in 100
people have to come back. [@nice]
:::

## When to call {#when-to-call}

::: call
- You have a question.
:::
"""


class Hands:
    """A way of working: with the mouse, or with the keyboard alone. ``steps``: seconds by name."""

    def __init__(self, way: str) -> None:
        self.way, self.steps = way, dict[str, float]()

    def press(self, target: Locator) -> None:
        """Activate a button or link, or check a box."""
        if self.way == "mouse":
            target.click()
            return
        target.focus()
        expect(target).to_be_focused()
        target.page.keyboard.press("Space" if target.get_attribute("type") in {"radio", "checkbox"} else "Enter")

    def write(self, field: Locator, text: str) -> None:
        """Replace the content of a field."""
        if self.way == "mouse":
            field.click()
        else:
            field.focus()
        field.fill(text)

    def choose(self, field: Locator, words: str) -> None:
        """Choose an option from a list."""
        field.select_option(label=words)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        begun = time.monotonic()
        yield
        self.steps[name] = time.monotonic() - begun


@pytest.fixture
def team(transactional_db: None) -> dict[str, User]:
    make_clinic(time_zone="America/Denver")
    make_figure(size=(40, 40))
    make_source()
    make_next()
    return {
        name: make_staff(name, role) for name, role in (("Nina", "Editor"), ("Rosa", "Reviewer"), ("Max", "Manager"))
    }


@pytest.fixture
def seats(browser: Browser, live_server: Any, team: dict[str, User]) -> Iterator[dict[str, StaffTab]]:
    """A signed-in browser for each team member. Console errors fail the test."""
    with ExitStack() as stack:
        made = {name: stack.enter_context(open_staff_tab(browser, live_server.url, DESKTOP)) for name in team}
        for name, tab in made.items():
            tab.sign_in(team[name])
        yield made
        assert {name: at.complaints for name, at in made.items() if at.complaints} == {}


def status(path: str = "/my-first-page/") -> int:
    return Client().get(path).status_code


@pytest.mark.parametrize("way", [pytest.param("mouse", marks=pytest.mark.smoke), "keyboard"])
def test_new_editor_publishes_a_first_page(seats: dict[str, StaffTab], way: str) -> None:
    hands = Hands(way)
    nina, rosa, max_ = (seats[name].page for name in ("Nina", "Rosa", "Max"))

    with hands.step("write a page with a figure, a chance array and a care card"):
        seats["Nina"].open("/admin/")
        hands.press(nina.get_by_role("link", name="New page"))
        hands.write(nina.locator("#id_title"), "My first page")
        hands.write(nina.locator("#id_key_message"), "A small cut helps.")
        hands.write(nina.locator("#id_body"), TEXT)
        hands.press(nina.get_by_role("button", name="Settings").first)
        hands.write(nina.locator("#id_slug"), "my-first-page")
        hands.write(nina.locator("#id_subject"), "my-first-page")
        hands.choose(nina.locator("#id_kind"), "Procedure")
        hands.choose(nina.locator("#id_lead_figure"), "Needle")
        hands.choose(nina.locator("#id_next_page"), "Contact (en)")
        hands.write(nina.locator("#id_description"), "What a small cut is.")
        expect(nina.locator("[data-problems] li")).to_have_count(0)
    with hands.step("submit with a note"):
        hands.press(nina.locator("summary", has_text="Send for review"))
        hands.write(nina.locator("#id_note"), "My first one.")
        hands.press(nina.get_by_role("button", name="Send", exact=True))
        expect(nina.locator(".messagelist")).to_contain_text("sent for review")
    row = PageRow.objects.get(subject="my-first-page")

    with hands.step("send it back with a comment at a paragraph"):
        seats["Rosa"].open("/admin/")
        hands.press(rosa.locator(".task-card--to_approve").get_by_role("link", name="My first page"))
        expect(rosa.locator("#content")).to_contain_text("My first one.")
        place = rosa.locator(".diff__row", has_text="You can go home the same day.")
        hands.press(place.locator("summary"))
        hands.write(place.locator("textarea"), "Say from when on.")
        hands.press(rosa.get_by_role("button", name="Send back"))
        expect(rosa.locator(".messagelist")).to_contain_text("Sent back")
    with hands.step("mend it where the comment leads"):
        seats["Nina"].open("/admin/")
        hands.press(nina.locator(".task-card--sent_back").get_by_role("link", name="My first page"))
        expect(nina.locator(".review-comments")).to_contain_text("Say from when on.")
        hands.press(nina.locator(".review-comments").get_by_role("button", name="Line 3"))
        expect(nina.locator("#id_body")).to_be_focused()
        assert nina.evaluate("(f => f.value.slice(f.selectionStart, f.selectionEnd))(document.activeElement)") == (
            "- You can go home the same day."
        )
        nina.keyboard.type("- You can go home after two hours.")
        hands.press(nina.get_by_role("button", name="Save draft"))
        expect(nina.locator(".messagelist")).to_contain_text("Draft saved")
        hands.press(nina.locator("summary", has_text="Send for review"))
        hands.press(nina.get_by_role("button", name="Send", exact=True))
        expect(nina.locator(".messagelist")).to_contain_text("sent for review")

    with hands.step("approve as reviewer"):
        seats["Rosa"].open(f"{PAGES}{row.pk}/review/")
        expect(rosa.locator("#changes")).to_contain_text("after two hours")
        expect(rosa.frame_locator("iframe").locator("h1")).to_have_text("My first page")
        hands.press(rosa.get_by_role("button", name="Approve this text"))
        expect(rosa.locator(".messagelist")).to_contain_text("Approved")
    with hands.step("schedule"):
        seats["Max"].open("/admin/")
        hands.press(max_.locator(".task-card--approved").get_by_role("link", name="My first page"))
        day = timezone.localdate() + datetime.timedelta(days=2)
        hands.write(max_.get_by_label("What changed, for readers"), "This page is new.")
        hands.write(max_.get_by_label("Day"), f"{day}")
        hands.write(max_.get_by_label("Time"), "07:30")
        hands.press(max_.get_by_role("button", name="Schedule"))
        expect(max_.locator(".card--planned")).to_contain_text("7:30 AM")
        assert status() == 404
    with hands.step("see it go live"):
        assert [release.path for release in publish_scheduled(timezone.now() + datetime.timedelta(days=3))[0]] == [
            "/my-first-page/"
        ]
        seats["Max"].open("/my-first-page/")
        expect(max_.locator("h1")).to_have_text("My first page")
        expect(max_.locator(".figure, .chance, .care-card").first).to_be_visible()
        expect(max_.locator(".page-meta")).to_contain_text("What changed: This page is new.")

    with hands.step("find a mistake, withdraw"):
        seats["Max"].open(change_url(row))
        hands.press(max_.locator("summary", has_text="More"))
        hands.press(max_.get_by_role("link", name="Withdraw…"))
        hands.write(max_.locator("#id_reason"), "There was a mistake in it.")
        hands.choose(max_.locator("#id_replaced_by"), "Contact (en)")
        hands.press(max_.get_by_role("button", name="Withdraw this page"))
        expect(max_.locator(".messagelist")).to_contain_text("no longer public")
        assert status() == 410
    with hands.step("restore the corrected text, review it, and publish again"):
        seats["Nina"].open(f"{PAGES}{row.pk}/versions/")
        hands.press(nina.get_by_role("button", name=re.compile(r"revision 1$")))
        expect(nina.locator(".messagelist")).to_contain_text("Revision 1 is now the draft.")
        seats["Nina"].open(f"{PAGES}{row.pk}/versions/")
        hands.press(nina.get_by_role("button", name=re.compile(r"revision 2$")))
        expect(nina.locator(".messagelist")).to_contain_text("Revision 2 is now the draft.")
        # The withdrawal ended the approval.
        seats["Max"].open(f"{PAGES}{row.pk}/publish/")
        expect(max_.locator("#content")).to_contain_text("a reviewer must approve the text again")
        expect(max_.get_by_role("button", name="Publish now")).to_have_count(0)
        seats["Nina"].open(change_url(row))
        hands.press(nina.locator("summary", has_text="Send for review"))
        hands.press(nina.get_by_role("button", name="Send", exact=True))
        seats["Rosa"].open(f"{PAGES}{row.pk}/review/")
        hands.press(rosa.get_by_role("button", name="Approve this text"))
        expect(rosa.locator(".messagelist")).to_contain_text("Approved")
        seats["Max"].open(f"{PAGES}{row.pk}/publish/")
        hands.press(max_.get_by_role("button", name="Publish now"))
        expect(max_.locator(".messagelist")).to_contain_text("Published.")
        assert status() == 200

    print(f"\nby {way}:", *(f"  {seconds:5.1f} s  {name}" for name, seconds in hands.steps.items()), sep="\n")  # noqa: T201 -- the times are what this is run for


@pytest.fixture
def screens(transactional_db: None) -> list[str]:
    """The paths of all workflow screens, each with content."""
    make_clinic()
    make_figure(size=(40, 40))
    page = make_page()
    make_public(page)
    page.refresh_from_db()
    page.title = "Another title"
    page.save()
    save_revision(page, author=make_user("ed"))
    Clinic.objects.update(phone="+1 303-555-0199")
    of_page = ("review", "publish", "withdraw", "versions", "compare", "compare/?as=markdown", "translation", "change")
    addresses = [f"{PAGES}{page.pk}/{name}" + ("" if "?" in name else "/") for name in of_page]
    reading = f"{PAGES}{page.pk}/reading/?day=2036-03-03&time=10:00"
    return ["/admin/", *addresses, reading, f"{PAGES}planned/", f"{PAGES}transfer/", "/admin/procedures/releaseevent/"]


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_workflow_screens_are_accessible(
    browser: Browser, live_server: Any, screens: list[str], superuser: User, size: Any, scheme: Any
) -> None:
    found: dict[str, Any] = {}
    with open_staff_tab(browser, live_server.url, size, bypass_csp=True, color_scheme=scheme) as tab:
        tab.sign_in(superuser)
        for path in screens:
            tab.open(path)
            tab.page.evaluate(AXE)
            wide = tab.page.evaluate("document.documentElement.scrollWidth") > size["width"]
            if here := tab.page.evaluate(AXE_FINDINGS) + (["wider than the screen"] if wide else []):
                found[path] = here

    assert found == {}


def test_workflow_screens_keep_the_strict_csp(
    browser: Browser, live_server: Any, screens: list[str], superuser: User
) -> None:
    with open_staff_tab(browser, live_server.url, DESKTOP) as tab:
        tab.sign_in(superuser)
        for path in screens:
            tab.open(path)
        tab.page.wait_for_timeout(300)

        assert tab.complaints == []
