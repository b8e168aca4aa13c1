"""Rendering of DICOM files per the standard: windows, lookup tables, polarity, color and frames."""

import io
import struct

import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ImplicitVRLittleEndian

from procedures.figures.decoding import InvalidImageError
from procedures.figures.dicom.grayscale import Window
from procedures.figures.dicom.reader import read_header
from tests.figures.dicom_files import (
    SIDE,
    color,
    dicom,
    eight_bit,
    frame,
    lookup,
    opened,
    overlay_plane,
    ramp,
    row,
    shown,
    unpacked,
)

RED, BLUE = (200, 30, 40), (10, 20, 220)


# Header


def test_header_is_read_without_pixels() -> None:
    data = dicom(ramp() * 3, NumberOfFrames=3, WindowCenter=[20, 40], WindowWidth=[10, 30], BitsStored=12, HighBit=11)

    info = read_header(opened(data))

    assert (info.rows, info.columns, info.frames, info.is_color, info.is_inverted) == (SIDE, SIDE, 3, False, False)
    assert [(preset.label, preset.window) for preset in info.presets] == [
        ("Window 1 of the file", Window(20, 10)),
        ("Window 2 of the file", Window(40, 30)),
    ]


def test_ct_offers_standard_windows() -> None:
    data = dicom(ramp(), Modality="CT", RescaleSlope=1, RescaleIntercept=-1024)

    info = read_header(opened(data))

    assert [preset.label for preset in info.presets] == ["Bone", "Soft tissue"]


# Grayscale


def test_16_bit_image_without_window_uses_the_full_range() -> None:
    assert row(dicom(ramp(step=1000))) == [round(255 * column / 63) for column in range(SIDE)]


def test_8_bit_image_with_full_range_is_unchanged() -> None:
    pixels = bytes([0, 255, *range(62)]) * SIDE

    assert row(eight_bit(pixels)) == [0, 255, *range(62)]


def test_signed_values_keep_their_order() -> None:
    pixels = b"".join(struct.pack("<h", column - 32) for column in range(SIDE)) * SIDE

    assert row(dicom(pixels, PixelRepresentation=1)) == [round(255 * column / 63) for column in range(SIDE)]


def test_overlay_bits_above_the_stored_bits_are_not_shown() -> None:
    plain = ramp(step=60)
    marked = b"".join((value | 0xF000).to_bytes(2, "little") for (value,) in struct.iter_unpack("<H", plain))
    values = {"BitsStored": 12, "HighBit": 11}

    assert shown(dicom(marked, **values)).tobytes() == shown(dicom(plain, **values)).tobytes()


def test_overlay_planes_are_not_burned_in() -> None:
    data = dicom(ramp())
    start = data.index(b"\xe0\x7f\x10\x00")
    stream = io.BytesIO()
    overlay_plane("OW").save_as(stream, implicit_vr=False, little_endian=True)

    assert shown(data[:start] + stream.getvalue() + data[start:]).tobytes() == shown(data).tobytes()


def test_first_window_of_the_file_is_the_default() -> None:
    data = dicom(ramp(), WindowCenter=[32, 5], WindowWidth=[21, 5])

    shades = row(data)

    # PS3.3 C.11.2.1.2: black up to 32 − 0.5 − 10, white above 32 − 0.5 + 10.
    assert (shades[21], shades[22], shades[31], shades[41], shades[42]) == (0, 6, 121, 249, 255)


def test_chosen_window_overrides_that_of_the_file() -> None:
    data = dicom(ramp(), WindowCenter=32, WindowWidth=21)

    assert row(data, window=Window(10, 1)) == [0] * 10 + [255] * 54


@pytest.mark.parametrize(
    ("function", "middle", "above"), [("LINEAR_EXACT", 128, 140), ("SIGMOID", 128, 140), ("LINEAR", 134, 147)]
)
def test_window_uses_the_voi_lut_function_of_the_file(function: str, middle: int, above: int) -> None:
    shades = row(dicom(ramp(), WindowCenter=32, WindowWidth=21, VOILUTFunction=function))

    assert (shades[32], shades[33]) == (middle, above)


