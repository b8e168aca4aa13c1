"""The visual editor: it shows what the text says, leaves untouched parts unchanged, and supports habits from Word."""

import difflib
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize, expect

from portal.accounts.models import User
from procedures.models import GlossaryTerm, Page, Series
from procedures.rendering.blocks import editor_grammar, get_block_types
from procedures.rendering.parser import get_parser, parse
from tests.admin.conftest import change_url
from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import (
    AXE_FINDINGS,
    StaffTab,
    make_draft_with_references,
    open_staff_tab,
    open_visual_tab,
    show_panel,
)
from tests.served_data import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CLIPBOARD = Path(__file__).parent / "clipboard"
# A second click within half a second, where another button has taken the place of the first one, has no effect.
DOUBLE_CLICK_MS = 600

# Parses each text, and edits each of its blocks in turn. Returns the errors and the first line of each block.
CHECK = """async ([texts, grammar]) => {
  const { SourcePreservingDocument } = await import("/static/admin_portal/visual_editor/document.js");
  const { schema } = await import("/static/admin_portal/visual_editor/schema.js");
  const wrong = [], starts = [];
  const bare = (node) => JSON.stringify(node.toJSON(), (key, value) => (["id", "tight", "mark"].includes(key) ? undefined : value));
  for (const text of texts) {
    const document = new SourcePreservingDocument(grammar.contents, grammar.cards);
    const doc = document.read(text);
    const { text: same, places } = document.toMarkdown(doc);
    if (same !== text) wrong.push(["is not written back", text, same]);
    starts.push(places.map(({ from }) => text.slice(0, from).split("\\n").length));
    for (const { node, pos, from, to } of places) {
      let at = -1;
      node.descendants((child, offset) => {
        if (at < 0 && child.isTextblock) at = offset + 1;
        return at < 0;
      });
      if (node.isTextblock) at = 0;
      if (at < 0) continue;
      const word = schema.text(doc.resolve(pos + 1 + at).parent.content.size ? "Word " : "Word");
      const touched = doc.replace(pos + 1 + at, pos + 1 + at, new (Object.getPrototypeOf(doc.slice(0, 0)).constructor)(
        Object.getPrototypeOf(doc.content).constructor.from(word), 0, 0));
      const { text: written } = document.toMarkdown(touched);
      if (!written.startsWith(text.slice(0, from)) || !written.endsWith(text.slice(to))) wrong.push(["changes another block", text, written]);
      const again = new SourcePreservingDocument(grammar.contents, grammar.cards).read(written);
      const shown = touched.content.content.map(bare), read = again.content.content.map(bare);
      const first = shown.findIndex((one, index) => one !== read[index]);
      if (first >= 0 || shown.length !== read.length) wrong.push(["is read otherwise", text.slice(from, to), shown[first], read[first]]);
    }
  }
  return [wrong, starts];
}"""


# Edits texts at random, in the document and from outside, and undoes some of it. Returns the errors.
CHANGES = """async ([texts, parts, grammar, seed]) => {
  const { SourcePreservingDocument } = await import("/static/admin_portal/visual_editor/document.js");
  const { EditorState, closeHistory, history, undo } = await import("/static/admin_portal/visual_editor/libraries.js");
  const { schema } = await import("/static/admin_portal/visual_editor/schema.js");
  let state = seed;
  const random = (limit) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * limit);
  };
  const wrong = [];
  for (const text of texts) {
    const source = new SourcePreservingDocument(grammar.contents, grammar.cards);
    let editor = EditorState.create({ doc: source.read(text), plugins: [history()] });
    const log = [];
    const markdown = () => source.toMarkdown(editor.doc).text;
    const apply = (tr) => { if (tr.docChanged) editor = editor.apply(closeHistory(tr)); };
    const blocks = () => editor.doc.content.content.map((node, at, all) => ({ node, pos: all.slice(0, at).reduce((sum, one) => sum + one.nodeSize, 0) }));
    const anyBlock = () => blocks()[random(editor.doc.childCount)];
    const inText = () => {
      const found = [];
      editor.doc.descendants((node, pos) => { if (node.isTextblock) found.push([pos + 1, node.content.size]); });
      return found[random(found.length)];
    };
    const fromOutside = (words) => {
      const tr = editor.tr;
      const before = markdown();
      if (source.replaceText(tr, words)) apply(tr);
      if (words.trim() && markdown() !== words) wrong.push(["differs from the field", ...log, words, markdown()]);
      if (tr.docChanged && random(3) === 0) {
        undo(editor, (change) => { editor = editor.apply(change); });
        if (before.trim() && markdown() !== before) wrong.push(["is not undone", ...log, before, markdown()]);
      }
    };
    const actions = {
      type: () => { const at = inText(); if (at) apply(editor.tr.insertText("w ", at[0] + random(at[1] + 1))); },
      split: () => {
        const paragraphs = blocks().filter(({ node }) => node.type.name === "paragraph" && node.content.size > 1);
        if (paragraphs.length) apply(editor.tr.split(paragraphs[random(paragraphs.length)].pos + 2));
      },
      add: () => {
        const { node, pos } = anyBlock();
        apply(editor.tr.insert(random(2) ? pos : pos + node.nodeSize, source.parser.read(parts[random(parts.length)])));
      },
      copy: () => { const { node, pos } = anyBlock(); apply(editor.tr.insert(pos + node.nodeSize, node)); },
      remove: () => { const { node, pos } = anyBlock(); if (editor.doc.childCount > 1) apply(editor.tr.delete(pos, pos + node.nodeSize)); },
      empty: () => apply(editor.tr.insert(editor.doc.content.size, schema.node("paragraph"))),
      undo: () => undo(editor, (change) => { editor = editor.apply(change); }),
      lines: () => {
        const lines = markdown().split("\\n");
        const at = random(lines.length + 1);
        const added = [parts[random(parts.length)].split("\\n"), [""], [], ["### New"], ["", "New.", ""]][random(5)];
        lines.splice(at, random(3), ...added);
        fromOutside(lines.join("\\n"));
      },
      end: () => fromOutside(markdown().replace(/\\n*$/, "\\n".repeat(random(4)))),
      whole: () => fromOutside(texts[random(texts.length)]),
    };
    const names = Object.keys(actions);
    try {
      for (let count = 0; count < 25; count += 1) {
        const name = names[random(names.length)];
        log.push(name);
        actions[name]();
        markdown();
      }
    } catch (error) {
      wrong.push([error.stack, text, ...log]);
    }
    if (wrong.length > 5) break;
  }
  return wrong.map((parts) => parts.join("\\n"));
}"""


@pytest.fixture
def row(transactional_db: None) -> Page:
    """A draft with something to choose for every block."""
    row = make_draft_with_references()
    Series.objects.create(slug="stages", language="en", title="The stages")
    return row


