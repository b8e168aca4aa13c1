"""Commands that write files: a file is written completely or not at all, and errors say what to do."""

import contextlib
import errno
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.backup import DATABASE_MEMBER, BackupError, Manifest, create_archive
from portal.storage.local_storage import atomic_create, describe_write_error
from tests.factories import make_page, make_supplied

COMMANDS = (("dump_content", "content"), ("export_bundle", "pages.zip"))


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system without free space."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can make a disk that is full")
    with (folder / "filler").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(bytes(1024)):
            pass
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_reported_and_no_partial_file_remains(full_disk: Path) -> None:
    page = make_page(body="words " * 6000)
    make_supplied(page.lead_figure)

    for command, name in COMMANDS:
        with pytest.raises(CommandError) as refused:
            call_command(command, full_disk / name)
        assert "The disk is full. Free some space or choose another disk." in str(refused.value), command
        assert name in str(refused.value), command
        assert [file.name for file in full_disk.iterdir()] == ["filler"], command
    manifest = Manifest(made_at="", database="sqlite", migrations=[], public_url="", key_fingerprint="")
    with (
        pytest.raises(BackupError, match="The disk is full"),
        create_archive(full_disk / "portal.tar", manifest) as writer,
    ):
        writer.add(DATABASE_MEMBER, io.BytesIO(bytes(1 << 20)), 1 << 20)
    assert [file.name for file in full_disk.iterdir()] == ["filler"]


@pytest.mark.django_db(transaction=True)
def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    for command in ("export_bundle", "backup"):
        with pytest.raises(CommandError, match=r"could not be written\. The folder does not exist\. Create it first\."):
            call_command(command, tmp_path / "missing" / "file")


@pytest.mark.django_db(transaction=True)
def test_existing_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")

    for command in ("export_bundle", "backup"):
        with pytest.raises(CommandError, match="already exists"):
            call_command(command, tmp_path / "there")
    with pytest.raises(CommandError, match="is not empty"):
        call_command("dump_content", tmp_path)
    assert (tmp_path / "there").read_text() == "mine"


def test_a_file_created_during_the_write_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(FileExistsError), atomic_create(target) as stream:
        stream.write(b"new")
        target.write_bytes(b"came first")

    assert [file.name for file in tmp_path.iterdir()] == ["out"]
    assert target.read_bytes() == b"came first"


def test_an_interrupted_write_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), atomic_create(tmp_path / "out") as stream:
        stream.write(b"half")
        raise KeyboardInterrupt

    assert list(tmp_path.iterdir()) == []


def test_write_errors_name_the_file_without_errno() -> None:
    for number in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EIO):
        sentence = describe_write_error(OSError(number, os.strerror(number)), Path("/backups/a.tar"))
        assert sentence.startswith("/backups/a.tar could not be written. ") and "[Errno" not in sentence
