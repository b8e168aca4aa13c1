"""What intake costs: a large photograph becomes a figure, against the same Pillow work alone.

    .venv/bin/python tests/bench/bench_upload.py [--rounds 9] [--width 4000] [--height 3000]

Each round makes a new picture, so that no file is there already, and runs both ways, in turns first:

- ours: read_picture, store_picture, figure and rows saved: hashes, files synced to disk and the database included
- alone: the same decoding with draft, the same resizes, the same encodes, one after another, kept in memory

Prints the medians, their ratio (bound: 1.3) and the peak memory of a process of its own that has the whole portal
loaded and takes one picture in (bound: 300 MB, VmHWM of Linux). Ends with 1 when a bound is broken.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_RATIO, MOST_MEGABYTES = 1.3, 300


def photograph(width: int, height: int, number: int) -> bytes:
    """A JPEG with the detail of an X-ray with mottle; another one for each number."""
    noise = Image.effect_noise((width, height), 30)
    shades = [Image.linear_gradient("L").rotate(90 * turn).resize((width, height)) for turn in (0, 1, number % 2 + 2)]
    image = Image.merge("RGB", [Image.blend(shade, noise, 0.3) for shade in shades])
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=88, comment=str(number))
    return stream.getvalue()


def ours(data: bytes, number: int) -> None:
    """The whole way of an upload, from bytes to rows."""
    from procedures.figures.intake import read_picture
    from procedures.figures.renditions import replace_renditions, store_picture
    from procedures.models import Figure

    figure = Figure(slug=f"bench-{number}", provenance="simulated", nothing_visible=True)
    renditions = store_picture(figure, read_picture(data))
    figure.save()
    replace_renditions(figure, renditions)


def alone(data: bytes) -> None:
    """Pillow's part of it, and nothing else."""
    from procedures.figures.intake import WIDEST
    from procedures.figures.renditions import FORMATS, widths

    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
        image.draft(None, (WIDEST, WIDEST * image.height // image.width))
        image.load()
        original = ImageOps.exif_transpose(image).convert("RGB")
    if original.width > WIDEST:
        size = (WIDEST, round(original.height * WIDEST / original.width))
        original = original.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    original.save(io.BytesIO(), "PNG", compress_level=4)
    smaller = original
    for width in reversed(widths(original.width)):
        if width < smaller.width:
            size = (width, round(original.height * width / original.width))
            smaller = smaller.resize(size, Image.Resampling.LANCZOS)
        for name, options in FORMATS.items():
            smaller.save(io.BytesIO(), name.upper(), **options)


def seconds(work: Callable[..., None], *values: object) -> float:
    """Wall time of one run."""
    begun = time.perf_counter()
    work(*values)
    return time.perf_counter() - begun


def set_up(folder: str) -> None:
    """The portal with an empty database in ``folder``."""
    os.environ |= {"PORTAL_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    sys.path.insert(0, str(ROOT))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def peak_megabytes() -> float:
    """The most memory that this process ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def one_worker(picture: Path) -> None:
    """In a process of its own: everything that a worker has loaded, one picture, the peak."""
    with tempfile.TemporaryDirectory() as folder:
        set_up(folder)
        from django.urls import get_resolver

        import portal.wsgi  # noqa: F401 -- what a worker holds before the first request

        get_resolver().url_patterns  # noqa: B018 -- loads every view
        before = peak_megabytes()
        ours(picture.read_bytes(), 0)
        print(f"{before:.0f} {peak_megabytes():.0f}")


def compare(rounds: int, width: int, height: int) -> int:
    """Both ways in turns, then the memory."""
    times: dict[str, list[float]] = {"ours": [], "alone": []}
    for number in range(-1, rounds):
        data = photograph(width, height, number + 1)
        ways = {"ours": lambda data=data, number=number: ours(data, number), "alone": lambda data=data: alone(data)}
        for name in sorted(ways, reverse=bool(number % 2)):
            taken = seconds(ways[name])
            if number >= 0:  # the first round warms up
                times[name].append(taken)
    middle = {name: statistics.median(taken) for name, taken in times.items()}
    ratio = middle["ours"] / middle["alone"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.jpg"
        file.write_bytes(data)
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(file)], capture_output=True, text=True, check=True
        )
    before, peak = (float(part) for part in done.stdout.split())
    print(
        f"{width} × {height} JPEG of {len(data) / 1e6:.1f} MB, {rounds} rounds in turns, {os.cpu_count()} cores\n"
        f"ours   {middle['ours']:.3f} s (from {min(times['ours']):.3f} to {max(times['ours']):.3f})\n"
        f"alone  {middle['alone']:.3f} s (from {min(times['alone']):.3f} to {max(times['alone']):.3f})\n"
        f"ratio  {ratio:.2f} (bound {MOST_RATIO})\n"
        f"memory {peak:.0f} MB at its peak, {before:.0f} MB before (bound {MOST_MEGABYTES} MB)"
    )
    return int(ratio > MOST_RATIO or peak > MOST_MEGABYTES)


def main() -> int:
    """Read the arguments and run."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--width", type=int, default=4000)
    arguments.add_argument("--height", type=int, default=3000)
    arguments.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        one_worker(given.one)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        set_up(folder)
        return compare(given.rounds, given.width, given.height)


if __name__ == "__main__":
    sys.exit(main())
