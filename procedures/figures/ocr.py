"""Find text in one picture: a program that ``figures.sandbox`` runs for ``figures.text_detection``.

Reads a PNG from standard input and prints JSON: ``engine`` and ``boxes``, each as left, top, width, height in parts of
the picture and a score. Recognized text is used to reject false marks, then dropped; it is never printed.
"""

import json
import math
import sys
from importlib.metadata import version
from typing import Any

OCR_PACKAGE = "rapidocr-onnxruntime"
OCR_THREADS = 2
# The engine shrinks pictures higher than 2000 px, and small text with them. Pictures are at most 1600 px wide.
STRIP_HEIGHT, STRIP_OVERLAP = 1600, 96
MIN_SCORE = 0.5
# Stricter for text that is turned or was found with more contrast: at least two letters or digits.
MIN_ROTATED_SCORE, MIN_LETTERS, FIRST_NON_LATIN = 0.7, 2, "\u0250"
MAX_SQUARE_RATIO = 2
# Local contrast: how much at most, and in how many tiles each way.
CLAHE_CLIP_LIMIT, CLAHE_TILES = 16, 8
# The part of a box that lies in a larger one, from which on both are one place.
MIN_OVERLAP_FRACTION = 0.5


def find_text(data: bytes) -> list[list[float]]:
    """Places of text, from the top.

    The detector is run on the picture and on a copy with more local contrast, which brings out letters in dark
    corners. It outlines lines in any direction, so each outlined place is read in all directions it can have.
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
    found: list[list[float]] = []
    for top in range(0, max(1, image.height - STRIP_OVERLAP), STRIP_HEIGHT - STRIP_OVERLAP):
        strip = image.crop((0, top, image.width, min(top + STRIP_HEIGHT, image.height)))
        grey = contrast.apply(np.asarray(strip.convert("L")))
        for pixels, plain in ((np.asarray(strip), True), (np.stack([grey] * 3, axis=-1), False)):
            places = _read_lines(engine, pixels, is_unchanged=plain)
            found += [box for corners, score in places if (box := _to_box(corners, score, top, image.size))]
    return sorted(_merge_boxes(found), key=lambda box: (box[1], box[0]))


def _read_lines(engine: Any, pixels: Any, *, is_unchanged: bool) -> list[tuple[Any, float]]:
    """Corners and score of each place in which a line can be read. ``plain``: the pixels are unchanged."""
    import numpy as np

    image, ratio_height, ratio_width = engine.preprocess(pixels)
    steps = {"preprocess": {"ratio_h": ratio_height, "ratio_w": ratio_width}}
    image, steps = engine.maybe_add_letterbox(image, steps)
    outlines, _time = engine.auto_text_det(image)
    places = []
    for outline in [] if outlines is None else outlines:
        (line,) = engine.get_crop_img_list(image, [outline.astype(np.float32)])
        height, width = line.shape[:2]
        turns = (0, 2, 1, 3) if max(height, width) < MAX_SQUARE_RATIO * min(height, width) else (0, 2)
        readings, _time = engine.text_rec([np.ascontiguousarray(np.rot90(line, turn)) for turn in turns])
        scores = [float(score) for text, score in readings if score >= MIN_ROTATED_SCORE and _is_word(text)]
        if is_unchanged and readings[0][1] >= MIN_SCORE:
            scores.append(float(readings[0][1]))
        if scores:
            places.append((outline, max(scores)))
    if not places:
        return []
    corners = engine._get_origin_points([outline for outline, _ in places], steps, *pixels.shape[:2])  # noqa: SLF001 -- the engine has no public name for it
    return [(place.tolist(), score) for place, (_, score) in zip(corners, places, strict=True)]


def _is_word(text: str) -> bool:
    """Shapes of bone, turned or with more contrast, are read as one letter, or as a Chinese one."""
    return sum(letter.isalnum() and letter < FIRST_NON_LATIN for letter in text) >= MIN_LETTERS


def _merge_boxes(boxes: list[list[float]]) -> list[list[float]]:
    """One box for those that are the same line, found in both copies or in two strips."""
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
    """How much of ``box`` lies in ``other``."""
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
    """Search the picture on standard input."""
    boxes = find_text(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps({"engine": f"{OCR_PACKAGE} {version(OCR_PACKAGE)}", "boxes": boxes}))


if __name__ == "__main__":
    main()
