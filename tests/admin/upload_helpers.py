"""Helpers that upload and save a picture as a browser without JavaScript does."""

import io
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from procedures.models import Figure

CHOOSE = "/admin/procedures/figure/intake/"
FIGURE_TEXTS = {"title_en": "Bone", "alt_en": "A bone.", "caption_en": "A bone of the spine."}
BOX_SIDES = ("left", "top", "width", "height")
# The header that scripts send.
JSON = {"Accept": "application/json"}


def uploaded_file(data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, kind)


def make_photo(size: tuple[int, int] = (200, 100), kind: str = "PNG", **options: Any) -> bytes:
    """Return a light gray picture with a dark corner."""
    image = Image.new("L", size, 200)
    image.paste(60, (0, 0, size[0] // 4, size[1] // 4))
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def start_upload(client: Client, data: bytes | None = None, *, figure: str = "") -> str:
    """Upload a file, and return the URL of the next step."""
    address = f"{CHOOSE}?figure={figure}" if figure else CHOOSE
    answer = client.post(address, {"picture": uploaded_file(data or make_photo())})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def rectangle_fields(*boxes: tuple[float, ...], cut: tuple[float, ...] | None = None) -> dict[str, Any]:
    """Return the form fields of the black boxes and the crop box, in percent."""
    fields: dict[str, Any] = {"box-TOTAL_FORMS": len(boxes), "box-INITIAL_FORMS": 0}
    for number, box in enumerate(boxes):
        fields |= {f"box-{number}-{side}": value for side, value in zip(BOX_SIDES, box, strict=True)}
    fields |= {f"cut-{side}": value for side, value in zip(BOX_SIDES, cut or ("",) * 4, strict=True)}
    return fields


def show_result(client: Client, address: str, fields: dict[str, Any]) -> str:
    """Show the result with these rectangles, and return its SHA-256."""
    answer = client.post(address, {**fields, "do": "show"})
    assert answer.status_code == 200, answer.content.decode()
    # A browser loads the picture that the page shows.
    assert client.get(f"{address}result.png", fields).status_code == 200
    return str(answer.context["seen_sha256"])


def save_upload(client: Client, address: str, fields: dict[str, Any] | None = None, **changes: Any) -> Any:
    """Show the result, confirm it, and save it."""
    fields = fields or rectangle_fields()
    values = {
        **fields,
        **FIGURE_TEXTS,
        "kind": "photo",
        "provenance": "simulated",
        "provenance_note": "",
        "deidentified": "on",
        "seen_sha256": show_result(client, address, fields),
        "do": "save",
    }
    return client.post(address, {name: value for name, value in {**values, **changes}.items() if value is not None})


def load_master(figure: Figure) -> Image.Image:
    """Return the master image, from which all renditions are made."""
    with default_storage.open(figure.image) as stream:
        image = Image.open(stream)
        image.load()
    return image


def stored_files() -> dict[str, bytes]:
    """Return every file in the data folder with its content."""
    root = Path(settings.DATA_DIR)
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def staged_files() -> list[str]:
    """Return the names of staged files."""
    return [name for name in stored_files() if name.startswith("waiting/")]
