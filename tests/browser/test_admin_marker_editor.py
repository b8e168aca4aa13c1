"""The marker editor in a real browser: by keyboard alone and by mouse, without losing input."""

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, expect

from procedures.figures.markers import load_markers
from procedures.models import Figure
from tests.admin.marker_helpers import markers_url
from tests.browser.marker_helpers import open_marker_editor, wait_for_preview
from tests.browser.staff_helpers import StaffTab

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def tab(figure: Figure, editor_tab: StaffTab) -> StaffTab:
    """The marker editor in a desktop tab."""
    open_marker_editor(editor_tab, figure)
    return editor_tab


def canvas(tab: StaffTab) -> Locator:
    return tab.page.get_by_role("application", name="Picture with its markers")


def names(tab: StaffTab) -> list[str]:
    """Return the number and texts of each marker in the list."""
    rows = tab.page.locator("[data-row]").all()
    return [f"{row.locator('[data-number]').inner_text()} {row.locator('[data-name]').inner_text()}" for row in rows]


def value(tab: StaffTab, name: str) -> float:
    return float(tab.page.locator(f"[name={name}]").input_value())


def shown(tab: StaffTab, language: str = "en") -> list[str]:
    """Return the marker list in the preview."""
    frame = tab.page.frame_locator(f"iframe[data-language={language}]")
    return [" ".join(text.split()) for text in frame.locator(".figure__legend > li").all_inner_texts()]


def tab_to(tab: StaffTab, name: str) -> None:
    """Press Tab until the button with this name has the focus, as a keyboard user does."""
    for _ in range(60):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"Tab never reaches “{name}”")


# ── Placing ──


@pytest.mark.writes
def test_everything_can_be_done_with_the_keyboard_alone(tab: StaffTab, figure: Figure) -> None:
    keys = tab.page.keyboard
    # A new marker: the crosshair starts in the middle.
    tab_to(tab, "Add marker")
    keys.press("Enter")
    for _ in range(7):
        keys.press("Shift+ArrowLeft")
    for _ in range(3):
        keys.press("ArrowDown")
    keys.press("Enter")
    keys.press("Escape")
    # Its texts in two languages.
    keys.type("Disc")
    keys.press("Tab")
    keys.type("A soft cushion.")
    keys.press("Tab")
    keys.type("Disco")
    pixel = 100 / tab.page.locator("[data-canvas]").evaluate("(e) => e.clientWidth")
    target = [value(tab, "marks-2-target_x"), value(tab, "marks-2-target_y")]
    assert target == pytest.approx([50 - 70 * pixel, 50 + 3 * pixel], abs=0.02)
    # Move its number, and cancel a second attempt.
    before = value(tab, "marks-2-x")
    tab_to(tab, "Move the number")
    keys.press("Enter")
    keys.press("Shift+ArrowRight")
    keys.press("Enter")
    moved = value(tab, "marks-2-x")
    assert moved == pytest.approx(before + 10 * pixel, abs=0.02)
    keys.press("Enter")
    keys.press("Shift+ArrowRight")
    keys.press("Escape")
    assert value(tab, "marks-2-x") == moved
    # Move up by one, delete another, and undo that on the picture.
    tab_to(tab, "Up")
    keys.press("Enter")
    assert names(tab) == ["1 Tip · tip es", "2 Disc · Disco", "3 Bone · bone es"]
    tab_to(tab, "Delete")
    keys.press("Enter")
    assert names(tab) == ["1 Tip · tip es", "2 Bone · bone es"]
    canvas(tab).focus()
    keys.press("Control+z")
    assert names(tab) == ["1 Tip · tip es", "2 Disc · Disco", "3 Bone · bone es"]
    wait_for_preview(tab)
    legend = tab.page.frame_locator("iframe[data-language=es]").locator(".figure__legend > li")
    expect(legend).to_have_text(["tip es", "Disco", "bone es"])
    tab_to(tab, "Save markers")
    keys.press("Enter")
    expect(tab.page.locator(".messagelist")).to_contain_text("Markers saved.")

    assert [(found.key, found.texts["en"].text) for found in load_markers(figure)] == [
        ("tip", ""),
        ("disc", "A soft cushion."),
        ("bone", ""),
    ]
    wait_for_preview(tab)
    assert shown(tab) == ["Tip", "Disc", "Bone"]
    description = tab.page.frame_locator("iframe[data-language=en]").locator(".figure__description")
    expect(description).to_contain_text("A soft cushion.")


