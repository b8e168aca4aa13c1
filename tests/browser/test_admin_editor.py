"""The editor's script in a real browser. Half of these tests hold a fault of django-markdownx's own script."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, Dialog, Route, expect

from portal.staff.models import User
from procedures.models import Figure
from procedures.models import Page as PageRow
from tests.admin.conftest import PAGES, form_of, person, picture_file
from tests.browser.admin import Desk, desk
from tests.browser.public import DESK, PHONE
from tests.factories import make_clinic, make_figure, make_next, make_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def row(transactional_db: None) -> PageRow:
    """A draft that is ready to be published."""
    make_clinic()
    make_figure(size=(40, 40))
    return make_page(next_page=make_next())


@pytest.fixture
def editor(transactional_db: None) -> User:
    return person("Nina", "Editor")


@pytest.fixture
def at(browser: Browser, live_server: Any, row: PageRow, editor: User) -> Iterator[Desk]:
    """The form of the draft, open at a desk. The browser may complain of nothing."""
    with desk(browser, live_server.url, DESK) as made:
        made.sign_in(editor)
        made.edit(form_of(row))
        yield made
        assert made.complaints == []


def write(at: Desk, text: str) -> None:
    """Put the text in place of everything, as a person would."""
    at.page.locator("#id_body").fill(text)


# ── Writing ──


@pytest.mark.parametrize(
    ("button", "start", "wanted"),
    [
        ("Heading", "Words", "## Words"),
        ("Subheading", "Words", "### Words"),
        ("Bold", "", "**important words**"),
        ("List", "One\nTwo", "One\n- Two"),
        ("Numbers", "Words", "1. Words"),
    ],
)
def test_a_button_puts_its_snippet_in_and_native_undo_takes_it_back(
    at: Desk, button: str, start: str, wanted: str
) -> None:
    write(at, start)
    at.page.locator("#id_body").press("Control+End")

    at.page.get_by_role("button", name=button, exact=True).click()
    put = at.text
    at.page.keyboard.press("Control+z")

    assert put == wanted
    assert at.text == start


def test_tab_and_escape_leave_the_field(at: Desk) -> None:
    before, field = at.text, at.page.locator("#id_body")
    place = "document.activeElement.textContent || document.activeElement.id"

    field.focus()
    at.page.keyboard.press("Tab")
    forward = at.page.evaluate(place)
    field.focus()
    at.page.keyboard.press("Shift+Tab")
    back = at.page.evaluate(place)
    field.focus()
    at.page.keyboard.press("Escape")
    escaped = at.page.evaluate(place)

    assert (forward, back, escaped) == ("Keys", "Outline", "Phone")
    assert at.text == before


def test_the_toolbar_is_one_stop_with_arrow_keys_within(at: Desk) -> None:
    at.page.get_by_role("button", name="Heading", exact=True).focus()

    words = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home"):
        at.page.keyboard.press(key)
        words.append(at.page.evaluate("document.activeElement.textContent"))

    assert words == ["Subheading", "Bold", "Subheading", "Index …", "Heading"]
    assert at.page.locator("[data-tools] button[tabindex='0']").count() == 1


@pytest.mark.parametrize("keys", ["Control+d", "AltGraph+[", "Control+b", "Control+k", "Control+v", "Enter"])
def test_no_key_is_taken_away_from_the_field(at: Desk, keys: str) -> None:
    at.page.evaluate(
        "window.taken = []; document.addEventListener('keydown', (e) => window.taken.push(e.defaultPrevented))"
    )
    at.page.locator("#id_body").focus()

    at.page.keyboard.press(keys)

    assert not any(at.page.evaluate("window.taken"))


@pytest.mark.parametrize("place", ["#id_title", "body", "#id_body"])
def test_drag_and_drop_is_left_to_the_browser(at: Desk, place: str) -> None:
    taken = at.page.evaluate(
        """(place) => ["dragenter", "dragover", "drop"].filter((type) =>
             !document.querySelector(place).dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true})))""",
        place,
    )

    assert taken == []


# ── Preview ──


def test_the_preview_follows_what_is_typed_at_both_widths(at: Desk) -> None:
    at.page.locator("#id_title").fill("A very new title")
    write(at, "Only these words.")
    expect(at.page.frame_locator("[data-stage] iframe").locator("h1")).to_have_text("A very new title")
    widths = [at.page.evaluate("document.querySelector('[data-stage] iframe').contentWindow.innerWidth")]

    at.page.get_by_role("button", name="Desktop").click()
    widths.append(at.page.evaluate("document.querySelector('[data-stage] iframe').contentWindow.innerWidth"))

    assert "Only these words." in at.article()
    assert widths == [360, 1280]


def test_the_preview_wears_the_public_stylesheet(at: Desk) -> None:
    size = at.page.evaluate(
        "getComputedStyle(document.querySelector('[data-stage] iframe').contentDocument.querySelector('h1')).fontSize"
    )

    assert size == "32px"


def test_an_old_preview_never_overwrites_a_newer_one(at: Desk) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "Old words." in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    at.page.route("**/preview/", hold)
    write(at, "Old words.")
    at.page.wait_for_timeout(700)
    write(at, "New words.")
    expect(at.page.frame_locator("[data-stage] iframe").locator("article")).to_contain_text("New words.")
    assert len(held) == 1
    held[0].fulfill(json={"html": "<article>Old words.</article>", "problems": [], "minutes": 1})
    at.page.wait_for_timeout(300)

    assert "New words." in at.article()


def test_nothing_in_the_preview_leads_away(at: Desk, row: PageRow) -> None:
    frame = at.page.frame_locator("[data-stage] iframe")
    before = at.page.url

    frame.get_by_role("link", name="When to call").first.click()
    expect(frame.locator("#when-to-call")).to_be_in_viewport()
    with at.context.expect_page() as opened:
        frame.get_by_role("link", name="Home").first.click()

    assert at.page.url == before
    assert opened.value.url.endswith("/")
    assert "Small cut" in at.article()


def test_what_is_to_mend_is_listed_and_leads_to_its_line(at: Desk) -> None:
    write(at, "One.\n\nTwo.\n\n::: figure nowhere\n")

    at.page.get_by_role("button", name="Line 5").click()

    chosen = at.page.evaluate(
        "(() => { const f = document.activeElement; return f.value.slice(f.selectionStart, f.selectionEnd); })()"
    )
    assert "There is no picture “nowhere”." in at.page.locator("[data-problems]").inner_text()
    assert chosen == "::: figure nowhere"


def test_the_preview_is_announced_only_when_there_is_news(at: Desk) -> None:
    live = at.page.locator("[data-live]")
    expect(live).to_have_text("Preview ready. Nothing to mend.")
    at.page.evaluate(
        "window.said = 0; new MutationObserver(() => window.said++).observe("
        "document.querySelector('[data-live]'), {childList: true, characterData: true, subtree: true})"
    )

    write(at, at.text + "\nMore.\n")
    at.page.wait_for_timeout(900)
    write(at, "No key points.")
    expect(live).to_have_text("Preview ready. 2 to mend.")

    assert at.page.evaluate("window.said") == 1


# ── Staying safe ──


def test_a_session_that_ends_keeps_the_text_and_shows_no_login_page(at: Desk, editor: User) -> None:
    Session.objects.all().delete()

    write(at, "Words that must not be lost.")
    notice = at.page.locator("[data-notice]")
    expect(notice).to_contain_text("You are signed out. Your text is still here.")
    link = notice.get_by_role("link", name="Sign in in a new window")

    assert at.text == "Words that must not be lost."
    assert "Small cut" in at.article()
    assert "Password" not in at.article()
    assert (link.get_attribute("href"), link.get_attribute("target")) == ("/admin/login/", "_blank")


def test_saving_while_signed_out_keeps_the_text_until_one_is_back(at: Desk, row: PageRow, editor: User) -> None:
    signed_out = {"error": "You are signed out. Your text is still here."}
    at.page.route("**/autosave/", lambda route: route.fulfill(status=401, json=signed_out))
    Session.objects.all().delete()
    write(at, "Words that must not be lost.")

    at.page.get_by_role("button", name="Save draft").click()
    expect(at.page.locator("[data-notice]")).to_contain_text("You are signed out.")
    kept = at.text
    at.context.clear_cookies()
    at.sign_in(editor)
    at.page.unroute("**/autosave/")
    at.page.get_by_role("button", name="Try again").click()
    expect(at.page.locator("[data-notice]")).to_be_hidden()
    at.page.get_by_role("button", name="Save draft").click()
    expect(at.page.locator(".messagelist")).to_contain_text("Draft saved.")

    row.refresh_from_db()
    assert kept == "Words that must not be lost."
    assert row.body == "Words that must not be lost.\n"


def test_a_site_that_cannot_be_reached_keeps_the_text(at: Desk) -> None:
    at.page.route("**/preview/", lambda route: route.abort())

    write(at, "Words on a train.")

    expect(at.page.locator("[data-notice]")).to_contain_text("We cannot reach the site. Your text is still here.")
    at.page.unroute("**/preview/")
    at.page.get_by_role("button", name="Try again").click()
    expect(at.page.locator("[data-notice]")).to_be_hidden()
    assert "Words on a train." in at.article()


def leave(at: Desk) -> list[str]:
    """Try to go to the list; the questions that the browser asks are answered with stay."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    at.page.on("dialog", stay)
    at.page.evaluate("location.href = '/admin/'")
    at.page.wait_for_timeout(400)
    return asked


