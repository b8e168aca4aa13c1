"""Uploading a picture in a real browser: by keyboard, by mouse, and without JavaScript; axe on each screen."""

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, Locator, expect

from portal.accounts.models import User
from procedures.admin.figure_forms import BoxFormSet
from procedures.models import Figure
from tests.admin.upload_helpers import CHOOSE, FIGURE_TEXTS, load_master, make_photo
from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, StaffTab, open_staff_tab
from tests.conftest import require_text_detection
from tests.figures.dicom_files import dicom, ramp
from tests.figures.test_text_detection import burned
from tests.rate_limits import reset_upload_limits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIZE = (400, 200)


@pytest.fixture(autouse=True)
def _fresh_counts(own_folder: Path) -> None:
    """Reset the upload limits, and use a separate data folder for staged pictures."""
    reset_upload_limits()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """The paths of a photograph and an XA run."""
    (tmp_path / "send").mkdir()
    photo, run = tmp_path / "send" / "photo.png", tmp_path / "send" / "run.dcm"
    photo.write_bytes(make_photo(SIZE))
    run.write_bytes(dicom(ramp() * 3, NumberOfFrames=3, WindowCenter=32, WindowWidth=64))
    return {"photo": str(photo), "run": str(run)}


def choose(tab: StaffTab, file: str) -> None:
    tab.open(CHOOSE)
    tab.page.set_input_files("#id_picture", file)


def tab_to(tab: StaffTab, target: Locator, *, most: int = 120) -> None:
    """Press Tab until ``target`` has the focus."""
    for _ in range(most):
        if target.evaluate("element => element === document.activeElement"):
            return
        tab.page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {target}")


def seen(tab: StaffTab) -> None:
    """Wait until the server's result is on the screen."""
    tab.page.wait_for_function("document.querySelector('[data-result-image]').complete")


@pytest.mark.writes
def test_picture_can_be_uploaded_with_the_keyboard_alone(editor_tab: StaffTab, files: dict[str, str]) -> None:
    # The file dialog belongs to the operating system, so it is not tested.
    choose(editor_tab, files["photo"])
    page, keys = editor_tab.page, editor_tab.page.keyboard
    tab_to(editor_tab, page.get_by_role("button", name="Upload"))
    keys.press("Enter")
    expect(page.get_by_role("heading", name="1. Crop and cover")).to_be_visible()

    tab_to(editor_tab, page.get_by_role("button", name="Add a black box"))
    keys.press("Enter")
    box = page.get_by_role("button", name="Black box 1:")
    expect(box).to_be_focused()
    for key, times in {
        "Shift+ArrowLeft": 16,
        "Shift+ArrowUp": 9,
        "Shift+Alt+ArrowRight": 2,
        "ArrowDown": 2,
    }.items():
        for _ in range(times):
            keys.press(key)
    expect(box).to_be_focused()
    expect(page.locator("#id_box-0-left")).to_have_value("0")
    expect(page.locator("#id_box-0-top")).to_have_value("1")
    expect(page.locator("#id_box-0-width")).to_have_value("25")
    expect(page.locator("[data-size]")).to_have_text("400 × 200 pixels")

    tab_to(editor_tab, page.locator("#id_box-0-height"))
    keys.press("Control+A")
    keys.type("50")
    expect(page.get_by_role("button", name="Black box 1:")).to_have_accessible_name(
        "Black box 1: 0% from the left, 1% from the top, 25% wide, 50% high"
    )
    page.wait_for_timeout(900)
    seen(editor_tab)
    tab_to(editor_tab, page.locator("#id_deidentified"))
    keys.press("Space")
    tab_to(editor_tab, page.locator("#id_kind_0"))
    keys.press("Space")
    tab_to(editor_tab, page.locator("#id_provenance_0"))
    keys.press("Space")
    for name, value in FIGURE_TEXTS.items():
        tab_to(editor_tab, page.locator(f"#id_{name}"))
        keys.type(value)
    tab_to(editor_tab, page.get_by_role("button", name="Save the picture"))
    keys.press("Enter")
    expect(page.get_by_text("Picture saved.")).to_be_visible()

    image = load_master(Figure.objects.get())
    assert image.size == SIZE
    assert image.crop((0, 2, 100, 102)).getextrema() == (0, 0)
    assert image.getpixel((0, 0)) == 60