def test_tab_is_not_trapped_on_the_picture(tab: StaffTab) -> None:
    canvas(tab).focus()

    tab.page.keyboard.press("Tab")

    assert tab.page.evaluate("document.activeElement.closest('[data-row]') !== null")


def test_arrow_keys_move_the_selected_marker_and_undo_reverts_a_series_of_them(tab: StaffTab) -> None:
    canvas(tab).focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp"):
        tab.page.keyboard.press(key)
    pixel = 100 / tab.page.locator("[data-canvas]").evaluate("(e) => e.clientWidth")

    assert [value(tab, "marks-0-x"), value(tab, "marks-0-y")] == pytest.approx([20 + 11 * pixel, 20 - pixel], abs=0.03)
    tab.page.keyboard.press("Control+z")
    assert [value(tab, "marks-0-x"), value(tab, "marks-0-y")] == [20, 20]
    tab.page.keyboard.press("Control+y")
    assert value(tab, "marks-0-x") > 20


def spot(tab: StaffTab, x: float, y: float) -> tuple[float, float]:
    """Return the screen position of this point of the picture."""
    box = canvas(tab).bounding_box()
    assert box is not None
    return box["x"] + box["width"] * x, box["y"] + box["height"] * y


def drag(tab: StaffTab, start: tuple[float, float], end: tuple[float, float]) -> None:
    tab.page.mouse.move(*spot(tab, *start))
    tab.page.mouse.down()
    tab.page.mouse.move(*spot(tab, *end), steps=4)
    tab.page.mouse.up()


def test_click_after_add_marker_adds_one_and_drag_moves_one(tab: StaffTab) -> None:
    box = canvas(tab).bounding_box()
    assert box is not None
    assert box["width"] >= 700

    tab.page.get_by_role("button", name="Add marker").click()
    tab.page.mouse.dblclick(*spot(tab, 0.5, 0.2))
    tab.page.get_by_role("button", name="Done").click()
    added = [value(tab, "marks-2-target_x"), value(tab, "marks-2-target_y")]
    drag(tab, (0.8, 0.2), (0.85, 0.25))

    assert added == pytest.approx([50, 20], abs=0.2)
    assert [value(tab, "marks-1-x"), value(tab, "marks-1-y")] == pytest.approx([85, 25], abs=0.5)
    assert len(names(tab)) == 3
    assert tab.page.locator("[data-row]").nth(1).locator("details").evaluate("(e) => e.open")


def test_only_add_marker_adds_a_marker(tab: StaffTab) -> None:
    add = tab.page.get_by_role("button", name="Add marker")
    free = (0.5, 0.2)

    tab.page.mouse.click(*spot(tab, *free))
    drag(tab, free, (0.6, 0.3))
    assert len(names(tab)) == 2
    for leave in (
        lambda: tab.page.keyboard.press("Escape"),
        add.click,
        tab.page.get_by_role("button", name="Done").click,
    ):
        add.click()
        expect(add).to_have_attribute("aria-pressed", "true")
        drag(tab, free, (0.6, 0.3))
        expect(tab.page.locator("[data-message]")).to_have_text(
            "You dragged instead of clicking. Click or tap without moving."
        )
        leave()
        expect(add).to_have_attribute("aria-pressed", "false")
        expect(add).to_be_focused()
        tab.page.mouse.click(*spot(tab, *free))
        assert len(names(tab)) == 2
    # Cancel from a field as well.
    add.click()
    tab.page.locator("[name=marks-0-label_en]").press("Escape")
    expect(add).to_have_attribute("aria-pressed", "false")
    # A canceled drag leaves the marker in place.
    tab.page.mouse.move(*spot(tab, 0.8, 0.2))
    tab.page.mouse.down()
    tab.page.mouse.move(*spot(tab, 0.9, 0.4), steps=3)
    assert value(tab, "marks-1-x") > 85
    tab.page.keyboard.press("Escape")
    tab.page.mouse.up()
    assert [value(tab, "marks-1-x"), value(tab, "marks-1-y")] == [80, 20]