def test_leaving_with_unsaved_words_asks_first(at: Desk) -> None:
    at.page.locator("#id_body").click()
    at.page.keyboard.type("New. ")

    assert leave(at) == ["beforeunload"]
    assert at.text.count("New. ") == 1


def test_leaving_with_nothing_unsaved_asks_nothing(at: Desk) -> None:
    at.page.locator("#id_body").click()
    at.page.keyboard.type("New. ")
    at.page.get_by_role("button", name="Save draft").click()
    expect(at.page.locator(".messagelist")).to_contain_text("Draft saved.")
    at.page.locator("#id_body").click()

    assert leave(at) == []


def test_a_form_that_was_not_saved_still_asks(at: Desk) -> None:
    at.page.locator("#id_title").fill("")
    at.page.get_by_role("button", name="Save draft").click()
    expect(at.page.locator(".errornote").first).to_be_visible()
    at.page.locator("#id_body").click()

    assert leave(at) == ["beforeunload"]


def test_two_clicks_save_once(at: Desk, row: PageRow) -> None:
    write(at, "Twice.")

    at.page.get_by_role("button", name="Save draft").dblclick()
    expect(at.page.locator(".messagelist")).to_contain_text("Draft saved.")

    assert row.revisions.count() == 1


# ── Pictures ──


