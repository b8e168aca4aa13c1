"""Sizes and formats of a picture, made once when it comes in."""

import hashlib
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from PIL import Image

from procedures.figures.decoding import DecodedImage, InvalidImageError, decode_stored_image
from procedures.models import Figure, Rendition

# The first is for cards and lists only; figures start at the second.
THUMBNAIL_WIDTH = 240
RENDITION_WIDTHS = (THUMBNAIL_WIDTH, 480, 800, 1200, 1600)
# AVIF speed 8 costs 169 ms at 1600²; speed 6 costs 2.5 s and saves nothing on these pictures.
ENCODER_OPTIONS: dict[str, dict[str, int | bool]] = {
    "avif": {"quality": 60, "speed": 8},
    "webp": {"quality": 80, "method": 4},
    "jpeg": {"quality": 82, "optimize": True, "progressive": True},
}
# Pillow's encoders let other threads run. More threads hold more buffers, and machines have two cores.
ENCODER_THREADS = 2
HASH_LENGTH = 20
# Names of the files that put() has written since somebody began to note them (orphans.undone_on_failure).
written_files: ContextVar[list[str] | None] = ContextVar("written", default=None)


@dataclass(frozen=True, slots=True)
class EncodedRendition:
    """One encoded picture."""

    width: int
    height: int
    format: str
    data: bytes


def rendition_widths(original_width: int) -> list[int]:
    """The fixed widths up to the original's own; a small original keeps its width."""
    fitting = [fixed for fixed in RENDITION_WIDTHS if fixed <= original_width]
    return fitting or [original_width]


def encode_renditions(decoded: DecodedImage) -> Iterator[EncodedRendition]:
    """All renditions of a picture, the widest first: each smaller one is made from the one before."""
    with ThreadPoolExecutor(ENCODER_THREADS) as pool:
        jobs = [
            (image, name, pool.submit(_encode, image, name))
            for image in _iter_sizes(decoded.image)
            for name in ENCODER_OPTIONS
        ]
        for image, name, job in jobs:
            yield EncodedRendition(image.width, image.height, name, job.result())


def _iter_sizes(original: Image.Image) -> Iterator[Image.Image]:
    image = original
    for width in reversed(rendition_widths(original.width)):
        if width < image.width:
            height = max(1, round(original.height * width / original.width))
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        yield image


def _encode(image: Image.Image, format_name: str) -> bytes:
    stream = io.BytesIO()
    # Pillow keeps a save's options on the image: two threads that save the same one would mix them up.
    image.copy().save(stream, format_name.upper(), **ENCODER_OPTIONS[format_name])
    return stream.getvalue()


def encode_png(decoded: DecodedImage) -> bytes:
    """The picture itself without loss: what marks are placed on and what an export holds."""
    stream = io.BytesIO()
    decoded.image.save(stream, "PNG", compress_level=4)
    return stream.getvalue()


def store_file(name: str, data: bytes) -> str:
    """Store bytes under a name made from their content; storing the same again only makes the file young."""
    if not _touch_if_stored(name, len(data)):
        stored = default_storage.save(name, ContentFile(data))
        if stored != name:
            # Another process stored the same content in between.
            default_storage.delete(stored)
        elif (noted := written_files.get()) is not None:
            noted.append(name)
    return name


def _touch_if_stored(name: str, size: int) -> bool:
    if not default_storage.exists(name):
        return False
    if default_storage.size(name) != size:
        # Cut off by a full disk or a broken restore: what is in it is known, so it can be written again.
        default_storage.delete(name)
        return False
    try:
        # A sweep leaves young files alone: this one is about to be named by a row.
        os.utime(default_storage.path(name))
    except NotImplementedError:
        return False  # object storage lets nobody set times: writing it again makes it young
    except FileNotFoundError:
        return False
    return True


def store_image(figure: Figure, decoded: DecodedImage) -> list[Rendition]:
    """Write master and renditions to storage, set the figure's fields; the caller saves figure and rows."""
    with ThreadPoolExecutor(1) as pool:
        packing = pool.submit(encode_png, decoded)
        renditions = _store_renditions(figure, decoded)
        master = packing.result()
    figure.image = store_file(f"figures/{decoded.sha256[:HASH_LENGTH]}.png", master)
    figure.sha256, figure.size = decoded.sha256, len(master)
    figure.width, figure.height = decoded.image.size
    return renditions


def _store_renditions(figure: Figure, decoded: DecodedImage) -> list[Rendition]:
    """Files are named by the content of them all: a better encoder never writes under a name that browsers keep.

    One name for all sizes of a picture keeps pages small: every other letter of a list of sources repeats.
    """
    all_made = list(encode_renditions(decoded))
    digests = b"".join(hashlib.sha256(made.data).digest() for made in all_made)
    stem = f"figures/{hashlib.sha256(digests).hexdigest()[:HASH_LENGTH]}"
    return [
        Rendition(
            figure=figure,
            width=made.width,
            height=made.height,
            format=made.format,
            file=store_file(f"{stem}-{made.width}.{made.format}", made.data),
            size=len(made.data),
        )
        for made in all_made
    ]


@transaction.atomic
def replace_renditions(figure: Figure, renditions: list[Rendition]) -> None:
    """The rows of a saved figure's sizes in place of the old ones. Old files stay: releases may still show them."""
    figure.renditions.all().delete()
    for rendition in renditions:
        rendition.figure = figure
    Rendition.objects.bulk_create(renditions)


def rebuild_renditions(figure: Figure) -> list[Rendition]:
    """Make all renditions of a saved figure again from its master, and return the rows; a drawing has none.

    New files are written first, then the rows change in one transaction, and only where something differs. So it may
    be stopped at any moment. Raises BadPictureError when the master is lost or damaged; nothing is changed then.
    """
    if not figure.image:
        return []
    renditions = _store_renditions(figure, load_master_image(figure))
    with transaction.atomic():
        # Somebody may have brought in another picture meanwhile: its rows are not ours to replace.
        same = Figure.objects.select_for_update().filter(pk=figure.pk, sha256=figure.sha256).first()
        if same and {row.file for row in renditions} != {row.file for row in same.renditions.all()}:
            replace_renditions(same, renditions)
    return renditions


def load_master_image(figure: Figure) -> DecodedImage:
    """The picture of a saved figure. Raises BadPictureError when its file is lost or damaged, or it is a drawing."""
    if not figure.image:
        raise InvalidImageError("This figure is a drawing. Drawings are brought in with the content folder.")
    try:
        with default_storage.open(figure.image) as stream:
            picture = decode_stored_image(stream.read())
    except OSError as error:
        raise InvalidImageError(f"The file {figure.image} is lost. Bring the picture in again.") from error
    if picture.sha256 != figure.sha256:
        raise InvalidImageError(f"The file {figure.image} no longer shows what came in. Bring the picture in again.")
    return picture


def find_duplicate(decoded: DecodedImage) -> Figure | None:
    """The figure that shows exactly these pixels already."""
    return Figure.objects.filter(sha256=decoded.sha256).order_by("pk").first()