def choose(tab: StaffTab, index: int) -> None:
    """Expand the row of a marker if it is collapsed."""
    row = tab.page.locator("[data-row]").nth(index)
    if not row.locator("details").evaluate("(details) => details.open"):
        row.locator("[data-head]").click()
    expect(row).to_have_class(re.compile("is-selected"))


def state(tab: StaffTab) -> list[str]:
    return tab.page.locator("[data-row]").evaluate_all(
        """(rows) => rows.map((row) => [...row.querySelectorAll("[name]")]
          .filter((input) => /-(key|shape|x|y|label_en)$/.test(input.name)).map((input) => input.value).join(" "))"""
    )


def test_undo_reverts_the_last_action_of_any_kind_from_any_focus(tab: StaffTab) -> None:
    label = tab.page.locator("[name=marks-0-label_en]")
    label.press("End")
    label.press_sequentially("!!")
    states = [state(tab)]

    def act(what: str) -> None:
        tab.page.locator("[data-row].is-selected").get_by_role("button", name=what, exact=True).click()
        states.append(state(tab))

    # Delete another marker, then move the edited one down and change its shape.
    choose(tab, 1)
    act("Delete")
    tab.page.keyboard.press("Control+z")
    assert state(tab) == states[0]
    expect(tab.page.locator("[data-row].is-selected [data-name]")).to_contain_text("Bone")
    tab.page.keyboard.press("Control+Shift+z")
    assert state(tab) == states.pop()
    tab.page.keyboard.press("Control+z")
    choose(tab, 0)
    act("Down")
    tab.page.locator("[data-row].is-selected").get_by_label("Shape").select_option("circle")
    states.append(state(tab))
    act("Delete")
    tab.page.get_by_role("button", name="Add marker").click()
    tab.page.mouse.click(*spot(tab, 0.5, 0.2))
    states.append(state(tab))
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.type("New")
    typed = state(tab)
    # With the focus in a field, on the page body, and on a button.
    for place in ("[name=marks-1-label_en]", "body", "[data-do=undo]"):
        tab.page.evaluate("document.activeElement.blur()")
        if place != "body":
            tab.page.locator(place).first.focus()
        for wanted in reversed(states):
            tab.page.keyboard.press("Control+z")
            assert state(tab) == wanted
        for wanted in [*states[1:], typed]:
            tab.page.keyboard.press("Control+y")
            assert state(tab) == wanted
    # In a field, undo reverts the last typing.
    choose(tab, 0)
    tab.page.locator("[name=marks-0-label_en]").fill("Typed")
    tab.page.keyboard.press("Control+z")
    assert state(tab) == typed


