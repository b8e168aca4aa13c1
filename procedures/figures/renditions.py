"""Sizes and formats of a picture, made once when it comes in."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from procedures.figures.intake import Picture
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
    image = picture.image
    for width in reversed(widths(image.width)):
        if width < image.width:
            height = max(1, round(picture.image.height * width / picture.image.width))
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        for name, options in FORMATS.items():
            stream = io.BytesIO()
            image.save(stream, name.upper(), **options)
            yield Made(image.width, image.height, name, stream.getvalue())


def master_png(picture: Picture) -> bytes:
    """The picture itself without loss: what marks are placed on and what an export holds."""
    stream = io.BytesIO()
    picture.image.save(stream, "PNG", compress_level=4)
    return stream.getvalue()


def put(name: str, data: bytes) -> str:
    """Store bytes under a name made from their content; storing the same again does nothing."""
    if not default_storage.exists(name):
        stored = default_storage.save(name, ContentFile(data))
        if stored != name:
            # Another process stored the same content in between.
            default_storage.delete(stored)
    return name


def store_picture(figure: Figure, picture: Picture) -> list[Rendition]:
    """Write master and renditions to storage, set the figure's fields; the caller saves figure and rows."""
    stem = f"figures/{picture.sha256[:20]}"
    master = master_png(picture)
    figure.image = put(f"{stem}.png", master)
    figure.sha256, figure.size = picture.sha256, len(master)
    figure.width, figure.height = picture.image.size
    return [
        Rendition(
            figure=figure,
            width=made.width,
            height=made.height,
            format=made.format,
            file=put(f"{stem}-{made.width}.{made.format}", made.data),
            size=len(made.data),
        )
        for made in encode(picture)
    ]
