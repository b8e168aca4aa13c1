"""Stored files of figures: encoding an image once in all its sizes, and deleting files that nothing references.

Files of replaced images and of failed uploads are unused.
"""

import datetime
import hashlib
import io
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image

from portal.storage.local_storage import MEDIA_NAME_PATTERN
from procedures.figures.decoding import MAX_WIDTH, DecodedImage, InvalidImageError, decode_stored_image
from procedures.models import Figure, FigureApproval, Release, ReleaseDependency, Rendition

# The smallest width is for cards and lists only; figures start at 480 px.
THUMBNAIL_WIDTH = 240
RENDITION_WIDTHS = (THUMBNAIL_WIDTH, 480, 800, 1200, MAX_WIDTH)
# At 1600², AVIF takes 169 ms at speed 8 and 2.5 s at speed 6, with no smaller files for these images.
ENCODER_OPTIONS: dict[str, dict[str, int | bool]] = {
    "avif": {"quality": 60, "speed": 8},
    "webp": {"quality": 80, "method": 4},
    "jpeg": {"quality": 82, "optimize": True, "progressive": True},
}
# Pillow's encoders release the GIL. More threads need more buffers, and typical machines have two cores.
ENCODER_THREADS = 2
# Hex digits of the content hash in a file name: no collisions, and still short in the HTML of a page.
HASH_LENGTH = 16
# Files that store_file() has written inside rollback_files(), with their times; None outside of it.
written_files: ContextVar[dict[str, datetime.datetime | None] | None] = ContextVar("written", default=None)
FIGURES_FOLDER = "figures"
# Only files that the portal wrote: finished ones, and temporary ones left behind by a crash.
OWN_FILE_RE = re.compile(rf"(?:{MEDIA_NAME_PATTERN.pattern}|{FIGURES_FOLDER}/\.new-[a-z0-9_]+\Z)")
FILE_IN_TEXT_RE = re.compile(MEDIA_NAME_PATTERN.pattern.removesuffix(r"\Z"))
# An upload writes its files before its rows.
MIN_AGE = datetime.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class EncodedRendition:
    """One encoded size and format, not yet stored."""

    width: int
    height: int
    format: str
    data: bytes


def rendition_widths(original_width: int) -> list[int]:
    """Return the rendition widths for an original: never wider than it, and its own width if it is tiny."""
    widths = [width for width in RENDITION_WIDTHS if width <= original_width]
    return widths or [original_width]


def encode_renditions(decoded: DecodedImage) -> Iterator[EncodedRendition]:
    """Encode all renditions, widest first; each size is scaled from the previous one."""
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
    # Image.save() stores its options on the image, so threads must not share one.
    image.copy().save(stream, format_name.upper(), **ENCODER_OPTIONS[format_name])
    return stream.getvalue()


def encode_png(decoded: DecodedImage) -> bytes:
    """Encode the master: lossless, used for placing markers and for exports."""
    stream = io.BytesIO()
    decoded.image.save(stream, "PNG", compress_level=4)
    return stream.getvalue()


def store_file(name: str, data: bytes) -> str:
    """Store bytes under a content-hashed name. If the file exists, only its modification time is updated."""
    if not _touch_if_stored(name, len(data)):
        stored = default_storage.save(name, ContentFile(data))
        if stored != name:
            # Another process stored the same content at the same time.
            default_storage.delete(stored)
        elif (written := written_files.get()) is not None:
            written[name] = _modified_at(name)
    return name


def _touch_if_stored(name: str, size: int) -> bool:
    if not default_storage.exists(name):
        return False
    if default_storage.size(name) != size:
        # Truncated by a full disk or a failed restore. The name hashes the content, so writing it again is safe.
        default_storage.delete(name)
        return False
    try:
        # delete_unused_media spares recent files; a row is about to reference this one.
        os.utime(default_storage.path(name))
    except NotImplementedError:
        return False  # object storage cannot set times; writing the file again does
    except FileNotFoundError:
        return False
    return True


def store_image(figure: Figure, decoded: DecodedImage) -> list[Rendition]:
    """Store master and renditions, and set the figure's fields. The caller saves the figure and the returned rows."""
    with ThreadPoolExecutor(1) as pool:
        encoding = pool.submit(encode_png, decoded)
        renditions = _store_renditions(figure, decoded)
        master = encoding.result()
    figure.image = store_file(f"{FIGURES_FOLDER}/{decoded.sha256[:HASH_LENGTH]}.png", master)
    figure.sha256, figure.size = decoded.sha256, len(master)
    figure.width, figure.height = decoded.image.size
    return renditions


def _store_renditions(figure: Figure, decoded: DecodedImage) -> list[Rendition]:
    """Encode and store all sizes; return unsaved rows.

    The shared file name stem hashes all encoded files, so a new encoder never reuses a URL that browsers have cached.
    One stem for all sizes also keeps ``srcset`` lists highly compressible.
    """
    encoded = list(encode_renditions(decoded))
    digests = b"".join(hashlib.sha256(rendition.data).digest() for rendition in encoded)
    stem = f"{FIGURES_FOLDER}/{hashlib.sha256(digests).hexdigest()[:HASH_LENGTH]}"
    return [
        Rendition(
            figure=figure,
            width=rendition.width,
            height=rendition.height,
            format=rendition.format,
            file=store_file(f"{stem}-{rendition.width}.{rendition.format}", rendition.data),
            size=len(rendition.data),
        )
        for rendition in encoded
    ]


