"""The small windows of the editor, pasting, and the views of the page, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from portal.staff.models import User
from procedures.models import CareInstruction, Page
from tests.admin.conftest import form_of, person, picture_file
from tests.browser.admin import Desk, desk
from tests.browser.public import AXE, DESK, PHONE, wait_until
from tests.browser.test_admin_walk import FINDINGS
from tests.factories import make_clinic, make_figure, make_next, make_page, make_term

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FIXTURES = Path(__file__).parent / "clipboard"


@pytest.fixture
def row(transactional_db: None) -> Page:
    """A draft, and one of everything that its text may name."""
    make_clinic()
    make_figure(size=(400, 400))
    make_figure("balloon", size=(400, 400))
    make_term()
    for key, question in (("driving", "When can I drive?"), ("washing", "When can I wash?")):
        CareInstruction.objects.create(key=key, language="en", question=question, answer="Tomorrow.")
    return make_page(next_page=make_next())


@pytest.fixture
def editor(transactional_db: None) -> User:
    return person("Nina", "Editor")


@pytest.fixture
def at(browser: Browser, live_server: Any, row: Page, editor: User) -> Iterator[Desk]:
    with desk(browser, live_server.url, DESK) as made:
        made.sign_in(editor)
        made.edit(form_of(row))
        yield made
        assert made.complaints == []


def window(at: Desk, button: str) -> Locator:
    at.page.locator("[data-tools]").get_by_role("button", name=button, exact=True).click()
    opened = at.page.locator("dialog[open]")
    expect(opened).to_be_visible()
    return opened


def put(opened: Locator) -> None:
    opened.get_by_role("button", name="Put it in").click()
    expect(opened).to_be_hidden()
    opened.page.wait_for_timeout(100)  # the window puts it in when it has closed


WINDOWS: list[tuple[str, dict[str, Any], str]] = [
    ("Key points …", {"lines": "One.\n- Two."}, "::: key-points\n- One.\n- Two.\n:::"),
    ("Care card …", {"urgency": "urgent", "lines": "Fever.\nChills."}, "::: urgent\n- Fever.\n- Chills.\n:::"),
    ("Care card …", {"urgency": "note", "lines": "Rest."}, "::: note\nRest.\n:::"),
    ("Steps …", {"lines": "First.\nThen."}, "::: steps\n1. First.\n2. Then.\n:::"),
    ("Do, do not …", {"lines": "Walk.", "not": "Lift."}, "::: do\n- Walk.\n:::\n\n::: dont\n- Lift.\n:::"),
    ("Checklist …", {"lines": "Shoes"}, "::: checklist\n- Shoes\n:::"),
    (
        "Chance …",
        {"count": "3", "sentence": "feel pain.", "source": "nice"},
        "::: chance 3 in 100\nfeel pain. [@nice]\n:::",
    ),
    (
        "Choices …",
        {"lines": "A\nB", "aspects": "What it is"},
        "::: choices\n### A\n#### What it is\n…\n### B\n#### What it is\n…\n:::",
    ),
    ("Our phone …", {"value": "clinic.hours"}, "{clinic.hours}"),
    ("Table …", {"lines": "When\nWhat", "rows": "1"}, "| When | What |\n|---|---|\n| … | … |"),
    ("Index …", {"index": "glossary"}, "::: glossary"),
    ("Link …", {"choice": "contact"}, "[Contact](page:contact)"),
    ("Link …", {"choice": "small-cut", "section": "when-to-call"}, "[Small cut](page:small-cut#when-to-call)"),
    ("Source …", {"choice": "nice"}, "[@nice]"),
    ("Word …", {"choice": "vertebra"}, "vertebra"),
    ("Picture …", {"choice": "balloon"}, "::: figure balloon"),
    ("Picture …", {"choice": "needle", "second": "balloon"}, "::: compare needle balloon"),
    ("Our answers …", {"choice": ["driving", "washing"]}, "::: care driving washing"),
]


def answer(opened: Locator, answers: dict[str, Any]) -> None:
    for name, value in answers.items():
        for one in value if isinstance(value, list) else [value]:
            field = opened.locator(f"[name={name}]")
            if field.first.get_attribute("type") in {"radio", "checkbox"}:
                opened.locator(f"[name={name}][value='{one}']").check()
            elif field.evaluate("(field) => field.tagName") == "SELECT":
                field.select_option(one)
            else:
                field.fill(one)


def test_a_window_puts_its_block_in_and_native_undo_takes_it_back(at: Desk) -> None:
    field, found = at.page.locator("#id_body"), []

    for button, answers, _ in WINDOWS:
        field.fill("")
        opened = window(at, button)
        answer(opened, answers)
        put(opened)
        expect(field).not_to_have_value("")
        found.append((button, answers, at.text.strip()))
        at.page.keyboard.press("Control+z")
        expect(field).to_have_value("")

    assert found == WINDOWS


def test_a_source_is_found_by_typing_and_put_in_by_enter(at: Desk) -> None:
    at.page.locator("#id_body").fill("See ")
    opened = window(at, "Source …")

    at.page.keyboard.type("guide")
    at.page.keyboard.press("Enter")
    at.page.keyboard.press("Enter")

    expect(opened).to_be_hidden()
    expect(at.page.locator("#id_body")).to_have_value("See [@nice]")


def test_a_search_without_result_says_so(at: Desk) -> None:
    opened = window(at, "Picture …")

    at.page.keyboard.type("xyz")

    expect(opened.locator("[data-count]")).to_have_text("Nothing found.")
    assert opened.locator(".choice-list__row:visible").count() == 0


def test_chosen_lines_become_the_block(at: Desk) -> None:
    at.page.locator("#id_body").fill("Shoes\nGlasses")
    at.page.locator("#id_body").press("Control+a")

    put(window(at, "Checklist …"))

    assert at.text.strip() == "::: checklist\n- Shoes\n- Glasses\n:::"


def test_a_block_is_never_put_within_a_block(at: Desk) -> None:
    at.page.locator("#id_body").fill("::: do\n- One.\n:::\n\nEnd.")
    at.page.locator("#id_body").press("Control+Home")
    opened = window(at, "Care card …")
    opened.locator("[value=call]").check()
    opened.locator("[name=lines]").fill("You have a question.")

    put(opened)

    assert at.text == "::: do\n- One.\n:::\n\n::: call\n- You have a question.\n:::\n\n\nEnd."


def test_a_window_that_is_cancelled_puts_nothing_in_and_gives_the_focus_back(at: Desk) -> None:
    before = at.text

    window(at, "Source …")
    at.page.keyboard.press("Escape")
    window(at, "Checklist …").get_by_role("button", name="Cancel").click()

    assert at.text == before
    assert at.page.evaluate("document.activeElement.id") == "id_body"


# ── Pasting ──


def paste(at: Desk, **data: str) -> None:
    """What the browser does on Ctrl+V, with these things on the clipboard."""
    at.page.locator("#id_body").focus()
    at.page.evaluate(
        """(data) => {
          const transfer = new DataTransfer();
          Object.entries(data).forEach(([type, value]) => transfer.setData(`text/${type}`, value));
          const event = new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true});
          if (document.activeElement.dispatchEvent(event)) document.execCommand("insertText", false, data.plain);
        }""",
        data,
    )


@pytest.mark.parametrize("name", sorted(file.stem for file in FIXTURES.glob("*.html")))
def test_what_word_and_others_put_on_the_clipboard_becomes_markdown(at: Desk, name: str) -> None:
    at.page.locator("#id_body").fill("")

    paste(at, html=(FIXTURES / f"{name}.html").read_text(), plain="plain")
    text = at.text
    at.page.keyboard.press("Control+z")

    assert text == (FIXTURES / f"{name}.md").read_text().rstrip("\n")
    assert at.text == ""


@pytest.mark.parametrize(
    "data",
    [
        {"plain": "# not *touched*"},
        {"plain": "int x = 1;", "html": "<div><span>int</span><span> x = 1;</span></div>"},
    ],
)
def test_plain_text_is_pasted_as_it_is(at: Desk, data: dict[str, str]) -> None:
    at.page.locator("#id_body").fill("")

    paste(at, **data)

    assert at.text == data["plain"]


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_a_picture_that_is_pasted_or_dropped_asks_for_its_words(at: Desk, event: str) -> None:
    data = list(picture_file().read())

    at.page.evaluate(
        """([kind, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "x.jpg", {type: "image/jpeg"}));
          const init = {bubbles: true, cancelable: true};
          const event = kind === "paste" ? new ClipboardEvent("paste", {...init, clipboardData: transfer})
            : new DragEvent("drop", {...init, dataTransfer: transfer});
          document.querySelector("#id_body").dispatchEvent(event);
        }""",
        [event, data],
    )
    opened = at.page.locator("dialog[open]")
    for name, words in (("title", "Knee"), ("alt", "A knee."), ("caption", "This is a knee.")):
        opened.locator(f"[name={name}]").fill(words)
    opened.locator("[name=provenance]").select_option("simulated")
    opened.locator("[name=nothing_visible]").check()
    opened.get_by_role("button", name="Bring it in").click()
    expect(opened).to_be_hidden()

    assert "::: figure knee\n" in at.text


# ── Views, scrolling, width ──


def inside(at: Desk, script: str) -> Any:
    return at.page.evaluate(
        f"(() => {{ const doc = document.querySelector('[data-stage] iframe').contentDocument; return {script}; }})()"
    )


def test_the_page_is_seen_dark_large_and_on_paper(at: Desk) -> None:
    colour = "getComputedStyle(doc.body).color"
    size = "parseFloat(getComputedStyle(doc.querySelector('article p')).fontSize)"
    header = "getComputedStyle(doc.querySelector('header')).display"
    wait_until(at.page, "document.querySelector('[data-stage] iframe').contentDocument.readyState === 'complete'")
    at.page.wait_for_timeout(300)
    day = inside(at, f"[{colour}, {size}]")

    at.page.get_by_role("button", name="Dark", exact=True).click()
    night = inside(at, colour)
    at.page.get_by_role("button", name="Dark", exact=True).click()
    at.page.get_by_role("button", name="Large type").click()
    large = inside(at, size)
    at.page.get_by_role("button", name="Large type").click()
    at.page.get_by_role("button", name="Print").click()
    paper = inside(at, f"[{colour}, {header}]")
    at.page.get_by_role("button", name="Phone", exact=True).click()

    assert night != day[0]
    assert large > day[1] * 1.2
    assert paper[1] == "none"
    assert inside(at, f"[{colour}, {size}]") == day


def test_long_sentences_are_marked_in_the_page(at: Desk) -> None:
    long = "We look at the bone and at the skin and at the legs and at the arms and then we talk with you again."
    at.page.locator("#id_body").fill(f"Short one.\n\n{long} And short.\n")
    expect(at.page.frame_locator("[data-stage] iframe").locator("article")).to_contain_text("And short.")

    at.page.get_by_role("button", name="Long sentences").click()

    marked = inside(at, "[...doc.defaultView.CSS.highlights.get('long')].map((range) => range.toString())")
    assert marked == [long]


def test_text_and_page_scroll_in_step(at: Desk) -> None:
    sections = "\n\n".join(f"## Part {number}\n" + "Some words that fill the line. " * 30 for number in range(12))
    at.page.locator("#id_body").fill(sections)
    expect(at.page.frame_locator("[data-stage] iframe").locator("article")).to_contain_text("Part 11")
    first_shown = (
        "[...doc.querySelectorAll('h2')].filter((h) => h.getBoundingClientRect().top < 150).at(-1)?.textContent"
    )

    at.page.locator("#id_body").hover()
    at.page.mouse.wheel(0, 1800)
    at.page.wait_for_timeout(300)
    shown = inside(at, first_shown)
    line = at.page.evaluate(
        "(() => { const f = document.querySelector('#id_body'); const share = f.scrollTop / f.scrollHeight;"
        " return Math.floor(share * 12); })()"
    )
    at.page.evaluate("document.querySelector('#id_body').dispatchEvent(new WheelEvent('wheel'))")
    at.page.evaluate("document.querySelector('#id_body').scrollTop = 1e6")
    at.page.wait_for_timeout(300)
    rest = inside(
        at, "doc.scrollingElement.scrollHeight - doc.scrollingElement.clientHeight - doc.scrollingElement.scrollTop"
    )

    assert abs(int(shown.removeprefix("Part ")) - line) <= 1
    assert rest < 2


def test_the_width_is_changed_by_keyboard_and_remembered(at: Desk, row: Page) -> None:
    line = at.page.get_by_role("separator")
    before = at.page.locator("#id_body").bounding_box()

    line.focus()
    for _ in range(5):
        at.page.keyboard.press("ArrowRight")
    after = at.page.locator("#id_body").bounding_box()
    at.edit(form_of(row))

    assert before and after and after["width"] > before["width"] + 80
    assert at.page.get_by_role("separator").get_attribute("aria-valuenow") == "60"


def test_the_outline_leads_to_a_heading(at: Desk) -> None:
    at.page.locator("[data-outline] summary").click()

    at.page.locator("[data-outline]").get_by_role("button", name="When to call").click()

    chosen = at.page.evaluate(
        "(() => { const f = document.activeElement; return f.value.slice(f.selectionStart, f.selectionEnd); })()"
    )
    assert chosen == "## When to call {#when-to-call}"


def test_advice_leads_to_its_line_and_a_field_to_itself(at: Desk) -> None:
    at.page.locator("#id_title").fill("")
    at.page.locator("#id_body").fill(f"{at.text}\nAbout 30 of them feel better.\n")
    better = at.page.locator("[data-better]")
    expect(better).to_be_visible()
    better.locator("summary").click()

    at.page.locator("[data-problems] li", has_text="The title is empty.").get_by_role("button").click()
    focused = at.page.evaluate("document.activeElement.id")

    assert focused == "id_title"
    assert "The number “30" in better.inner_text()
    assert "This page is not in Español yet." in better.inner_text()


def test_typing_in_a_long_page_never_blocks(at: Desk) -> None:
    words = "\n\n".join(
        f"## Part {n}\n\n" + "We look after you and after your back bone here. " * 15 for n in range(10)
    )
    at.page.locator("#id_body").fill(words)
    expect(at.page.frame_locator("[data-stage] iframe").locator("article")).to_contain_text("Part 9")
    at.page.evaluate(
        "window.tasks = []; new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration)))"
        ".observe({type: 'longtask'})"
    )
    at.page.evaluate(
        """window.slow = []; document.querySelector("#id_body").addEventListener("keydown", () => {
             const begun = performance.now(); setTimeout(() => window.slow.push(performance.now() - begun)); })"""
    )
    at.page.locator("#id_body").press("Control+Home")

    at.page.keyboard.type("These words come in one after the other while the preview follows. " * 2, delay=25)
    at.page.wait_for_timeout(1200)

    delays = sorted(at.page.evaluate("window.slow"))
    # Half of all keys are through at once even where many tests share two cores.
    assert delays[len(delays) // 2] < 50


# ── For everybody ──


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_axe_finds_nothing_in_any_window(
    browser: Browser, live_server: Any, row: Page, editor: User, size: Any, scheme: Any
) -> None:
    with desk(browser, live_server.url, size, bypass_csp=True, color_scheme=scheme) as at:
        at.sign_in(editor)
        at.edit(form_of(row))
        at.page.evaluate(AXE)
        found: dict[str, list[str]] = {}
        widths = {}
        names = at.page.evaluate("[...document.querySelectorAll('[data-choose]')].map((b) => b.dataset.choose)")
        for name in names:
            at.page.locator(f"[data-choose={name}]").click()
            expect(at.page.locator("dialog[open]")).to_be_visible()
            if here := at.page.evaluate(FINDINGS):
                found[name] = here
            widths[name] = at.page.evaluate("document.documentElement.scrollWidth")
            at.page.keyboard.press("Escape")

    assert len(names) == 18
    assert found == {}
    assert set(widths.values()) == {size["width"]}, json.dumps(widths)
