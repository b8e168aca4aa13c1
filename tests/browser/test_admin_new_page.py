"""A nurse who knows Word writes a new page with few clicks, and finds her keys, her undo, and the fixes at their place."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize, expect

from portal.accounts.models import User
from procedures.models import Page
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, change_url
from tests.browser.staff_helpers import StaffTab, make_draft_with_references, open_visual_tab, show_panel
from tests.factories import make_page, make_source

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LAPTOP: ViewportSize = {"width": 1366, "height": 768}
MAX_CLICKS = 9
SOURCE = "::: chance 3 in 100\npeople get a rash.\n:::\n"


@pytest.fixture
def row(transactional_db: None) -> Page:
    """A draft, and one row of each kind that its text can reference."""
    make_source()
    page = make_draft_with_references()
    save_revision(page, author=None)
    return page


@pytest.fixture
def laptop(row: Page, browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    """A small laptop in visual mode. Console errors fail the test."""
    with open_visual_tab(browser, live_server.url, LAPTOP, editor) as made:
        yield made


def text(tab: StaffTab) -> Locator:
    return tab.page.locator("[data-visual-text] .ProseMirror")


def write(tab: StaffTab, markdown: str, cursor: str = "") -> None:
    """Change the text, and put the cursor after the words ``cursor``."""
    tab.page.evaluate(
        """([markdown, words]) => {
          const field = document.querySelector("#id_body");
          field.value = markdown;
          field.dispatchEvent(new Event("input", {bubbles: true}));
          const api = document.querySelector("[data-editor]").visualEditor;
          const match = words && api.find(words, {matchCase: true})[0];
          if (match) api.select({from: match.to, to: match.to});
        }""",
        [markdown, cursor],
    )


def insert(tab: StaffTab, words: str) -> None:
    tab.page.keyboard.type(f"/{words}")
    tab.page.keyboard.press("Enter")


def choose(tab: StaffTab, words: str) -> None:
    """Find something in the open dialog, and take the best match."""
    dialog = tab.page.locator("dialog[open]")
    tab.page.keyboard.type(words)
    expect(dialog.locator("[data-count]")).to_contain_text("Press Enter to choose")
    tab.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)


def press(tab: StaffTab, *keys: str) -> None:
    for key in keys:
        tab.page.keyboard.press(key)


def test_a_new_page_takes_few_clicks_besides_typing(laptop: StaffTab) -> None:
    page, clicks = laptop.page, 0
    laptop.open(PAGES)
    page.get_by_role("link", name="New page").click()
    clicks += 1
    expect(page.locator("#id_title")).to_be_focused()
    expect(text(laptop)).to_be_visible()
    page.keyboard.type("My first page")
    press(laptop, "Enter")
    page.keyboard.type("A small cut helps.")
    press(laptop, "Enter")
    expect(text(laptop)).to_be_focused()

    insert(laptop, "key points")
    page.keyboard.type("It is short.")
    press(laptop, "Enter", "Enter")
    insert(laptop, "picture")
    choose(laptop, "balloon")
    insert(laptop, "checklist")
    page.keyboard.type("Bring your pills.")
    press(laptop, "Enter", "Enter")
    insert(laptop, "chance")
    page.locator("dialog[open]").get_by_label("100", exact=True).is_checked()
    page.keyboard.type("3")
    press(laptop, "Enter")
    page.keyboard.type("people get a rash. ")
    insert(laptop, "cite")
    choose(laptop, "guide")
    press(laptop, "Enter")
    insert(laptop, "warning")
    expect(page.locator("dialog[open]").get_by_label("Before and after")).to_be_focused()
    press(laptop, "Enter")
    page.keyboard.type("Read more on ")
    insert(laptop, "link")
    choose(laptop, "contact")
    press(laptop, "Enter")
    insert(laptop, "table 2x3")
    for words in ("Day", "Dose", "Mon", "5", "Tue", "10"):
        page.keyboard.type(words)
        if words != "10":
            press(laptop, "Tab")
    assert laptop.text == (
        "::: key-points\n- It is short.\n:::\n\n::: figure balloon\n\n::: checklist\n- Bring your pills.\n:::\n\n"
        "::: chance 3 in 100\npeople get a rash. [@nice]\n:::\n\n::: warning-signs both\n\n"
        "Read more on [Contact](page:contact)\n\n| Day | Dose |\n|---|---|\n| Mon | 5 |\n| Tue | 10 |\n"
    )

    page.locator("summary", has_text="Send for review").click()
    clicks += 1
    press(laptop, "Enter")
    expect(page.locator(".messagelist")).to_contain_text("sent for review")
    made = Page.objects.get(slug="my-first-page")

    assert clicks <= MAX_CLICKS
    assert (made.key_message, made.kind) == ("A small cut helps.", "procedure")


def test_the_buttons_below_the_text_insert_blocks_with_one_click_each(laptop: StaffTab) -> None:
    page, clicks = laptop.page, 0

    def click(target: Locator) -> None:
        nonlocal clicks
        target.click()
        clicks += 1

    def insert_below(name: str) -> None:
        click(page.locator("[data-visual-context]").get_by_role("button", name=name, exact=True))

    bar = page.locator("[data-visual-bar]")
    laptop.open("/admin/")
    click(page.get_by_role("link", name="New page"))
    expect(page.locator("#id_title")).to_be_focused()
    expect(text(laptop)).to_be_visible()
    page.keyboard.type("My first page")
    press(laptop, "Enter")
    page.keyboard.type("A small cut helps.")
    press(laptop, "Enter")
    expect(text(laptop)).to_be_focused()
    click(bar.get_by_role("button", name="Picture", exact=True))
    choose(laptop, "balloon")
    press(laptop, "Enter")
    insert_below("Checklist")
    page.keyboard.type("Bring your pills.")
    press(laptop, "Enter", "Enter")
    insert_below("Chance")
    page.keyboard.type("3")
    press(laptop, "Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.type("people get a rash.")
    press(laptop, "Enter")
    insert_below("Warning signs")
    press(laptop, "Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.type("Read more on ")
    click(bar.get_by_role("button", name="Link", exact=True))
    choose(laptop, "contact")
    page.keyboard.type(". It helps most people.")
    click(bar.get_by_role("button", name="Cite", exact=True))
    choose(laptop, "guide")
    insert_below("Table")
    page.keyboard.type("Day")
    press(laptop, "Tab")
    page.keyboard.type("Dose")
    written = laptop.text
    click(page.locator("summary", has_text="Send for review"))
    press(laptop, "Enter")
    expect(page.locator(".messagelist")).to_contain_text("sent for review")

    assert clicks <= MAX_CLICKS
    assert written == (
        "::: figure balloon\n\n::: checklist\n- Bring your pills.\n:::\n\n::: chance 3 in 100\npeople get a rash.\n:::\n\n"
        "::: warning-signs both\n\nRead more on [Contact](page:contact). It helps most people. [@nice]\n\n"
        "| Day | Dose |  |\n|---|---|---|\n|  |  |  |\n|  |  |  |\n"
    )


def test_enter_on_a_block_begins_a_paragraph_below_it_and_alt_enter_changes_it(laptop: StaffTab, row: Page) -> None:
    laptop.edit(change_url(row))
    write(laptop, "One\n\n::: figure balloon\n\nTwo\n", "One")
    press(laptop, "ArrowDown", "Enter")
    laptop.page.keyboard.type("Below.")
    below = laptop.text
    write(laptop, "One\n\n::: figure balloon\n\nTwo\n", "One")
    press(laptop, "ArrowDown", "Alt+Enter")

    assert below == "One\n\n::: figure balloon\n\nBelow.\n\nTwo\n"
    expect(laptop.page.get_by_role("dialog", name="Change the picture")).to_be_visible()


def test_unsaved_text_can_be_sent_with_the_keyboard(laptop: StaffTab, row: Page) -> None:
    laptop.edit(change_url(row))
    write(laptop, "One\n", "One")
    laptop.page.keyboard.type(" two")
    press(laptop, "Control+Shift+Enter")
    expect(laptop.page.get_by_label("What did you change?")).to_be_focused()
    press(laptop, "Enter")

    expect(laptop.page.locator(".messagelist")).to_contain_text("sent for review")
    assert Page.objects.get(pk=row.pk).body == "One two\n"


def test_a_click_or_tab_selects_a_whole_prompt_of_a_template(laptop: StaffTab) -> None:
    page = laptop.page
    laptop.edit(f"{PAGES}add/?template=about-a-procedure&language=en")
    expect(page.locator("#id_title")).to_be_focused()
    press(laptop, "Enter", "Enter")
    page.keyboard.type("It mends a bone.")
    press(laptop, "Tab")
    expect(page.locator("[data-visual-context]")).to_contain_text("Type to replace this prompt.")
    page.keyboard.type("It takes an hour.")
    text(laptop).get_by_text("[Say what can go wrong, in plain words.]").click()
    page.keyboard.type("Bleeding.")
    press(laptop, "Tab", "Shift+Tab")
    text(laptop).get_by_text("[Say how it may help, and that it may not.]").click()
    press(laptop, "Tab")
    page.keyboard.type("For most people.")

    assert laptop.text.startswith(
        "::: key-points\n- It mends a bone.\n- It takes an hour.\n- [Say how it may help, and that it may not.]\n"
        "- Bleeding.\n:::\n\n## What is it? {#what-it-is}\nFor most people.\n\n"
    )


def test_a_change_can_be_undone_after_it_was_saved(laptop: StaffTab, row: Page) -> None:
    page = laptop.page
    laptop.edit(change_url(row))
    before = laptop.text
    write(laptop, before, "We look after you.")
    page.wait_for_timeout(600)  # longer than the delay within which typing is one step
    page.keyboard.type(" Every day.")
    after = laptop.text
    press(laptop, "Control+s")
    expect(page.locator(".messagelist")).to_contain_text("Draft saved")
    expect(text(laptop)).to_be_focused()
    assert laptop.text == after
    press(laptop, "Control+z")
    assert laptop.text == before
    press(laptop, "Control+y")
    assert laptop.text == after
    expect(page.locator("[data-next] summary")).to_be_visible()


def test_keys_of_word_that_would_leave_the_text_say_why(laptop: StaffTab, row: Page) -> None:
    page, context = laptop.page, laptop.page.locator("[data-visual-context]")
    laptop.edit(change_url(row))
    write(laptop, "One\n", "One")
    for keys in ("Control+e", "Control+r", "Control+l", "Control+j"):
        press(laptop, keys)
        expect(context).to_contain_text("same alignment")
        page.keyboard.type("x")
        expect(context).not_to_contain_text("same alignment")
    press(laptop, "Control+u")
    expect(context).to_contain_text("Use bold instead.")
    press(laptop, "F7")
    expect(page.get_by_role("button", name="Problems", exact=True)).to_be_focused()

    assert laptop.text == "Onexxxx\n"


def test_a_chance_without_a_source_offers_one(laptop: StaffTab, row: Page) -> None:
    laptop.edit(change_url(row))
    write(laptop, SOURCE, "a rash.")
    button = laptop.page.locator("[data-visual-context]").get_by_role("button", name="Choose a source")
    button.click()
    choose(laptop, "guide")

    assert laptop.text == SOURCE.replace("rash.", "rash. [@nice]")
    expect(button).to_have_count(0)


def test_the_form_with_all_words_of_a_picture_opens_from_its_dialog(laptop: StaffTab, row: Page) -> None:
    laptop.edit(change_url(row))
    write(laptop, "One\n\n::: figure needle\n")
    text(laptop).locator("figure").first.click()
    laptop.page.locator("[data-visual-context]").get_by_role("button", name="Alt text and caption").click()
    with laptop.context.expect_page() as opened:
        laptop.page.get_by_role("link", name="Title and longer description").click()

    expect(opened.value.locator("[name$=-title]").first).to_be_visible()
    opened.value.close()


def test_a_link_that_leads_nowhere_is_replaced_at_its_place(laptop: StaffTab, row: Page) -> None:
    laptop.edit(change_url(row))
    show_panel(laptop, "problems")
    write(laptop, "See [our page](page:nothing-like-it) today.\n")
    issue = laptop.page.locator("[data-problems] li", has_text="There is no page")
    issue.get_by_role("button", name="Choose another one").click()
    choose(laptop, "contact")

    assert laptop.text == "See [our page](page:contact) today.\n"


def test_source_mode_names_the_markdown(laptop: StaffTab, row: Page) -> None:
    laptop.edit(change_url(row))
    show_panel(laptop, "problems")
    write(laptop, "##Washing\n")
    issues = laptop.page.locator("[data-problems]")
    expect(issues).to_contain_text("heading")
    visual = issues.inner_text()
    laptop.page.get_by_role("button", name="Source", exact=True).click()

    expect(issues).to_contain_text("##")
    assert "##" not in visual


def test_a_new_page_always_begins_in_the_title(laptop: StaffTab) -> None:
    # From the second visit, the scripts are in the cache and can run before the browser first paints.
    for _ in range(6):
        laptop.open(f"{PAGES}add/")
        expect(text(laptop)).to_be_visible()
        expect(laptop.page.locator("#id_title")).to_be_focused(timeout=2000)


def test_the_buttons_of_a_dialog_with_a_long_list_are_in_view(laptop: StaffTab, row: Page) -> None:
    for number in range(12):
        make_page(f"visit-{number}", title=f"Visit {number}")
    laptop.edit(change_url(row))
    text(laptop).click()
    press(laptop, "Control+k")
    dialog = laptop.page.locator("dialog[open]")
    expect(dialog.get_by_text("Visit 11")).to_be_attached()
    button, frame = dialog.get_by_role("button", name="Insert").bounding_box(), dialog.bounding_box()

    assert button and frame
    assert button["y"] + button["height"] < frame["y"] + frame["height"]