@pytest.fixture
def tab(row: Page, browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    """The form of the draft in the visual editor."""
    with open_visual_tab(browser, live_server.url, DESKTOP, editor) as made:
        made.edit(change_url(row))
        expect(body(made)).to_be_visible()
        yield made


def body(tab: StaffTab) -> Locator:
    return tab.page.locator("[data-visual-text] .ProseMirror")


def api(tab: StaffTab, call: str, *given: Any) -> Any:
    """Return the result of ``element.visualEditor.<call>(...)``."""
    code = f"(given) => document.querySelector('[data-editor]').visualEditor.{call}(...given)"
    return tab.page.evaluate(code, list(given))


def write(tab: StaffTab, text: str) -> None:
    """Change the field, as a merge or a recovered draft does."""
    code = "(text) => { const field = document.querySelector('#id_body'); field.value = text; field.dispatchEvent(new Event('input', {bubbles: true})); }"
    tab.page.evaluate(code, text)


def select(tab: StaffTab, words: str) -> None:
    match = api(tab, "find", words, {"matchCase": True})[0]
    api(tab, "select", match)


def put_cursor_after(tab: StaffTab, words: str) -> None:
    select(tab, words)
    tab.page.keyboard.press("ArrowRight")


def starter_texts() -> dict[str, str]:
    files = sorted((ROOT / "content").glob("*/*/*.md"))
    return {file.relative_to(ROOT / "content").as_posix(): file.read_text().split("---\n", 2)[2] for file in files}


# ── Texts ──


def check_texts(tab: StaffTab, texts: list[str]) -> list[str]:
    """Return what fails with these texts, including blocks that start on other lines than in the server's parser."""
    wrong, starts = tab.page.evaluate(CHECK, [texts, editor_grammar()])
    found = ["\n".join(map(str, one)) for one in wrong]
    for text, lines in zip(texts, starts, strict=True):
        expected = [node.line for node in parse(text).document.body]
        if lines != expected:
            found.append(f"begins on lines {lines}, not {expected}:\n{text}")
    return found


def test_starter_pages_round_trip_and_an_edit_changes_only_its_block(tab: StaffTab) -> None:
    texts = starter_texts()

    assert len(texts) == 40
    assert check_texts(tab, list(texts.values())) == []


WORDS = (
    "bone cement rest * ** _ __ [words] [@key] (a) {clinic.phone} {braces} # ## - + 1. 2) 1945. > | ` ~~~ ::: \\ \\* & &amp; "
    "<b> snake_case 2*3*4 **bold** *it* _it_ [a](page:recovery) [b](https://a.org/x_(y)) [@nice; @who] ***both*** `code` "
    "![x](y) **b *i* b** é ñ — … ¿por qué? https://a.org/ a|b = == --- *** .5 (2) : ; “q” 'q' !"
).split(" ")


def make_line(chance: random.Random) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, 9)))


def make_list(chance: random.Random, *, is_ordered: bool | None = None, depth: int = 0) -> str:
    is_ordered = chance.random() < 0.4 if is_ordered is None else is_ordered
    sign, start = chance.choice(".)") if is_ordered else chance.choice("-*+"), chance.choice([1, 1, 1, 3])
    lines = []
    for number in range(chance.randint(1, 4)):
        mark = f"{start + number}{sign}" if is_ordered else sign
        lines.append(f"{mark} {make_line(chance)}".rstrip())
        if depth < 2 and chance.random() < 0.2:
            indent = " " * (len(mark) + 1)
            lines += [indent + line for line in make_list(chance, depth=depth + 1).split("\n")]
        if chance.random() < 0.1:
            lines.append("")
    return "\n".join(lines).rstrip("\n")


def make_block(chance: random.Random) -> str:
    container = chance.choice(["steps", "key-points", "note", "call", "checklist", "do", "chance 2 in 100"])
    ordered = container == "steps"
    inner = {"note": make_line(chance), "call": f"{make_line(chance)}\n\n{make_list(chance)}"}.get(container)
    kinds: list[Callable[[], str]] = [
        lambda: make_line(chance),
        lambda: f"{make_line(chance)}\n{make_line(chance)}",
        lambda: f"{make_line(chance)}\\\n{make_line(chance)}",
        lambda: f"{'#' * chance.randint(1, 4)} {make_line(chance)}{chance.choice(['', ' {#one}', ' {#two .folded}'])}",
        lambda: make_list(chance),
        lambda: f"| {make_line(chance)} | b |\n|---|:-:|\n| {make_line(chance)} | \\| |",
        lambda: f"> {make_line(chance)}\n>\n> {make_line(chance)}",
        lambda: chance.choice(
            ["::: figure needle", "::: care a b", "::: unknown x", ":::", ":::  warning-signs   both short "]
        ),
        lambda: f"::: {container}\n{inner or make_list(chance, is_ordered=ordered)}\n:::",
        lambda: (
            f"::: choices\n### {make_line(chance)}\n#### A\n{make_line(chance)}\n\n### B\n#### A\n\n::: figure x\n:::"
        ),
        lambda: "---",
        lambda: "    code",
        lambda: f"```\n{make_line(chance)}\n```",
    ]
    return chance.choices(kinds, weights=[8, 2, 2, 4, 5, 2, 1, 2, 5, 1, 0.3, 0.3, 0.3])[0]()


def make_text(seed: int) -> str:
    chance = random.Random(seed)  # noqa: S311 -- texts for a test
    gaps = ["\n\n"] * 8 + ["\n", "\n\n\n", "\n \n"]
    parts = [make_block(chance) + chance.choice(gaps) for _ in range(chance.randint(1, 7))]
    return (
        chance.choice(["", "", "", "\n"]) + "".join(parts).rstrip("\n") + chance.choice(["\n", "\n", "\n", "", "\n\n"])
    )


def test_generated_texts_round_trip_and_edited_blocks_read_as_shown(tab: StaffTab) -> None:
    assert check_texts(tab, [make_text(seed) for seed in range(300)]) == []


def test_text_that_is_replaced_from_outside_stays_in_step_with_the_document(tab: StaffTab) -> None:
    """Fix buttons, merges, and restored text change the field; new, copied, and split blocks may be next to the change."""
    texts = [make_text(seed) for seed in range(120)]
    parts = [make_block(random.Random(seed)) for seed in range(60)]  # noqa: S311 -- texts for a test

    assert tab.page.evaluate(CHANGES, [texts, parts, editor_grammar(), 7]) == []


@pytest.mark.slow
def test_two_thousand_generated_texts_round_trip(tab: StaffTab) -> None:
    assert check_texts(tab, [make_text(seed) for seed in range(1000, 3000)]) == []


def test_all_markup_of_starter_pages_can_be_edited_visually(tab: StaffTab) -> None:
    """No page has a block that can be edited only in Source."""
    code = """async ([texts, grammar]) => {
      const { SourcePreservingDocument } = await import("/static/admin_portal/visual_editor/document.js");
      return texts.flatMap((text) => {
        const found = [];
        new SourcePreservingDocument(grammar.contents, grammar.cards).read(text).descendants((node) => { if (node.type.name === "source") found.push(node.attrs.text); });
        return found;
      });
    }"""

    assert tab.page.evaluate(code, [list(starter_texts().values()), editor_grammar()]) == []


# ── Keys ──

DOSES = "Pills\n\n| Day | Dose |\n|---|---|\n| Mon | 5 mg |\n| Tue | 10 mg |\n\nAfter\n"

