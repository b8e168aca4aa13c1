"""What reading a costly picture takes, against the one step that it cannot do without.

    .venv/bin/python tests/bench/bench_decode.py [--rounds 5]

- presets: the windows of a 16-bit frame of 2000 × 2500 pixels with all 65,536 numbers in it, against drawing that frame
  once (bound: 3 times)
- scans: refusing a JPEG of 200 scans, against decoding the same picture with its 6 scans (bound: 1)
- run: bringing in a file of 110 JPEG 2000 frames, against unpacking one of them (bound: 3 times)

Prints medians and ratios, and ends with 1 when a bound is broken.
"""

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
MOST = {"presets": 3.0, "scans": 1.0, "run": 3.0}


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one run."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def refused(data: bytes) -> None:
    """Read a picture that must be refused."""
    from procedures.figures.decoding import InvalidImageError, decode_image

    try:
        decode_image(data)
    except InvalidImageError:
        return
    raise RuntimeError("The picture was taken.")


def run(frames: int, side: int = 512) -> bytes:
    """A file of so many JPEG 2000 frames, each a little different."""
    from PIL import Image, ImageChops
    from pydicom import dcmread
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    from tests.figures.dicom_files import eight_bit

    first, packed = Image.effect_noise((side, side), 40), []
    for number in range(frames):
        stream = io.BytesIO()
        ImageChops.offset(first, number).save(stream, "JPEG2000")
        packed.append(stream.getvalue())
    size = {"Rows": side, "Columns": side, "NumberOfFrames": frames}
    data = dcmread(io.BytesIO(eight_bit(bytes(2), syntax=JPEG2000Lossless, **size)))
    data.PixelData = encapsulate(packed)
    stream = io.BytesIO()
    data.save_as(stream)
    return stream.getvalue()


def pairs(folder: Path) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """What is measured, and what it is measured against."""
    from procedures.figures.decoding import decode_image
    from procedures.figures.dicom.reader import extract_frames
    from tests.figures.dicom_files import dicom
    from tests.figures.test_decoding import progressive

    places = iter(range(10_000))

    def unpacked(data: bytes) -> Any:
        place = folder / str(next(places))
        place.mkdir()
        return extract_frames(io.BytesIO(data), place)

    pixels = (b"".join(value.to_bytes(2, "little") for value in range(1 << 16)) * 77)[: 2 * 2000 * 2500]
    frame = unpacked(dicom(pixels, Rows=2500, Columns=2000))
    large = (1500, 1500)
    many, usual, long, one = progressive(200, large), progressive(6, large), run(110), run(1)
    return {
        "presets": (lambda: frame.presets(1), lambda: frame.picture(1)),
        "scans": (lambda: refused(many), lambda: decode_image(usual)),
        "run": (lambda: unpacked(long), lambda: unpacked(one)),
    }


def main() -> int:
    """Read the arguments and run."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    broken = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PORTAL_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "portal.settings"}
        sys.path.insert(0, str(ROOT))
        import django

        django.setup()
        for name, (measured, against) in pairs(Path(folder)).items():
            times = [(seconds(measured), seconds(against)) for _ in range(rounds)]
            taken, base = (statistics.median(part) for part in zip(*times, strict=True))
            broken += taken / base > MOST[name]
            print(f"{name:8} {taken:.3f} s against {base:.3f} s: ratio {taken / base:.2f} (bound {MOST[name]})")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
