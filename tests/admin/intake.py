"""A picture on its way in, as a browser without a script sends it."""

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
WORDS = {"title_en": "Bone", "alt_en": "A bone.", "caption_en": "A bone of the spine."}
SIDES = ("left", "top", "width", "height")
# What a script asks for.
JSON = {"Accept": "application/json"}


def sent_file(data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, kind)


def photograph(size: tuple[int, int] = (200, 100), kind: str = "PNG", **options: Any) -> bytes:
    """Light grey with a dark corner."""
    image = Image.new("L", size, 200)
    image.paste(60, (0, 0, size[0] // 4, size[1] // 4))
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def begun(client: Client, data: bytes | None = None, *, figure: str = "") -> str:
    """Send a file; the address of the next step."""
    address = f"{CHOOSE}?figure={figure}" if figure else CHOOSE
    answer = client.post(address, {"picture": sent_file(data or photograph())})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def rectangles(*boxes: tuple[float, ...], cut: tuple[float, ...] | None = None) -> dict[str, Any]:
    """The fields of boxes and cut, in per cent."""
    fields: dict[str, Any] = {"box-TOTAL_FORMS": len(boxes), "box-INITIAL_FORMS": 0}
    for number, box in enumerate(boxes):
        fields |= {f"box-{number}-{side}": value for side, value in zip(SIDES, box, strict=True)}
    fields |= {f"cut-{side}": value for side, value in zip(SIDES, cut or ("",) * 4, strict=True)}
    return fields


def looked(client: Client, address: str, fields: dict[str, Any]) -> str:
    """What the page says is on the screen, with these rectangles."""
    answer = client.post(address, {**fields, "do": "show"})
    assert answer.status_code == 200, answer.content.decode()
    # A browser loads the picture that the page shows.
    assert client.get(f"{address}result.png", fields).status_code == 200
    return str(answer.context["seen_sha256"])


def saved(client: Client, address: str, fields: dict[str, Any] | None = None, **changes: Any) -> Any:
    """Look, tick, save."""
    fields = fields or rectangles()
    values = {
        **fields,
        **WORDS,
        "kind": "photo",
        "provenance": "simulated",
        "provenance_note": "",
        "deidentified": "on",
        "seen_sha256": looked(client, address, fields),
        "do": "save",
    }
    return client.post(address, {name: value for name, value in {**values, **changes}.items() if value is not None})


def master_of(figure: Figure) -> Image.Image:
    """The picture as it is kept, from which all sizes are made."""
    with default_storage.open(figure.image) as stream:
        image = Image.open(stream)
        image.load()
    return image


def stored() -> dict[str, bytes]:
    """Every file in the data folder, wherever it lies."""
    root = Path(settings.DATA_DIR)
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def waiting() -> list[str]:
    """Files that wait."""
    return [name for name in stored() if name.startswith("waiting/")]