def test_values_are_rescaled_before_the_window() -> None:
    data = dicom(ramp(), RescaleSlope="2", RescaleIntercept="-10", WindowCenter=54, WindowWidth=1)

    # 2 × 32 − 10 = 54
    assert row(data) == [0] * 32 + [255] * 32


def test_voi_lut_takes_precedence_over_the_window() -> None:
    table = [255, 0, 128, 7]
    data = dicom(ramp(), VOILUTSequence=lookup(table, first=10), WindowCenter=1, WindowWidth=1)

    shades = row(data)

    assert shades[:10] == [255] * 10
    assert shades[10:] == [255, 0, 128] + [7] * 51


def test_modality_lut_is_applied_except_for_detector_values() -> None:
    backwards = lookup(list(range(63, -1, -1)))
    table = {"ModalityLUTSequence": backwards, "ModalityLUTType": "US"}

    assert row(dicom(ramp(), **table))[0] == 255
    assert row(dicom(ramp(), PixelIntensityRelationship="LOG", **table))[0] == 0


@pytest.mark.parametrize("said", [{"PhotometricInterpretation": "MONOCHROME1"}, {"PresentationLUTShape": "INVERSE"}])
def test_inverted_polarity_is_respected(said: dict[str, str]) -> None:
    data = dicom(ramp(), **said)

    assert read_header(opened(data)).is_inverted is True
    assert row(data)[:1] + row(data)[-1:] == [255, 0]
    assert row(data, invert=True)[:1] + row(data, invert=True)[-1:] == [0, 255]