# What people who know Word do: the text before, the cursor position ("" for the selection of those words), the keys, and
# the text after. "|" is the cursor.
HABITS: list[tuple[str, str, str, list[str], str]] = [
    ("Ctrl+B makes words bold", "A word here.\n", "word", ["Control+b"], "A **word** here.\n"),
    ("Ctrl+B takes bold away", "A **word** here.\n", "word", ["Control+b"], "A word here.\n"),
    ("Ctrl+I makes words italic", "A word here.\n", "word", ["Control+i"], "A *word* here.\n"),
    ("Ctrl+B, type, Ctrl+B", "A |\n", "A", [" ", "Control+b", "'bold'", "Control+b", "' end'"], "A **bold** end\n"),
    ("Ctrl+Z undoes", "A word.\n", "word", ["Control+b", "Control+z"], "A word.\n"),
    ("Ctrl+Y does it again", "A word.\n", "word", ["Control+b", "Control+z", "Control+y"], "A **word**.\n"),
    ("Ctrl+Shift+Z does it again", "A word.\n", "word", ["Control+b", "Control+z", "Control+Shift+z"], "A **word**.\n"),
    ("Ctrl+Space clears the style", "A **word** here.\n", "word", ["Control+Space"], "A word here.\n"),
    ("Ctrl+Alt+1 makes a heading", "A title\n", "|title", ["Control+Alt+1"], "## A title\n"),
    ("Ctrl+Alt+2 makes a subheading", "A title\n", "|title", ["Control+Alt+2"], "### A title\n"),
    ("Ctrl+Alt+3 makes a small heading", "A title\n", "|title", ["Control+Alt+3"], "#### A title\n"),
    ("Ctrl+Alt+0 makes text", "## A title\n", "|title", ["Control+Alt+0"], "A title\n"),
    ("Enter begins a paragraph", "One\n", "|One", ["Enter", "'Two'"], "One\n\nTwo\n"),
    ("Enter after a heading goes on as text", "## One\n", "|One", ["Enter", "'Two'"], "## One\n\nTwo\n"),
    ("Shift+Enter breaks the line", "One\n", "|One", ["Shift+Enter", "'Two'"], "One\\\nTwo\n"),
    ("Enter continues a list", "- One\n", "|One", ["Enter", "'Two'"], "- One\n- Two\n"),
    ("Enter continues numbers", "1. One\n", "|One", ["Enter", "'Two'"], "1. One\n2. Two\n"),
    ("Enter twice ends a list", "- One\n", "|One", ["Enter", "Enter", "'Text'"], "- One\n\nText\n"),
    ("Tab makes a list within the list", "- One\n- Two\n", "|Two", ["Tab"], "- One\n  - Two\n"),
    ("Shift+Tab takes it out again", "- One\n  - Two\n", "|Two", ["Shift+Tab"], "- One\n- Two\n"),
    ("Ctrl+Shift+8 makes a list", "One\n", "|One", ["Control+Shift+Digit8"], "- One\n"),
    ("Ctrl+Shift+7 makes numbers", "One\n", "|One", ["Control+Shift+Digit7"], "1. One\n"),
    ("Ctrl+Shift+L makes a list", "One\n", "|One", ["Control+Shift+l"], "- One\n"),
    ("Backspace takes the bullet away", "- One\n", "|One", ["Home", "Backspace"], "One\n"),
    ("Backspace takes the heading away", "## One\n", "|One", ["Home", "Backspace"], "One\n"),
    (
        "Backspace twice joins an item to the one above",
        "- One\n- Two\n- Three\n",
        "|Two",
        ["Home", "Backspace", "Backspace", "' '"],
        "- One Two\n- Three\n",
    ),
    ("Backspace joins text to the list above", "- One\n\nTwo\n", "|Two", ["Home", "Backspace"], "- OneTwo\n"),
    ("Ctrl+Z takes only the bullet back", "One\n", "|One", ["Enter", "'- '", "Control+z", "'x'"], "One\n\n\\- x\n"),
    ("A hyphen and a space begin a list", "One\n", "|One", ["Enter", "'- Two'"], "One\n\n- Two\n"),
    ("A number and a space begin a list", "One\n", "|One", ["Enter", "'1. Two'"], "One\n\n1. Two\n"),
    ("Alt+Shift+Up moves a paragraph", "One\n\nTwo\n", "|Two", ["Alt+Shift+ArrowUp"], "Two\n\nOne\n"),
    ("Ctrl+A and Delete clear the text", "One\n\n- Two\n\n::: phones\n", "|One", ["Control+a", "Delete"], ""),
    ("Ctrl+End goes to the end", "One\n\nTwo\n", "|One", ["Control+End", "' last'"], "One\n\nTwo last\n"),
    ("Ctrl+Home goes to the start", "One\n\nTwo\n", "|Two", ["Control+Home", "'First '"], "First One\n\nTwo\n"),
    ("Ctrl+M indents", "- One\n- Two\n", "|Two", ["Control+m"], "- One\n  - Two\n"),
    (
        "Tab goes through a table",
        "| a | b |\n|---|---|\n| c | d |\n",
        "a",
        ["Tab", "Tab", "'x'"],
        "| a | b |\n|---|---|\n| x | d |\n",
    ),
    ("Tab in the last cell adds a row", "| a |\n|---|\n| c |\n", "|c", ["Tab", "'x'"], "| a |\n|---|\n| c |\n| x |\n"),
    ("Up goes to the row above", DOSES, "|10 mg", ["ArrowUp", "'x'"], DOSES.replace("5 mg", "5 mgx")),
    ("Up twice goes to the header", DOSES, "|5 mg", ["ArrowUp", "'x'"], DOSES.replace("Dose", "Dosex")),
    (
        "Up from the header leaves the table",
        DOSES,
        "|Dose",
        ["ArrowUp", "End", "'x'"],
        DOSES.replace("Pills", "Pillsx"),
    ),
    ("Down from the last row leaves it", DOSES, "|10 mg", ["ArrowDown", "'x'"], DOSES.replace("After", "xAfter")),
    ("Right goes to the next cell", DOSES, "|Mon", ["ArrowRight", "'x'"], DOSES.replace("5 mg", "x5 mg")),
    ("Right goes to the next row", DOSES, "|5 mg", ["ArrowRight", "'x'"], DOSES.replace("Tue", "xTue")),
    ("Left goes to the cell before", DOSES, "|5 mg", ["Home", "ArrowLeft", "'x'"], DOSES.replace("Mon", "Monx")),
    ("Left goes to the row before", DOSES, "|Tue", ["Home", "ArrowLeft", "'x'"], DOSES.replace("5 mg", "5 mgx")),
    ("Left leaves the table", DOSES, "|Day", ["Home", "ArrowLeft", "'x'"], DOSES.replace("Pills", "Pillsx")),
    ("Right leaves the table", DOSES, "|10 mg", ["ArrowRight", "'x'"], DOSES.replace("After", "xAfter")),
    (
        "An address with www. becomes a link",
        "See\n",
        "|See",
        ["' www.cdc.gov '", "'now'"],
        "See [www.cdc.gov](https://www.cdc.gov) now\n",
    ),
    ("Shift+Enter in a cell is a space", DOSES, "|Mon", ["Shift+Enter", "'x'"], DOSES.replace("Mon", "Mon x")),
    ("Shift+Enter in a heading is a space", "## One\n", "|One", ["Shift+Enter", "'x'"], "## One x\n"),
    ("Ctrl+End passes a block", "One\n\n::: phones\n", "|One", ["Control+End", "'x'"], "One\n\n::: phones\n\nx\n"),
    ("Two hyphens become a dash", "One\n", "|One", ["' -- two--three'"], "One – two—three\n"),
    ("Ctrl+Z takes the dash back", "One\n", "|One", ["' --'", "' '", "Control+z", "'x'"], "One -- x\n"),
    ("Ctrl+Enter begins a paragraph", "One\n\nEnd\n", "|One", ["Control+Enter", "'Two'"], "One\n\nTwo\n\nEnd\n"),
    ("Delete joins two items", "- One\n- Two\n", "|One", ["Delete"], "- OneTwo\n"),
    ("Delete joins an item below text", "One\n\n- Two\n- Three\n", "|One", ["Delete"], "OneTwo\n\n- Three\n"),
    ("Signs stay as they are typed", "One\n", "|One", ["' *a* [b](c) # d'"], "One \\*a\\* \\[b\\](c) # d\n"),
    (
        "A web address becomes a link",
        "See\n",
        "|See",
        ["' https://a.org/x '", "'now'"],
        "See [https://a.org/x](https://a.org/x) now\n",
    ),
]


