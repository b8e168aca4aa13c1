"""The same hostile files through every upload path: editor, upload screens with and without cropping, and loader."""

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image

from procedures.importing.content_files import ContentErrors
from procedures.importing.content_folder import load_content_folder
from procedures.models import Figure
from tests.admin.test_editor_upload import UPLOAD
from tests.admin.test_editor_upload import sent as upload_of
from tests.admin.upload_helpers import (
    CHOOSE,
    JSON,
    rectangle_fields,
    save_upload,
    staged_files,
    stored_files,
    uploaded_file,
)
from tests.figures.test_decoding import HOSTILE, SECRET, animated, encoded, planted, scene
from tests.importing.conftest import FILES
from tests.rate_limits import reset_upload_limits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]
ROOT = Path(__file__).resolve().parents[2]


def bomb(width: int, height: int) -> bytes:
    """Return a complete black PNG with 1 bit per pixel: 200 million pixels in 25 kB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    line = bytes(1 + (width + 7) // 8)
    packed = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def grown_jpeg() -> bytes:
    """Return a small JPEG whose frame header claims 65,500 × 65,500."""
    data = bytearray(encoded(scene(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, SECRET.decode()
    return encoded(scene(), "JPEG", exif=exif)


def sixteen_bit() -> bytes:
    """Return a bright image; a dark one would need a window first."""
    bright = scene(mode="L").point(lambda value: 255 - value // 4)
    return encoded(bright.convert("I").point(lambda value: value * 257).convert("I;16"))


REJECTED: dict[str, Callable[[], bytes]] = {
    **{name: make for name, (make, _) in HOSTILE.items() if name not in {"nothing", "21 MB"}},
    "bomb of 25 kB with 200 million pixels": lambda: bomb(14_142, 14_142),
    "jpeg that claims 4 billion pixels": grown_jpeg,
    "gif and script in one": lambda: b"GIF89a=1;alert('" + SECRET + b"')//",
    "picture of a bitmap with a page in it": lambda: encoded(scene(), "BMP") + b"<html>" + SECRET,
    "pdf and picture in one": lambda: b"%PDF-1.4\n" + encoded(scene(), "JPEG"),
}
ACCEPTED: dict[str, Callable[[], bytes]] = {
    **{f"{name} with words": (lambda name=name: planted()[name]) for name in planted()},  # type: ignore[misc]
    "page in a comment": lambda: encoded(scene(), "JPEG", comment=b"<script>alert('" + SECRET + b"')</script>"),
    "archive behind a png": lambda: encoded(scene()) + b"PK\x03\x04" + SECRET,
    "cmyk": lambda: encoded(scene(mode="CMYK"), "JPEG", comment=SECRET),
    "16 bit": sixteen_bit,
    "on its side": rotated,
    "39 million pixels in 5 kB": lambda: bomb(6_300, 6_300),
}


def by_editor(client: Client, data: bytes, name: str, _folder: Path) -> tuple[int, str]:
    answer = client.post(UPLOAD, upload_of(picture=uploaded_file(data, name, "image/gif")))
    if answer.status_code == 201:
        told = answer.json()
        answer = save_upload(client, told["next"])
        client.post(f"{told['next']}cancel/")  # clear the editor's upload status
    return answer.status_code, answer.content.decode()


def by_screens(client: Client, data: bytes, name: str, _folder: Path) -> tuple[int, str]:
    answer = client.post(CHOOSE, {"picture": uploaded_file(data, name, "image/gif")}, headers=JSON)
    if answer.status_code == 201:
        assert no_word_in(stored_files()), "nor while it waits"
        answer = save_upload(client, answer.json()["next"])
    return answer.status_code, answer.content.decode()


def by_cutting(client: Client, data: bytes, name: str, _folder: Path) -> tuple[int, str]:
    answer = client.post(CHOOSE, {"picture": uploaded_file(data, name, "image/gif")})
    if answer.status_code == 302:
        answer = save_upload(client, answer["Location"], rectangle_fields((60, 60, 20, 20)))
    return answer.status_code, answer.content.decode()


def by_loader(_client: Client, data: bytes, _name: str, folder: Path) -> tuple[int, str]:
    figures = folder / "content" / "figures"
    figures.mkdir(parents=True)
    for name in ("clinic.yaml", "locations.yaml", "sources.yaml", "codes.yaml"):
        (folder / "content" / name).write_text(FILES[name])
    (figures / "bone.jpg").write_bytes(data)
    (figures / "bone.yaml").write_text(
        "image: bone.jpg\nprovenance: simulated\ntext:\n  en:\n    title: Bone\n    alt: A bone.\n    caption: A bone.\n"
    )
    try:
        load_content_folder(folder / "content")
    except ContentErrors as errors:
        return 400, str(errors)
    return 302, "loaded"


WAYS = {"editor": by_editor, "screens": by_screens, "screens with a black box": by_cutting, "loader": by_loader}
NAMES = {"editor": "evil.svg", "screens": "evil.html", "screens with a black box": "photo.jpg", "loader": ""}


def no_word_in(files: dict[str, bytes]) -> bool:
    parts = (
        SECRET,
        SECRET[:8],
        b"Exif",
        b"ICC_PROFILE",
        b"iCCP",
        b"xmpmeta",
        b"tEXt",
        b"iTXt",
        b"<script",
        b"PK\x03\x04",
    )
    return not [(name, part) for name, content in files.items() for part in parts if part in content]


@pytest.mark.parametrize("way", WAYS)
def test_every_upload_path_rejects_a_hostile_file(
    nina: Client, way: str, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for number, (name, make) in enumerate(REJECTED.items()):
        reset_upload_limits()  # uploads are counted
        with subtests.test(name=name):
            status, said = WAYS[way](nina, make(), NAMES[way], tmp_path / str(number))

            assert status == 400
            assert re.search(r"picture|frame", said)
            assert way != "loader" or re.search(r"bone\.jpg: [A-Z]", said)
            assert stored_files() == {}
            assert not Figure.objects.exists()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name.startswith("39 million") else name for name in ACCEPTED]
)
def test_every_upload_path_stores_only_pixels(nina: Client, way: str, name: str, tmp_path: Path) -> None:
    data = ACCEPTED[name]()

    status, said = WAYS[way](nina, data, NAMES[way], tmp_path)

    files = stored_files()
    assert status in {201, 302}, said
    assert Figure.objects.get().renditions.exists()
    assert staged_files() == []
    assert no_word_in(files)
    assert data not in files.values()
    assert {Path(file).suffix for file in files} <= {".png", ".jpeg", ".webp", ".avif"}


def test_every_upload_path_stores_identical_files(nina: Client, tmp_path: Path) -> None:
    data = encoded(scene((900, 700)), "JPEG")
    kept = []
    for way in ("editor", "screens", "loader"):
        WAYS[way](nina, data, NAMES[way], tmp_path / way)
        kept.append(stored_files())
        Figure.objects.all().delete()
        for file in Path(settings.MEDIA_ROOT).rglob("*.*"):
            file.unlink()
        reset_upload_limits()

    assert kept[0]
    assert kept[0] == kept[1] == kept[2]


def test_pictures_are_decoded_and_stored_in_one_place() -> None:
    """Only the listed modules decode images or write picture files."""
    decoding, writing = set(), set()
    for file in [*(ROOT / "procedures").rglob("*.py"), *(ROOT / "portal").rglob("*.py")]:
        text = file.read_text()
        name = str(file.relative_to(ROOT))
        if "Image.open(" in text:
            decoding.add(name)
        if "default_storage.save(" in text or re.search(r"default_storage\.open\([^)]*[\"']w", text):
            writing.add(name)

    # render.py reads only the masters that it wrote itself, on a developer's machine.
    assert decoding == {
        "procedures/figures/markers.py",  # stored renditions, to measure marker contrast
        "procedures/figures/decoding.py",
        "procedures/figures/ocr.py",  # PNGs written by the upload code, in a separate process
        "procedures/figures/simulation/render.py",
    }
    # backup.py restores files byte for byte from a verified backup.
    assert writing == {"procedures/figures/renditions.py", "portal/backup.py"}


def test_animated_pictures_are_rejected(nina: Client) -> None:
    answer = nina.post(CHOOSE, {"picture": uploaded_file(animated("WEBP"))})

    assert "The picture is animated. Choose one with a single frame." in answer.content.decode()
