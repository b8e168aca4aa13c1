"""DICOM uploads: a correct picture or a clear error, never a 500, and only pixels are written to disk."""

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image
from pydicom.uid import (
    MPEG2MPML,
    ComputedRadiographyImageStorage,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    XRayRadiofluoroscopicImageStorage,
)

from procedures.models import Figure
from tests.admin.upload_helpers import (
    CHOOSE,
    JSON,
    load_master,
    make_photo,
    rectangle_fields,
    save_upload,
    staged_files,
    start_upload,
    stored_files,
    uploaded_file,
)
from tests.figures.dicom_files import (
    NAME,
    PLANTED,
    SIDE,
    color,
    dicom,
    eight_bit,
    overlay_plane,
    packaged,
    ramp,
    without_pydicom,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]


def row(answer: Any) -> list[int]:
    """Return the gray levels of the first row of the returned picture."""
    image = Image.open(io.BytesIO(answer.content))
    return list(image.convert("L").tobytes()[: image.width])


def run() -> bytes:
    """Return three frames of an XA run, each darker than the previous one, with a window defined in the file."""
    frames = b"".join(bytes(2) + ramp()[2:] if number else ramp() for number in range(3))
    return dicom(frames, NumberOfFrames=3, WindowCenter=32, WindowWidth=64)


def test_a_frame_and_a_window_of_a_series_become_a_figure(nina: Client) -> None:
    address = start_upload(nina, run())
    page = nina.get(address)

    taken = nina.post(address, {"frame": "2", "center": "32", "width": "8", "invert": "on"})
    check = str(taken["Location"])
    answer = save_upload(nina, check)

    figure = Figure.objects.get()
    assert address.endswith("/frames/")
    assert [preset.label for preset in page.context["presets"]] == [
        "Window 1 of the file",
        "Full range",
        "Excluding extreme values",
    ]
    assert page.context["thumbnail_numbers"] == [1, 2, 3]
    assert answer.status_code == 302
    shades = list(load_master(figure).tobytes()[:SIDE])
    assert (shades[0], shades[20], shades[45]) == (255, 255, 0)
    assert staged_files() == []


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("", 0, 255),
        ("frame=1&center=32&width=64", 0, 255),
        ("frame=1&center=32&width=64&invert=on", 255, 0),
        ("frame=1&center=1000&width=10", 0, 0),
    ],
)
def test_the_server_renders_each_window(nina: Client, query: str, first: int, last: int) -> None:
    address = start_upload(nina, run())

    shades = row(nina.get(address.replace("frames/", f"frame.png?{query}")))

    assert (shades[0], shades[-1]) == (first, last)


def test_a_frame_can_be_served_as_a_thumbnail(nina: Client) -> None:
    address = start_upload(nina, dicom(bytes(2 * 400 * 300), Rows=300, Columns=400))

    answer = nina.get(address.replace("frames/", "frame.png?frame=1&small=1"))

    assert Image.open(io.BytesIO(answer.content)).size == (160, 120)
    assert answer["Cache-Control"].startswith("no-store, private")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("frame=9", "Choose a frame from 1 to 3."),
        ("frame=0", "Ensure this value is greater than or equal to 1."),
        ("frame=x", "Enter a whole number."),
        ("frame=1&center=5", "Enter both brightness and contrast, or leave both empty."),
        ("frame=1&center=5&width=0", "A window needs a center and a width above zero."),
        ("frame=1&center=nan&width=4", "Enter a number."),
        ("frame=1&center=1e308&width=1e-308", None),
        ("frame=99999999999999999999", "Choose a frame from 1 to 3."),
    ],
)
def test_invalid_windows_are_reported(nina: Client, query: str, sentence: str | None) -> None:
    address = start_upload(nina, run())

    page, shown = nina.get(f"{address}?{query}"), nina.get(address.replace("frames/", f"frame.png?{query}"))
    taken = nina.post(address, dict(part.split("=") for part in query.split("&")))

    if sentence is None:
        assert (page.status_code, shown.status_code, taken.status_code) == (200, 200, 302)
        return
    assert (page.status_code, shown.status_code, taken.status_code) == (400, 400, 400)
    assert sentence in page.content.decode()
    assert sentence in shown.json()["error"]