@pytest.mark.writes
def test_undo_after_a_rejected_save_still_restores_a_deleted_marker(tab: StaffTab, figure: Figure) -> None:
    tab.page.locator("[name=marks-0-x]").fill("120")
    choose(tab, 1)
    tab.page.locator("[data-row].is-selected").get_by_role("button", name="Delete", exact=True).click()
    tab.page.get_by_role("button", name="Save markers").click()
    expect(tab.page.locator("[data-rejected]")).to_be_visible()

    tab.page.get_by_role("button", name="Undo").click()
    choose(tab, 0)
    tab.page.locator("[name=marks-0-x]").fill("20")
    tab.page.get_by_role("button", name="Save markers").click()

    expect(tab.page.locator(".messagelist")).to_contain_text("No changes to save.")
    assert [found.key for found in load_markers(figure)] == ["tip", "bone"]
    expect(tab.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_marker_can_be_repositioned_with_a_click(tab: StaffTab) -> None:
    tab.page.get_by_role("button", name="Move the pointer").first.click()
    canvas(tab).click(position={"x": 70, "y": 210})

    width = tab.page.locator("[data-canvas]").evaluate("(e) => e.clientWidth")
    wanted = [7000 / width, 21000 / width]
    assert [value(tab, "marks-0-target_x"), value(tab, "marks-0-target_y")] == pytest.approx(wanted, abs=0.2)


def test_shape_can_be_resized_with_handle_and_fields(tab: StaffTab) -> None:
    tab.page.get_by_label("Shape").first.select_option("circle")
    first = [value(tab, "marks-0-width"), value(tab, "marks-0-height")]
    box = canvas(tab).bounding_box()
    assert box is not None
    grip = tab.page.locator("[data-grip=size] .marker-editor__handle").first.bounding_box()
    assert grip is not None
    tab.page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.65, steps=3)
    tab.page.mouse.up()
    dragged = [value(tab, "marks-0-width"), value(tab, "marks-0-height")]
    tab.page.get_by_label("Width, %").first.fill("30")

    assert first == [16, 16]
    assert dragged == pytest.approx([20, 30], abs=0.5)
    shown = tab.page.frame_locator("iframe[data-language=en]").locator("ellipse.marker__line")
    expect(shown).to_have_attribute("rx", "15%")


def test_add_mode_stays_on_until_done_and_continues_with_the_first_label(tab: StaffTab) -> None:
    add = tab.page.get_by_role("button", name="Add marker")
    add.click()
    for place in ((0.5, 0.2), (0.3, 0.5), (0.7, 0.6)):
        tab.page.mouse.click(*spot(tab, *place))
    expect(add).to_have_attribute("aria-pressed", "true")
    assert len(names(tab)) == 5

    tab.page.get_by_role("button", name="Done").click()

    expect(add).to_have_attribute("aria-pressed", "false")
    expect(tab.page.locator("[name=marks-2-label_en]")).to_be_focused()


def test_marker_is_placed_exactly_while_zoomed_and_panned(tab: StaffTab) -> None:
    frame = tab.page.locator("[data-frame]")
    before = canvas(tab).bounding_box()
    canvas(tab).focus()
    for _ in range(3):
        tab.page.keyboard.press("+")
    zoomed = canvas(tab).bounding_box()
    assert before is not None and zoomed is not None
    assert zoomed["width"] == pytest.approx(3 * before["width"], rel=0.01)
    expect(tab.page.locator("[data-zoom-level]")).to_have_text("300%")

    left = frame.evaluate("(e) => e.scrollLeft")
    box = frame.bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + 300, box["y"] + 300)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 200, box["y"] + 260, steps=5)
    tab.page.mouse.up()
    assert frame.evaluate("(e) => e.scrollLeft") == pytest.approx(left + 100, abs=2)
    assert len(names(tab)) == 2, "a drag pans"

    tab.page.get_by_role("button", name="Add marker").click()
    area = canvas(tab).bounding_box()
    assert area is not None
    at = (box["x"] + 250, box["y"] + 250)
    tab.page.mouse.click(*at)
    wanted = [(at[0] - area["x"]) / area["width"] * 100, (at[1] - area["y"]) / area["height"] * 100]
    assert [value(tab, "marks-2-target_x"), value(tab, "marks-2-target_y")] == pytest.approx(wanted, abs=0.2)
    tab.page.get_by_role("button", name="Fit the picture").click()
    expect(tab.page.locator("[data-zoom-level]")).to_have_text("100%")


