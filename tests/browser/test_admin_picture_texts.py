"""The alternative text and caption of a picture, edited without leaving the writing screen."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from portal.accounts.models import User
from procedures.models import FigureText, Page
from tests.admin.conftest import change_url
from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, StaffTab, make_draft_with_references, open_staff_tab

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def row(transactional_db: None) -> Page:
    row = make_draft_with_references()
    Page.objects.filter(pk=row.pk).update(body="Start.\n\n::: figure balloon\n")
    return row


@pytest.fixture
def tab(row: Page, browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    with open_staff_tab(browser, live_server.url, DESKTOP) as made:
        made.sign_in(editor, mode="visual")
        made.edit(change_url(row))
        yield made
        assert made.complaints == []


def open_dialog(tab: StaffTab) -> Locator:
    tab.page.locator("[data-visual-text] figure").click()
    tab.page.get_by_role("button", name="Alt text and caption").click()
    dialog = tab.page.get_by_role("dialog", name="Alt text and caption")
    expect(dialog.get_by_label("Alternative text")).not_to_have_attribute("readonly", "")
    return dialog


def test_texts_are_changed_in_a_dialog_and_shown_in_the_text_and_the_preview(tab: StaffTab) -> None:
    typed = "Start, and words that are not saved yet.\n\n::: figure balloon\n"
    tab.page.locator("[data-visual-text] p", has_text="Start.").click()
    tab.page.keyboard.press("End")
    tab.page.keyboard.press("Backspace")
    tab.page.keyboard.type(", and words that are not saved yet.")
    dialog = open_dialog(tab)
    expect(dialog.get_by_label("Alternative text")).to_be_focused()
    expect(dialog.get_by_label("Alternative text")).to_have_value("A needle in a bone.")
    dialog.get_by_label("Alternative text").fill("A balloon in a bone.")
    dialog.get_by_label("Caption").fill("The balloon lifts the bone.")
    dialog.get_by_role("button", name="Save").click()

    expect(dialog).to_be_hidden()
    expect(tab.page.locator("[data-visual-text] figcaption")).to_contain_text("The balloon lifts the bone.")
    expect(tab.page.frame_locator("[data-stage] iframe").locator("figcaption").last).to_contain_text("lifts the bone.")
    expect(tab.page.get_by_role("textbox", name="Text", exact=True)).to_be_focused()
    assert tab.text == typed
    assert len(tab.context.pages) == 1
    saved = FigureText.objects.get(figure__slug="balloon")
    assert (saved.alt, saved.caption) == ("A balloon in a bone.", "The balloon lifts the bone.")


def test_errors_are_next_to_their_field_and_what_was_typed_stays(tab: StaffTab) -> None:
    dialog = open_dialog(tab)
    alt, caption = dialog.get_by_label("Alternative text"), dialog.get_by_label("Caption")
    alt.fill("")
    caption.fill("My caption.")
    caption.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Nothing is saved yet. Correct what is marked below.")
    expect(dialog.get_by_text("Say what the picture shows, for people who cannot see it.")).to_be_visible()
    expect(alt).to_be_focused()
    expect(alt).to_have_attribute("aria-invalid", "")
    expect(caption).to_have_value("My caption.")

    alt.fill("Mine.")
    FigureText.objects.filter(figure__slug="balloon").update(alt="Theirs.")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Someone else changed these texts.")
    expect(dialog.get_by_text("Saved now: “Theirs.”")).to_be_visible()
    assert FigureText.objects.get(figure__slug="balloon").alt == "Theirs."
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    assert FigureText.objects.get(figure__slug="balloon").alt == "Mine."


def test_words_survive_escape_and_an_unreachable_site_but_not_cancel(tab: StaffTab) -> None:
    dialog = open_dialog(tab)
    dialog.get_by_label("Caption").fill("Half a cap")
    tab.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    tab.page.wait_for_timeout(600)  # not a double click
    open_dialog(tab)
    expect(dialog.get_by_label("Caption")).to_have_value("Half a cap")
    tab.page.route("**/texts/en/save/", lambda route: route.abort())
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text("We cannot reach the site. Your text is still here.")
    expect(dialog.get_by_label("Caption")).to_have_value("Half a cap")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    tab.page.wait_for_timeout(600)
    open_dialog(tab)
    expect(dialog.get_by_label("Caption")).to_have_value("The needle is in the bone.")


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_the_dialog_is_accessible_and_fits(
    browser: Browser, live_server: Any, row: Page, editor: User, size: Any, scheme: Any
) -> None:
    with open_staff_tab(browser, live_server.url, size, bypass_csp=True, color_scheme=scheme) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        dialog = open_dialog(tab)
        dialog.get_by_label("Caption").fill("")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_role("alert")).to_be_visible()
        tab.page.evaluate(AXE)
        found = tab.page.evaluate(AXE_FINDINGS)
        box = dialog.bounding_box()

    assert found == []
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size["width"]
    assert box["y"] + box["height"] <= size["height"]
