"""What the tests of the page where marks are placed share: a picture with marks, and the page when it is ready."""

from playwright.sync_api import expect

from procedures.figures.markers import save_markers
from procedures.models import Figure
from tests.admin.marker_helpers import address, bilingual, mark, version
from tests.browser.staff_helpers import Desk


def marked_figure() -> Figure:
    """A picture with two marks."""
    made = bilingual(size=(900, 900))
    save_markers(made, [mark("tip"), mark("bone", x=0.8, target_x=0.7, target_y=0.7)], expected_version=version(made))
    return made


def start(at: Desk, figure: Figure) -> None:
    """Open the page and wait for its first live view."""
    at.open(address(figure))
    up_to_date(at)


def up_to_date(at: Desk) -> None:
    """The live view shows what is typed."""
    expect(at.page.locator("[data-live-state]")).to_have_text("Up to date.")
