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

from procedures.figures.intake import BadPictureError, Picture, reread
from procedures.models import Figure, Rendition

# The first is for cards and lists only; figures start at the second.
THUMBNAIL = 240
WIDTHS = (THUMBNAIL, 480, 800, 1200, 1600)
# AVIF speed 8 costs 169 ms at 1600²; speed 6 costs 2.5 s and saves nothing on these pictures.
FORMATS: dict[str, dict[str, int | bool]] = {
    "avif": {"quality": 60, "speed": 8},
    "webp": {"quality": 80, "method": 4},
    "jpeg": {"quality": 82, "optimize": True, "progressive": True},
}
# Pillow's encoders let other threads run. More threads hold more buffers, and machines have two cores.
THREADS = 2
HASH_LETTERS = 20
# Names of the files that put() has written since somebody began to note them (orphans.undone_on_failure).
written: ContextVar[list[str] | None] = ContextVar("written", default=None)


@dataclass(frozen=True, slots=True)
class Made:
    """One encoded picture."""

    width: int
    height: int
    format: str
    data: bytes


def widths(width: int) -> list[int]:
    """The fixed widths up to the original's own; a small original keeps its width."""
    fitting = [fixed for fixed in WIDTHS if fixed <= width]
    return fitting or [width]


def encode(picture: Picture) -> Iterator[Made]:
    """All renditions of a picture, the widest first: each smaller one is made from the one before."""
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [
            (image, name, pool.submit(_encoded, image, name)) for image in _sizes(picture.image) for name in FORMATS
        ]
        for image, name, job in jobs:
            yield Made(image.width, image.height, name, job.result())


def _sizes(original: Image.Image) -> Iterator[Image.Image]:
    image = original
    for width in reversed(widths(original.width)):
        if width < image.width:
            height = max(1, round(original.height * width / original.width))
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        yield image


def _encoded(image: Image.Image, name: str) -> bytes:
    stream = io.BytesIO()
    # Pillow keeps a save's options on the image: two threads that save the same one would mix them up.
    image.copy().save(stream, name.upper(), **FORMATS[name])
    return stream.getvalue()


def png(picture: Picture) -> bytes:
    """The picture itself without loss: what marks are placed on and what an export holds."""
    stream = io.BytesIO()
    picture.image.save(stream, "PNG", compress_level=4)
    return stream.getvalue()


def put(name: str, data: bytes) -> str:
    """Store bytes under a name made from their content; storing the same again only makes the file young."""
    if not _is_there(name, len(data)):
        stored = default_storage.save(name, ContentFile(data))
        if stored != name:
            # Another process stored the same content in between.
            default_storage.delete(stored)
        elif (noted := written.get()) is not None:
            noted.append(name)
    return name


def _is_there(name: str, size: int) -> bool:
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


def store_picture(figure: Figure, picture: Picture) -> list[Rendition]:
    """Write master and renditions to storage, set the figure's fields; the caller saves figure and rows."""
    with ThreadPoolExecutor(1) as pool:
        packing = pool.submit(png, picture)
        renditions = _store_renditions(figure, picture)
        master = packing.result()
    figure.image = put(f"figures/{picture.sha256[:HASH_LETTERS]}.png", master)
    figure.sha256, figure.size = picture.sha256, len(master)
    figure.width, figure.height = picture.image.size
    return renditions


def _store_renditions(figure: Figure, picture: Picture) -> list[Rendition]:
    """Files are named by the content of them all: a better encoder never writes under a name that browsers keep.

    One name for all sizes of a picture keeps pages small: every other letter of a list of sources repeats.
    """
    all_made = list(encode(picture))
    digests = b"".join(hashlib.sha256(made.data).digest() for made in all_made)
    stem = f"figures/{hashlib.sha256(digests).hexdigest()[:HASH_LETTERS]}"
    return [
        Rendition(
            figure=figure,
            width=made.width,
            height=made.height,
            format=made.format,
            file=put(f"{stem}-{made.width}.{made.format}", made.data),
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


def rebuild(figure: Figure) -> list[Rendition]:
    """Make all renditions of a saved figure again from its master, and return the rows; a drawing has none.

    New files are written first, then the rows change in one transaction, and only where something differs. So it may
    be stopped at any moment. Raises BadPictureError when the master is lost or damaged; nothing is changed then.
    """
    if not figure.image:
        return []
    renditions = _store_renditions(figure, master(figure))
    with transaction.atomic():
        # Somebody may have brought in another picture meanwhile: its rows are not ours to replace.
        same = Figure.objects.select_for_update().filter(pk=figure.pk, sha256=figure.sha256).first()
        if same and {row.file for row in renditions} != {row.file for row in same.renditions.all()}:
            replace_renditions(same, renditions)
    return renditions


def master(figure: Figure) -> Picture:
    """The picture of a saved figure. Raises BadPictureError when its file is lost or damaged, or it is a drawing."""
    if not figure.image:
        raise BadPictureError("This figure is a drawing. Drawings are brought in with the content folder.")
    try:
        with default_storage.open(figure.image) as stream:
            picture = reread(stream.read())
    except OSError as error:
        raise BadPictureError(f"The file {figure.image} is lost. Bring the picture in again.") from error
    if picture.sha256 != figure.sha256:
        raise BadPictureError(f"The file {figure.image} no longer shows what came in. Bring the picture in again.")
    return picture
