"""Text detection in uploads: outlines, covering, the uploader's answer, and the reviewer's view; suggested kinds."""

import fcntl
import io
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from PIL import Image

from portal.accounts.models import User
from procedures.admin.image_check import get_text_detection, text_detection_context
from procedures.figures import text_detection
from procedures.figures.decoding import build_decoded_image
from procedures.figures.renditions import replace_renditions, store_image
from procedures.figures.staging import stage
from procedures.figures.text_detection import STATUS_MESSAGES, Detection, DetectionLimits, DetectionStatus, TextRegion
from procedures.importing.bundles import write_bundle
from procedures.models import Figure
from tests.admin.conftest import SignIn, make_staff
from tests.admin.upload_helpers import (
    JSON,
    load_master,
    make_photo,
    rectangle_fields,
    save_upload,
    show_result,
    start_upload,
)
from tests.conftest import require_text_detection
from tests.factories import BODY, make_clinic, make_figure, make_next, make_page, make_supplied
from tests.figures.dicom_files import dicom, ramp
from tests.figures.test_text_detection import burned

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder"), pytest.mark.slow]


@pytest.fixture
def finder() -> Any:
    """Enable text detection as in production."""
    require_text_detection()
    with override_settings(TEXT_DETECTION=True):
        yield


@pytest.fixture
def no_finder(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A portal without the text detection extra."""
    monkeypatch.setitem(sys.modules, "rapidocr_onnxruntime", None)
    with override_settings(TEXT_DETECTION=True):
        yield


def as_dicom(data: bytes) -> bytes:
    """Return the picture as the second of two frames of a fluoroscopy run."""
    image = Image.open(io.BytesIO(data)).convert("L")
    empty = Image.linear_gradient("L").resize(image.size)
    return dicom(
        empty.tobytes() + image.tobytes(),
        NumberOfFrames=2, Rows=image.height, Columns=image.width, BitsAllocated=8, BitsStored=8, HighBit=7,
        WindowCenter=128, WindowWidth=256, Modality="XA",
    )  # fmt: skip


@pytest.mark.usefixtures("finder")
def test_detected_text_is_outlined_and_must_be_covered_or_answered(nina: Client) -> None:
    address = start_upload(nina, burned(pixels=16))

    asked = nina.post(f"{address}text/", rectangle_fields())
    html = asked.content.decode()
    assert "Text detection found areas that may contain text. It can miss text" in html
    assert "Cover 1" in html and "Is this text?" in html
    page = nina.get(address).content.decode()
    assert re.search(r'<svg class="redaction__detected"[^>]*>\s*<rect\s+x="[\d.]+%"', page), (
        "outlined without a script, too"
    )

    refused = save_upload(nina, address)
    assert refused.status_code == 400
    assert "Cover them, or answer “Is this text?” below." in refused.content.decode()
    assert not Figure.objects.exists()

    assert save_upload(nina, address, text_answer="harmless").status_code == 302
    record = Figure.objects.get().text_detection
    assert (record["status"], record["found"], record["answer"]) == ("marked", len(record["places"]), "harmless")
    assert "SMITH" not in str(record)


@pytest.mark.usefixtures("finder")
def test_one_button_covers_all_detected_regions(nina: Client) -> None:
    address = start_upload(nina, burned(pixels=16))
    nina.post(f"{address}text/", rectangle_fields())

    answer = nina.post(address, {**rectangle_fields((90, 90, 5, 5)), "cover": "all", "title_en": "Typed"})

    boxes = [
        tuple(form[side].value() for side in ("left", "top", "width", "height"))
        for form in answer.context["redactions_form"].boxes
        if form["left"].value() is not None
    ]
    assert boxes[0] == (90, 90, 5, 5)
    assert len(boxes) == 1 + len(answer.context["regions"])
    assert all(place["covered"] for place in answer.context["regions"])
    assert answer.context["form"]["title_en"].value() == "Typed"
    again = nina.post(address, {**rectangle_fields(*boxes), "cover": "all"}).context["redactions_form"]
    assert len([box for box in again.boxes if box["left"].value() is not None]) == len(boxes), "all are covered already"
    assert save_upload(nina, address, rectangle_fields(*boxes)).status_code == 302
    figure = Figure.objects.get()
    shown = text_detection_context(figure)
    assert (shown["found_count"], shown["visible_count"], shown["covered_count"]) == (len(boxes) - 1, 0, len(boxes) - 1)
    assert load_master(figure).crop((30, 30, 200, 38)).getextrema() == (0, 0)


@pytest.mark.usefixtures("finder")
def test_without_javascript_saving_shows_detected_text_before_an_answer_counts(nina: Client) -> None:
    address = start_upload(nina, burned(pixels=16))

    refused = save_upload(nina, address, text_answer="not_text")

    assert refused.status_code == 400, "nobody had seen what was marked"
    assert "Cover 1" in refused.content.decode()
    assert refused.context["form"]["title_en"].value() == "Bone"
    assert save_upload(nina, address, text_answer="not_text").status_code == 302


@pytest.mark.usefixtures("finder")
def test_text_detection_runs_on_each_chosen_frame(nina: Client) -> None:
    address = start_upload(nina, as_dicom(burned(pixels=16)))
    check = address.replace("frames/", "")

    nina.post(address, {"frame": "1"})
    assert (
        str(STATUS_MESSAGES[DetectionStatus.NOTHING_MARKED])
        in nina.post(f"{check}text/", rectangle_fields()).content.decode()
    )
    nina.post(address, {"frame": "2"})
    assert "Cover 1" in nina.post(f"{check}text/", rectangle_fields()).content.decode()
    assert save_upload(nina, check, kind="fluoroscopy").status_code == 400


@contextmanager
def another_search(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep text detection busy with another picture beyond the wait limit."""
    monkeypatch.setattr("procedures.figures.text_detection.DetectionLimits", partial(DetectionLimits, wait=1))
    lock = os.open(Path(tempfile.gettempdir()) / text_detection.LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


MARKED = Detection(DetectionStatus.MARKED, places=(TextRegion(0.1, 0.1, 0.2, 0.1, 0.9),), found=1)


def test_detections_do_not_carry_over_to_the_next_picture(editor: User) -> None:
    waiting = stage(io.BytesIO(make_photo()), user_id=editor.pk)
    searched = waiting.read_png()
    waiting.set_image(build_decoded_image(Image.new("L", (60, 60), 90)))

    waiting.save_text_detection(Detection(DetectionStatus.NOTHING_MARKED), searched)

    assert waiting.load_text_detection() is None


def test_the_result_names_the_covered_regions(editor: User, nina: Client) -> None:
    waiting = stage(io.BytesIO(make_photo()), user_id=editor.pk)
    waiting.save_text_detection(MARKED, waiting.read_png())
    address = f"/admin/procedures/figure/intake/{waiting.token}/result.png"

    # 98 % of a region must be covered.
    answers = [
        nina.get(address, rectangle_fields((10, 10, width, 10)), headers=JSON).json()["covered"]
        for width in (19.59, 19.61)
    ]

    assert answers == [[], [1]]


@pytest.mark.usefixtures("finder")
def test_the_screen_works_while_text_detection_is_busy(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = start_upload(nina)
    with another_search(monkeypatch):
        assert (
            str(STATUS_MESSAGES[DetectionStatus.BUSY])
            in nina.post(f"{address}text/", rectangle_fields()).content.decode()
        )
        page = nina.get(address).content.decode()
        assert str(STATUS_MESSAGES[DetectionStatus.BUSY]) in page and "Check for text again" in page
        assert save_upload(nina, address).status_code == 302

    assert Figure.objects.get().text_detection["status"] == "busy"


@pytest.mark.usefixtures("finder")
def test_a_finished_detection_is_not_replaced_by_a_busy_one(editor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = stage(io.BytesIO(make_photo()), user_id=editor.pk)
    first = threading.Timer(0.3, lambda: waiting.save_text_detection(MARKED, waiting.read_png()))
    with another_search(monkeypatch):
        first.start()
        assert get_text_detection(waiting) == MARKED

    assert waiting.load_text_detection() == MARKED


@pytest.mark.usefixtures("finder")
def test_a_picture_deleted_during_detection_is_reported(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in ("", "text/"):
        address = start_upload(nina)
        look = show_result(nina, address, rectangle_fields())
        (folder,) = (Path(settings.DATA_DIR) / "waiting").iterdir()
        with another_search(monkeypatch):
            threading.Timer(0.3, lambda folder=folder: shutil.rmtree(folder)).start()
            answer = nina.post(f"{address}{step}", {**rectangle_fields(), "seen_sha256": look, "do": "save"})
        assert answer.status_code == (400 if step else 404), step
        assert not folder.exists(), step


@pytest.mark.usefixtures("no_finder")
def test_a_missing_engine_is_reported_with_how_to_install_it(nina: Client) -> None:
    address = start_upload(nina)

    page = nina.get(address).content.decode()

    assert "Text detection is not set up. Check the whole picture" in page
    assert save_upload(nina, address).status_code == 302
    html = nina.get(f"/admin/procedures/figure/{Figure.objects.get().pk}/change/").content.decode()
    assert "Text detection is not set up" in html


@pytest.mark.usefixtures("finder")
def test_a_failed_detection_is_reported_before_anything_is_saved(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "procedures.figures.text_detection.DetectionLimits", partial(DetectionLimits, memory=300 * 2**20)
    )
    address = start_upload(nina)

    refused = save_upload(nina, address)

    assert refused.status_code == 400
    assert str(STATUS_MESSAGES[DetectionStatus.FAILED]) in refused.content.decode()
    assert "Check for text again" in refused.content.decode()
    assert save_upload(nina, address).status_code == 302
    assert Figure.objects.get().text_detection["status"] == "failed"


def test_only_the_uploader_can_run_text_detection(nina: Client, manager: Any, sign_in: Any) -> None:
    address = start_upload(nina)

    assert sign_in(manager).post(f"{address}text/", rectangle_fields()).status_code == 404
    assert Client().post(f"{address}text/", rectangle_fields()).status_code == 302
    assert nina.get(f"{address}text/").status_code == 405


def test_the_reviewer_sees_that_detection_has_not_run() -> None:
    assert text_detection_context(make_figure())["sentence"] == (
        "Text detection did not run. Check the whole picture yourself."
    )


@pytest.mark.usefixtures("finder")
def test_detection_can_run_later_on_an_imported_picture(nina: Client, tmp_path: Any) -> None:
    figure = make_figure(size=(512, 512))
    figure.refresh_from_db()
    address = f"/admin/procedures/figure/{figure.pk}/text/"
    html = nina.get(f"/admin/procedures/figure/{figure.pk}/change/").content.decode()
    assert "Text detection did not run. Check the whole picture yourself." in html and f'href="{address}"' in html

    answer = nina.post(address, follow=True)

    figure.refresh_from_db()
    assert figure.text_detection["status"] == "nothing_marked"
    Figure.objects.update(text_detection={**figure.text_detection, "date": "2026-01-02T03:04:05+00:00"})
    nina.post(address)
    assert Figure.objects.get().text_detection["date"].startswith("2026-01-02"), "a finished record is not replaced"
    assert str(STATUS_MESSAGES[DetectionStatus.NOTHING_MARKED]) in answer.content.decode()


# The suggested kind


GUESSES = [
    ({"Modality": "XA"}, "", "fluoroscopy"),
    ({"Modality": "RF"}, "on", "radiograph"),  # inverted by the user
    ({"Modality": "XA", "PhotometricInterpretation": "MONOCHROME1"}, "", "radiograph"),
    ({"Modality": "XA", "PixelIntensityRelationshipSign": -1}, "", "radiograph"),  # bone has high pixel values
    ({"Modality": "CR", "PhotometricInterpretation": "MONOCHROME1"}, "", "radiograph"),
    ({"Modality": "DX"}, "", "radiograph"),
    ({"Modality": "DX"}, "on", "fluoroscopy"),
    ({"Modality": "CT"}, "on", "ct"),
    ({"Modality": "MR"}, "", "mri"),
    ({"Modality": "US"}, "", "other"),
    ({"Modality": "IO"}, "", "radiograph"),
    ({"Modality": "OP"}, "", "photo"),
    ({"Modality": "SOMETHING"}, "", ""),
]


def test_a_dicom_file_suggests_a_kind_without_selecting_it(nina: Client) -> None:
    for tags, invert, kind in GUESSES:
        run = SimpleUploadedFile("run.dcm", dicom(ramp(), **tags))
        frames = nina.post("/admin/procedures/figure/intake/", {"picture": run})["Location"]
        check = nina.post(frames, {"frame": "1", **({"invert": invert} if invert else {})})["Location"]

        shown = nina.get(check)

        assert shown.context["staged"].suggested_kind == kind, (tags, invert)
        assert ("The file suggests:" in shown.content.decode()) is bool(kind), (tags, invert)
        assert not re.search(r'name="kind"[^>]* checked', shown.content.decode()), (tags, invert)


def test_inverting_twice_restores_the_first_suggestion(nina: Client) -> None:
    frames = start_upload(nina, dicom(ramp(), Modality="XA"))
    for invert, kind in (({"invert": "on"}, "radiograph"), ({"invert": "on"}, "radiograph"), ({}, "fluoroscopy")):
        check = nina.post(frames, {"frame": "1", **invert})["Location"]
        assert nina.get(check).context["staged"].suggested_kind == kind


def test_pixels_suggest_photo_or_drawing_and_nothing_for_gray(nina: Client) -> None:
    def sent(image: Image.Image) -> bytes:
        stream = io.BytesIO()
        image.save(stream, "PNG")
        return stream.getvalue()

    ramps = [Image.linear_gradient("L").resize((200, 150)), Image.linear_gradient("L").rotate(90).resize((200, 150))]
    lines = Image.new("RGB", (200, 150), "white")
    lines.paste((20, 90, 90), (20, 20, 60, 60))
    pictures = {
        "photo": Image.merge("RGB", [ramps[0], ramps[1], ramps[0]]),
        "drawing": lines,
        "": Image.linear_gradient("L").resize((200, 150)),
    }
    for kind, image in pictures.items():
        assert nina.get(start_upload(nina, sent(image))).context["staged"].suggested_kind == kind, kind
    assert nina.get(start_upload(nina, make_photo((201, 100)))).context["staged"].suggested_kind == "drawing", (
        "two flat grays"
    )


def a_bundle(images: dict[str, Image.Image]) -> SimpleUploadedFile:
    """Return a bundle of a page with these pictures from another portal; the local copies are deleted."""
    make_clinic()
    contact = make_next()
    figures = [supplied(slug, image) for slug, image in images.items()]
    body = BODY + "".join(f"\n\n::: figure {slug}\n" for slug in images)
    page = make_page("afar", body=body, lead_figure=figures[0], next_page=contact)
    stream = io.BytesIO()
    write_bundle([page], stream)
    page.delete()
    for figure in figures:
        figure.delete()
    return SimpleUploadedFile("pages.zip", stream.getvalue())


def supplied(slug: str, image: Image.Image) -> Figure:
    figure = make_figure(slug, size=(64, 64))
    rows = store_image(figure, build_decoded_image(image))
    figure.save()
    replace_renditions(figure, rows)
    return make_supplied(figure)


def test_detection_runs_on_bundle_pictures_before_the_import(finder: Any, sign_in: SignIn) -> None:
    sent = a_bundle({"from-afar": Image.open(io.BytesIO(burned(pixels=20)))})
    client = sign_in(make_staff("Max", "Manager"))
    look = "/admin/procedures/page/transfer/look/"
    plan = client.post(look, {"bundle": sent})
    ((slug, sha256, _, _),) = plan.context["images"]
    token = plan.context["token"]
    assert client.get(f"/admin/procedures/page/transfer/picture/{token}/{sha256}.png").status_code == 200
    values = {"token": token, "page": "en afar", "picture": slug}

    marked = client.post(look, values)

    assert (marked.status_code, Figure.objects.filter(slug=slug).count()) == (409, 0)
    html = marked.content.decode()
    assert "Nothing has been imported yet. Text detection found areas that may contain text." in html
    assert str(STATUS_MESSAGES[DetectionStatus.MARKED]) in html
    assert 'class="text-detection__outline"' in html
    assert client.post(look, values).status_code == 302, "after another look"
    kept = Figure.objects.get(slug=slug)
    assert (kept.text_detection["status"], text_detection_context(kept)["visible_count"] > 0) == ("marked", True)


def test_detection_on_a_large_bundle_takes_several_requests(
    finder: Any, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quick = tmp_path / "quick.py"
    quick.write_text('print(\'{"engine": "x", "boxes": []}\')')
    monkeypatch.setattr("procedures.figures.text_detection.DetectionLimits", partial(DetectionLimits, program=quick))
    monkeypatch.setattr("procedures.admin.transfer.TEXT_DETECTION_SECONDS", 0)
    sent = a_bundle({f"far-{shade}": Image.new("L", (64, 64), shade) for shade in (50, 100, 150)})
    client = sign_in(make_staff("Max", "Manager"))
    look = "/admin/procedures/page/transfer/look/"
    plan = client.post(look, {"bundle": sent})
    token, pictures = plan.context["token"], plan.context["images"]
    for _, sha256, _, _ in pictures:
        client.get(f"/admin/procedures/page/transfer/picture/{token}/{sha256}.png")
    values = {"token": token, "page": "en afar", "picture": [slug for slug, *_ in pictures]}

    answers = [client.post(look, values) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [409, 409, 302]
    for number, answer in enumerate(answers[:2], start=1):
        sentence = f"Nothing has been imported yet. {number} of 3 new pictures have been checked for text."
        assert sentence in answer.content.decode()
        assert answer.context["confirmed_images"] == values["picture"]
    assert {figure.text_detection["status"] for figure in Figure.objects.filter(slug__startswith="far-")} == {
        "nothing_marked"
    }