def test_two_declarations_of_inversion_invert_once() -> None:
    data = dicom(ramp(), PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")

    assert row(data)[0] == 255


def test_padding_does_not_affect_the_range() -> None:
    pixels = struct.pack("<h", -2000) + ramp()[2:]
    data = dicom(pixels, PixelRepresentation=1, PixelPaddingValue=-2000)

    # Black is 0 and white is 63; −2000 is padding.
    assert row(data) == [round(255 * column / 63) for column in range(SIDE)]


def test_windows_are_read_from_shared_and_per_frame_functional_groups() -> None:
    def group(center: int) -> Items:
        window, outer = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = center, 1
        outer.FrameVOILUTSequence = Items([window])
        return Items([outer])

    own = Items([group(10)[0], group(20)[0]])
    shared = dicom(ramp() * 2, NumberOfFrames=2, SharedFunctionalGroupsSequence=group(30))
    each = dicom(ramp() * 2, NumberOfFrames=2, PerFrameFunctionalGroupsSequence=own)

    assert sum(row(shared, 2)) == 255 * 34
    assert [sum(row(each, number)) for number in (1, 2)] == [255 * 54, 255 * 44]


def test_pixel_aspect_ratio_is_applied() -> None:
    assert shown(dicom(ramp(), PixelAspectRatio=[2, 1])).size == (SIDE, 2 * SIDE)


def test_full_range_window_spans_darkest_to_brightest_pixel() -> None:
    with unpacked(opened(dicom(ramp(), WindowCenter=5, WindowWidth=3))) as frames:
        assert frames.full_range(1) == Window(31.5, 63)


def test_window_without_outliers_excludes_a_bright_collimator() -> None:
    pixels = bytearray(ramp())
    pixels[:60] = struct.pack("<H", 60_000) * 30

    with unpacked(opened(dicom(bytes(pixels)))) as frames:
        assert frames.full_range(1).width == 60_000
        assert frames.presets(1)[-1].window == Window(31.5, 63)


def test_frame_of_one_shade_has_presets() -> None:
    with unpacked(opened(dicom(bytes(2 * SIDE * SIDE)))) as frames:
        assert [preset.window.width for preset in frames.presets(1)] == [1, 1]


def test_presets_of_the_file_come_before_those_of_the_frame() -> None:
    with unpacked(opened(dicom(ramp(), WindowCenter=5, WindowWidth=3, Modality="CT"))) as frames:
        names = [preset.label for preset in frames.presets(1)]

    assert names == ["Window 1 of the file", "Bone", "Soft tissue", "Full range", "Excluding extreme values"]


def test_color_frames_have_no_windows() -> None:
    with unpacked(opened(color(bytes(RED) * SIDE * SIDE))) as frames:
        assert frames.is_color


def test_implicit_vr_is_read_like_explicit_vr() -> None:
    assert row(dicom(ramp(), syntax=ImplicitVRLittleEndian)) == row(dicom(ramp()))


# Color


def test_rgb_is_unchanged() -> None:
    image = shown(color(bytes(RED) * SIDE * SIDE))

    assert (image.mode, image.getpixel((5, 5))) == ("RGB", RED)


def test_planar_color_is_interleaved() -> None:
    planes = b"".join(bytes([part]) * SIDE * SIDE for part in BLUE)

    assert shown(color(planes, PlanarConfiguration=1)).getpixel((5, 5)) == BLUE


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_ybr_color_is_converted(photometric: str) -> None:
    light, blue, red = Image.new("RGB", (1, 1), RED).convert("YCbCr").tobytes()
    unit = [light, light, blue, red] * (SIDE // 2) if photometric.endswith("422") else [light, blue, red] * SIDE
    pixel = shown(color(bytes(unit) * SIDE, photometric)).getpixel((5, 5))

    assert isinstance(pixel, tuple)
    assert all(abs(got - want) <= 2 for got, want in zip(pixel, RED, strict=True))


# Frames


def test_the_chosen_frame_is_shown() -> None:
    frames = b"".join(bytes([shade, 255, 0, *range(61)]) * SIDE for shade in (10, 20, 30))
    data = eight_bit(frames, NumberOfFrames=3)

    assert [row(data, number)[0] for number in (1, 2, 3)] == [10, 20, 30]


@pytest.mark.parametrize("number", [0, -1, 4])
def test_nonexistent_frame_is_rejected(number: int) -> None:
    with pytest.raises(InvalidImageError, match="Choose a frame from 1 to 3"):
        frame(opened(dicom(ramp() * 3, NumberOfFrames=3)), number)


def test_thumbnails_are_small_and_evenly_spaced() -> None:
    with unpacked(opened(eight_bit(ramp(wide=False) * 100, NumberOfFrames=100))) as frames:
        assert frames.sample_frames(5) == [1, 26, 51, 75, 100]
        assert len(frames.sample_frames()) == 24
    with unpacked(opened(dicom(bytes(2 * 400 * 300), Rows=300, Columns=400))) as frames:
        assert frames.sample_frames() == [1]
        assert frames.render_thumbnail(1).image.size == (160, 120)


def test_wide_frames_are_scaled_to_the_maximum_width() -> None:
    assert shown(eight_bit(bytes(3200 * 400), Rows=400, Columns=3200)).size == (1600, 200)


# Kind of image


def test_modality_and_polarity_are_stored_for_the_kind_suggestion() -> None:
    cases: list[tuple[dict[str, object], str, bool | None]] = [
        ({"Modality": "XA"}, "XA", True),
        ({"Modality": "RF", "PhotometricInterpretation": "MONOCHROME1"}, "RF", False),
        ({"Modality": "XA", "PixelIntensityRelationshipSign": -1}, "XA", False),
        ({"Modality": "DX", "PixelIntensityRelationshipSign": 1}, "DX", True),
        ({"Modality": "DX", "PixelIntensityRelationshipSign": 1, "PresentationLUTShape": "INVERSE"}, "DX", False),
        ({"Modality": "CR", "PhotometricInterpretation": "MONOCHROME1"}, "CR", False),
        ({"Modality": "CT"}, "CT", False),
        ({"Modality": "MR"}, "MR", None),
        ({"Modality": "SMITH JOHN"}, "", None),
    ]
    for values, modality, dark_bone in cases:
        with unpacked(opened(dicom(ramp(), **values))) as frames:
            assert (frames.modality, frames.dark_bone) == (modality, dark_bone), values


# Incomplete or unusual files


def raw(tag: tuple[int, int], vr: str, value: bytes) -> bytes:
    """Return a data element with exactly these bytes."""
    return struct.pack("<HH", *tag) + vr.encode() + struct.pack("<H", len(value)) + value


def with_raw(element: bytes, **values: object) -> bytes:
    """Return a file with this raw element inserted in tag order, which pydicom would not write."""
    whole = dicom(ramp(), **values)
    start, tag = whole.index(b"\x08\x00\x16\x00"), struct.unpack("<HH", element[:4])
    while struct.unpack("<HH", whole[start : start + 4]) < tag:
        long = whole[start + 4 : start + 6] in {b"OB", b"OW", b"SQ", b"UN"}
        start += (
            12 + struct.unpack("<L", whole[start + 8 : start + 12])[0]
            if long
            else 8 + whole[start + 6] + 256 * whole[start + 7]
        )
    return whole[:start] + element + whole[start:]


def test_empty_or_invalid_optional_values_are_ignored() -> None:
    plain = row(dicom(ramp()))
    for name, element in (
        ("PixelSpacing 0", raw((0x28, 0x30), "DS", b"0\0")),
        ("PixelSpacing 0 and 0", raw((0x28, 0x30), "DS", b"0\\0 ")),
        ("PixelSpacing of words", raw((0x28, 0x30), "DS", b"a\\b ")),
        ("empty PixelSpacing", raw((0x28, 0x30), "DS", b"")),
        ("one PixelAspectRatio", raw((0x28, 0x34), "IS", b"1 ")),
        ("PixelAspectRatio 0", raw((0x28, 0x34), "IS", b"0\\1 ")),
        ("negative PixelAspectRatio", raw((0x28, 0x34), "IS", b"-1\\1")),
        ("a pixel like a needle", raw((0x28, 0x34), "IS", b"1\\4000")),
        ("empty window", raw((0x28, 0x1050), "DS", b"") + raw((0x28, 0x1051), "DS", b"")),
        ("window of words", raw((0x28, 0x1050), "DS", b"x ") + raw((0x28, 0x1051), "DS", b"y ")),
        ("window without middle", raw((0x28, 0x1051), "DS", b"40")),
        ("negative width", raw((0x28, 0x1050), "DS", b"9 ") + raw((0x28, 0x1051), "DS", b"-4")),
        ("slope 0", raw((0x28, 0x1052), "DS", b"0 ") + raw((0x28, 0x1053), "DS", b"0 ")),
        ("slope without number", raw((0x28, 0x1052), "DS", b"") + raw((0x28, 0x1053), "DS", b"")),
        ("NumberOfFrames 1 and zero byte", raw((0x28, 0x08), "IS", b"1\0")),
        ("empty NumberOfFrames", raw((0x28, 0x08), "IS", b"")),
        ("NumberOfFrames 0", raw((0x28, 0x08), "IS", b"0 ")),
        ("padding of no bytes", raw((0x28, 0x120), "US", b"")),
        ("odd length", raw((0x28, 0x1055), "LO", b"abc")),
    ):
        assert row(with_raw(element)) == plain, name
    for missing in ("SamplesPerPixel", "PhotometricInterpretation", "PixelRepresentation", "HighBit", "BitsStored"):
        assert row(dicom(ramp(), **{missing: None})) == plain, missing


@pytest.mark.parametrize("sequence", ["VOILUTSequence", "ModalityLUTSequence"])
def test_empty_lookup_table_is_ignored_with_a_warning(sequence: str) -> None:
    for descriptor, data in (([], [1, 2]), ([2, 0, 8], []), ([2, 0], [1, 2]), ([2, 0, 99], [1, 2])):
        table = lookup([1, 2])
        table[0].add_new("LUTDescriptor", "US", descriptor)
        table[0].add_new("LUTData", "US", data)

        with unpacked(opened(dicom(ramp(), **{sequence: table}))) as frames:
            assert frames.render().image.getextrema() == (0, 255)
            assert frames.warnings(1) == ["The file’s lookup table is empty or damaged. It was ignored."]
    assert row(dicom(ramp(), **{sequence: Items([])}))[-1] == 255


def test_windows_yielding_a_single_shade_are_ignored_with_a_warning() -> None:
    one_shade = "The file’s own window would show nearly all of this frame in one shade."
    for center, width, function, told in (
        (0, 0, "LINEAR", "Window 1 of the file has no usable width and was left out."),
        (0.5, 0.5, "LINEAR", "Window 1 of the file has no usable width and was left out."),
        (0, 1, "LINEAR", one_shade),
        (1, 1, "LINEAR", one_shade),  # all but one column are white
        (-500, 100, "LINEAR", one_shade),
        (5000, 100, "LINEAR", one_shade),
        (-9, 0.5, "LINEAR_EXACT", one_shade),
        (90_000, 2, "SIGMOID", one_shade),
    ):
        data = dicom(ramp(), WindowCenter=center, WindowWidth=width, VOILUTFunction=function)
        with unpacked(opened(data)) as frames:
            shades = frames.render().image
            assert shades.getextrema() == (0, 255), (center, width, function)
            assert [note for note in frames.warnings(1) if note.startswith(told)], (center, width, function)


def test_window_of_width_one_is_used_if_it_separates_pixels() -> None:
    data = dicom(ramp(), WindowCenter=32, WindowWidth=1)

    with unpacked(opened(data)) as frames:
        assert frames.warnings(1) == []
        assert list(frames.render().image.tobytes()[:SIDE]) == [0] * 32 + [255] * 32


def test_first_usable_window_is_used() -> None:
    data = dicom(ramp(), WindowCenter=[3, 32, 7], WindowWidth=[0, 1])

    assert row(data) == [0] * 32 + [255] * 32


def test_narrow_chosen_windows_are_exact() -> None:
    data = dicom(ramp(), RescaleSlope="0.01", RescaleIntercept="0")

    shades = row(data, window=Window(0.3, 0.2))

    assert (shades[20], shades[30], shades[40]) == (0, 128, 255)


def test_lookup_tables_of_any_bit_depth_and_length_are_applied() -> None:
    for bits in (8, 10, 12, 16):
        top = (1 << bits) - 1
        table = [0] * 300 + [top] * 200
        data = dicom(ramp(step=10), VOILUTSequence=lookup(table, first=100, bits=bits))

        assert row(data) == [0] * 40 + [255] * 24, bits


def test_file_without_preamble_is_read() -> None:
    whole, plain = dicom(ramp()), row(dicom(ramp()))
    data_set = whole[whole.index(b"\x08\x00\x16\x00") :]
    implicit = dicom(ramp(), syntax=ImplicitVRLittleEndian)

    assert row(whole[132:]) == plain
    assert row(whole[128:]) == plain
    assert row(data_set) == plain
    assert row(implicit[implicit.index(b"\x08\x00\x16\x00") :]) == plain


def test_odd_number_of_pixel_bytes_is_read() -> None:
    pixels = bytes(range(65)) * 65

    assert shown(eight_bit(pixels * 3, Rows=65, Columns=65, NumberOfFrames=3), 2).size == (65, 65)


def test_stored_bits_above_the_lowest_bit_are_read() -> None:
    pixels = b"".join((column << 4 | 5).to_bytes(2, "little") for column in range(SIDE)) * SIDE

    assert row(dicom(pixels, BitsStored=12, HighBit=15)) == row(dicom(ramp()))


def test_windows_of_65536_shades_are_computed_from_one_histogram() -> None:
    """A frame with 65,536 shades must not cost a pass over all shades for each shade."""
    pixels = b"".join(value.to_bytes(2, "little") for value in range(1 << 16))

    with unpacked(opened(dicom(pixels, Rows=256, Columns=256))) as frames:
        full, inner = frames.presets(1)

    assert full.window == Window(32767.5, 65535)
    assert (inner.window.center, inner.window.width) == pytest.approx((32767.5, 64225), abs=2)