def test_boxes_can_be_drawn_moved_resized_and_undone_with_the_mouse(
    editor_tab: StaffTab, files: dict[str, str]
) -> None:
    choose(editor_tab, files["photo"])
    page, mouse = editor_tab.page, editor_tab.page.mouse
    # Dragging does not wait, so the picture and the script must be loaded.
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name="Upload").click()
    stage = page.locator("[data-stage]")
    stage.scroll_into_view_if_needed()
    place = stage.bounding_box()
    assert place

    def drag(*points: tuple[float, float]) -> None:
        for number, (x, y) in enumerate(points):
            mouse.move(place["x"] + place["width"] * x / 100, place["y"] + place["height"] * y / 100)
            if number == 0:
                mouse.down()
        mouse.up()

    def numbers(row: str) -> list[int]:
        return [
            round(float(page.locator(f"#id_{row}-{side}").input_value())) for side in ("left", "top", "width", "height")
        ]

    drag((10, 10), (20, 20), (30, 40))
    assert numbers("box-0") == [10, 10, 20, 30]
    drag((20, 20), (30, 40), (40, 50))
    assert numbers("box-0") == [30, 40, 20, 30]
    drag((50, 70), (55, 75), (60, 90))
    assert numbers("box-0") == [30, 40, 30, 50]
    page.get_by_role("button", name="Undo").click()
    assert numbers("box-0") == [30, 40, 20, 30]
    page.get_by_label("Crop area", exact=True).check()
    drag((2, 5), (50, 50), (95, 95))
    assert numbers("cut") == [2, 5, 93, 90]
    expect(page.locator("[data-size]")).to_have_text("372 × 180 pixels")
    page.get_by_role("button", name="Remove: Black box 1").click()
    expect(page.get_by_role("button", name="Black box 1:")).to_have_count(0)


def test_confirmation_is_unchecked_when_the_picture_changes(editor_tab: StaffTab, files: dict[str, str]) -> None:
    choose(editor_tab, files["photo"])
    editor_tab.page.get_by_role("button", name="Upload").click()
    tick = editor_tab.page.locator("#id_deidentified")
    tick.check()

    editor_tab.page.get_by_role("button", name="Add a black box").click()

    expect(tick).not_to_be_checked()
    expect(editor_tab.page.locator("[data-check] > section [data-message]")).to_have_text(
        "The result has changed. Look again, then check the box."
    )


@pytest.mark.smoke
@pytest.mark.writes
def test_picture_can_be_uploaded_without_javascript(
    browser: Browser, live_server: Any, editor: User, files: dict[str, str]
) -> None:
    with open_staff_tab(browser, live_server.url, PHONE, java_script_enabled=False) as tab:
        tab.sign_in(editor)
        choose(tab, files["photo"])
        page = tab.page
        page.get_by_role("button", name="Upload").click()
        for side, value in {"left": 0, "top": 0, "width": 50, "height": 50}.items():
            page.locator(f"#id_box-0-{side}").fill(str(value))
        page.get_by_role("button", name="Update the result").click()
        expect(page.locator("#id_box-0-width")).to_have_value("50.0")
        page.locator("#id_deidentified").check()
        page.locator("#id_kind_4").check()
        page.locator("#id_provenance_0").check()
        for name, value in FIGURE_TEXTS.items():
            page.locator(f"#id_{name}").fill(value)
        page.get_by_role("button", name="Save the picture").click()
        expect(page.get_by_text("Picture saved.")).to_be_visible()

    assert load_master(Figure.objects.get()).crop((0, 0, 200, 100)).getextrema() == (0, 0)


@pytest.mark.writes
def test_dicom_window_follows_its_slider_and_the_shown_frame_is_used(
    editor_tab: StaffTab, files: dict[str, str]
) -> None:
    choose(editor_tab, files["run"])
    page = editor_tab.page
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("link", name="Frame 2").click()
    expect(page.get_by_role("spinbutton", name="Frame")).to_have_value("2")
    page.get_by_role("link", name="Full range").click()
    expect(page.locator("#id_center")).to_have_value("31.5")
    slider = page.get_by_role("slider", name="Adjust the contrast")
    slider.focus()
    page.keyboard.press("Home")
    page.get_by_label("Invert black and white").check()
    expect(page.get_by_role("button", name="Use this picture")).to_be_enabled()
    expect(page.locator("[data-use-form] [name=width]")).to_have_value("0.1575")
    page.get_by_role("button", name="Use this picture").click()
    expect(page.get_by_role("heading", name="2. Check the result")).to_be_visible()
    expect(page.locator("[data-size]")).to_have_text("64 × 64 pixels")


