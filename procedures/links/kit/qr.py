"""QR codes of neutral addresses, large enough for an old phone and a shaky hand."""

import io
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import segno

QUIET = 4  # modules of white around the code, as ISO/IEC 18004 asks
# Version 2 at level M repairs 8 codewords; a tenth of its modules lies in 9. Version 3 repairs 13, a tenth lies in 12.
ENOUGH_TO_REPAIR = 3
MODULE = 0.8  # mm
SMALLEST = 20.0  # mm, without the quiet zone
DOTS_PER_INCH = 300
MILLIMETRES_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class Qr:
    """``size``: modules with the quiet zone; ``width``: the same on paper; ``path``: SVG, one unit a module."""

    size: int
    width: str  # ready for SVG: a template would write 26,4 in Spanish
    path: str


def symbol(address: str) -> "segno.QRCode":
    """In capital letters an address fits the alphanumeric mode: a smaller code, larger modules. Level M."""
    # Loaded when a code is first drawn: 11 MB that a worker which only serves pages never needs.
    import segno

    code = segno.make(address.upper(), error="m", boost_error=False, micro=False)
    if isinstance(code.version, int) and code.version < ENOUGH_TO_REPAIR:
        return segno.make(address.upper(), error="m", boost_error=False, micro=False, version=ENOUGH_TO_REPAIR)
    return code


def qr(address: str) -> Qr:
    """For a drawing in SVG."""
    code = symbol(address)
    rows = [bytes(row) for row in code.matrix]
    size = len(rows) + 2 * QUIET
    return Qr(size, f"{size * module_of(len(rows)):.1f}mm", "".join(_runs(rows)))


def module_of(modules: int) -> float:
    """Millimetres of one module, so that the code itself measures 20 mm at least."""
    return max(MODULE, SMALLEST / modules)


def _runs(rows: list[bytes]) -> list[str]:
    """Each run of dark modules as a rectangle: ``M4 4h7v1h-7z``."""
    parts = []
    for y, row in enumerate(rows, start=QUIET):
        x = QUIET
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                parts.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return parts


def png(address: str) -> bytes:
    """Black on white for a printer with 300 dots per inch, whole dots a module; the file says so."""
    code = symbol(address)
    dots = module_of(len(code.matrix)) * DOTS_PER_INCH / MILLIMETRES_PER_INCH
    stream = io.BytesIO()
    code.save(stream, kind="png", scale=int(dots) + 1, border=QUIET, dpi=DOTS_PER_INCH)
    return stream.getvalue()
