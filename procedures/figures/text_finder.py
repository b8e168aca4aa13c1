"""Finds text in one picture: a program of its own, which figures/text_detection.py runs and stops.

Reads a PNG from standard input and prints JSON: ``engine`` and ``boxes``, each as left, top, width, height in parts of
the picture and a score. Recognized text is used to reject false marks, then dropped; it is never printed.
``--memory BYTES`` and ``--seconds SECONDS`` limit this process before anything large is imported.
"""

import argparse
import json
import math
import sys
from importlib.metadata import version
from typing import Any

PACKAGE = "rapidocr-onnxruntime"
THREADS = 2
# The engine shrinks what is higher than 2000 px, and small text with it. Pictures are at most 1600 px wide.
STRIP_HEIGHT, OVERLAP = 1600, 96
MIN_SCORE = 0.5


def limit(memory: int, seconds: int) -> None:
    """Cap address space and processor time where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds * THREADS, seconds * THREADS))


def find(data: bytes) -> list[list[float]]:
    """Places of text, from the top."""
    import io

    import numpy as np
    from PIL import Image
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(intra_op_num_threads=THREADS, text_score=MIN_SCORE)
    with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
        image = opened.convert("RGB")
    found: list[list[float]] = []
    for top in range(0, max(1, image.height - OVERLAP), STRIP_HEIGHT - OVERLAP):
        strip = image.crop((0, top, image.width, min(top + STRIP_HEIGHT, image.height)))
        lines, _times = engine(np.asarray(strip), use_cls=False)
        found += [box for corners, _text, score in lines or [] if (box := _box(corners, score, top, image.size))]
    return sorted(found, key=lambda box: (box[1], box[0]))


def _box(corners: Any, score: Any, top: int, size: tuple[int, int]) -> list[float] | None:
    width, height = size
    xs, ys = ([float(corner[axis]) for corner in corners] for axis in (0, 1))
    left, right = max(0, math.floor(min(xs))), min(width, math.ceil(max(xs)))
    upper, lower = max(0, math.floor(min(ys)) + top), min(height, math.ceil(max(ys)) + top)
    if right <= left or lower <= upper:
        return None
    return [left / width, upper / height, (right - left) / width, (lower - upper) / height, round(float(score), 3)]


def main() -> None:
    """One picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--seconds", type=int, required=True)
    arguments = parser.parse_args()
    limit(arguments.memory, arguments.seconds)
    boxes = find(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps({"engine": f"{PACKAGE} {version(PACKAGE)}", "boxes": boxes}))


if __name__ == "__main__":
    main()