def test_detected_text_is_outlined_and_covered_with_one_click(
    editor_tab: StaffTab, files: dict[str, str], tmp_path: Path
) -> None:
    require_text_detection()
    (tmp_path / "send" / "named.png").write_bytes(burned(pixels=16))
    with override_settings(TEXT_DETECTION=True):
        choose(editor_tab, str(tmp_path / "send" / "named.png"))
        page = editor_tab.page
        page.get_by_role("button", name="Upload").click()
        cover = page.get_by_role("button", name="Cover 1")
        expect(cover).to_be_visible(timeout=60_000)
        expect(page.locator("[data-found] rect")).to_have_count(page.locator("[data-region]").count())
        page.get_by_role("button", name="Cover all").click()

        expect(page.locator("[data-found] rect")).to_have_count(0)
        expect(page.get_by_text("Is this text?")).to_be_hidden()
        expect(page.locator("[data-check] > section [data-message]")).to_have_text("The result has changed.")
        page.locator("[data-undo]").click()
        expect(cover).to_be_visible()


def test_number_of_boxes_has_the_limit_of_the_server(editor_tab: StaffTab, files: dict[str, str]) -> None:
    with mock.patch.object(BoxFormSet, "max_num", 2):
        choose(editor_tab, files["photo"])
        page = editor_tab.page
        page.get_by_role("button", name="Upload").click()
        for _ in range(3):
            page.get_by_role("button", name="Add a black box").click()

        expect(page.locator(".redaction__box")).to_have_count(2)
        expect(page.locator("[data-check] > section [data-message]")).to_have_text(
            "You already have 2 boxes. Crop the picture instead."
        )


def test_large_picture_is_shown_at_full_size_on_a_phone(
    browser: Browser, live_server: Any, editor: User, tmp_path: Path
) -> None:
    file = tmp_path / "large.png"
    file.write_bytes(make_photo((1500, 1100)))
    with open_staff_tab(browser, live_server.url, PHONE) as tab:
        tab.sign_in(editor)
        choose(tab, str(file))
        tab.page.get_by_role("button", name="Upload").click()
        kept = tab.page.locator("[data-result-image]")
        expect(kept).to_be_visible()

        assert kept.evaluate("image => [image.clientWidth, image.clientHeight]") == [1500, 1100]
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
@pytest.mark.writes
def test_axe_finds_no_problem_and_each_screen_fits(
    browser: Browser, live_server: Any, editor: User, files: dict[str, str], size: Any, scheme: Any
) -> None:
    with open_staff_tab(browser, live_server.url, size, bypass_csp=True, color_scheme=scheme) as tab:
        tab.sign_in(editor)
        page = tab.page

        def fine() -> None:
            page.evaluate(AXE)
            assert page.evaluate(AXE_FINDINGS) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]

        choose(tab, files["run"])
        fine()
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("heading", name="3 frames")).to_be_visible()
        fine()
        page.get_by_role("button", name="Use this picture").click()
        page.get_by_role("button", name="Add a black box").click()
        page.get_by_role("button", name="Set the crop area").click()
        page.wait_for_timeout(700)
        fine()
        page.get_by_role("button", name="Save the picture").click()
        expect(page.get_by_text("Give the picture a title.", exact=True)).to_be_visible()
        fine()


def test_rejected_file_is_reported_and_another_can_be_chosen(
    editor_tab: StaffTab, files: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "send" / "evil.png").write_bytes(b"<svg onload='alert(1)'/>")
    choose(editor_tab, str(tmp_path / "send" / "evil.png"))
    button = editor_tab.page.get_by_role("button", name="Upload")
    button.click()
    expect(editor_tab.page.get_by_role("alert")).to_have_text(
        "This is not a JPEG, PNG, or WebP picture. Save it in one of these formats."
    )

    editor_tab.page.set_input_files("#id_picture", files["photo"])
    button.click()

    expect(editor_tab.page.get_by_role("heading", name="1. Crop and cover")).to_be_visible()