def test_habits_from_word_work(tab: StaffTab) -> None:
    failures = []
    for name, before, place, presses, after in HABITS:
        write(tab, before.replace("|\n", "\n") if place == "A" else before)
        if place.startswith("|"):
            put_cursor_after(tab, place[1:])
        elif place == "A":
            put_cursor_after(tab, "A")
        else:
            select(tab, place)
        for press in presses:
            if press.startswith("'"):
                tab.page.keyboard.type(press.strip("'"))
            else:
                tab.page.keyboard.press(press)
        if tab.text != after:
            failures.append(f"{name}: {tab.text!r}, not {after!r}")

    assert len(HABITS) >= 30
    assert failures == []


def test_ctrl_s_and_ctrl_f_trigger_save_and_find(tab: StaffTab) -> None:
    tab.page.evaluate(
        """() => {
          window.asked = [];
          const note = (event) => { window.asked.push(event.type); event.stopImmediatePropagation(); };
          ["editor:save", "editor:find"].forEach((name) => document.addEventListener(name, note, true));
        }"""
    )

    body(tab).click()
    tab.page.keyboard.press("Control+s")
    tab.page.keyboard.press("Control+f")

    assert tab.page.evaluate("window.asked") == ["editor:save", "editor:find"]


# ── Blocks ──


def insert(tab: StaffTab, words: str) -> None:
    """Type the trigger character, the search text, and Enter on a new line."""
    tab.page.keyboard.type(f"/{words}")
    tab.page.keyboard.press("Enter")


def test_every_block_can_be_inserted_from_the_keyboard_and_shows_the_public_rendering(tab: StaffTab) -> None:
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.keyboard.press("Enter")
    insert(tab, "key points")
    tab.page.keyboard.type("One")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("Two")
    for _ in range(2):
        tab.page.keyboard.press("Enter")
    insert(tab, "warning signs")
    window = tab.page.locator("dialog[open]")
    window.get_by_label("After a procedure").check()
    tab.page.keyboard.press("Enter")
    expect(window).to_have_count(0)
    insert(tab, "chance")
    window.get_by_label("How many").fill("3")
    window.get_by_label("100", exact=True).check()
    tab.page.keyboard.press("Enter")
    expect(window).to_have_count(0)
    tab.page.keyboard.type("get a rash.")
    tab.page.keyboard.press("Enter")
    insert(tab, "picture")
    window.locator("[value=balloon]").click()
    expect(window).to_have_count(0)

    assert tab.text == (
        "::: key-points\n- One\n- Two\n:::\n\n::: warning-signs after\n\n::: chance 3 in 100\nget a rash.\n:::\n\n"
        "::: figure balloon\n\nStart.\n"
    )
    expect(body(tab)).to_contain_text("The short version")
    expect(body(tab)).to_contain_text("3 in 100")
    expect(body(tab).locator("figure img").first).to_be_visible()


def test_block_can_be_changed_moved_duplicated_and_deleted_with_its_buttons(tab: StaffTab) -> None:
    write(tab, "Start.\n\n::: chance 2 in 100\nget a rash.\n:::\n\nEnd.\n")
    put_cursor_after(tab, "a rash.")
    card = body(tab).get_by_role("group", name="A chance, as a picture and in words").first

    def press(name: str) -> str:
        tab.page.wait_for_timeout(DOUBLE_CLICK_MS)
        card.hover()
        card.get_by_role("button", name=name).click()
        return tab.text

    press("Edit")
    window = tab.page.locator("dialog[open]")
    window.get_by_label("How many").fill("5")
    window.get_by_role("button", name="Change").click()
    expect(body(tab)).to_contain_text("5 in 100")

    changed = tab.text
    assert changed == "Start.\n\n::: chance 5 in 100\nget a rash.\n:::\n\nEnd.\n"
    assert press("Move up") == "::: chance 5 in 100\nget a rash.\n:::\n\nStart.\n\nEnd.\n"
    assert press("Move down") == changed
    assert press("Duplicate") == changed.replace("End.", "::: chance 5 in 100\nget a rash.\n:::\n\nEnd.")
    assert press("Delete") == changed
    for _ in range(5):
        tab.page.keyboard.press("Control+z")
    assert tab.text == changed.replace("5 in", "2 in")


def test_one_time_blocks_are_inserted_in_their_place_and_found_again(tab: StaffTab) -> None:
    write(tab, "## Title\n\nEnd.\n")
    put_cursor_after(tab, "End.")
    for words in ("One", " more"):
        api(tab, "insertBlock", "key-points")
        tab.page.keyboard.press("End")
        tab.page.keyboard.type(words)

    assert tab.text == "::: key-points\n- One more\n:::\n\n## Title\n\nEnd.\n"


def test_options_are_added_to_a_comparison_with_the_same_headings(tab: StaffTab) -> None:
    text = "::: choices\n### A\n#### What\nx\n\n### B\n#### What\ny\n:::\n"
    write(tab, text)
    select(tab, "y")
    tab.page.get_by_role("button", name="Add an option").click()
    tab.page.keyboard.type("C")
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("End")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("z")

    assert tab.text == text.replace("y\n:::", "y\n\n### C\n\n#### What\n\nz\n:::")


def test_cut_and_pasted_blocks_are_unchanged(tab: StaffTab) -> None:
    text = "## Title {#here .folded}\n\n::: steps\n1. One\n:::\n\n::: phones\n\nCall {clinic.phone}. [@nice]\n"
    write(tab, text)
    put_cursor_after(tab, "Call")
    for key in ("Control+a", "Control+x"):
        tab.page.keyboard.press(key)
    emptied = tab.text
    tab.page.keyboard.press("Control+v")

    assert emptied == ""
    assert tab.text == text


