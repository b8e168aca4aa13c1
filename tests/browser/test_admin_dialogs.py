"""The editor's dialogs in a real browser: each inserts its block, by mouse and by keyboard."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from portal.accounts.models import User
from procedures.models import Page
from tests.admin.conftest import change_url
from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, StaffTab, make_draft_with_references, open_staff_tab
from tests.factories import make_source, make_term

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def row(transactional_db: None) -> Page:
    """A draft with something to choose in every dialog."""
    return make_draft_with_references()


def window(tab: StaffTab, button: str) -> Locator:
    tab.page.locator("[data-tools]").get_by_role("button", name=button, exact=True).click()
    opened = tab.page.locator("dialog[open]")
    expect(opened).to_be_visible()
    expect(opened.locator("[data-loading]")).to_have_count(0)
    return opened


def put(opened: Locator) -> None:
    opened.get_by_role("button", name="Insert").click()
    expect(opened).to_be_hidden()


WINDOWS: list[tuple[str, dict[str, Any], str]] = [
    ("Key points…", {"lines": "One.\n- Two."}, "::: key-points\n- One.\n- Two.\n:::"),
    (
        "Care card…",
        {"urgency": "call", "lines": "A question.\nA new date."},
        "::: call\n- A question.\n- A new date.\n:::",
    ),
    ("Warning signs…", {"when": "after"}, "::: warning-signs after"),
    ("Warning signs…", {"when": "both", "short": "1"}, "::: warning-signs both short"),
    ("Care card…", {"urgency": "note", "lines": "Rest."}, "::: note\nRest.\n:::"),
    (
        "Care card…",
        {"urgency": "note", "lines": "1945. That was the year."},
        "::: note\n1945\\. That was the year.\n:::",
    ),
    ("Checklist…", {"lines": "∙ Shoes\n◦ Hat"}, "::: checklist\n- Shoes\n- Hat\n:::"),
    ("Steps…", {"lines": "First.\nThen."}, "::: steps\n1. First.\n2. Then.\n:::"),
    ("Do, do not…", {"lines": "Walk.", "not": "Lift."}, "::: do\n- Walk.\n:::\n\n::: dont\n- Lift.\n:::"),
    ("Checklist…", {"lines": "Shoes"}, "::: checklist\n- Shoes\n:::"),
    ("Scale…", {"lines": "Wait\nAct"}, "::: scale\n- Wait\n- Act\n:::"),
    ("Index…", {"index": "phones"}, "::: phones"),
    ("Steps…", {"lines": "3. Sit\n4. Lie"}, "::: steps\n3. Sit\n4. Lie\n:::"),
    (
        "Key points…",
        {"lines": "- One\\\n  line\n  - nested\n- 1945. A year"},
        "::: key-points\n- One\\\n  line\n  - nested\n- 1945\\. A year\n:::",
    ),
    (
        "Chance…",
        {"count": "3", "sentence": "feel pain.", "source": "nice"},
        "::: chance 3 in 100\nfeel pain. [@nice]\n:::",
    ),
    (
        "Choices…",
        {"lines": "A\nB", "aspects": "What it is"},
        "::: choices\n### A\n#### What it is\n…\n### B\n#### What it is\n…\n:::",
    ),
    ("Our phone…", {"value": "clinic.hours"}, "{clinic.hours}"),
    ("Table…", {"lines": "When\nWhat", "rows": "1"}, "| When | What |\n|---|---|\n| … | … |"),
    ("Table…", {"lines": "a|b\nc", "rows": "1"}, "| a\\|b | c |\n|---|---|\n| … | … |"),
    ("Index…", {"index": "glossary"}, "::: glossary"),
    ("Link…", {"choice": "contact"}, "[Contact](page:contact)"),
    ("Link…", {"choice": "small-cut", "section": "when-to-call"}, "[Small cut](page:small-cut#when-to-call)"),
    ("Link…", {"choice": "contact", "words": "[here]"}, "[\\[here\\]](page:contact)"),
    ("Cite…", {"choice": "nice"}, "[@nice]"),
    ("Word…", {"choice": "vertebra"}, "vertebra"),
    ("Picture…", {"choice": "balloon"}, "::: figure balloon"),
    ("Picture…", {"choice": "needle", "second": "balloon"}, "::: compare needle balloon"),
    ("Clinic answers…", {"choice": ["driving", "washing"]}, "::: care driving washing"),
]


def choose(option: Locator) -> None:
    """Check an option with the keyboard, which does not close the dialog, as a click may."""
    option.focus()
    if not option.is_checked():
        option.press("Space")
    expect(option).to_be_checked()


def answer(opened: Locator, answers: dict[str, Any]) -> None:
    for name, value in answers.items():
        for one in value if isinstance(value, list) else [value]:
            field = opened.locator(f"[name={name}]")
            if field.first.get_attribute("type") in {"radio", "checkbox"}:
                choose(opened.locator(f"[name={name}][value='{one}']"))
            elif field.evaluate("(field) => field.tagName") == "SELECT":
                field.select_option(one)
            else:
                field.fill(one)


def test_dialog_inserts_its_block_and_native_undo_removes_it(tab: StaffTab) -> None:
    field, found = tab.page.locator("#id_body"), []

    for button, answers, _ in WINDOWS:
        field.fill("")
        opened = window(tab, button)
        answer(opened, answers)
        put(opened)
        expect(field).not_to_have_value("")
        found.append((button, answers, tab.text.strip()))
        tab.page.keyboard.press("Control+z")
        expect(field).to_have_value("")

    assert found == WINDOWS


def test_source_is_found_by_typing_and_inserted_with_enter(tab: StaffTab) -> None:
    tab.page.locator("#id_body").fill("See ")
    opened = window(tab, "Cite…")

    tab.page.keyboard.type("guide")
    expect(opened.locator("[data-count]")).to_have_text("1 result. Press Enter to choose “A guide”.")
    expect(opened.get_by_role("radio", name="A guide")).to_be_checked()
    tab.page.keyboard.press("Enter")

    expect(opened).to_be_hidden()
    expect(tab.page.locator("#id_body")).to_have_value("See [@nice]")


def test_own_choice_stays_while_it_matches_and_a_click_inserts(tab: StaffTab) -> None:
    make_source("who", title="Another guide")
    tab.page.locator("#id_body").fill("See ")
    opened = window(tab, "Cite…")
    search = opened.get_by_label("Search")
    choose(opened.get_by_role("radio", name="Another guide"))
    search.fill("guide")
    expect(opened.locator("[data-count]")).to_have_text("2 results")
    expect(opened.get_by_role("radio", name="Another guide")).to_be_checked()
    search.fill("")
    expect(opened.locator("[data-count]")).to_have_text("Click one to choose it.")
    opened.get_by_text("A guide", exact=True).click()

    expect(opened).to_be_hidden()
    expect(tab.page.locator("#id_body")).to_have_value("See [@nice]")


def test_a_click_in_a_dialog_with_more_questions_only_selects_and_a_second_click_inserts(tab: StaffTab) -> None:
    tab.page.locator("#id_body").fill("")
    opened = window(tab, "Link…")
    expect(opened.locator("[data-count]")).to_be_empty()
    opened.get_by_text("Small cut").click()
    expect(opened.get_by_label("Section")).to_contain_text("When to call")
    opened.get_by_text("Contact").dblclick()

    expect(opened).to_be_hidden()
    expect(tab.page.locator("#id_body")).to_have_value("[Contact](page:contact)")


def test_a_choice_that_is_not_visible_is_not_inserted(tab: StaffTab) -> None:
    tab.page.locator("#id_body").fill("See ")
    opened = window(tab, "Cite…")
    status = opened.locator("[data-count]")
    search = opened.get_by_label("Search")

    search.press("Enter")
    expect(status).to_have_text("Choose one first.")
    choose(opened.get_by_role("radio").first)
    search.fill("zzzz")
    expect(status).to_have_text("No results. Try fewer or other words.")
    search.press("Enter")
    opened.get_by_role("button", name="Insert", exact=True).click()
    expect(status).to_have_text("Choose one first.")
    search.fill("")
    expect(opened.get_by_role("radio", checked=True)).to_have_count(0)

    opened.get_by_role("button", name="Cancel").click()
    expect(opened).to_be_hidden()
    assert tab.text == "See "


def test_web_address_without_a_scheme_becomes_a_link(tab: StaffTab) -> None:
    found = []
    for address in ("medlineplus.gov", "www.cdc.gov/flu", "mailto:a@example.org"):
        tab.page.locator("#id_body").fill("")
        opened = window(tab, "Link…")
        opened.get_by_role("radio").first.check()
        opened.get_by_label("paste a web address").fill(address)
        expect(opened.locator("[data-count]")).to_have_text("The link will lead to this address.")
        opened.get_by_role("button", name="Insert", exact=True).click()
        expect(opened).to_be_hidden()
        found.append(tab.text)

    assert found == [
        "[medlineplus.gov](https://medlineplus.gov)",
        "[www.cdc.gov/flu](https://www.cdc.gov/flu)",
        "[mailto:a@example.org](mailto:a@example.org)",
    ]


def test_exact_and_prefix_matches_come_first(tab: StaffTab) -> None:
    for term in ("CPAP machine for driving", "IV", "IV drip", "Arrival IV", "PMMA bone cement", "bone cement"):
        make_term(term.replace(" ", "-").lower(), term=term, definition="Bone cement, given by IV.")
    opened = window(tab, "Word…")
    found = {}
    for words in ("iv", "bone cement"):
        opened.get_by_label("Search").fill(words)
        found[words] = opened.locator(".choice-list__row:visible strong").all_inner_texts()[:3]

    assert found == {
        "iv": ["IV", "IV drip", "Arrival IV"],
        "bone cement": ["bone cement", "PMMA bone cement", found["bone cement"][2]],
    }


def test_search_ignores_hyphens_accents_and_the_form_of_apostrophes(tab: StaffTab) -> None:
    make_term("x-ray", term="X-ray of Paget’s disease", definition="A picture.")
    opened = window(tab, "Word…")
    found = {}
    for words in ("xray", "x\u2011ray", "paget's", "pagét", "nothing"):
        opened.get_by_label("Search").fill(words)
        found[words] = opened.locator(".choice-list__row:visible").count()

    assert found == {"xray": 1, "x\u2011ray": 1, "paget's": 1, "pagét": 1, "nothing": 0}


def test_link_dialog_accepts_only_addresses_that_can_be_published(tab: StaffTab) -> None:
    tab.page.locator("#id_body").fill("")
    opened = window(tab, "Link…")
    box = opened.get_by_label("paste a web address")
    box.fill("http://example.org/a")
    opened.get_by_role("button", name="Insert").click()
    expect(opened).to_be_visible()
    assert box.evaluate("(box) => box.validationMessage") == "Web addresses must start with https://."
    box.fill("HTTPS://example.org/a b")
    opened.get_by_role("button", name="Insert").click()
    expect(opened).to_be_visible()
    box.fill("HTTPS://example.org/a_(b)")
    opened.get_by_label("Link text").fill("here")
    put(opened)

    expect(tab.page.locator("#id_body")).to_have_value("[here](https://example.org/a_%28b%29)")


def test_search_without_results_says_so(tab: StaffTab) -> None:
    opened = window(tab, "Picture…")

    tab.page.keyboard.type("xyz")

    expect(opened.locator("[data-count]")).to_have_text("No results. Try fewer or other words.")
    assert opened.locator(".choice-list__row:visible").count() == 0


def test_selected_lines_become_the_block(tab: StaffTab) -> None:
    tab.page.locator("#id_body").fill("Shoes\nGlasses")
    tab.page.locator("#id_body").press("Control+a")

    put(window(tab, "Checklist…"))

    assert tab.text.strip() == "::: checklist\n- Shoes\n- Glasses\n:::"


def test_block_that_a_page_has_once_is_not_inserted_again(tab: StaffTab) -> None:
    field = tab.page.locator("#id_body")
    field.fill("::: key-points\n- One.\n:::\n\n::: phones\n")
    say = tab.page.locator("[data-live]")
    before = tab.text
    tab.page.locator("[data-tools]").get_by_role("button", name="Key points…").click()
    expect(say).to_have_text("This page already has “Key points”. We moved the cursor to it.")
    assert field.evaluate("(field) => field.selectionStart") == 0
    opened = window(tab, "Index…")
    answer(opened, {"index": "phones"})
    put(opened)

    expect(say).to_have_text("This page already has “Our phone numbers as buttons”. We moved the cursor to it.")
    assert field.evaluate("(field) => field.selectionStart") == before.index("::: phones")
    assert tab.text == before


def test_new_chance_uses_the_total_of_the_page(tab: StaffTab) -> None:
    tab.page.locator("#id_body").fill("::: chance 2 in 1000\nget a rash.\n:::\n")

    expect(window(tab, "Chance…").get_by_label("out of")).to_have_value("1000")


def test_block_is_never_inserted_into_another_block(tab: StaffTab) -> None:
    tab.page.locator("#id_body").fill("::: do\n- One.\n:::\n\nEnd.")
    tab.page.locator("#id_body").press("Control+Home")
    opened = window(tab, "Care card…")
    opened.locator("[value=call]").check()
    opened.locator("[name=lines]").fill("You have a question.")

    put(opened)

    assert tab.text == "::: do\n- One.\n:::\n\n::: call\n- You have a question.\n:::\n\n\nEnd."


def test_canceled_dialog_inserts_nothing_and_returns_the_focus(tab: StaffTab) -> None:
    before = tab.text

    window(tab, "Cite…")
    tab.page.keyboard.press("Escape")
    window(tab, "Checklist…").get_by_role("button", name="Cancel").click()

    assert tab.text == before
    assert tab.page.evaluate("document.activeElement.id") == "id_body"


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_axe_finds_no_problem_in_any_dialog(
    browser: Browser, live_server: Any, row: Page, editor: User, size: Any, scheme: Any
) -> None:
    with open_staff_tab(browser, live_server.url, size, bypass_csp=True, color_scheme=scheme) as tab:
        tab.sign_in(editor)
        tab.edit(change_url(row))
        tab.page.locator("#id_body").fill("")
        tab.page.evaluate(AXE)
        found: dict[str, list[str]] = {}
        widths = {}
        names = tab.page.evaluate("[...document.querySelectorAll('[data-choose]')].map((b) => b.dataset.choose)")
        for name in names:
            tab.page.locator(f"[data-choose={name}]").click()
            expect(tab.page.locator("dialog[open]")).to_be_visible()
            if here := tab.page.evaluate(AXE_FINDINGS):
                found[name] = here
            widths[name] = tab.page.evaluate("document.documentElement.scrollWidth")
            tab.page.keyboard.press("Escape")

    assert len(names) == 19
    assert found == {}
    assert set(widths.values()) == {size["width"]}, json.dumps(widths)
