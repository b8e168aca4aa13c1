"""DICOM: windows, tables, polarity, color and frames come out as the standard says."""

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


# What the header says


def test_header_tells_size_frames_windows_and_slider_ends_without_pixels() -> None:
    data = dicom(ramp() * 3, NumberOfFrames=3, WindowCenter=[20, 40], WindowWidth=[10, 30], BitsStored=12, HighBit=11)

    info = read_header(opened(data))

    assert (info.rows, info.columns, info.frames, info.is_color, info.is_inverted) == (SIDE, SIDE, 3, False, False)
    assert [(preset.label, preset.window) for preset in info.presets] == [
        ("Window 1 of the file", Window(20, 10)),
        ("Window 2 of the file", Window(40, 30)),
    ]
    assert (info.min_value, info.max_value) == (0, 4095)


@pytest.mark.parametrize("said", ["NO", "", None])
def test_a_file_that_calls_itself_clean_still_needs_a_person_to_look(said: str | None) -> None:
    data = dicom(ramp(), **({} if said is None else {"BurnedInAnnotation": said}))

    assert read_header(opened(data)).needs_human_check is True


def test_ct_offers_the_windows_that_every_viewer_has() -> None:
    data = dicom(ramp(), Modality="CT", RescaleSlope=1, RescaleIntercept=-1024)

    info = read_header(opened(data))

    assert [preset.label for preset in info.presets] == ["Bone", "Soft tissue"]
    assert (info.min_value, info.max_value) == (-1024, 64511)


# Gray


def test_sixteen_bits_without_window_run_from_black_to_white() -> None:
    assert row(dicom(ramp(step=1000))) == [round(255 * column / 63) for column in range(SIDE)]


def test_eight_bits_are_read_as_they_are_when_they_fill_the_range() -> None:
    pixels = bytes([0, 255, *range(62)]) * SIDE

    assert row(eight_bit(pixels)) == [0, 255, *range(62)]


def test_signed_numbers_keep_their_order() -> None:
    pixels = b"".join(struct.pack("<h", column - 32) for column in range(SIDE)) * SIDE

    assert row(dicom(pixels, PixelRepresentation=1)) == [round(255 * column / 63) for column in range(SIDE)]


def test_overlay_bits_above_the_picture_are_not_shown() -> None:
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


def test_first_window_of_the_file_is_used_when_none_is_chosen() -> None:
    data = dicom(ramp(), WindowCenter=[32, 5], WindowWidth=[21, 5])

    shades = row(data)

    # PS3.3 C.11.2.1.2: black up to 32 − 0.5 − 10, white above 32 − 0.5 + 10.
    assert (shades[21], shades[22], shades[31], shades[41], shades[42]) == (0, 6, 121, 249, 255)


def test_a_chosen_window_wins_over_that_of_the_file() -> None:
    data = dicom(ramp(), WindowCenter=32, WindowWidth=21)

    assert row(data, window=Window(10, 1)) == [0] * 10 + [255] * 54


@pytest.mark.parametrize(
    ("function", "middle", "above"), [("LINEAR_EXACT", 128, 140), ("SIGMOID", 128, 140), ("LINEAR", 134, 147)]
)
def test_window_follows_the_function_that_the_file_names(function: str, middle: int, above: int) -> None:
    shades = row(dicom(ramp(), WindowCenter=32, WindowWidth=21, VOILUTFunction=function))

    assert (shades[32], shades[33]) == (middle, above)


def test_numbers_are_rescaled_before_the_window() -> None:
    data = dicom(ramp(), RescaleSlope="2", RescaleIntercept="-10", WindowCenter=54, WindowWidth=1)

    # 2 × 32 − 10 = 54
    assert row(data) == [0] * 32 + [255] * 32


def test_table_of_the_file_is_used_before_its_window() -> None:
    table = [255, 0, 128, 7]
    data = dicom(ramp(), VOILUTSequence=lookup(table, first=10), WindowCenter=1, WindowWidth=1)

    shades = row(data)

    assert shades[:10] == [255] * 10
    assert shades[10:] == [255, 0, 128] + [7] * 51


def test_table_before_the_window_is_followed_but_not_where_it_leads_back_to_the_detector() -> None:
    backwards = lookup(list(range(63, -1, -1)))
    table = {"ModalityLUTSequence": backwards, "ModalityLUTType": "US"}

    assert row(dicom(ramp(), **table))[0] == 255
    assert row(dicom(ramp(), PixelIntensityRelationship="LOG", **table))[0] == 0


