"""Renditions: sizes, formats and file names."""

import io
from pathlib import PurePosixPath

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from procedures.figures.decoding import build_decoded_image
from procedures.figures.renditions import encode_renditions, rendition_widths, store_file, store_image
from procedures.models import Figure

SMALL = Image.linear_gradient("L").resize((64, 48))


@pytest.mark.parametrize(("width", "largest"), [(100, 100), (480, 480), (799, 480), (800, 800), (1600, 1600)])
def test_no_rendition_is_wider_than_the_original(width: int, largest: int) -> None:
    found = rendition_widths(width)

    assert found == sorted(found)
    assert found[-1] == largest


def test_figures_use_four_widths() -> None:
    assert rendition_widths(1600)[-4:] == [480, 800, 1200, 1600]


def test_every_width_is_encoded_in_three_formats_with_correct_sizes() -> None:
    made = list(encode_renditions(build_decoded_image(Image.linear_gradient("L").resize((500, 250)))))

    assert {one.width for one in made} == set(rendition_widths(500))
    for width in rendition_widths(500):
        assert {one.format for one in made if one.width == width} == {"avif", "webp", "jpeg"}
    for one in made:
        with Image.open(io.BytesIO(one.data)) as opened:
            assert opened.format == one.format.upper()
            assert opened.size == (one.width, one.height) == (one.width, round(250 * one.width / 500))


@pytest.mark.django_db
def test_files_are_named_by_content_and_stored_once() -> None:
    first, second = Figure(slug="a"), Figure(slug="b")

    renditions = store_image(first, build_decoded_image(SMALL))
    again = store_image(second, build_decoded_image(SMALL.copy()))

    assert first.image == second.image
    assert [r.file for r in renditions] == [r.file for r in again]
    assert (first.width, first.height, len(first.sha256)) == (64, 48, 64)
    assert PurePosixPath(first.image).name.startswith(first.sha256[:16])
    assert first.size == default_storage.size(first.image)
    for rendition in renditions:
        assert rendition.size == default_storage.size(rendition.file)


def test_storing_the_same_name_twice_keeps_the_first_file() -> None:
    name = store_file("figures/0123456789abcdef.svg", b"one")

    assert store_file(name, b"two") == name

    with default_storage.open(name) as stream:
        assert stream.read() == b"one"
    default_storage.delete(name)