RIGHT: dict[str, Any] = {
    "XA": lambda: dicom(ramp()),
    "RF": lambda: dicom(ramp(), SOPClassUID=XRayRadiofluoroscopicImageStorage, Modality="RF"),
    "SC": lambda: color(bytes((200, 30, 40)) * SIDE * SIDE),
    "CR, MONOCHROME1": lambda: dicom(
        ramp(), SOPClassUID=ComputedRadiographyImageStorage, Modality="CR", PhotometricInterpretation="MONOCHROME1"
    ),
    "8 bit": lambda: eight_bit(ramp(wide=False)),
    "12 of 16 bit, signed": lambda: dicom(ramp(), BitsStored=12, HighBit=11, PixelRepresentation=1),
    "overlay": lambda: overlay(),
    "its own CR": lambda: packaged("examples_overlay.dcm").read(),
    "RLE": lambda: packaged("MR_small_RLE.dcm").read(),
    "JPEG 2000": lambda: packaged("MR_small_jp2klossless.dcm").read(),
    "color, 2 frames": lambda: packaged("SC_rgb_rle_2frame.dcm").read(),
}


def overlay() -> bytes:
    """Return an overlay plane with text."""
    from pydicom import dcmread

    data = dcmread(io.BytesIO(dicom(ramp())))
    data.update(overlay_plane("OB"))
    stream = io.BytesIO()
    data.save_as(stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", RIGHT)
def test_every_transfer_syntax_becomes_a_picture(nina: Client, name: str) -> None:
    address = start_upload(nina, RIGHT[name]())
    if address.endswith("/frames/"):
        address = str(nina.post(address, {"frame": "1"})["Location"])

    answer = save_upload(nina, address)

    assert answer.status_code == 302
    assert Figure.objects.get().renditions.exists()


def test_an_overlay_is_not_burned_in(nina: Client) -> None:
    shades = [
        row(nina.get(start_upload(nina, data).replace("frames/", "frame.png"))) for data in (overlay(), dicom(ramp()))
    ]

    assert shades[0] == shades[1]


def test_monochrome1_is_inverted(nina: Client) -> None:
    shades = row(nina.get(start_upload(nina, RIGHT["CR, MONOCHROME1"]()).replace("frames/", "frame.png")))

    assert (shades[0], shades[-1]) == (255, 0)


def lying() -> bytes:
    whole = dicom(ramp())
    at = whole.index(b"\xe0\x7f\x10\x00") + 8
    return whole[:at] + struct.pack("<L", 2**31) + whole[at + 4 :]


REJECTED: dict[str, Any] = {
    "burned in": (lambda: dicom(ramp(), BurnedInAnnotation="YES"), "its picture contains a name"),
    "truncated": (lambda: dicom(ramp())[:-600], "damaged or incomplete"),
    "2 GB header lie": (lying, "damaged or incomplete"),
    "without a codec": (lambda: eight_bit(bytes(99), syntax=MPEG2MPML), "unusual compression or are stored as a video"),
    "no bitstream": (lambda: eight_bit(bytes(99), syntax=JPEGLosslessSV1), "damaged or incomplete"),
    "too many frames": (lambda: dicom(ramp(), NumberOfFrames=500_000), "more than 2000 frames"),
    "too many pixels": (lambda: dicom(ramp(), Rows=65535, Columns=32767), "more than 20 million"),
    "32 bit": (lambda: dicom(ramp() * 2, BitsAllocated=32, BitsStored=32, HighBit=31), "neither grayscale"),
    "no picture": (lambda: packaged("rtplan.dcm").read(), "contains no picture"),
    "of others, truncated": (lambda: packaged("MR_truncated.dcm").read(), "damaged or incomplete"),
    "only the head": (lambda: bytes(128) + b"DICM", "."),
}  # fmt: skip


@pytest.mark.parametrize("name", REJECTED)
def test_an_unsupported_file_is_rejected_and_leaves_no_files(nina: Client, name: str) -> None:
    make, sentence = REJECTED[name]

    plain = nina.post(CHOOSE, {"picture": uploaded_file(make(), "x.dcm", "application/dicom")})
    script = nina.post(CHOOSE, {"picture": uploaded_file(make(), "photo.jpg")}, headers=JSON)

    assert (plain.status_code, script.status_code) == (400, 400)
    assert sentence in plain.content.decode()
    assert sentence in script.json()["error"]
    assert stored_files() == {}


def test_only_pixels_of_the_file_are_ever_written_to_disk(nina: Client) -> None:
    data = dicom(ramp(), WindowCenter=3, WindowWidth=9, WindowCenterWidthExplanation="PLANTEDTEXT")
    assert all(planted in data for planted in PLANTED)

    address = start_upload(nina, data)
    while_waiting = stored_files()
    nina.get(address)
    checked = str(nina.post(address, {"frame": "1"})["Location"])
    nina.get(checked)
    before_saving = stored_files()
    save_upload(nina, checked)

    for files in (while_waiting, before_saving, stored_files()):
        assert files
        assert [name for name, content in files.items() if any(planted in content for planted in PLANTED)] == []
    assert [text for text in (NAME, "PLANTEDTEXT") if text in repr(Figure.objects.values())] == []


def test_the_user_can_go_back_and_choose_another_window(nina: Client) -> None:
    frames = start_upload(nina, run())
    check = str(nina.post(frames, {"frame": "1"})["Location"])
    first = nina.get(check).context["seen_sha256"]

    nina.post(frames, {"frame": "1", "invert": "on"})

    assert nina.get(check).context["seen_sha256"] != first
    assert frames in nina.get(check).content.decode()


def test_the_check_screen_redirects_to_the_frame_choice_first(nina: Client) -> None:
    frames = start_upload(nina, run())

    assert nina.get(frames.replace("frames/", ""))["Location"] == frames


def test_a_name_in_a_frame_can_be_covered(nina: Client) -> None:
    check = str(nina.post(start_upload(nina, run()), {"frame": "1"})["Location"])

    save_upload(nina, check, rectangle_fields((0, 0, 100, 50)))

    image = load_master(Figure.objects.get())
    assert image.crop((0, 0, SIDE, SIDE // 2)).getextrema() == (0, 0)


def test_without_the_dicom_extra_the_screen_says_what_to_install(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pydicom(monkeypatch)

    page = nina.get(CHOOSE).content.decode()
    answer = nina.post(CHOOSE, {"picture": uploaded_file(dicom(ramp()))})

    assert (
        "DICOM import is not set up. Ask your IT team." in page
        or "Ask IT to run: pip install 'plainspine[dicom]'" in page
    )
    assert answer.status_code == 400
    assert "DICOM import is not set up." in answer.content.decode()


def test_a_large_series_is_read_without_a_temporary_copy(nina: Client) -> None:
    """Two hundred frames: only pixels end up on disk, and only in the staging folder."""
    address = start_upload(nina, eight_bit(ramp(wide=False) * 200, NumberOfFrames=200))

    sizes = {Path(name).name: len(content) for name, content in stored_files().items()}
    assert sizes.keys() == {"about.json", "frames.json", "frames.raw"}
    assert sizes["frames.raw"] == 200 * SIDE * SIDE
    assert nina.get(address).context["thumbnail_numbers"][-1] == 200
    assert sorted(file.name for file in Path(settings.DATA_DIR).iterdir()) == ["waiting"]


def compressed_run() -> bytes:
    """Return three JPEG frames, the second one damaged."""
    from pydicom import dcmread
    from pydicom.encaps import encapsulate

    one = make_photo((SIDE, SIDE), "JPEG")
    data = dcmread(io.BytesIO(eight_bit(one, syntax=JPEGBaseline8Bit, NumberOfFrames=3)))
    data.PixelData = encapsulate([one, one[:-30], one])
    stream = io.BytesIO()
    data.save_as(stream)
    return stream.getvalue()


@pytest.mark.slow
def test_frames_are_decoded_on_demand_and_damage_is_reported(nina: Client) -> None:
    address = start_upload(nina, compressed_run())
    before = {Path(name).name for name in stored_files()}

    third = nina.get(address.replace("frames/", "frame.png?small=1&frame=3"))
    page, second = nina.get(f"{address}?frame=2"), nina.get(address.replace("frames/", "frame.png?frame=2"))
    taken = nina.post(address, {"frame": "2"})

    assert before == {"about.json", "frames.json", "packed.raw", "frame-1.raw"}
    assert {Path(name).name for name in stored_files()} - before == {"frame-3.raw"}
    assert Image.open(io.BytesIO(third.content)).size == (SIDE, SIDE)
    assert (page.status_code, second.status_code, taken.status_code) == (400, 400, 400)
    assert "damaged or incomplete" in page.content.decode()


def test_thumbnails_are_requested_one_at_a_time(nina: Client) -> None:
    page = nina.get(start_upload(nina, run())).content.decode()

    assert page.count("data-small=") == page.count("<noscript>") == 3
    assert "data-progress hidden" in page


@pytest.mark.parametrize("width", ["0", "0.5", "1"])
def test_a_zero_width_window_in_the_file_is_replaced_and_reported(nina: Client, width: str) -> None:
    address = start_upload(nina, dicom(ramp(), WindowCenter="-5", WindowWidth=width))

    page, shades = nina.get(address), row(nina.get(address.replace("frames/", "frame.png")))

    assert (shades[0], shades[-1]) == (0, 255)
    sentence = "nearly all of this frame in one shade" if width == "1" else "Window 1 of the file has no usable width"
    assert sentence in page.content.decode()


def photograph_of(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_a_16_bit_png_with_fewer_significant_bits_gets_a_window(nina: Client) -> None:
    wide = Image.new("I;16", (40, 30), 3000)
    wide.putpixel((0, 0), 4095)
    address = start_upload(nina, photograph_of(wide))
    page = nina.get(address)
    assert row(nina.get(address.replace("frames/", "frame.png")))[:2] == [255, 187]

    taken = nina.post(address, {"frame": "1", "center": "500", "width": "1000"})
    save_upload(nina, str(taken["Location"]))

    assert address.endswith("/frames/")
    assert "stores 16 bits per pixel but uses only 12" in page.content.decode()
    labels = [preset.label for preset in page.context["presets"]]
    assert labels == ["All 12 bits", "Full range", "Excluding extreme values"]
    assert load_master(Figure.objects.get()).getextrema() == (255, 255)


def test_a_16_bit_png_is_accepted_and_can_be_windowed(nina: Client) -> None:
    wide = Image.new("I;16", (40, 30), 40_000)
    wide.putpixel((0, 0), 65535)

    check = start_upload(nina, photograph_of(wide))

    assert not check.endswith("/frames/")
    assert f"{check}frames/" in nina.get(check).content.decode()


def test_a_png_with_a_hot_pixel_gets_a_bright_window(nina: Client) -> None:
    wide = Image.new("I;16", (40, 30), 3000)
    wide.putpixel((0, 0), 65535)
    wide.putpixel((1, 0), 4000)

    address = start_upload(nina, photograph_of(wide))
    page = nina.get(address)

    assert address.endswith("/frames/")
    assert row(nina.get(address.replace("frames/", "frame.png")))[:3] == [255, 255, 191]
    assert "Most of the picture is much darker than white." in page.content.decode()
    assert [preset.label for preset in page.context["presets"]][:2] == ["Without bright spots", "All 16 bits"]
