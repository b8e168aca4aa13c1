"""Text detection with the real OCR engine, whose failures are reported as results."""

import fcntl
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from django.test import override_settings
from PIL import Image, ImageDraw, ImageFont

from procedures.figures import text_detection
from procedures.figures.decoding import build_decoded_image
from procedures.figures.redaction import Box, Redactions
from procedures.figures.renditions import encode_png
from procedures.figures.text_detection import (
    STATUS_MESSAGES,
    Detection,
    DetectionLimits,
    DetectionStatus,
    TextRegion,
    detect_text,
)
from tests.conftest import require_text_detection

LINE = "SMITH, JOHN DOB 01/02/1950"


@pytest.fixture(autouse=True)
def _switched_on() -> object:
    require_text_detection()
    with override_settings(TEXT_DETECTION=True):
        yield


def gradient(size: tuple[int, int] = (512, 512)) -> Image.Image:
    return Image.linear_gradient("L").resize(size).point([30 + value * 150 // 255 for value in range(256)])


def burned(
    *, pixels: int, at: tuple[int, int] = (24, 24), size: tuple[int, int] = (512, 512), text: str = LINE
) -> bytes:
    """Return a PNG with a line of text on a gray gradient."""
    image = gradient(size)
    ImageDraw.Draw(image).text(at, text, fill=235, font=ImageFont.load_default(pixels))
    return encode_png(build_decoded_image(image))


def burned_image(*, pixels: int, at: tuple[int, int], size: tuple[int, int], fill: int = 235) -> Image.Image:
    image = gradient(size)
    ImageDraw.Draw(image).text(at, LINE, fill=fill, font=ImageFont.load_default(pixels))
    return image


def program(tmp_path: Path, source: str) -> Path:
    file = tmp_path / "finder.py"
    file.write_text(source)
    return file


@pytest.mark.slow
def test_text_of_12_to_20_pixels_is_located() -> None:
    for pixels, at, size in ((12, (24, 24), (512, 512)), (14, (200, 900), (1024, 1024)), (20, (24, 460), (512, 512))):
        found = detect_text(burned(pixels=pixels, at=at, size=size))

        assert found.status is DetectionStatus.MARKED, pixels
        left = min(place.left for place in found.places) * size[0]
        top = min(place.top for place in found.places) * size[1]
        right = max(place.left + place.width for place in found.places) * size[0]
        assert abs(left - at[0]) < 8 and abs(top - at[1]) < 12, (pixels, left, top)
        assert right - left > 10 * pixels, pixels
        assert found.engine.startswith("rapidocr-onnxruntime 1.4.4")


@pytest.mark.slow
def test_text_in_any_direction_at_the_edge_or_on_dark_background_is_located() -> None:
    turn = Image.Transpose
    upright = burned_image(pixels=24, at=(100, 100), size=(1024, 1024))
    dim = burned_image(pixels=20, at=(100, 100), size=(1024, 1024), fill=60)
    line = Image.new("L", (500, 34), 0)
    ImageDraw.Draw(line).text((4, 2), LINE, fill=235, font=ImageFont.load_default(24))
    edge = gradient((1024, 1024))
    edge.paste(line.transpose(turn.ROTATE_90), (990, 200))
    cases = {
        "upright": (upright, (95, 95, 445, 140)),
        "turned by 90 degrees": (upright.transpose(turn.ROTATE_90), (95, 579, 140, 929)),
        "turned by 180 degrees": (upright.transpose(turn.ROTATE_180), (579, 884, 929, 929)),
        "turned by 270 degrees": (upright.transpose(turn.ROTATE_270), (884, 95, 929, 445)),
        "up the right edge": (edge, (985, 340, 1024, 710)),
        "dark gray on dark": (dim, (90, 90, 400, 135)),
        "dark gray on dark, turned": (dim.transpose(turn.ROTATE_180), (624, 889, 934, 934)),
    }
    for name, (image, (left, top, right, bottom)) in cases.items():
        begun = time.monotonic()
        found = detect_text(encode_png(build_decoded_image(image)))

        assert (found.status, len(found.places)) == (DetectionStatus.MARKED, 1), name
        (place,) = found.places
        assert left <= place.left * 1024 and top <= place.top * 1024, name
        assert (place.left + place.width) * 1024 <= right and (place.top + place.height) * 1024 <= bottom, name
        assert max(place.width, place.height) * 1024 > 200, name
        assert time.monotonic() - begun < DetectionLimits().seconds, name


@pytest.mark.slow
def test_text_at_the_bottom_of_a_tall_image_is_found() -> None:
    found = detect_text(burned(pixels=14, at=(24, 3900), size=(300, 4000)))

    assert found.status is DetectionStatus.MARKED
    assert all(0.96 < place.top < 0.99 for place in found.places)


@pytest.mark.slow
def test_no_marked_regions_is_not_reported_as_safe() -> None:
    found = detect_text(encode_png(build_decoded_image(gradient())))

    assert found.status is DetectionStatus.NOTHING_MARKED
    assert found.message == "Text detection found nothing. It can miss text. Check the whole picture."


def test_every_status_asks_for_a_human_check() -> None:
    assert set(STATUS_MESSAGES) == set(DetectionStatus)
    for sentence in STATUS_MESSAGES.values():
        assert "heck the whole picture" in str(sentence)
        assert not {"clean", "safe", "no text"} & set(str(sentence).lower().split())


@pytest.mark.slow
def test_recognized_text_is_not_recorded() -> None:
    record = str(detect_text(burned(pixels=20)).to_json()).upper()

    assert "SMITH" not in record and "1950" not in record


def test_out_of_memory_is_reported_as_failed() -> None:
    assert detect_text(burned(pixels=20), DetectionLimits(memory=300 * 1024**2)).status is DetectionStatus.FAILED


def test_slow_search_is_stopped(tmp_path: Path) -> None:
    slow = program(
        tmp_path, f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    )

    begun = time.monotonic()
    found = detect_text(b"", DetectionLimits(seconds=2, program=slow))

    assert found.status is DetectionStatus.TIMED_OUT
    assert time.monotonic() - begun < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_invalid_output_is_reported_as_failed(tmp_path: Path) -> None:
    for source in (
        "raise SystemExit(3)",
        "print('{')",
        'print(\'{"engine": "x"}\')',
        'print(\'{"engine": 1, "boxes": [[1]]}\')',
    ):
        assert detect_text(b"", DetectionLimits(program=program(tmp_path, source))).status is DetectionStatus.FAILED, (
            source
        )


def test_ocr_process_sees_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SECRET_KEY", "s" * 50)
    monkeypatch.setenv("DATABASE_URL", "postgres://user:password@host/name")
    source = "import json, os\nprint(json.dumps({'engine': ' '.join(os.environ), 'boxes': []}))"

    engine = detect_text(b"", DetectionLimits(program=program(tmp_path, source))).engine

    assert "OMP_NUM_THREADS" in engine
    assert "PORTAL" not in engine and "DATABASE" not in engine


@pytest.mark.slow
def test_searches_run_one_at_a_time_with_bounded_wait() -> None:
    lock = os.open(Path(tempfile.gettempdir()) / text_detection.LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        begun = time.monotonic()
        assert detect_text(b"", DetectionLimits(wait=0.5)).status is DetectionStatus.BUSY
        assert time.monotonic() - begun < 5
        threading.Timer(0.5, lambda: fcntl.flock(lock, fcntl.LOCK_UN)).start()
        assert (
            detect_text(encode_png(build_decoded_image(gradient((64, 64)))), DetectionLimits(wait=20)).status
            is DetectionStatus.NOTHING_MARKED
        )
    finally:
        os.close(lock)


def test_disabled_or_missing_engine_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(TEXT_DETECTION=False):
        assert detect_text(b"").status is DetectionStatus.SWITCHED_OFF
    monkeypatch.setitem(sys.modules, "rapidocr_onnxruntime", None)
    assert detect_text(b"").status is DetectionStatus.NOT_INSTALLED
    assert "ask your IT team" in str(STATUS_MESSAGES[DetectionStatus.NOT_INSTALLED])


def test_region_is_covered_by_combined_boxes_or_by_the_crop() -> None:
    place = TextRegion(0.2, 0.2, 0.4, 0.1, 0.9)
    left, right = Box(0.1, 0.1, 0.3, 0.3), Box(0.4, 0.15, 0.3, 0.2)
    cases = {
        "nothing": (Redactions(), False),
        "one half": (Redactions((left,)), False),
        "both halves": (Redactions((left, right)), True),
        "the same half twice": (Redactions((left, left)), False),
        "the crop leaves it out": (Redactions((), Box(0, 0.5, 1, 0.5)), True),
        "the crop cuts through it": (Redactions((), Box(0, 0.25, 1, 0.75)), False),
        "half cropped, half covered": (Redactions((right,), Box(0.4, 0, 0.6, 1)), True),
    }
    assert {name: place.is_covered(edits) for name, (edits, _) in cases.items()} == {
        name: covered for name, (_, covered) in cases.items()
    }


def test_record_has_the_regions_of_the_edited_image() -> None:
    found = Detection(
        DetectionStatus.MARKED,
        "engine 1",
        "2026-01-01T00:00:00+00:00",
        (TextRegion(0.6, 0.6, 0.2, 0.1, 0.9), TextRegion(0, 0, 0.1, 0.1, 0.8)),
        2,
    )

    kept = found.after_redactions(Redactions((), Box(0.5, 0.5, 0.5, 0.5)), "harmless")

    (place,) = kept.places
    assert [round(part, 6) for part in (place.left, place.top, place.width, place.height)] == [0.2, 0.2, 0.4, 0.2]
    assert (kept.found, kept.answer) == (2, "harmless")
    assert Detection.from_json(kept.to_json()) == kept
    assert found.after_redactions(Redactions((Box(0, 0, 1, 1),)), "harmless").answer == "", "nobody was asked"
