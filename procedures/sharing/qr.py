"""QR codes of short URLs, large enough for an old phone and a shaky hand."""

import io
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import segno

QUIET_ZONE_MODULES = 4  # white border required by ISO/IEC 18004
# A code must stay readable with a tenth of its modules damaged. At level M, version 2 repairs 8 codewords, but a tenth
# of its modules touches 9; version 3 repairs 13, and a tenth touches 12.
MIN_VERSION = 3
MIN_MODULE_MM = 0.8
MIN_WIDTH_MM = 20.0  # without the quiet zone
DOTS_PER_INCH = 300
MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code to be drawn as SVG, one unit per module.

    ``size``: width in modules, with the quiet zone. ``width``: width on paper, such as ``26.4mm``. ``path``: SVG path.
    """

    size: int
    width: str  # a string, because templates localize numbers: 26,4 in Spanish
    path: str


def encode_symbol(url: str) -> "segno.QRCode":
    """Encode a URL at error correction level M, in version 3 or larger.

    Capital letters allow the alphanumeric mode, which makes the code smaller and its modules larger.
    """
    # A local import: 11 MB of memory that workers which only serve pages do not need.
    import segno

    code = segno.make(url.upper(), error="m", boost_error=False, micro=False)
    if isinstance(code.version, int) and code.version < MIN_VERSION:
        return segno.make(url.upper(), error="m", boost_error=False, micro=False, version=MIN_VERSION)
    return code


def build_qr_code(url: str) -> QrCode:
    """Return the QR code of a URL as SVG data."""
    code = encode_symbol(url)
    rows = [bytes(row) for row in code.matrix]
    size = len(rows) + 2 * QUIET_ZONE_MODULES
    return QrCode(size, f"{size * module_size_mm(len(rows)):.1f}mm", "".join(_dark_runs(rows)))


def module_size_mm(module_count: int) -> float:
    """Return the width of a module in millimeters: 0.8, or more if the code would be narrower than 20 mm."""
    return max(MIN_MODULE_MM, MIN_WIDTH_MM / module_count)


def _dark_runs(rows: list[bytes]) -> list[str]:
    """Return each run of dark modules as a rectangle: ``M4 4h7v1h-7z``."""
    rectangles = []
    for y, row in enumerate(rows, start=QUIET_ZONE_MODULES):
        x = QUIET_ZONE_MODULES
        for is_dark, run in groupby(row):
            length = len(list(run))
            if is_dark:
                rectangles.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return rectangles


def render_qr_png(url: str) -> bytes:
    """Return the QR code as a PNG for a 300 dpi printer, with a whole number of dots per module."""
    code = encode_symbol(url)
    dots = module_size_mm(len(code.matrix)) * DOTS_PER_INCH / MM_PER_INCH
    stream = io.BytesIO()
    code.save(stream, kind="png", scale=int(dots) + 1, border=QUIET_ZONE_MODULES, dpi=DOTS_PER_INCH)
    return stream.getvalue()