@pytest.mark.parametrize("said", [{"PhotometricInterpretation": "MONOCHROME1"}, {"PresentationLUTShape": "INVERSE"}])
def test_inverted_files_come_out_the_right_way_round(said: dict[str, str]) -> None:
    data = dicom(ramp(), **said)

    assert read_header(opened(data)).is_inverted is True
    assert row(data)[:1] + row(data)[-1:] == [255, 0]
    assert row(data, invert=True)[:1] + row(data, invert=True)[-1:] == [0, 255]


def test_both_words_for_inverted_invert_once() -> None:
    data = dicom(ramp(), PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")

    assert row(data)[0] == 255


def test_padding_does_not_darken_the_picture() -> None:
    pixels = struct.pack("<h", -2000) + ramp()[2:]
    data = dicom(pixels, PixelRepresentation=1, PixelPaddingValue=-2000)

    # Black and white are 0 and 63: the −2000 beside them is none of the picture.
    assert row(data) == [round(255 * column / 63) for column in range(SIDE)]


def test_windows_of_enhanced_files_stand_in_groups_for_all_and_for_each_frame() -> None:
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


def test_pixels_that_are_higher_than_wide_give_a_higher_picture() -> None:
    assert shown(dicom(ramp(), PixelAspectRatio=[2, 1])).size == (SIDE, 2 * SIDE)


def test_whole_window_reaches_from_darkest_to_brightest_pixel() -> None:
    with unpacked(opened(dicom(ramp(), WindowCenter=5, WindowWidth=3))) as frames:
        assert frames.full_range(1) == Window(31.5, 63)


def test_window_without_the_extremes_leaves_a_bright_shutter_out() -> None:
    pixels = bytearray(ramp())
    pixels[:60] = struct.pack("<H", 60_000) * 30

    with unpacked(opened(dicom(bytes(pixels)))) as frames:
        assert frames.full_range(1).width == 60_000
        assert frames.presets(1)[-1].window == Window(31.5, 63)


def test_a_frame_of_one_shade_has_windows_too() -> None:
    with unpacked(opened(dicom(bytes(2 * SIDE * SIDE)))) as frames:
        assert [preset.window.width for preset in frames.presets(1)] == [1, 1]


def test_presets_are_those_of_the_file_then_those_of_the_frame() -> None:
    with unpacked(opened(dicom(ramp(), WindowCenter=5, WindowWidth=3, Modality="CT"))) as frames:
        names = [preset.label for preset in frames.presets(1)]

    assert names == ["Window 1 of the file", "Bone", "Soft tissue", "Full range", "Without the extremes"]


def test_colour_has_no_windows() -> None:
    with unpacked(opened(color(bytes(RED) * SIDE * SIDE))) as frames:
        assert frames.is_color


def test_implicit_files_are_read_like_explicit_ones() -> None:
    assert row(dicom(ramp(), syntax=ImplicitVRLittleEndian)) == row(dicom(ramp()))


# Color


def test_colour_is_taken_over() -> None:
    image = shown(color(bytes(RED) * SIDE * SIDE))

    assert (image.mode, image.getpixel((5, 5))) == ("RGB", RED)


def test_colour_plane_by_plane_is_put_together() -> None:
    planes = b"".join(bytes([part]) * SIDE * SIDE for part in BLUE)

    assert shown(color(planes, PlanarConfiguration=1)).getpixel((5, 5)) == BLUE


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_colour_by_light_and_tint_is_converted(photometric: str) -> None:
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
def test_a_frame_that_is_not_there_is_refused(number: int) -> None:
    with pytest.raises(InvalidImageError, match="Choose a frame from 1 to 3"):
        frame(opened(dicom(ramp() * 3, NumberOfFrames=3)), number)


def test_thumbnails_are_small_few_and_spread_from_first_to_last() -> None:
    with unpacked(opened(eight_bit(ramp(wide=False) * 100, NumberOfFrames=100))) as frames:
        assert frames.sample_frames(5) == [1, 26, 51, 75, 100]
        assert len(frames.sample_frames()) == 24
    with unpacked(opened(dicom(bytes(2 * 400 * 300), Rows=300, Columns=400))) as frames:
        assert frames.sample_frames() == [1]
        assert frames.render_thumbnail(1).image.size == (160, 120)


def test_wide_frames_are_kept_no_wider_than_other_pictures() -> None:
    assert shown(eight_bit(bytes(3200 * 400), Rows=400, Columns=3200)).size == (1600, 200)


# What the picture shows


def test_modality_and_polarity_go_along_so_that_the_kind_of_picture_can_be_guessed() -> None:
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


# Valid files, or nearly so, that say little or say it oddly


def raw(tag: tuple[int, int], vr: str, value: bytes) -> bytes:
    """An element with exactly these bytes."""
    return struct.pack("<HH", *tag) + vr.encode() + struct.pack("<H", len(value)) + value


def with_raw(element: bytes, **values: object) -> bytes:
    """A file with this element, in its order, instead of one that pydicom would write."""
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


def test_optional_values_that_are_empty_or_broken_do_not_make_a_file_damaged() -> None:
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
def test_a_lookup_table_without_content_is_passed_over_and_told(sequence: str) -> None:
    for descriptor, data in (([], [1, 2]), ([2, 0, 8], []), ([2, 0], [1, 2]), ([2, 0, 99], [1, 2])):
        table = lookup([1, 2])
        table[0].add_new("LUTDescriptor", "US", descriptor)
        table[0].add_new("LUTData", "US", data)

        with unpacked(opened(dicom(ramp(), **{sequence: table}))) as frames:
            assert frames.render().image.getextrema() == (0, 255)
            assert frames.warnings(1) == ["The file’s lookup table is empty or damaged. It was ignored."]
    assert row(dicom(ramp(), **{sequence: Items([])}))[-1] == 255


def test_windows_that_would_show_one_shade_are_not_followed_and_that_is_told() -> None:
    one_shade = "The file’s own window would show nearly all of this frame in one shade."
    for center, width, function, told in (
        (0, 0, "LINEAR", "Window 1 of the file has no usable width."),
        (0.5, 0.5, "LINEAR", "Window 1 of the file has no usable width."),
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


def test_a_window_of_width_one_that_tells_pixels_apart_is_followed() -> None:
    data = dicom(ramp(), WindowCenter=32, WindowWidth=1)

    with unpacked(opened(data)) as frames:
        assert frames.warnings(1) == []
        assert list(frames.render().image.tobytes()[:SIDE]) == [0] * 32 + [255] * 32


def test_the_first_of_several_windows_that_is_one_is_used() -> None:
    data = dicom(ramp(), WindowCenter=[3, 32, 7], WindowWidth=[0, 1])

    assert row(data) == [0] * 32 + [255] * 32


def test_narrow_windows_that_a_person_chooses_are_exact() -> None:
    data = dicom(ramp(), RescaleSlope="0.01", RescaleIntercept="0")

    shades = row(data, window=Window(0.3, 0.2))

    assert (shades[20], shades[30], shades[40]) == (0, 128, 255)


def test_tables_of_any_number_of_bits_and_places_are_followed() -> None:
    for bits in (8, 10, 12, 16):
        top = (1 << bits) - 1
        table = [0] * 300 + [top] * 200
        data = dicom(ramp(step=10), VOILUTSequence=lookup(table, first=100, bits=bits))

        assert row(data) == [0] * 40 + [255] * 24, bits


def test_files_without_preamble_are_read() -> None:
    whole, plain = dicom(ramp()), row(dicom(ramp()))
    data_set = whole[whole.index(b"\x08\x00\x16\x00") :]
    implicit = dicom(ramp(), syntax=ImplicitVRLittleEndian)

    assert row(whole[132:]) == plain
    assert row(whole[128:]) == plain
    assert row(data_set) == plain
    assert row(implicit[implicit.index(b"\x08\x00\x16\x00") :]) == plain


def test_pixels_of_an_odd_number_of_bytes_are_read() -> None:
    pixels = bytes(range(65)) * 65

    assert shown(eight_bit(pixels * 3, Rows=65, Columns=65, NumberOfFrames=3), 2).size == (65, 65)


def test_bits_that_do_not_start_at_the_lowest_are_read() -> None:
    pixels = b"".join((column << 4 | 5).to_bytes(2, "little") for column in range(SIDE)) * SIDE

    assert row(dicom(pixels, BitsStored=12, HighBit=15)) == row(dicom(ramp()))


def test_windows_of_a_full_range_of_shades_are_found_by_counting_once() -> None:
    """65,536 shades in one frame: one step for each shade through all shades would never end."""
    pixels = b"".join(value.to_bytes(2, "little") for value in range(1 << 16))

    with unpacked(opened(dicom(pixels, Rows=256, Columns=256))) as frames:
        full, inner = frames.presets(1)

    assert full.window == Window(32767.5, 65535)
    assert (inner.window.center, inner.window.width) == pytest.approx((32767.5, 64225), abs=2)
