"""Helpers for the marker editor tests: a picture with markers, and opening the editor."""

from playwright.sync_api import expect

from procedures.figures.markers import save_markers
from procedures.models import Figure
from tests.admin.marker_helpers import make_bilingual_figure, make_marker, markers_url, saved_version
from tests.browser.staff_helpers import StaffTab


def make_marked_figure() -> Figure:
    """Create a picture with two markers."""
    made = make_bilingual_figure(size=(900, 900))
    save_markers(
        made,
        [make_marker("tip"), make_marker("bone", x=0.8, target_x=0.7, target_y=0.7)],
        expected_version=saved_version(made),
    )
    return made


def open_marker_editor(tab: StaffTab, figure: Figure) -> None:
    """Open the marker editor and wait for its first preview."""
    tab.open(markers_url(figure))
    wait_for_preview(tab)


def wait_for_preview(tab: StaffTab) -> None:
    """Wait until the preview shows the input."""
    expect(tab.page.locator("[data-live-state]")).to_have_text("Up to date.")