def fill_upload(at: Desk, file: Path) -> None:
    at.page.get_by_role("button", name="New picture …").click()
    window = at.page.locator("dialog[open]")
    window.locator("[name=picture]").set_input_files(file)
    window.locator("[name=title]").fill("Balloon")
    window.locator("[name=alt]").fill("A balloon in a bone.")
    window.locator("[name=caption]").fill("The balloon makes space.")
    window.locator("[name=provenance]").select_option("simulated")
    window.locator("[name=nothing_visible]").check()
    window.get_by_role("button", name="Bring it in").click()


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


# ── Rows, screens, and no script at all ──


def test_a_new_row_gets_a_working_editor_and_a_pattern_does_not(at: Desk) -> None:
    started = at.page.evaluate(
        """() => ["items-1-body", "items-__prefix__-body"].map((name) => {
             const row = document.createElement("div");
             const copy = document.querySelector("[data-editor]").cloneNode(true);
             delete copy.dataset.started;
             copy.querySelector("textarea").name = name;
             copy.querySelector("[data-tools]").hidden = true;
             row.append(copy);
             document.querySelector("form#page_form").append(row);
             row.dispatchEvent(new CustomEvent("formset:added", {bubbles: true}));
             const tools = copy.querySelector("[data-tools]");
             tools.querySelector("[data-around]").click();
             return [!tools.hidden, copy.querySelector("textarea").value.includes("**")];
           })"""
    )

    assert started == [[True, True], [False, False]]


def test_the_form_fits_a_phone(browser: Browser, live_server: Any, row: PageRow, editor: User) -> None:
    with desk(browser, live_server.url, PHONE) as at:
        at.sign_in(editor)
        at.edit(form_of(row))

        assert at.page.evaluate("document.documentElement.scrollWidth") == 360
        assert at.page.evaluate("document.querySelector('#id_body').clientHeight") > 300
        assert at.complaints == []


def test_without_javascript_a_page_is_written_and_saved(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    with desk(browser, live_server.url, DESK, java_script_enabled=False) as at:
        at.sign_in(editor)
        at.open(form_of(row))
        at.page.locator("#id_body").fill("Written by hand.")
        at.page.get_by_role("button", name="Save draft").click()

        expect(at.page.locator(".messagelist")).to_contain_text("Draft saved.")
        assert at.page.get_by_role("button", name="Heading").count() == 0

    row.refresh_from_db()
    assert row.body == "Written by hand.\n"


def test_by_keyboard_alone_a_page_is_written_and_sent_for_review(at: Desk, row: PageRow) -> None:
    keys = at.page.keyboard
    at.open(f"{PAGES}add/")
    at.page.locator("#id_title").focus()
    keys.type("After care")
    keys.press("Tab")
    keys.type("Rest a little.")
    keys.press("Tab")
    for _ in range(11):
        keys.press("ArrowRight")
    assert at.page.evaluate("document.activeElement.textContent") == "Key points …"
    keys.press("Enter")
    keys.type("Walk a little.\nRest when you are tired.")
    keys.press("Tab")
    keys.press("Enter")
    keys.press("Control+End")
    keys.type("\n## At home\n\nRest. [@nice]\n")
    at.page.locator("#id_kind").focus()
    keys.type("Rec")
    at.page.get_by_role("button", name="Save and send for review").focus()
    keys.press("Enter")
    expect(at.page.locator(".messagelist")).to_contain_text("Saved and sent for review.")

    made = PageRow.objects.get(title="After care")
    assert (made.subject, made.slug, made.kind) == ("after-care", "after-care", "recovery")
    assert made.body.startswith("::: key-points\n- Walk a little.\n- Rest when you are tired.\n:::")