def test_no_markup_is_on_screen_unless_source_is_on(tab: StaffTab) -> None:
    write(
        tab,
        "::: key-points\n- See [the page](page:contact). [@nice]\n:::\n\n## Title {#here .folded}\n\nCall {clinic.phone}.\n\n"
        "::: care driving\n\n::: choices\n### A\n#### What\nx\n\n### B\n#### What\ny\n:::\n",
    )
    expect(body(tab).locator(".chip--citation")).to_contain_text("NICE, 2013")

    shown = tab.page.locator("#content").inner_text() + body(tab).inner_text()
    assert re.findall(r":::|\{#|\[@|page:\w|\{clinic|##|\*\*", shown) == []
    tab.page.get_by_role("button", name="Source", exact=True).click()
    expect(tab.page.locator("#id_body")).to_be_visible()
    expect(body(tab)).to_be_hidden()


def test_unsupported_markup_stays_in_the_text_and_opens_source(tab: StaffTab) -> None:
    text = "Start.\n\n::: unknown-block x\n\nA ![picture](x.png) in a line.\n\nEnd.\n"
    write(tab, text)
    put_cursor_after(tab, "End.")
    tab.page.keyboard.type(" More.")
    card = body(tab).get_by_role("group", name="Content that can be edited only in Source").nth(1)
    card.hover()

    assert tab.text == text.replace("End.", "End. More.")
    card.get_by_role("button", name="Edit").click()
    expect(tab.page.locator("#id_body")).to_be_focused()
    offset = tab.page.locator("#id_body").evaluate("(field) => field.selectionStart")
    assert text[offset:].startswith("A ![picture]")


# ── Changes from outside ──


def fix(tab: StaffTab, name: str) -> None:
    """Press a button of the list of problems, and wait for the text to be checked again."""
    show_panel(tab, "problems")
    tab.page.get_by_text(re.compile("Suggestions")).last.evaluate("(element) => { element.parentElement.open = true; }")
    with tab.page.expect_response(lambda response: "preview" in response.url):
        tab.page.get_by_role("button", name=name, exact=True).first.click()


@pytest.mark.parametrize(
    ("keys", "name", "after"),
    [
        (
            ["'Pain'", "Control+Alt+1", "Enter", "'Text.'", "Enter", "'Small'", "Control+Alt+3"],
            "Make it a “Subheading”",
            "### Small",
        ),
        (["'Intro.'", "Enter", "'Why'", "Control+Alt+1", "Enter", "'Body.'"], "Insert key points", "::: key-points"),
        (["'Call clinic.phone now.'"], "Insert the clinic’s phone number", "Call {clinic.phone} now."),
    ],
)
def test_text_typed_after_a_fix_button_is_saved(tab: StaffTab, keys: list[str], name: str, after: str) -> None:
    body(tab).click()
    for key in ("Control+a", "Delete", *keys):
        if key.startswith("'"):
            tab.page.keyboard.type(key.strip("'"))
        else:
            tab.page.keyboard.press(key)
    fix(tab, name)
    assert after in tab.text

    body(tab).locator("p").last.click()
    tab.page.keyboard.press("Control+End")
    for _ in range(2):
        tab.page.keyboard.type(" Typed.")
        tab.page.keyboard.press("Enter")
    fixed = tab.text
    assert fixed.count("Typed.") == 2
    with tab.page.expect_navigation():
        tab.page.keyboard.press("Control+s")
    expect(tab.page.get_by_text("Draft saved.").first).to_be_visible()

    assert tab.text == fixed
    expect(body(tab)).to_contain_text("Typed.")


def test_discarding_changes_after_a_fix_button_shows_the_saved_text(tab: StaffTab) -> None:
    before = tab.text
    put_cursor_after(tab, "It is short.")
    for key in ("Control+End", "Enter"):
        tab.page.keyboard.press(key)
    tab.page.keyboard.type("Call clinic.phone now.")
    fix(tab, "Insert the clinic’s phone number")
    body(tab).locator("p").last.click()
    tab.page.keyboard.type("Typed.")
    tab.page.locator("summary", has_text="More").click()
    tab.page.get_by_role("button", name="Discard unsaved changes").click()

    assert tab.text == before
    expect(body(tab)).not_to_contain_text("Typed.")
    body(tab).locator("p").last.click()
    tab.page.keyboard.press("Control+End")
    tab.page.keyboard.type("Again.")
    assert tab.text.count("Again.") == 1


def test_text_that_cannot_be_written_is_reported_and_the_form_is_not_sent(tab: StaffTab) -> None:
    """Such an error never happened, so the test makes one."""
    write(tab, "One.\n\nTwo.\n")
    break_writer = """async (isBroken) => {
      const { SourcePreservingDocument: { prototype } } = await import("/static/admin_portal/visual_editor/document.js");
      window.intact ??= prototype.toMarkdown;
      let count = 0;
      prototype.toMarkdown = function (doc) {
        count += 1;
        if (isBroken === "always" || (isBroken === "once" && count === 1)) throw new Error("Made by the test");
        return window.intact.call(this, doc);
      };
    }"""
    put_cursor_after(tab, "One.")
    tab.page.evaluate(break_writer, "once")
    tab.page.keyboard.type("a")
    alert = tab.page.get_by_role("alert").filter(has_text="Not saved: the editor")
    expect(alert).to_have_count(0)
    assert tab.text == "One.a\n\nTwo.\n"

    tab.page.evaluate(break_writer, "always")
    tab.page.keyboard.type("b")
    expect(alert).to_be_visible()
    expect(tab.page.locator("[data-save-status]")).to_have_text("not saved")
    tab.page.keyboard.press("Control+s")
    expect(alert).to_be_visible()
    tab.page.evaluate(break_writer, "never")
    tab.page.keyboard.type("c")
    expect(alert).to_have_count(0)

    assert tab.text == "One.abc\n\nTwo.\n"
    expect(tab.page.locator("[data-save-status]")).to_contain_text("autosaved")
    assert [one for one in tab.complaints if "Made by the test" not in one] == []
    tab.complaints.clear()


def marked(tab: StaffTab, kind: str) -> list[str]:
    """Return the words that are marked in the text as a "problem", a "suggestion", or a line that "has-problem"."""
    return [words.strip() for words in body(tab).locator(f".{kind}").all_inner_texts()]


def test_problems_and_suggestions_are_marked_in_the_text(tab: StaffTab) -> None:
    write(
        tab,
        "##\n\nCall 303-555-0199. Go here or [here](https://example.org).\n\n- One\n-\n\nA catastrophe happens to 30% of us.\n",
    )
    expect(body(tab).locator(".problem")).to_have_text(["303-555-0199"])

    assert marked(tab, "has-problem") == ["", ""]
    expect(body(tab).locator("li:nth-child(2) .has-problem")).to_have_count(1)
    assert {"here", "catastrophe", "30% of"} <= set(marked(tab, "suggestion"))
    expect(body(tab).locator("a.suggestion, a .suggestion")).to_have_text(["here"])
    expect(body(tab).locator(".problem")).to_have_attribute("title", re.compile("typed phone number"))
    show_panel(tab, "problems")
    tab.page.locator("[data-suggestions] summary").click()
    row = tab.page.locator(".issue-list__message", has_text="catastrophe").locator("..")
    row.get_by_role("button", name="Go to").click()
    tab.page.keyboard.type("problem")
    assert "A problem happens" in tab.text


