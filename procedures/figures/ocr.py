"""Text detection program, run in ``figures.sandbox`` by ``figures.text_detection``.

Reads a PNG from stdin and prints JSON: ``engine``, and ``boxes`` as left, top, width, height in fractions of the image,
and score. Recognized text is used only to reject false positives and never printed. Imports nothing from the portal.
"""

import json
import math
import sys
from importlib.metadata import version
from typing import Any

OCR_PACKAGE = "rapidocr-onnxruntime"
OCR_THREADS = 2
# The engine scales images above 2000 px down, and small text with them. Images are at most 1600 px wide.
STRIP_HEIGHT, STRIP_OVERLAP = 1600, 96
MIN_SCORE = 0.5
# Stricter for rotated or contrast-enhanced text, which needs at least two letters or digits.
MIN_ROTATED_SCORE, MIN_LETTERS, FIRST_NON_LATIN = 0.7, 2, "\u0250"
MAX_SQUARE_RATIO = 2
CLAHE_CLIP_LIMIT, CLAHE_TILES = 16, 8
# Boxes are merged when at least this fraction of the smaller one lies in the larger one.
MIN_OVERLAP_FRACTION = 0.5


def find_text(data: bytes) -> list[list[float]]:
    """Return boxes of likely text, from top to bottom.

    The detector runs on the image and on a copy with enhanced local contrast (CLAHE), which makes letters in dark
    corners visible. It detects lines at any angle, so each line is read in every orientation that its shape
    allows.
    """
    import io

    import cv2
    import numpy as np
    from PIL import Image
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(intra_op_num_threads=OCR_THREADS, text_score=MIN_SCORE)
    with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
        image = opened.convert("RGB")
    contrast = cv2.createCLAHE(CLAHE_CLIP_LIMIT, (CLAHE_TILES, CLAHE_TILES))
    boxes: list[list[float]] = []
    for top in range(0, max(1, image.height - STRIP_OVERLAP), STRIP_HEIGHT - STRIP_OVERLAP):
        strip = image.crop((0, top, image.width, min(top + STRIP_HEIGHT, image.height)))
        gray = contrast.apply(np.asarray(strip.convert("L")))
        for pixels, is_unchanged in ((np.asarray(strip), True), (np.stack([gray] * 3, axis=-1), False)):
            lines = _read_lines(engine, pixels, is_unchanged=is_unchanged)
            boxes += [box for corners, score in lines if (box := _to_box(corners, score, top, image.size))]
    return sorted(_merge_boxes(boxes), key=lambda box: (box[1], box[0]))


def _read_lines(engine: Any, pixels: Any, *, is_unchanged: bool) -> list[tuple[Any, float]]:
    """Return the corners and score of each readable line. ``is_unchanged``: without contrast enhancement."""
    import numpy as np

    image, ratio_height, ratio_width = engine.preprocess(pixels)
    steps = {"preprocess": {"ratio_h": ratio_height, "ratio_w": ratio_width}}
    image, steps = engine.maybe_add_letterbox(image, steps)
    outlines, _time = engine.auto_text_det(image)
    lines = []
    for outline in [] if outlines is None else outlines:
        (line,) = engine.get_crop_img_list(image, [outline.astype(np.float32)])
        height, width = line.shape[:2]
        rotations = (0, 2, 1, 3) if max(height, width) < MAX_SQUARE_RATIO * min(height, width) else (0, 2)
        readings, _time = engine.text_rec([np.ascontiguousarray(np.rot90(line, turns)) for turns in rotations])
        scores = [float(score) for text, score in readings if score >= MIN_ROTATED_SCORE and _is_word(text)]
        if is_unchanged and readings[0][1] >= MIN_SCORE:
            scores.append(float(readings[0][1]))
        if scores:
            lines.append((outline, max(scores)))
    if not lines:
        return []
    corners = engine._get_origin_points([outline for outline, _ in lines], steps, *pixels.shape[:2])  # noqa: SLF001 -- the engine has no public method
    return [(points.tolist(), score) for points, (_, score) in zip(corners, lines, strict=True)]


def _is_word(text: str) -> bool:
    """Reject misread bone shapes: rotated or enhanced, they come out as a single letter or as Chinese characters."""
    return sum(char.isalnum() and char < FIRST_NON_LATIN for char in text) >= MIN_LETTERS


def _merge_boxes(boxes: list[list[float]]) -> list[list[float]]:
    """Merge boxes of the same line found in both copies or in overlapping strips."""
    merged: list[list[float]] = []
    for box in sorted(boxes, key=lambda box: -box[2] * box[3]):
        same = next((other for other in merged if _overlap_fraction(box, other) >= MIN_OVERLAP_FRACTION), None)
        if same is None:
            merged.append(box)
            continue
        right, bottom = (max(same[at] + same[at + 2], box[at] + box[at + 2]) for at in (0, 1))
        left, top = min(same[0], box[0]), min(same[1], box[1])
        same[:] = [left, top, right - left, bottom - top, max(same[4], box[4])]
    return merged


def _overlap_fraction(box: list[float], other: list[float]) -> float:
    """Return the fraction of ``box`` that lies in ``other``."""
    width, height = (min(box[at] + box[at + 2], other[at] + other[at + 2]) - max(box[at], other[at]) for at in (0, 1))
    return max(0.0, width) * max(0.0, height) / (box[2] * box[3])


def _to_box(corners: Any, score: Any, top: int, size: tuple[int, int]) -> list[float] | None:
    width, height = size
    xs, ys = ([float(corner[axis]) for corner in corners] for axis in (0, 1))
    left, right = max(0, math.floor(min(xs))), min(width, math.ceil(max(xs)))
    upper, lower = max(0, math.floor(min(ys)) + top), min(height, math.ceil(max(ys)) + top)
    if right <= left or lower <= upper:
        return None
    return [left / width, upper / height, (right - left) / width, (lower - upper) / height, round(float(score), 3)]


def main() -> None:
    boxes = find_text(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps({"engine": f"{OCR_PACKAGE} {version(OCR_PACKAGE)}", "boxes": boxes}))


if __name__ == "__main__":
    main()
