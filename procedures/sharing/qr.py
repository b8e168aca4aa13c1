"""QR codes of neutral addresses, large enough for an old phone and a shaky hand."""

import io
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import segno

QUIET_ZONE_MODULES = 4  # modules of white around the code, as ISO/IEC 18004 asks
# Version 2 at level M repairs 8 codewords; a tenth of its modules lies in 9. Version 3 repairs 13, a tenth lies in 12.
MIN_VERSION = 3
MIN_MODULE_MM = 0.8  # mm
MIN_WIDTH_MM = 20.0  # mm, without the quiet zone
DOTS_PER_INCH = 300
MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class QrCode:
    """``size``: modules with the quiet zone; ``width``: the same on paper; ``path``: SVG, one unit a module."""

    size: int
    width: str  # ready for SVG: a template would write 26,4 in Spanish
    path: str


def encode_symbol(url: str) -> "segno.QRCode":
    """In capital letters an address fits the alphanumeric mode: a smaller code, larger modules. Level M."""
    # Loaded when a code is first drawn: 11 MB that a worker which only serves pages never needs.
    import segno

    code = segno.make(url.upper(), error="m", boost_error=False, micro=False)
    if isinstance(code.version, int) and code.version < MIN_VERSION:
        return segno.make(url.upper(), error="m", boost_error=False, micro=False, version=MIN_VERSION)
    return code


def build_qr_code(url: str) -> QrCode:
    """For a drawing in SVG."""
    code = encode_symbol(url)
    rows = [bytes(row) for row in code.matrix]
    size = len(rows) + 2 * QUIET_ZONE_MODULES
    return QrCode(size, f"{size * module_size_mm(len(rows)):.1f}mm", "".join(_dark_runs(rows)))


def module_size_mm(module_count: int) -> float:
    """Millimetres of one module, so that the code itself measures 20 mm at least."""
    return max(MIN_MODULE_MM, MIN_WIDTH_MM / module_count)


def _dark_runs(rows: list[bytes]) -> list[str]:
    """Each run of dark modules as a rectangle: ``M4 4h7v1h-7z``."""
    parts = []
    for y, row in enumerate(rows, start=QUIET_ZONE_MODULES):
        x = QUIET_ZONE_MODULES
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                parts.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return parts


def render_qr_png(url: str) -> bytes:
    """Black on white for a printer with 300 dots per inch, whole dots a module; the file says so."""
    code = encode_symbol(url)
    dots = module_size_mm(len(code.matrix)) * DOTS_PER_INCH / MM_PER_INCH
    stream = io.BytesIO()
    code.save(stream, kind="png", scale=int(dots) + 1, border=QUIET_ZONE_MODULES, dpi=DOTS_PER_INCH)
    return stream.getvalue()
