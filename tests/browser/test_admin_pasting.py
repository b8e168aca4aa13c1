"""What comes into the text from elsewhere: words that are pasted; pictures that are chosen, pasted or dropped."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from procedures.models import Figure
from tests.admin.conftest import picture_file
from tests.browser.admin import Desk, write

pytestmark = [pytest.mark.browser, pytest.mark.writes, pytest.mark.django_db(transaction=True)]
FIXTURES = Path(__file__).parent / "clipboard"


# ── Words ──


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


# ── Pictures ──


def bring_in(window: Locator, title: str, alt: str, caption: str) -> None:
    """Fill in what is asked of a new picture, and send it."""
    window.locator("[name=title]").fill(title)
    window.locator("[name=alt]").fill(alt)
    window.locator("[name=caption]").fill(caption)
    window.locator("[name=provenance]").select_option("simulated")
    window.locator("[name=nothing_visible]").check()
    window.get_by_role("button", name="Bring it in").click()


def fill_upload(at: Desk, file: Path) -> None:
    at.page.get_by_role("button", name="New picture …").click()
    window = at.page.locator("dialog[open]")
    window.locator("[name=picture]").set_input_files(file)
    bring_in(window, "Balloon", "A balloon in a bone.", "The balloon makes space.")


def test_a_new_picture_comes_in_through_its_window(at: Desk, tmp_path: Path) -> None:
    file = tmp_path / "balloon.jpg"
    file.write_bytes(picture_file().read())
    write(at, "See this.")

    fill_upload(at, file)

    expect(at.page.locator("#id_body")).to_have_value("See this.\n\n::: figure balloon\n")
    assert Figure.objects.get(slug="balloon").texts.get().alt == "A balloon in a bone."


def test_a_refused_picture_says_why_and_leaves_the_text_usable(at: Desk, tmp_path: Path) -> None:
    file = tmp_path / "evil.jpg"
    file.write_bytes(b"<script>alert(1)</script>")
    write(at, "My text.")

    fill_upload(at, file)
    window = at.page.locator("dialog[open]")
    expect(window.locator("[data-refusal]")).to_contain_text("This is not a JPEG, PNG or WebP picture.")
    window.get_by_role("button", name="Cancel").click()
    at.page.locator("#id_body").press("Control+End")
    at.page.keyboard.type(" It goes on.")

    assert at.text == "My text. It goes on."
    assert at.page.locator("#id_body").is_enabled()
    assert at.page.locator("#id_body").is_editable()


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
    bring_in(opened, "Knee", "A knee.", "This is a knee.")
    expect(opened).to_be_hidden()

    assert "::: figure knee\n" in at.text