def test_a_click_on_the_bar_beside_a_block_says_what_is_wrong(tab: StaffTab) -> None:
    write(tab, "Text.\n\n## \n\nMore.\n")
    bar = body(tab).locator("h2.has-problem")
    box = bar.bounding_box()
    assert box

    tab.page.mouse.click(box["x"] - 8, box["y"] + box["height"] / 2)

    said = tab.page.locator(".editor-context__place")
    expect(said).to_contain_text(re.compile("heading", re.IGNORECASE))
    fix = tab.page.locator("[data-visual-context] .bar-button--fix")
    expect(fix).to_have_text("Delete the line")
    # It looks like a button.
    expect(fix).not_to_have_css("border-top-color", "rgba(0, 0, 0, 0)")
    expect(fix).to_have_css("font-weight", "600")
    body(tab).locator("p").first.click()
    expect(said).not_to_contain_text(re.compile("heading", re.IGNORECASE))


def test_empty_blocks_stay_editable_when_they_are_read_again(tab: StaffTab) -> None:
    blocks = [name for name, one in get_block_types().items() if one.has_end and not one.is_retired]
    for name in blocks:
        options = " 2 in 100" if name == "chance" else ""
        write(tab, f"Text.\n\n::: {name}{options}\n:::\n")
        put_cursor_after(tab, "Text.")
        tab.page.keyboard.press("ArrowDown")
        tab.page.keyboard.type("Words")

        expect(body(tab).locator(".card")).not_to_have_attribute("aria-label", re.compile("Source"))
        first_line = re.escape(f"::: {name}{options}\n")
        expect(tab.page.locator("#id_body")).to_have_value(re.compile(rf"{first_line}[^:]*Words\n"))


def test_empty_headings_and_chances_say_what_goes_there(tab: StaffTab) -> None:
    write(tab, "## Why\n\nText.\n\n::: chance 2 in 100\n:::\n")
    put_cursor_after(tab, "Text.")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Control+Alt+1")

    hints = body(tab).locator("[data-placeholder]")
    assert [hint.get_attribute("data-placeholder") for hint in hints.all()] == ["Heading", "What happens to them?"]


def test_the_cursor_is_where_typing_is_wanted(tab: StaffTab) -> None:
    write(tab, "## Why\n\nIt helps 18 in 100 people with clinic.phone in 3 days.\n")
    fix(tab, "Insert key points")
    tab.page.keyboard.type("Short")
    assert tab.text.startswith("::: key-points\n- Short\n- …\n:::\n\n## Why")

    row = (
        tab.page.locator(".issue-list__message")
        .filter(has_text=re.compile("Add a source for the number “18"))
        .locator("..")
    )
    row.get_by_role("button", name="Go to").click()
    tab.page.keyboard.type("N")
    assert "It helps N" in tab.text

    write(tab, "## Why\n\nCall 303-555-0199 now.\n")
    row = tab.page.locator(".issue-list__message").filter(has_text="is a typed phone number").locator("..")
    row.get_by_role("button", name="Go to").click()
    tab.page.keyboard.type("us")
    assert tab.text.endswith("Call us now.\n")


def test_matches_are_marked_and_the_focus_stays_in_the_find_bar(tab: StaffTab) -> None:
    write(tab, "Pill one. A pill, a PILL.\n\n- pill\n")
    body(tab).click()
    tab.page.keyboard.press("Control+Home")
    tab.page.keyboard.press("Control+f")
    box = tab.page.locator("[data-find-query]")
    tab.page.keyboard.type("pill")
    expect(body(tab).locator(".found")).to_have_text(["Pill", "pill", "PILL", "pill"])
    expect(body(tab).locator(".is-current")).to_have_text("Pill")

    tab.page.locator("[data-find-next]").click()
    expect(box).to_be_focused()
    expect(body(tab).locator(".is-current")).to_have_text("pill")
    tab.page.keyboard.press("Enter")
    expect(body(tab).locator(".is-current")).to_have_text("PILL")
    tab.page.locator("[data-find-replacement]").fill("tablet")
    tab.page.locator("[data-find-all]").click()
    assert tab.text == "Tablet one. A tablet, a tablet.\n\n- tablet\n"

    tab.page.keyboard.press("Escape")
    expect(body(tab).locator(".found")).to_have_count(0)


