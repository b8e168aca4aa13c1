"""Time to decode expensive pictures, compared with the one step that cannot be avoided.

    .venv/bin/python -m tests.bench.bench_decode [--rounds 5]

- presets: the windows of a 16-bit frame of 2000 × 2500 pixels with all 65,536 values, compared with rendering that
  frame once (limit: 3 times)
- scans: rejecting a JPEG with 200 scans, compared with decoding the same picture with 6 scans (limit: 1)
- run: staging a file of 110 JPEG 2000 frames, compared with extracting one of them (limit: 3 times)

Prints medians and ratios, and exits with 1 if a limit is exceeded.
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

ROOT = Path(__file__).resolve().parents[2]
MAX_RATIOS = {"presets": 3.0, "scans": 1.0, "run": 3.0}


def seconds(work: Callable[[], Any]) -> float:
    """Return the wall time of one run."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def expect_rejection(data: bytes) -> None:
    """Read a picture that must be rejected."""
    from procedures.figures.decoding import InvalidImageError, decode_image

    try:
        decode_image(data)
    except InvalidImageError:
        return
    raise RuntimeError("The picture was accepted.")


def run(frames: int, side: int = 512) -> bytes:
    """Return a file with this number of slightly different JPEG 2000 frames."""
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
    """Return each measured function with its baseline."""
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
        "scans": (lambda: expect_rejection(many), lambda: decode_image(usual)),
        "run": (lambda: unpacked(long), lambda: unpacked(one)),
    }


def main() -> int:
    """Parse the arguments and run the benchmark."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    broken = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PORTAL_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "portal.settings"}
        import django

        django.setup()
        for name, (measured, against) in pairs(Path(folder)).items():
            times = [(seconds(measured), seconds(against)) for _ in range(rounds)]
            taken, base = (statistics.median(part) for part in zip(*times, strict=True))
            broken += taken / base > MAX_RATIOS[name]
            print(f"{name:8} {taken:.3f} s, baseline {base:.3f} s: ratio {taken / base:.2f} (limit {MAX_RATIOS[name]})")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