@transaction.atomic
def replace_renditions(figure: Figure, renditions: list[Rendition]) -> None:
    """Replace the rendition rows of a saved figure. Old files stay, because releases may still show them."""
    figure.renditions.all().delete()
    for rendition in renditions:
        rendition.figure = figure
    Rendition.objects.bulk_create(renditions)


def rebuild_renditions(figure: Figure) -> list[Rendition]:
    """Encode all renditions of a saved figure again from its master and return the rows; a drawing has none.

    Files are written first; then the rows are replaced in one transaction, only if they differ. Safe to interrupt.
    Raise InvalidImageError without changes if the master is missing or damaged.
    """
    if not figure.image:
        return []
    renditions = _store_renditions(figure, load_master_image(figure))
    with transaction.atomic():
        # If another image was uploaded in the meantime, its rows must not be replaced.
        current = Figure.objects.select_for_update().filter(pk=figure.pk, sha256=figure.sha256).first()
        if current and {row.file for row in renditions} != {row.file for row in current.renditions.all()}:
            replace_renditions(current, renditions)
    return renditions


def load_master_image(figure: Figure) -> DecodedImage:
    """Load the master of a figure. Raise InvalidImageError if it is missing or damaged, or for a drawing."""
    if not figure.image:
        raise InvalidImageError(_("This picture is a supplied drawing, which cannot be changed here."))
    try:
        with default_storage.open(figure.image) as stream:
            decoded = decode_stored_image(stream.read())
    except OSError as error:
        raise InvalidImageError(
            _("The file %(name)s is missing. Upload the picture again.") % {"name": figure.image}
        ) from error
    if decoded.sha256 != figure.sha256:
        raise InvalidImageError(
            _("The file %(name)s has changed since it was uploaded. Upload the picture again.") % {"name": figure.image}
        )
    return decoded


def find_duplicate(decoded: DecodedImage) -> Figure | None:
    """Return the oldest figure with exactly these pixels, if any."""
    return Figure.objects.filter(sha256=decoded.sha256).order_by("pk").first()


@dataclass(frozen=True, slots=True)
class UnusedFile:
    """A stored file that no row or release references; ``size`` in bytes."""

    name: str
    size: int


def find_unused_files(*, older_than: datetime.timedelta = MIN_AGE) -> list[UnusedFile]:
    """List unused files by name, except files newer than ``older_than`` and files that the portal did not write."""
    latest = timezone.now() - older_than
    # List files before references: a file that is stored in between is then in neither list.
    old = [name for name in _stored_files() if (modified := _modified_at(name)) is not None and modified <= latest]
    referenced = set(referenced_files()) if old else set()
    return [UnusedFile(name, default_storage.size(name)) for name in old if name not in referenced]


def delete_unused_files(candidates: list[UnusedFile]) -> list[UnusedFile]:
    """Delete the candidates that are still unused, and return them."""
    referenced = set(referenced_files())
    unused = [file for file in candidates if file.name not in referenced and OWN_FILE_RE.fullmatch(file.name)]
    for file in unused:
        default_storage.delete(file.name)
    return unused


@contextmanager
def rollback_files() -> Iterator[None]:
    """Delete files stored inside the block if it fails. Wrap it around the transaction, not inside it.

    A file that another request has stored again since then is left to the cleanup: its rows may not be committed yet.
    """
    written: dict[str, datetime.datetime | None] = {}
    token = written_files.set(written)
    try:
        yield
    except BaseException:
        delete_unused_files([UnusedFile(name, 0) for name, at in written.items() if _modified_at(name) == at])
        raise
    finally:
        written_files.reset(token)


def delete_on_commit(names: list[str]) -> None:
    """Delete the files after the transaction commits if they are unused by then.

    The next cleanup would be too late, because the image may have been replaced to remove something it shows, such as a
    name. A file that was stored again in the meantime is left to the cleanup.
    """
    started_at = timezone.now()

    def delete() -> None:
        old = [name for name in names if (modified := _modified_at(name)) is not None and modified < started_at]
        delete_unused_files([UnusedFile(name, 0) for name in old])

    transaction.on_commit(delete)


def _stored_files() -> list[str]:
    try:
        _folders, files = default_storage.listdir(FIGURES_FOLDER)
    except FileNotFoundError:
        return []
    names = (f"{FIGURES_FOLDER}/{file}" for file in sorted(files))
    return [name for name in names if OWN_FILE_RE.fullmatch(name)]


def _modified_at(name: str) -> datetime.datetime | None:
    try:
        return default_storage.get_modified_time(name)
    except FileNotFoundError:
        return None  # deleted by another process


def referenced_files() -> Iterator[str]:
    """Yield the names of all files that a figure, an approval, or a release uses, some of them repeatedly."""
    for names in Figure.objects.values_list("image", "drawing", "drawing_dark"):
        yield from filter(None, names)
    yield from Rendition.objects.values_list("file", flat=True)
    # Pages may be rebuilt with these while a newer image awaits approval.
    in_release = ReleaseDependency.objects.filter(figure_approval=OuterRef("pk"))
    rebuildable = FigureApproval.objects.filter(Exists(in_release) | Q(approval=None))
    for files in rebuildable.values_list("files", flat=True):
        yield from files
    # A release keeps showing the files it was built with, even if the figure has a newer image. Old releases count too,
    # because staff can look up what patients could read on a given day.
    for html, thumbnail in Release.objects.values_list("html", "thumbnail").iterator():
        for match in FILE_IN_TEXT_RE.finditer(f"{html} {thumbnail or ''}"):
            yield match[0]