def test_saving_keeps_the_caret_and_the_scroll_position(tab: StaffTab) -> None:
    write(tab, "".join(f"Paragraph {number} is here.\n\n" for number in range(60)) + "- one\n- two\n")
    put_cursor_after(tab, "Paragraph 40")
    host = tab.page.locator("[data-visual-text]")
    top = host.evaluate("(host) => host.scrollTop")
    assert top > 200
    ways: list[Callable[[], None]] = [
        lambda: tab.page.keyboard.press("Control+s"),
        lambda: tab.page.get_by_role("button", name="Save draft").first.click(),
    ]
    for press in ways:
        tab.page.keyboard.type("x")
        press()
        expect(tab.page.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
        expect(tab.page.get_by_role("textbox", name="Text", exact=True)).to_be_focused()
        assert abs(host.evaluate("(host) => host.scrollTop") - top) < 60
        tab.page.keyboard.type("y")

    assert "Paragraph 40xyxy is here." in tab.text
    tab.page.get_by_label("Title").fill("Another title")
    tab.page.keyboard.press("Control+s")
    expect(tab.page.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
    expect(tab.page.get_by_label("Title")).to_be_focused()


# ── Inline content ──


def test_links_can_point_to_pages_sections_and_websites(tab: StaffTab) -> None:
    write(tab, "Read about recovery and more.\n")
    select(tab, "recovery")
    tab.page.keyboard.press("Control+k")
    window = tab.page.locator("dialog[open]")
    expect(window.get_by_label("Link text")).to_have_value("recovery")
    window.get_by_role("radio", name="Small cut").check()
    window.get_by_label("Section").select_option("when-to-call")
    window.get_by_role("button", name="Insert").click()
    expect(window).to_have_count(0)
    own = tab.text
    expect(tab.page.locator("[data-visual-context]")).to_contain_text("Link to Small cut")

    select(tab, "more")
    tab.page.keyboard.press("Control+k")
    window.get_by_label("paste a web address").fill("https://example.org/a")
    window.get_by_role("button", name="Insert").click()
    expect(window).to_have_count(0)
    web = tab.text
    put_cursor_after(tab, "mor")
    tab.page.get_by_role("button", name="Change link").click()
    expect(window.get_by_label("paste a web address")).to_have_value("https://example.org/a")
    window.get_by_role("button", name="Cancel").click()
    tab.page.get_by_role("button", name="Remove link").click()

    assert own == "Read about [recovery](page:small-cut#when-to-call) and more.\n"
    assert web == own.replace("more", "[more](https://example.org/a)")
    assert tab.text == own


def test_sources_and_clinic_details_are_chips(tab: StaffTab) -> None:
    write(tab, "Cement is strong.\n")
    put_cursor_after(tab, "strong.")
    tab.page.keyboard.press("Control+Alt+f")
    window = tab.page.locator("dialog[open]")
    window.get_by_role("radio").first.click()
    expect(window).to_have_count(0)
    tab.page.keyboard.type(" Call ")
    tab.page.keyboard.type("/phone, name")
    tab.page.keyboard.press("Enter")
    window.get_by_label("Our hours").check()
    window.get_by_role("button", name="Insert").click()
    expect(window).to_have_count(0)
    tab.page.keyboard.type(".")

    assert tab.text == "Cement is strong. [@nice] Call {clinic.hours}.\n"
    expect(body(tab).locator(".chip")).to_have_count(2)


# ── Pasting ──


def paste(tab: StaffTab, **data: str) -> None:
    tab.page.evaluate(
        """(data) => {
          const transfer = new DataTransfer();
          Object.entries(data).forEach(([type, value]) => transfer.setData(`text/${type}`, value));
          const target = document.querySelector("[data-visual-text]").shadowRoot.querySelector(".ProseMirror");
          target.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}));
        }""",
        data,
    )


def test_clipboard_html_is_shown_formatted(tab: StaffTab) -> None:
    """Pasting gives the same text as in Source mode; only the notation of its markup can differ."""
    names = sorted(file.stem for file in CLIPBOARD.glob("*.html"))
    failures = []
    for name in names:
        write(tab, "")
        body(tab).focus()
        paste(tab, html=(CLIPBOARD / f"{name}.html").read_text(), plain="x")
        wanted = get_parser().render((CLIPBOARD / f"{name}.md").read_text())
        got = get_parser().render(tab.text)
        if got != wanted:
            failures.append(
                "\n".join([name, *difflib.unified_diff(wanted.split("\n"), got.split("\n"), lineterm="", n=0)])
            )
        notes = tab.page.locator("[data-pasted] li").count()
        expected = CLIPBOARD / f"{name}.notes"
        if bool(notes) != expected.exists():
            failures.append(f"{name}: {notes} notes")
        if notes:
            tab.page.get_by_role("button", name="Close this list").press("Enter")

    assert len(names) >= 9
    assert failures == []


def test_url_pasted_over_words_links_them_and_plain_text_stays_plain(tab: StaffTab) -> None:
    write(tab, "Read the guide.\n")
    select(tab, "the guide")
    paste(tab, plain="https://example.org/guide")
    linked = tab.text
    write(tab, "Start\n")
    put_cursor_after(tab, "Start")
    tab.page.keyboard.press("Enter")
    paste(tab, plain="# One\n- two\n- three\n1945. A year")

    typed = tab.text
    write(tab, "Start\n")
    put_cursor_after(tab, "Start")
    tab.page.keyboard.press("Enter")
    paste(tab, plain="3. Sit\n\n4. Lie\n\n∙ a\n◆ b\nEnd")

    assert linked == "Read [the guide](https://example.org/guide).\n"
    assert typed == "Start\n\n\\# One\n\n- two\n- three\n\n1945\\. A year\n"
    assert tab.text == "Start\n\n3. Sit\n4. Lie\n\n- a\n- b\n\nEnd\n"


# ── The underlying field ──


def test_external_changes_to_the_field_are_shown_and_can_be_undone(tab: StaffTab, row: Page) -> None:
    before = tab.text
    put_cursor_after(tab, "A small cut.")
    tab.page.keyboard.type(" Mine.")
    mine = tab.text
    write(tab, mine.replace("You have a question.", "You have two questions."))
    expect(body(tab)).to_contain_text("two questions")
    tab.page.keyboard.type(" Still here.")
    both = tab.text

    for _ in range(30):
        tab.page.keyboard.press("Control+z")
    assert both == mine.replace("You have a question.", "You have two questions.").replace(
        " Mine.", " Mine. Still here."
    )
    assert tab.text == before
    expect(tab.page.locator("[data-state]")).to_contain_text("min to read")


def test_a_change_is_saved_with_the_form(tab: StaffTab, row: Page) -> None:
    put_cursor_after(tab, "A small cut.")
    tab.page.keyboard.type(" It heals.")
    wanted = tab.text
    tab.page.get_by_role("button", name="Save draft").click()
    expect(tab.page.locator(".messagelist")).to_contain_text("Draft saved.")

    row.refresh_from_db()
    assert row.body == wanted
    assert "A small cut. It heals." in row.body


def test_lines_map_to_positions_and_back(tab: StaffTab) -> None:
    text = "Start.\n\n- one\n- two\n  - three\n\n| a | b |\n|---|---|\n| c | d |\n\n::: steps\n1. four\n2. five\n:::\n\nEnd of it.\n"
    write(tab, text)
    lines = [
        number for number, line in enumerate(text.split("\n"), 1) if line.strip() and not line.startswith((":::", "|-"))
    ]

    def there_and_back(line: int) -> int:
        api(tab, "goToLine", line)
        found: int = api(tab, "currentLine")
        return found

    assert [there_and_back(line) for line in lines] == lines
    places = api(tab, "linePlaces")
    assert [line for line, _top in places] == [1, 3, 7, 11, 16]
    assert [top for _line, top in places] == sorted({top for _line, top in places})
    api(tab, "goToOffset", text.index("of it"))
    tab.page.keyboard.type("X")
    assert "End Xof it." in tab.text
    api(tab, "replaceRange", 1, 1, "Begin.")
    assert tab.text.startswith("Begin.\n\n- one\n")


def test_words_are_found_and_replaced_in_both_modes(tab: StaffTab) -> None:
    for mode in ("visual", "source"):
        write(tab, "A bone.\n\n- **Bone** and bone\n")
        api(tab, "setMode", mode)
        found = api(tab, "find", "bone")
        assert [match["line"] for match in found] == [1, 3, 3], mode
        api(tab, "replace", found[0], "spine")
        assert api(tab, "replaceAll", "bone", "back") == 2, mode
        assert tab.text == "A spine.\n\n- **Back** and back\n", mode
        api(tab, "setMode", "visual")


def test_mode_is_remembered_and_source_mode_works_as_before(tab: StaffTab, row: Page) -> None:
    tab.page.get_by_role("button", name="Source", exact=True).click()
    tab.page.locator("#id_body").fill("Typed as Markdown.\n")
    tab.page.get_by_role("button", name="Source", exact=True).click()
    expect(body(tab)).to_have_text("Typed as Markdown.")
    tab.page.get_by_role("button", name="Source", exact=True).click()
    tab.page.on("dialog", lambda dialog: dialog.accept())
    tab.edit(change_url(row))

    expect(tab.page.locator("#id_body")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Source", exact=True)).to_have_attribute("aria-pressed", "true")


def test_field_and_autosave_work_without_the_visual_editor(
    browser: Browser, live_server: Any, row: Page, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, DESKTOP) as tab:
        tab.sign_in(editor, mode="visual")
        tab.page.route("**/libraries.js", lambda route: route.abort())
        tab.edit(change_url(row))
        expect(tab.page.get_by_text("The visual editor could not start.")).to_be_visible()
        tab.page.locator("#id_body").fill("Typed.")

        expect(tab.page.locator("[data-save-status]")).to_contain_text("autosaved")
        assert api(tab, "mode") == "source"


# ── The line below the text ──

CUT_OFF = """() => {
  const line = document.querySelector("[data-visual-context]");
  const buttons = [...line.querySelectorAll("button")].filter((button) => button.offsetParent);
  const isCut = (button) => {
    const [box, place] = [button.getBoundingClientRect(), line.getBoundingClientRect()];
    return box.left < place.left || box.right > place.right || box.top < place.top || box.bottom > place.bottom
      || box.bottom > innerHeight;
  };
  return [buttons.length, buttons.filter(isCut).map((button) => button.title)];
}"""


def test_no_button_below_the_text_is_cut_off(tab: StaffTab) -> None:
    write(
        tab, "One word.\n\n| a | b |\n|---|---|\n| cell | d |\n\n[a link](https://example.com/)\n\n::: figure balloon\n"
    )
    delete = tab.page.get_by_role("button", name="Delete", exact=True).locator("visible=true")
    for width in (1366, 1280, 1024, 768, 390, 341):
        tab.page.set_viewport_size({"width": width, "height": 768})
        found = {}
        # In plain text, the blocks to insert, where they fit.
        buttons = {"One word": 0 if width in {1024, 390, 341} else 6, "cell": 5, "a link": 2}
        for words, count in buttons.items():
            put_cursor_after(tab, words[:4])
            expect(tab.page.locator("[data-visual-context] button").locator("visible=true")).to_have_count(count)
            found[words] = tab.page.evaluate(CUT_OFF)
        body(tab).locator("figure").click()
        expect(tab.page.locator("[data-visual-context]")).to_contain_text("Picture")
        found["picture"] = tab.page.evaluate(CUT_OFF)

        assert [cut for _, cut in found.values()] == [[]] * 4, width
        assert {words: found[words][0] for words in buttons} == buttons, width
        expect(delete).to_have_count(1)
        expect(delete).to_be_in_viewport()


def test_nothing_is_marked_before_the_text_has_had_the_focus(tab: StaffTab) -> None:
    bullets = tab.page.get_by_role("button", name="Bulleted list")

    expect(bullets).to_have_attribute("aria-pressed", "false")
    expect(tab.page.locator("[data-visual-context]")).to_have_text(re.compile("Insert ?Key points"))
    put_cursor_after(tab, "It is short.")
    expect(bullets).to_have_attribute("aria-pressed", "true")


# ── Accessibility ──


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_axe_finds_nothing(
    browser: Browser, live_server: Any, row: Page, editor: User, size: ViewportSize, scheme: Any
) -> None:
    with open_staff_tab(browser, live_server.url, size, bypass_csp=True, color_scheme=scheme) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        write(tab, f"{row.body}\n| a | b |\n|---|---|\n| c | d |\n\n::: care driving\n\n::: figure balloon\n")
        expect(body(tab).locator("figure")).to_have_count(1)
        tab.page.evaluate(AXE)
        found = {}
        for words in ("It is short.", "A small cut", "d", "What it is"):
            put_cursor_after(tab, words)
            found[words] = tab.page.evaluate(AXE_FINDINGS)
        tab.page.get_by_role("button", name="Insert").click()
        found["list"] = tab.page.evaluate(AXE_FINDINGS)
        width = tab.page.evaluate("document.documentElement.scrollWidth")

    assert {place: rules for place, rules in found.items() if rules} == {}
    assert width == size["width"]


def test_elements_have_accessible_names(tab: StaffTab) -> None:
    put_cursor_after(tab, "It is short.")
    card = body(tab).get_by_role("group", name="Key points")
    expect(card.get_by_role("button", name="Move down")).to_be_visible()
    bar = tab.page.get_by_role("toolbar", name="Style and insert")

    expect(tab.page.get_by_role("textbox", name="Text", exact=True)).to_be_focused()
    assert [
        button.get_attribute("aria-label") or button.inner_text() for button in bar.get_by_role("button").all()
    ] == [
        *("Undo", "Redo", "Bold", "Italic", "Bulleted list", "Numbered list"),
        *("Link", "Cite", "Picture", "Insert"),
    ]


def test_cite_finds_source_in_the_insert_list(tab: StaffTab) -> None:
    tab.page.get_by_role("button", name="Insert").click()
    tab.page.keyboard.type("cite")

    expect(tab.page.locator(".palette [role=option]:visible strong")).to_have_text(["Source"])


def test_insert_list_finds_blocks_by_everyday_words(tab: StaffTab) -> None:
    words = {
        "911": "Warning signs",
        "emergency": "Warning signs",
        "risk": "A chance, as a picture and in words",
        "image": "Picture",
        "summary": "Key points",
        "to-do": "Checklist",
        "hyperlink": "Link",
    }
    tab.page.get_by_role("button", name="Insert").click()
    found = {}
    for word in words:
        tab.page.get_by_role("combobox", name="Search blocks").fill(word)
        found[word] = tab.page.locator(".palette [aria-selected=true]:visible strong").all_inner_texts()

    assert found == {word: [label] for word, label in words.items()}


def test_every_offered_block_is_in_the_insert_list(tab: StaffTab) -> None:
    tab.page.get_by_role("button", name="Insert").click()
    offered = tab.page.locator(".palette [role=option] strong").all_inner_texts()

    blocks = [str(one.label) for one in get_block_types().values() if not one.is_retired]
    assert [label for label in blocks if label not in offered] == []


def test_collapsed_section_gets_a_free_anchor(tab: StaffTab) -> None:
    write(tab, "## Pain\n\nA.\n\n### Pain 2\n\nB.\n\n## Pain\n\nC.\n\n## Sources\n\nD.\n")
    collapse = tab.page.get_by_role("button", name="Collapse this section by default")
    show = tab.page.get_by_role("button", name="Always show this section")
    put_cursor_after(tab, "Sources")
    collapse.click()
    expect(show).to_be_visible()
    tab.page.wait_for_timeout(DOUBLE_CLICK_MS)
    api(tab, "goToLine", 9)
    collapse.click()
    expect(show).to_be_visible()

    # Templates use the anchor "sources", and the second heading has "pain-2".
    assert tab.text == (
        "## Pain\n\nA.\n\n### Pain 2\n\nB.\n\n## Pain {#pain-3 .folded}\n\nC.\n\n## Sources {#about-sources .folded}\n\nD.\n"
    )


def test_first_use_of_a_glossary_term_is_highlighted(tab: StaffTab) -> None:
    word = GlossaryTerm.objects.filter(language="en")[0]
    write(tab, f"## {word.term}\n\nA {word.term} and a {word.term}.\n")

    expect(body(tab).locator("p .term")).to_have_count(1)
    expect(body(tab).locator(".term")).to_have_attribute("title", word.definition)


def test_highlighted_terms_are_those_that_the_page_links(tab: StaffTab) -> None:
    GlossaryTerm.objects.create(key="x-ray", language="en", term="X-ray", definition="A picture of the bones.")
    GlossaryTerm.objects.create(key="weak-bone", language="en", term="osteoporosis", definition="Weak bone.")
    write(
        tab,
        "## X-ray\n\nWeak bone (osteoporosis). [X-ray](page:contact)\n\n| X-ray | b |\n|---|---|\n| c | **An** x–ray, X-rays, X-ray |\n\nOsteoporosis.\n",
    )

    expect(body(tab).locator(".term")).to_have_text(["x–ray"])
    expect(body(tab).locator("td .term")).to_have_attribute("title", "A picture of the bones.")
