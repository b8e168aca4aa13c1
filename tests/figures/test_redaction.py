"""Cropping and redaction: removed pixels appear nowhere in the result."""

import pytest
from PIL import Image

from procedures.figures.decoding import InvalidImageError, build_decoded_image
from procedures.figures.redaction import Box, Redactions, crop, redact

SIZE = (400, 200)


def gray_image(value: int = 200) -> Image.Image:
    return Image.new("L", SIZE, value)


def test_crop_returns_the_box() -> None:
    image = gray_image()
    image.paste(50, (100, 50, 300, 150))

    cut = crop(build_decoded_image(image), Box(0.25, 0.25, 0.5, 0.5))

    assert cut.image.size == (200, 100)
    assert cut.image.getextrema() == (50, 50)
    assert cut.sha256 == build_decoded_image(Image.new("L", (200, 100), 50)).sha256


def test_crop_of_the_whole_image_changes_nothing() -> None:
    whole = build_decoded_image(gray_image())

    assert crop(whole, Box(0, 0, 1, 1)).sha256 == whole.sha256


def test_crop_that_leaves_too_little_is_rejected() -> None:
    with pytest.raises(InvalidImageError, match="smaller than 64 pixels"):
        crop(build_decoded_image(gray_image()), Box(0, 0, 0.1, 1))


def test_black_boxes_replace_every_pixel_they_touch() -> None:
    covered = redact(build_decoded_image(gray_image()), [Box(0.1, 0.1, 0.2, 0.2), Box(0.9, 0.9, 0.1, 0.1)]).image

    assert covered.getbbox() == (0, 0, *SIZE)
    assert covered.crop((40, 20, 120, 60)).getextrema() == (0, 0)
    assert covered.crop((360, 180, 400, 200)).getextrema() == (0, 0)
    black = covered.histogram()[0]
    assert black == 80 * 40 + 40 * 20


def test_black_box_between_pixels_covers_both_pixels() -> None:
    covered = redact(build_decoded_image(gray_image()), [Box(10.5 / 400, 10.5 / 200, 1 / 400, 1 / 200)]).image

    assert [covered.getpixel((x, 10)) for x in (9, 10, 11, 12)] == [200, 0, 0, 200]
    assert [covered.getpixel((10, y)) for y in (9, 10, 11, 12)] == [200, 0, 0, 200]


def test_redaction_does_not_modify_the_original() -> None:
    given = build_decoded_image(gray_image())

    changed = redact(given, [Box(0, 0, 0.5, 0.5)])

    assert given.image.getextrema() == (200, 200)
    assert changed.sha256 != given.sha256


def test_color_images_are_blackened_in_all_channels() -> None:
    covered = redact(build_decoded_image(Image.new("RGB", SIZE, (9, 99, 199))), [Box(0, 0, 1, 0.5)]).image

    assert (covered.getpixel((5, 5)), covered.getpixel((5, 150))) == ((0, 0, 0), (9, 99, 199))


def test_no_boxes_change_nothing() -> None:
    whole = build_decoded_image(gray_image())

    assert redact(whole, []).sha256 == whole.sha256


def test_box_past_the_edge_is_rejected(subtests: pytest.Subtests) -> None:
    for parts in [
        (-0.1, 0, 0.5, 0.5),
        (0, 0, 1.1, 0.5),
        (0.6, 0, 0.5, 0.5),
        (0, 0.6, 0.5, 0.5),
        (float("nan"), 0, 1, 1),
        (0, 0, float("inf"), 1),
    ]:
        with subtests.test(parts=parts), pytest.raises(InvalidImageError, match="past the edge"):
            Box(*parts)


@pytest.mark.parametrize("parts", [(0.5, 0.5, 0, 0.1), (0.5, 0.5, 0.1, 0)])
def test_empty_box_is_rejected(parts: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidImageError, match="empty"):
        Box(*parts)


def test_box_past_the_edge_by_a_rounding_error_is_accepted() -> None:
    assert Box(0.7, 0.1 + 0.2, 0.3, 0.7).to_pixels((10, 10)) == (7, 3, 10, 10)


def test_too_many_boxes_are_rejected() -> None:
    with pytest.raises(InvalidImageError, match="You can add up to 50 boxes"):
        redact(build_decoded_image(gray_image()), [Box(0, 0, 0.1, 0.1)] * 51)


def test_crop_must_leave_64_pixels_in_both_directions_anywhere_in_the_image() -> None:
    image = build_decoded_image(gray_image())

    assert crop(image, Box(0.5, 0.5, 64 / 400, 64 / 200)).image.size == (64, 64)
    for box in (Box(0.5, 0.5, 63 / 400, 64 / 200), Box(0.5, 0.5, 64 / 400, 63 / 200)):
        with pytest.raises(InvalidImageError, match="smaller than 64 pixels"):
            crop(image, box)


def test_fifty_boxes_are_accepted() -> None:
    boxes = [Box(number / 50, 0, 1 / 50, 0.5) for number in range(50)]

    covered = redact(build_decoded_image(gray_image()), boxes).image

    assert (covered.crop((0, 0, 400, 100)).getextrema(), covered.crop((0, 100, 400, 200)).getextrema()) == (
        (0, 0),
        (200, 200),
    )


def test_boxes_are_blackened_before_the_crop() -> None:
    image, box, right_half = build_decoded_image(gray_image()), Box(0.5, 0, 0.25, 1), Box(0.5, 0, 0.5, 1)

    both = Redactions((box,), right_half).apply(image).image

    assert both.size == (200, 200)
    assert (both.crop((0, 0, 100, 200)).getextrema(), both.crop((100, 0, 200, 200)).getextrema()) == (
        (0, 0),
        (200, 200),
    )
    assert Redactions((box,)).apply(image).sha256 == redact(image, [box]).sha256
    assert Redactions((), right_half).apply(image).sha256 == crop(image, right_half).sha256
    assert Redactions().apply(image) is image


def test_points_move_with_the_crop() -> None:
    cropped = Redactions((), Box(0.25, 0.5, 0.5, 0.25))

    assert [cropped.transform_point(*point) for point in ((0.25, 0.5), (0.5, 0.75), (0, 1))] == [
        (0, 0),
        (0.5, 1),
        (-0.5, 2),
    ]
    assert Redactions((Box(0, 0, 1, 1),)).transform_point(0.25, 0.5) == (0.25, 0.5)
