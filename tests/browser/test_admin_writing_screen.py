"""The writing screen: everything within reach on a laptop, mistakes that can be fixed in place, and no lost text."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from portal.accounts.models import User
from procedures.models import ClinicAnswer
from procedures.models import Page as PageRow
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, change_url
from tests.browser.public_helpers import AXE, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, COLOR_SCHEMES, StaffTab, open_staff_tab, show_panel, type_text
from tests.factories import approve, make_clinic, make_figure, make_next, make_page, make_public

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LAPTOP: ViewportSize = {"width": 1366, "height": 768}
TABLET: ViewportSize = {"width": 768, "height": 1024}
# 1366 × 768 at 400% zoom.
ZOOMED: ViewportSize = {"width": 341, "height": 192}
LEAD = "::: key-points\n- It is short.\n- It is safe to read.\n:::\n\n## What it is\n\nWe look after you. [@nice]\n\n"
LONG = "We look at the bone of your back and at your legs on the screen in the room next door for a long time"

# Twenty mistakes: typed text, reported line, button that fixes it, and text after the fix.
MISTAKES = [
    ("##Washing", 10, "Make it a heading", "## Washing"),
    ("# Washing", 10, "Make it a heading", "## Washing"),
    ("#### Washing", 10, "Make it a “Subheading”", "### Washing"),
    ("Rest.\n\n:::", 12, "Delete the line", "Rest.\n"),
    ("::: checklist\n- Rest.\n- Walk.", 10, "Close the block", "::: checklist\n- Rest.\n- Walk.\n:::"),
    ("::: chekclist\n- Rest.\n:::", 10, "Use “checklist”", "::: checklist\n- Rest.\n:::"),
    ("::: note\n:::", 10, "Delete the block", ""),
    ("::: figure needel", 10, "Use “needle”", "::: figure needle"),
    ("Rest. [@nicee]", 10, "Use “nice”", "Rest. [@nice]"),
    ("Rest. (@nice)", 10, "Insert the citation", "Rest. [@nice]"),
    ("[Call us](page:contcat)", 10, "Use “contact”", "[Call us](page:contact)"),
    ("[Call us] (page:contact)", 10, "Delete the space", "[Call us](page:contact)"),
    ("Call {clinic.fone}.", 10, "Insert the clinic’s phone number", "Call {clinic.phone}."),
    ("**Rest today.", 10, "Delete the characters", "Rest today."),
    ("• Rest.\n• Walk.", 10, "Make it a list", "- Rest.\n- Walk."),
    ("1.Rest.\n2.Walk.", 10, "Make it a list", "1. Rest.\n2. Walk."),
    ("1. Rest.\n3. Walk.", 11, "Number them in order", "1. Rest.\n2. Walk."),
    ("Rest.\n---", 11, "Delete the line", "Rest."),
    ("| a | b |\n|---|---|\n| c |", 12, "Add the missing cells", "| a | b |\n|---|---|\n| c |  |"),
    (f"{LONG}, but you can talk to us.", 10, "Split this sentence", f"{LONG}. But you can talk to us."),
]


@pytest.fixture
def row(transactional_db: None) -> PageRow:
    """A draft that is ready to be published, and the rows that its text can reference."""
    make_clinic()
    make_figure(size=(40, 40))
    make_public(make_next())
    ClinicAnswer.objects.create(key="driving", language="en", question="When can I drive?", answer="Tomorrow.")
    page = make_page(next_page=make_next())
    save_revision(page, author=None)
    return page


@pytest.fixture
def laptop(tab: StaffTab) -> StaffTab:
    """The form of the draft on a small laptop."""
    tab.page.set_viewport_size(LAPTOP)
    return tab


@pytest.mark.smoke
def test_nothing_important_is_below_the_fold_on_a_laptop(laptop: StaffTab, row: PageRow) -> None:
    page = laptop.page
    needed = {
        "name": page.get_by_role("heading", level=1, name="Small cut"),
        "state": page.locator("[data-bar]").get_by_text("Draft", exact=True),
        "problems": page.get_by_role("button", name="Ready to send"),
        "settings": page.get_by_role("button", name="Settings").first,
        "undo": page.get_by_role("button", name="Undo"),
        "find": page.get_by_role("button", name="Find and replace"),
        "more": page.locator("summary", has_text="More"),
        "main action": page.locator("summary", has_text="Send for review"),
        "title": page.get_by_label("Title"),
        "key message": page.get_by_label("Key message"),
        "text": page.locator(".editor__source"),
        "preview": page.locator("[data-stage]"),
        "reading time": page.locator("[data-state]"),
    }
    hidden = {}
    for panel in ("", "settings", "problems"):
        if panel:
            page.locator(f"[data-open-panel={panel}]").click()
        for name, element in needed.items():
            box = element.bounding_box()
            inside = box and box["x"] >= 0 and box["y"] >= 0 and box["y"] + box["height"] <= LAPTOP["height"]
            if not (inside and box and box["x"] + box["width"] <= LAPTOP["width"]):
                hidden[f"{name} ({panel or 'no panel'})"] = box
    scrolls = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")

    assert hidden == {}
    assert scrolls == [LAPTOP["width"], LAPTOP["height"]]
    text, preview = needed["text"].bounding_box(), needed["preview"].bounding_box()
    assert text and text["height"] > 300
    assert preview and preview["height"] > 400


def test_text_has_most_of_a_laptop_screen_and_no_panel_makes_it_smaller(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, LAPTOP) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        text = tab.page.locator("[data-visual-text]")
        shares = {}
        for panel in ("", "settings", "problems"):
            if panel:
                show_panel(tab, panel)
            box = text.bounding_box()
            assert box
            shares[panel] = box["width"] * box["height"] / (LAPTOP["width"] * LAPTOP["height"])
        # The title scrolls with the text.
        text.evaluate("(one) => { one.scrollTop = one.scrollHeight; }")
        title = tab.page.locator("#id_title").bounding_box()
        bars = tab.page.locator(".editor__bars").bounding_box()

    assert min(shares.values()) > 0.4, shares
    assert len(set(shares.values())) == 1, shares
    assert bars
    assert bars["height"] < 50
    assert title
    assert title["y"] < bars["y"] + bars["height"]


def test_new_empty_page_has_room_templates_and_no_problems_until_something_is_typed(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, LAPTOP) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(f"{PAGES}add/")
        problems, settings = tab.page.locator("[data-problem-count]"), tab.page.locator("#id_slug")
        box = tab.page.locator("[data-visual-text]").bounding_box()
        expect(problems).to_have_text("Not checked yet")
        expect(tab.page.locator("[data-state]")).not_to_contain_text("problem")
        expect(settings).to_be_hidden()
        expect(tab.page.get_by_role("link", name="Going home: English")).to_be_visible()
        tab.page.get_by_label("Title").fill("A new page")
        expect(problems).to_contain_text("problems to fix")
        # A template keeps the title, but it has a text of its own.
        expect(tab.page.get_by_role("link", name="Going home: English")).to_be_visible()
        tab.page.locator("[data-visual-text] .ProseMirror").click()
        tab.page.keyboard.type("Rest.")
        expect(tab.page.get_by_role("link", name="Going home: English")).to_be_hidden()
        expect(tab.page.locator("[data-stage]")).to_be_visible()
        # A page that cannot be saved shows the settings with errors.
        tab.page.get_by_role("button", name="Settings").click()
        settings.fill("Not an address")
        tab.page.keyboard.press("Control+s")
        expect(tab.page.locator(".error-panel")).to_be_visible()
        expect(settings).to_be_visible()

    assert box
    assert box["width"] * box["height"] / (LAPTOP["width"] * LAPTOP["height"]) > 0.4


def test_title_in_the_text_shows_the_focus_like_other_fields(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, LAPTOP) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        show_panel(tab, "settings")
        for scheme in COLOR_SCHEMES:
            tab.page.emulate_media(color_scheme=scheme)
            rings = []
            for name in ("title", "key_message", "slug"):
                field = tab.page.locator(f"#id_{name}")
                field.focus()
                rings.append(field.evaluate("(one) => getComputedStyle(one).outlineColor"))
            assert len(set(rings)) == 1, (scheme, rings)


def test_save_stays_in_reach_on_a_phone_and_covers_no_button(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, PHONE) as tab:
        tab.sign_in(editor, mode="visual")
        PageRow.objects.filter(pk=row.pk).update(body=LEAD + "We look after you.\n\n" * 40 + "::: figure needle\n")
        tab.edit(change_url(row))
        save = tab.page.locator("[data-save]")
        expect(save).to_be_hidden()
        tab.page.locator("[data-visual-text] .text > p").nth(20).click()
        tab.page.keyboard.type("x")
        expect(save).to_be_in_viewport(ratio=1)
        tab.page.locator("[data-visual-text] figure").click()
        over = save.evaluate(
            """(save) => {
              const box = save.getBoundingClientRect();
              const isOver = (one) => {
                const { left, right, top, bottom } = one.getBoundingClientRect();
                return right > left && left < box.right && right > box.left && top < box.bottom && bottom > box.top;
              };
              return [...document.querySelectorAll(".editor-context button, .editor__bars button")].filter(isOver).map((one) => one.title);
            }"""
        )
        expect(save).to_be_in_viewport(ratio=1)
        save.click()
        expect(tab.page.locator(".messagelist")).to_contain_text("Draft saved.")
        expect(save).to_be_hidden()

    assert over == []


def test_page_scrolls_as_a_whole_on_a_phone_with_its_keyboard_open(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    size: ViewportSize = {"width": 390, "height": 450}
    with open_staff_tab(browser, live_server.url, size) as tab:
        tab.sign_in(editor, mode="visual")
        PageRow.objects.filter(pk=row.pk).update(body=LEAD + "We look after you.\n\n" * 40)
        tab.edit(change_url(row))
        paragraph = tab.page.locator("[data-visual-text] .text > p").nth(20)
        paragraph.click()
        bold = tab.page.get_by_role("button", name="Bold", exact=True)
        bars = tab.page.locator(".editor__bars").bounding_box()
        inner = tab.page.locator("[data-visual-text]").evaluate("(one) => one.scrollHeight - one.clientHeight")

        expect(bold).to_be_in_viewport(ratio=1)
        assert bars
        assert bars["y"] == 0
        assert bars["height"] < 50
        assert inner == 0
        assert tab.page.evaluate("document.documentElement.scrollWidth") == size["width"]


def test_markdown_is_not_shown_while_the_scripts_load_but_if_they_fail(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, LAPTOP) as tab:
        tab.sign_in(editor, mode="visual")
        tab.page.route("**/editor*.js", lambda route: route.abort())
        tab.page.goto(tab.url + change_url(row), wait_until="domcontentloaded")

        expect(tab.page.locator(".editor__visual")).to_be_visible()
        expect(tab.page.locator("#id_body")).not_to_be_visible()
        expect(tab.page.locator("#id_body")).to_be_visible()
        expect(tab.page.locator("#id_title")).to_be_visible()


def test_each_of_twenty_mistakes_is_shown_in_place_with_a_fix(laptop: StaffTab) -> None:
    page, wrong = laptop.page, {}
    page.locator("[data-open-panel=problems]").click()
    for mistake, line, fix, wanted in MISTAKES:
        type_text(laptop, LEAD + mistake)
        issue = page.locator("[data-problems] li", has=page.get_by_role("button", name=fix, exact=True)).first
        expect(issue, mistake).to_contain_text(f"Line {line}: ")
        issue.get_by_role("button", name="Go to").click()
        reached = page.evaluate("document.activeElement.value.slice(0, document.activeElement.selectionStart)")
        issue.get_by_role("button", name=fix, exact=True).click()
        fixed = laptop.text
        expect(page.locator("[data-problem-count]"), mistake).to_have_text("Ready to send")
        page.locator("#id_body").focus()
        page.keyboard.press("Control+z")
        if (reached.count("\n") + 1, fixed.strip(), laptop.text) != (line, (LEAD + wanted).strip(), LEAD + mistake):
            wrong[mistake] = reached.count("\n") + 1, fixed.removeprefix(LEAD), laptop.text.removeprefix(LEAD)

    assert len(MISTAKES) == 20
    assert wrong == {}


def test_missing_parts_are_inserted_or_chosen(laptop: StaffTab) -> None:
    page = laptop.page
    page.locator("[data-open-panel=problems]").click()
    type_text(laptop, "We look after you.")
    page.get_by_role("button", name="Choose a source").first.click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_text("A guide").click()
    expect(page.locator("#id_body")).to_have_value("We look after you.[@nice]")
    page.get_by_role("button", name="Insert key points").click()

    expect(page.locator("#id_body")).to_have_value("::: key-points\n- …\n- …\n:::\n\nWe look after you.[@nice]")
    expect(page.locator("[data-problem-count]")).to_have_text("2 problems to fix")


def test_the_picture_in_the_text_can_become_the_main_picture(laptop: StaffTab) -> None:
    page = laptop.page
    figure = make_figure("balloon")
    laptop.page.reload()
    page.locator("[data-open-panel=settings]").click()
    page.locator("#id_lead_figure").select_option("")
    type_text(laptop, "We look after you. [@nice]\n\n::: figure balloon\n")
    page.locator("[data-open-panel=problems]").click()
    page.locator("[data-problems] li", has_text="main picture").get_by_role("button", name="to the top").click()

    expect(page.locator("#id_body")).to_have_value(re.compile(r"^We look after you\. \[@nice\]\s*$"))
    expect(page.locator("#id_lead_figure")).to_have_value(str(figure.pk))
    expect(page.locator("[data-problems] li", has_text="main picture")).to_have_count(0)
    expect(page.locator("[data-panel-tab=problems]")).to_be_focused()


def test_field_issue_opens_the_settings(laptop: StaffTab) -> None:
    page = laptop.page
    page.locator("[data-open-panel=settings]").click()
    page.locator("#id_description").fill("")
    page.locator("[data-open-panel=problems]").click()
    page.locator("[data-problems] li", has_text="description").get_by_role("button", name="Go to").click()

    expect(page.locator("#id_description")).to_be_focused()
    expect(page.locator("#id_description")).to_be_visible()


def test_a_click_in_the_preview_moves_the_caret_to_that_block(laptop: StaffTab) -> None:
    laptop.page.frame_locator("[data-stage] iframe").get_by_text("We look after you").click()

    line = "document.activeElement.value.slice(0, document.activeElement.selectionStart).split('\\n').length"
    assert laptop.page.evaluate(line) == laptop.text.split("\n").index("A small cut. We look after you. [@nice]") + 1


def test_words_are_found_and_replaced_from_the_keyboard(laptop: StaffTab) -> None:
    page, count = laptop.page, laptop.page.locator("[data-find-count]")
    type_text(laptop, "Walk. Walk again.\n\nThen walk home.\n")
    page.locator("#id_body").press("Control+f")
    page.keyboard.type("walk")
    expect(count).to_have_text("1 of 3")
    page.keyboard.press("Enter")
    expect(count).to_have_text("2 of 3")
    page.keyboard.press("Shift+Enter")
    expect(count).to_have_text("1 of 3")
    page.get_by_label("Replace with").fill("Rest")
    page.get_by_role("button", name="Replace", exact=True).click()
    one = laptop.text
    page.get_by_role("button", name="Replace all").click()
    expect(count).to_have_text("2 replaced")
    everything = laptop.text
    page.keyboard.press("Escape")
    expect(page.locator("[data-find]")).to_be_hidden()

    assert one == "Rest. Walk again.\n\nThen walk home.\n"
    assert everything == "Rest. Rest again.\n\nThen Rest home.\n"


def test_the_main_action_saves_first_and_then_sends(laptop: StaffTab, row: PageRow) -> None:
    page = laptop.page
    save, send = page.locator("[data-save]"), page.locator("[data-next] summary")
    expect(send).to_be_visible()
    expect(save).to_be_hidden()
    page.get_by_label("Title").fill("A smaller cut")
    expect(save).to_be_visible()
    expect(send).to_have_class("button button--secondary")
    page.keyboard.press("Control+s")
    expect(page.locator(".messagelist")).to_contain_text("Draft saved.")
    expect(page.get_by_role("heading", level=1)).to_have_text("A smaller cut")

    expect(save).to_be_hidden()
    expect(send).to_have_class("button default")
    send.click()
    page.keyboard.type("Please look at the title.")
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("Saved and sent for review.")
    assert row.revisions.count() == 2
    assert row.events.get().reason == "Please look at the title."


def test_unsaved_changes_can_be_discarded_and_restored(laptop: StaffTab) -> None:
    page, before = laptop.page, laptop.text
    type_text(laptop, "Only these words.")
    page.get_by_label("Title").fill("Another title")
    page.locator("summary", has_text="More").click()
    page.get_by_role("button", name="Discard unsaved changes").click()
    expect(page.locator("#id_body")).to_have_value(before)
    expect(page.locator("#id_title")).to_have_value("Small cut")

    page.locator("[data-notices]").get_by_role("button", name="Undo").click()
    expect(page.locator("#id_body")).to_have_value("Only these words.")
    expect(page.locator("#id_title")).to_have_value("Another title")


def test_discarded_draft_can_be_restored(browser: Browser, live_server: Any, row: PageRow, editor: User) -> None:
    make_public(row)
    row.refresh_from_db()
    row.title = "A newer title"
    row.save()
    save_revision(row, author=editor)
    with open_staff_tab(browser, live_server.url, LAPTOP) as tab:
        tab.sign_in(editor)
        tab.edit(change_url(row))
        tab.page.locator("summary", has_text="More").click()
        tab.page.get_by_role("button", name="Discard draft").click()
        expect(tab.page.locator("[data-notices]")).to_contain_text("The draft was discarded.")
        expect(tab.page.locator("#id_title")).to_have_value("Small cut")
        tab.page.locator("[data-notices]").get_by_role("button", name="Undo").click()
        expect(tab.page.locator("#id_title")).to_have_value("A newer title")
        assert tab.complaints == []


def test_text_or_preview_can_be_shown_alone_and_the_choice_is_remembered(laptop: StaffTab, row: PageRow) -> None:
    page = laptop.page
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.locator(".editor__source")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("button", name="Preview", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".editor__source")).to_be_hidden()
    page.get_by_role("button", name="Text", exact=True).click()
    expect(page.locator("[data-stage]")).to_be_hidden()
    expect(page.locator(".editor__source")).to_be_visible()


def test_a_new_page_starts_with_a_template(editor_tab: StaffTab, row: PageRow) -> None:
    editor_tab.edit(f"{PAGES}add/")
    editor_tab.page.get_by_role("link", name="Going home: English").click()
    expect(editor_tab.page.locator("[data-problem-count]")).to_contain_text("problems to fix")

    assert editor_tab.text.startswith("::: key-points\n- [Say how most people feel on the first day.]")
    expect(editor_tab.page.locator("#id_kind")).to_have_value("recovery")


def test_issues_name_their_place_by_its_first_words_and_are_listed_once(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    PageRow.objects.filter(pk=row.pk).update(
        body=f"{LEAD}## At home\n\n##Rest **today** and all of tomorrow\n\nWalk.\n---\n\nWalk.\n---\n"
    )
    with open_staff_tab(browser, live_server.url, LAPTOP) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        show_panel(tab, "problems")
        rows = tab.page.locator("[data-problems] .issue-list__message")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("In “At home”, at “Rest today and all of…”: ")
        expect(rows.last).to_contain_text("In “At home”: “Walk.” is shown as a heading.")
        expect(rows.last).to_contain_text("(2 times)")
        expect(tab.page.locator("[data-problem-count]")).to_have_text("3 problems to fix")


def test_screen_is_accessible(browser: Browser, live_server: Any, row: PageRow, editor: User, superuser: User) -> None:
    approve(row.revisions.get())
    found: dict[str, Any] = {}
    screens = [(LAPTOP, COLOR_SCHEMES), (TABLET, ["light"]), (PHONE, ["dark"]), (ZOOMED, ["light"])]
    with open_staff_tab(browser, live_server.url, LAPTOP, bypass_csp=True) as tab:
        tab.sign_in(superuser)
        for size, schemes in screens:
            tab.page.set_viewport_size(size)
            for path in (change_url(row), f"{PAGES}add/", "/admin/procedures/guide/add/"):
                tab.edit(path)
                tab.page.evaluate(AXE)
                for panel in ("settings", "problems"):
                    tab.page.locator(f"[data-open-panel={panel}]").click()
                    wide = tab.page.evaluate("document.documentElement.scrollWidth") > size["width"]
                    here = ["wider than the screen"] if wide else []
                    for scheme in schemes:
                        tab.page.emulate_media(color_scheme=scheme)
                        here += tab.page.evaluate(AXE_FINDINGS)
                    if here:
                        found[f"{path} {panel} {size}"] = here

    assert found == {}


def test_without_javascript_everything_is_on_one_long_page(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, LAPTOP, java_script_enabled=False) as tab:
        tab.sign_in(editor)
        tab.open(change_url(row))
        for label in ("Title", "Key message", "Description", "What did you change?"):
            if label == "What did you change?":
                tab.page.locator("summary", has_text="Send for review").click()
            expect(tab.page.get_by_label(label)).to_be_visible()
        expect(tab.page.get_by_text("Ready to send.")).to_be_visible()
        expect(tab.page.get_by_role("button", name="Undo")).to_have_count(0)
        tab.page.get_by_label("What did you change?").fill("Please look.")
        tab.page.get_by_role("button", name="Send", exact=True).click()
        expect(tab.page.locator(".messagelist")).to_contain_text("Saved and sent for review.")

    assert row.events.get().reason == "Please look."


def test_visual_editor_has_fixes_issue_positions_and_a_caret_that_follows_the_preview(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    PageRow.objects.filter(pk=row.pk).update(
        body=f"{LEAD}## At home\n\nRest a little. [@nicee]\n\nCall {{clinic.fone}}.\n"
    )
    with open_staff_tab(browser, live_server.url, LAPTOP) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        page = tab.page
        api = "document.querySelector('[data-editor]').visualEditor"
        show_panel(tab, "problems")
        issue = page.locator("[data-problems] li", has_text="nicee")
        expect(issue).to_contain_text("In “At home”: ")
        issue.get_by_role("button", name="Go to").click()
        reached = page.evaluate(f"{api}.currentLine()")
        issue.get_by_role("button", name="Use “nice”").click()
        expect(page.locator("[data-problem-count]")).to_have_text("1 problem to fix")
        page.get_by_role("button", name="Close the panel").click()
        sentence = page.frame_locator("[data-stage] iframe").get_by_text("We look after you")
        # On the words: in the middle of the line is the link to the source.
        sentence.click(position={"x": 20, "y": 10})
        clicked = page.evaluate(f"{api}.currentLine()")
        boxes = [page.locator(name).bounding_box() for name in (".editor__visual", "[data-stage]")]

        assert (reached, clicked) == (12, 8)
        assert tab.text == f"{LEAD}## At home\n\nRest a little. [@nice]\n\nCall {{clinic.fone}}.\n"
        assert [box and box["height"] > 250 and box["y"] + box["height"] <= LAPTOP["height"] for box in boxes] == [
            True
        ] * 2
        assert tab.complaints == []