def test_corners_of_a_free_shape_can_be_moved_with_mouse_keys_and_fields(tab: StaffTab) -> None:
    row = tab.page.locator("[data-row]").first
    row.get_by_label("Shape").select_option("polygon")
    corners = tab.page.locator("[name=marks-0-outline]")
    assert len(corners.input_value().splitlines()) == 4

    row.get_by_role("button", name="Add a corner").click()
    assert len(corners.input_value().splitlines()) == 5
    row.get_by_role("button", name="Remove a corner").click()
    row.get_by_role("button", name="Corner 1").click()
    tab.page.keyboard.press("Shift+ArrowLeft")
    tab.page.keyboard.press("Enter")
    moved = corners.input_value().splitlines()[0]
    grip = tab.page.locator("[data-grip=corner-1]").bounding_box()
    assert grip is not None
    tab.page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    tab.page.mouse.down()
    tab.page.mouse.move(*spot(tab, 0.4, 0.1), steps=4)
    tab.page.mouse.up()
    lines = corners.input_value().splitlines()

    assert lines[0] == moved
    assert [float(number) for number in lines[1].split()] == pytest.approx([40, 10], abs=0.5)
    shown = tab.page.frame_locator("iframe[data-language=en]").locator("polygon.marker__line")
    expect(shown).to_have_count(1)
    tab.page.get_by_role("button", name="Undo").click()
    assert corners.input_value().splitlines()[0] == moved
    assert corners.input_value() != "\n".join(lines)


def test_typed_corners_survive_a_moved_corner(tab: StaffTab) -> None:
    row = tab.page.locator("[data-row]").first
    row.get_by_label("Shape").select_option("polygon")
    corners = tab.page.locator("[name=marks-0-outline]")
    corners.fill("12.3456 10\n37,5 40\nabout 30\n20 60")
    row.get_by_role("button", name="Corner 3").click()
    tab.page.keyboard.press("Shift+ArrowLeft")
    tab.page.keyboard.press("Enter")
    lines = corners.input_value().splitlines()

    assert lines[:3] == ["12.3456 10", "37,5 40", "about 30"]
    assert len(lines) == 4
    assert lines[3] != "20 60"
    assert float(lines[3].split()[0]) < 20


# ── Saving ──


def test_problems_are_reported_while_typing(tab: StaffTab) -> None:
    tab.page.locator("[name=marks-0-label_en]").fill("")

    note = tab.page.locator("[data-row]").first.locator("[data-notes]")
    expect(note).to_have_text("Enter a label in English.")
    tab.page.locator("[name=marks-0-label_en]").fill("Tip")
    expect(note).to_be_hidden()


@pytest.mark.writes
def test_rejected_save_keeps_the_input(tab: StaffTab) -> None:
    tab.page.locator("[name=marks-0-label_en]").fill("A new word")
    tab.page.locator("[name=marks-0-x]").fill("120")
    tab.page.get_by_role("button", name="Save markers").click()

    expect(tab.page.locator("[data-rejected]")).to_contain_text("Marker 1: Enter a number from 0 to 100.")
    assert tab.page.locator("[name=marks-0-label_en]").input_value() == "A new word"
    assert tab.page.locator("[name=marks-0-x]").input_value() == "120"
    expect(tab.page.locator("[data-rejected]")).to_be_focused()


@pytest.mark.writes
def test_nothing_is_lost_after_the_session_ends(tab: StaffTab, figure: Figure) -> None:
    Session.objects.all().delete()
    tab.page.locator("[name=marks-0-label_en]").fill("A new word")

    notice = tab.page.locator("[data-notice]")
    expect(notice).to_contain_text("You are signed out. Your text is still here.")
    tab.page.get_by_role("button", name="Save markers").click()
    expect(notice).to_be_visible()
    assert tab.page.locator("[name=marks-0-label_en]").input_value() == "A new word"
    assert tab.page.url.endswith(markers_url(figure))


def test_leaving_with_unsaved_markers_asks_first(tab: StaffTab) -> None:
    asked: list[str] = []
    tab.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    tab.page.get_by_role("button", name="Add marker").click()
    canvas(tab).click(position={"x": 300, "y": 500})

    tab.page.get_by_role("navigation", name="Main").get_by_role("link", name="Pictures").click()

    expect(tab.page.locator("[data-row]")).to_have_count(3)
    assert asked == ["beforeunload"]
