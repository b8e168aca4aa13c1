"""Cleanup of unused media files."""

import datetime
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError
from PIL import Image

from procedures.figures.decoding import build_decoded_image
from procedures.figures.renditions import (
    UnusedFile,
    delete_unused_files,
    find_unused_files,
    replace_renditions,
    rollback_files,
    store_file,
    store_image,
)
from procedures.models import Figure, Rendition
from tests.factories import BODY, make_clinic, make_figure, make_page, make_public
from tests.figures.file_helpers import files, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]
UNREFERENCED_FILE = f"figures/{'ab' * 10}-480.webp"


def write(name: str, *, hours_old: float = 48) -> Path:
    """Store a file with an old modification time."""
    default_storage.save(name, ContentFile(b"bytes"))
    return age(name, hours_old)


def age(name: str, hours: float) -> Path:
    path = Path(settings.MEDIA_ROOT) / name
    then = datetime.datetime.now(tz=datetime.UTC).timestamp() - hours * 3600
    os.utime(path, (then, then))
    return path


def age_all() -> None:
    for path in Path(settings.MEDIA_ROOT).rglob("*.*"):
        age(str(path.relative_to(settings.MEDIA_ROOT)), 48)


def test_a_failed_upload_deletes_its_files_but_not_one_that_another_upload_has_stored_again() -> None:
    own, shared = f"figures/{'12' * 10}-480.webp", UNREFERENCED_FILE

    with pytest.raises(RuntimeError), rollback_files():
        store_file(own, b"own")
        store_file(shared, b"shared")
        age(shared, -0.001)
        raise RuntimeError

    assert not default_storage.exists(own)
    assert default_storage.exists(shared)


def test_empty_storage_has_no_unused_files() -> None:
    assert find_unused_files() == []


def test_masters_renditions_and_drawings_are_in_use() -> None:
    figure = make_figure()
    figure.drawing, figure.drawing_dark = f"figures/{'cd' * 32}.svg", f"figures/{'ef' * 32}.svg"
    figure.save()
    write(figure.drawing)
    write(figure.drawing_dark)
    age_all()

    assert len(files()) > 5
    assert find_unused_files() == []


def test_unreferenced_files_are_listed_with_their_size() -> None:
    make_figure()
    age_all()
    write(UNREFERENCED_FILE)
    write(f"figures/{'0f' * 32}.svg")

    assert find_unused_files() == [UnusedFile(f"figures/{'0f' * 32}.svg", 5), UnusedFile(UNREFERENCED_FILE, 5)]


def test_temporary_files_of_a_crash_are_unused() -> None:
    write("figures/.new-ab12_x9")

    assert [orphan.name for orphan in find_unused_files()] == ["figures/.new-ab12_x9"]


@pytest.mark.parametrize("name", ["figures/readme.txt", "figures/holiday.png", "notes/abc.txt", f"{'ab' * 10}.png"])
def test_foreign_files_are_never_unused(name: str) -> None:
    path = write(name)

    run("delete_unused_media", "--delete", "--hours=0")

    assert path.exists()


def test_recent_files_are_skipped() -> None:
    write(UNREFERENCED_FILE, hours_old=23)

    assert find_unused_files() == []
    assert [orphan.name for orphan in find_unused_files(older_than=datetime.timedelta(hours=22))] == [UNREFERENCED_FILE]


def test_storing_the_same_content_updates_the_modification_time() -> None:
    name = store_file(UNREFERENCED_FILE, b"bytes")
    age(name, 48)
    assert len(find_unused_files()) == 1

    store_file(UNREFERENCED_FILE, b"bytes")

    assert find_unused_files() == []


def test_storing_repairs_a_truncated_file() -> None:
    path = write(UNREFERENCED_FILE)

    store_file(UNREFERENCED_FILE, b"the whole picture")

    assert path.read_bytes() == b"the whole picture"
    assert files() == {UNREFERENCED_FILE}


def test_files_in_a_release_stay_when_the_image_is_replaced() -> None:
    make_clinic()
    page = make_page(body=BODY + "\n::: figure needle\n")
    release = make_public(page)
    figure = Figure.objects.get(slug="needle")
    before = files()

    rows = store_image(figure, build_decoded_image(Image.radial_gradient("L").resize((500, 500))))
    figure.save()
    replace_renditions(figure, rows)
    age_all()
    gone = {orphan.name for orphan in delete_unused_files(find_unused_files())}

    shown = {name for name in before if name in release.html}
    assert shown
    assert not shown & gone
    assert shown < files()
    # The page may be rebuilt with any rendition of it while the new image awaits approval.
    assert before <= files()


def test_command_deletes_only_with_the_option() -> None:
    write(UNREFERENCED_FILE)

    assert run("delete_unused_media") == [
        f"{UNREFERENCED_FILE}  5\xa0bytes",
        "1 files, 5\xa0bytes; nothing deleted yet (add --delete)",
    ]
    assert files() == {UNREFERENCED_FILE}
    assert run("delete_unused_media", "--delete")[-1] == "1 files, 5\xa0bytes; 1 deleted"
    assert files() == set()
    assert run("delete_unused_media") == ["Every file is in use."]


def test_file_used_after_listing_is_not_deleted() -> None:
    write(UNREFERENCED_FILE)
    found = find_unused_files()
    figure = make_figure()
    Rendition.objects.create(figure=figure, width=1, height=1, format="webp", file=UNREFERENCED_FILE, size=5)

    assert delete_unused_files(found) == []
    assert UNREFERENCED_FILE in files()


@pytest.mark.parametrize("hours", ["-1", "nan", "99999"])
def test_command_rejects_an_invalid_age(hours: str) -> None:
    with pytest.raises(CommandError, match="--hours"):
        run("delete_unused_media", f"--hours={hours}")
