"""Saving while typing: the screen stays, every key is kept, and a note goes with the text that it was written for."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from portal.accounts.models import User
from procedures.models import Page
from procedures.publishing.review import submit_for_review
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, change_url
from tests.browser.public_helpers import DESKTOP
from tests.browser.staff_helpers import StaffTab, open_staff_tab, show_panel
from tests.factories import make_clinic, make_figure, make_next, make_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAVES = re.compile("/admin/procedures/page/([0-9]+/change|add)/")
FIRST, SECOND = "The first words, then Ctrl+S. ", "More words without a pause. "


@pytest.fixture
def row(transactional_db: None) -> Page:
    """A draft that was saved once."""
    make_clinic()
    make_figure(size=(40, 40))
    page = make_page(next_page=make_next(), body="Start.\n")
    save_revision(page, author=None)
    return page


@pytest.fixture(params=["visual", "source"])
def tab(
    request: pytest.FixtureRequest, row: Page, browser: Browser, live_server: Any, editor: User
) -> Iterator[StaffTab]:
    """The form of the draft, in each mode, with the caret at the end of the text."""
    with open_staff_tab(browser, live_server.url, DESKTOP) as made:
        made.sign_in(editor, mode=request.param)
        made.edit(change_url(row))
        go_to_end(made)
        yield made
        assert made.complaints == []


@pytest.fixture
def visual_tab(row: Page, browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    with open_staff_tab(browser, live_server.url, DESKTOP) as made:
        made.sign_in(editor, mode="visual")
        made.edit(change_url(row))
        yield made
        assert made.complaints == []


def go_to_end(tab: StaffTab) -> None:
    tab.page.evaluate("document.querySelector('[data-editor]').visualEditor.goToOffset(6)")


def hold_save(tab: StaffTab, number: int = 1) -> Callable[[], None]:
    """Hold the next request that saves the form, or a later one. Return a function that waits for it and releases it."""
    sent: list[Route] = []

    def handle(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route)
        if route.request.method != "POST" or len(sent) != number:
            route.continue_()

    tab.page.route(SAVES, handle)

    def release() -> None:
        until = time.monotonic() + 20
        while len(sent) < number and time.monotonic() < until:
            tab.page.wait_for_timeout(50)
        tab.page.keyboard.type(" Two.")
        sent[number - 1].continue_()

    return release


def wait_until_saved(tab: StaffTab) -> None:
    expect(tab.page.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")


def saved_body(row: Page) -> str:
    row.refresh_from_db()
    return row.body


@pytest.mark.parametrize("way", ["keys", "button"])
def test_every_key_typed_while_the_draft_is_saved_is_kept(tab: StaffTab, row: Page, way: str) -> None:
    page, loads = tab.page, []
    page.on("load", lambda _page: loads.append(1))
    page.keyboard.type(" " + FIRST)
    if way == "keys":
        page.keyboard.press("Control+s")
    else:
        page.get_by_role("button", name="Save draft").first.click()
    for _ in range(4):
        page.keyboard.type(SECOND, delay=20)
    expect(page.locator(".messagelist")).to_contain_text("Draft saved.")
    page.keyboard.type("The end.")

    wanted = f"Start. {FIRST}{SECOND * 4}The end."
    assert tab.text.strip() == wanted
    assert saved_body(row).strip().startswith(f"Start. {FIRST}".strip())
    page.keyboard.press("Control+s")
    wait_until_saved(tab)
    assert saved_body(row).strip() == wanted
    assert tab.text.strip() == wanted
    assert loads == []


def test_typing_during_a_slow_save_is_saved_by_the_next(tab: StaffTab, row: Page) -> None:
    release = hold_save(tab)
    tab.page.keyboard.type(" One.")
    tab.page.keyboard.press("Control+s")
    expect(tab.page.locator("[data-save-status]")).to_have_text("saving…")
    release()
    tab.page.keyboard.press("Control+s")
    tab.page.keyboard.type(" Three.")
    expect(tab.page.locator(".messagelist")).to_contain_text("Draft saved.")
    tab.page.keyboard.press("Control+s")
    wait_until_saved(tab)

    assert saved_body(row) == "Start. One. Two. Three.\n"
    assert tab.page.locator("[data-save]").is_hidden()


def test_undo_caret_and_state_stay_after_a_save(visual_tab: StaffTab, row: Page) -> None:
    tab, page = visual_tab, visual_tab.page
    go_to_end(tab)
    page.keyboard.type(" One.")
    page.keyboard.press("Control+s")
    wait_until_saved(tab)
    page.keyboard.type(" Two.")
    assert tab.text == "Start. One. Two.\n"
    for _ in range(4):
        page.keyboard.press("Control+z")
    assert tab.text == "Start.\n"
    page.keyboard.press("Control+s")
    wait_until_saved(tab)

    assert [revision.content["body"] for revision in row.revisions.order_by("number")] == [
        "Start.\n",
        "Start. One.\n",
        "Start.\n",
    ]
    show_panel(tab, "settings")
    page.locator("[data-panel-tab=status]").click()
    expect(page.locator("[data-panel-part=status]")).to_contain_text("(revision 3)")


def test_a_draft_under_review_leaves_it_and_can_be_sent_again(
    row: Page, browser: Browser, live_server: Any, editor: User
) -> None:
    submit_for_review(row.revisions.get(), actor=editor, note="")
    with open_staff_tab(browser, live_server.url, DESKTOP) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        go_to_end(tab)
        tab.page.keyboard.type(" One.")
        tab.page.get_by_role("button", name="Save draft (takes it out of review)").click()
        expect(tab.page.locator(".messagelist .warning")).to_contain_text("no longer waiting for review")
        tab.page.locator("[data-next] summary").click()
        tab.page.keyboard.type("Again.")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator(".messagelist")).to_contain_text("sent for review")
        assert tab.complaints == []

    assert row.events.first().reason == "Again."  # type: ignore[union-attr]
    assert saved_body(row) == "Start. One.\n"


def test_a_new_page_becomes_a_saved_one_while_someone_types(visual_tab: StaffTab, row: Page) -> None:
    tab, page = visual_tab, visual_tab.page
    tab.open(f"{PAGES}add/")
    expect(page.locator("[data-visual-text] .ProseMirror")).to_be_visible()
    page.get_by_label("Title").fill("A new page")
    page.locator("[data-visual-text] .ProseMirror").click()
    release = hold_save(tab)
    page.keyboard.type("One.")
    page.keyboard.press("Control+s")
    release()
    expect(page.locator(".messagelist")).to_contain_text("Draft saved.")
    page.keyboard.type(" Three.")
    made = Page.objects.get(slug="a-new-page")
    assert page.url.endswith(change_url(made))
    page.get_by_label("Title").fill("A new page for you")
    page.keyboard.press("Control+s")
    wait_until_saved(tab)
    made.refresh_from_db()

    assert (made.title, made.slug, made.body) == ("A new page for you", "a-new-page", "One. Two. Three.\n")
    assert made.revisions.count() == 2
    page.reload()
    expect(page.locator("#id_body")).to_have_value("One. Two. Three.\n")


def test_keys_typed_while_a_refused_form_returns_are_kept(tab: StaffTab, row: Page) -> None:
    page = tab.page
    page.evaluate("document.querySelector('#id_title').value = ''")
    # The first request finds the error, and the second loads the form with it.
    release = hold_save(tab, 2)
    page.keyboard.type(" One.")
    page.keyboard.press("Control+s")
    release()
    expect(page.locator(".errornote").first).to_be_visible()
    expect(page.locator("#id_body")).to_have_value("Start. One. Two.\n")

    assert saved_body(row) == "Start.\n"


def test_keys_typed_while_the_page_is_loaded_again_are_restored(tab: StaffTab, row: Page) -> None:
    page = tab.page
    release = hold_save(tab)
    page.keyboard.type(" One.")
    # Any button but "Save draft" loads the page again.
    page.evaluate("""() => {
      const button = Object.assign(document.createElement("button"), {name: "_save", value: "1", hidden: true});
      document.querySelector("form.writing").append(button);
      button.form.requestSubmit(button);
    }""")
    release()
    expect(page.locator(".messagelist")).to_contain_text("Draft saved.")
    expect(page.locator("#id_body")).to_have_value("Start. One. Two.\n")
    page.wait_for_function("document.activeElement !== document.body")
    page.keyboard.type(" Three.")

    assert tab.text == "Start. One. Two. Three.\n"
    assert saved_body(row) == "Start. One.\n"


def test_a_failed_save_keeps_the_text_and_can_be_repeated(tab: StaffTab, row: Page) -> None:
    page = tab.page
    page.route("**/change/", lambda route: route.fulfill(status=503, body="<h1>Down</h1>", content_type="text/html"))
    page.keyboard.type(" One.")
    page.keyboard.press("Control+s")
    expect(page.locator("[data-notice]")).to_contain_text("Something went wrong on the site. Your text is still here.")
    page.keyboard.type(" Two.")
    page.unroute("**/change/")
    page.locator("[data-notice]").get_by_role("button", name="Try again").click()
    wait_until_saved(tab)
    expect(page.locator("[data-notice]")).to_be_hidden()

    assert saved_body(row) == "Start. One. Two.\n"
    tab.complaints[:] = [one for one in tab.complaints if "503" not in one]


def test_a_note_can_be_written_and_sent_with_unsaved_text(visual_tab: StaffTab, row: Page) -> None:
    page = visual_tab.page
    go_to_end(visual_tab)
    page.keyboard.type(" One.")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.get_by_label("What did you change?")).to_be_focused()
    page.keyboard.type("A shorter text.")
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("sent for review")

    assert saved_body(row) == "Start. One.\n"
    assert row.events.get().reason == "A shorter text."
    assert row.revisions.latest("number").note == "A shorter text."


def test_a_note_that_was_not_sent_is_not_stored_with_a_draft(visual_tab: StaffTab, row: Page) -> None:
    page = visual_tab.page
    go_to_end(visual_tab)
    page.keyboard.type(" One.")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.get_by_label("What did you change?")).to_be_focused()
    page.keyboard.type("Not sent yet")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    expect(page.locator(".messagelist")).to_contain_text("Draft saved.")
    page.locator("[data-next] summary").click()

    assert row.revisions.latest("number").note == ""
    assert saved_body(row) == "Start. One.\n"
    expect(page.get_by_label("What did you change?")).to_have_value("Not sent yet")


def test_a_note_for_the_history_goes_with_one_save(row: Page, browser: Browser, live_server: Any, editor: User) -> None:
    submit_for_review(row.revisions.get(), actor=editor, note="")
    with open_staff_tab(browser, live_server.url, DESKTOP) as tab:
        tab.sign_in(editor)
        tab.edit(change_url(row))
        show_panel(tab, "settings")
        note = tab.page.get_by_label("What did you change?")
        for words in ("First note.", ""):
            tab.page.locator("#id_body").fill(f"Text with {words or 'nothing'}")
            if words:
                note.fill(words)
            tab.page.keyboard.press("Control+s")
            wait_until_saved(tab)
        assert tab.complaints == []

    assert [revision.note for revision in row.revisions.order_by("number")][-2:] == ["First note.", ""]
