"""The backup file: complete or absent, and untrusted when it is read."""

import errno
import io
import json
import os
import resource
import tarfile
from dataclasses import asdict
from pathlib import Path

import pytest
from django.contrib.auth.models import Group

from portal import backup
from portal.backup import BackupError, Manifest, create_archive, extract_archive, read_manifest

PICTURE = f"{backup.MEDIA_PREFIX}figures/0123456789abcdef-480.webp"


def manifest() -> Manifest:
    return Manifest(
        "2026-11-20T12:00:00+00:00", "sqlite", ["procedures.0001_initial"], "https://learn.example.org", "f" * 16
    )


def add(writer: backup.ArchiveWriter, name: str, data: bytes) -> None:
    writer.add(name, io.BytesIO(data), len(data))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    target = tmp_path / "backup.tar"
    with create_archive(target, manifest()) as writer:
        add(writer, backup.DATABASE_MEMBER, b"rows" * 1000)
        add(writer, PICTURE, b"pixels")
    return target


class RecordingCursor:
    """Stands for the cursor of a database: it records the inserted rows."""

    def __init__(self) -> None:
        self.rows: list[list[object]] = []

    def executemany(self, _statement: str, rows: list[list[object]]) -> None:
        self.rows += rows


@pytest.mark.parametrize(
    ("vendor", "stored"), [(backup.SQLITE, ["a\0b", "\\u0000"]), (backup.POSTGRESQL, ["ab", "\\u0000"])]
)
def test_a_restore_to_postgresql_removes_nul_characters(
    vendor: str, stored: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "get_vendor", lambda: vendor)
    cursor = RecordingCursor()
    entries = [{"table": "auth_group", "columns": ["id", "name"]}, [1, "a\0b"], [2, "\\u0000"]]

    backup._insert_rows(cursor, {"auth_group": Group}, map(json.dumps, entries))

    assert [name for _pk, name in cursor.rows] == stored


def refuse(source: Path, folder: Path) -> str:
    with pytest.raises(BackupError) as refused:
        extract_archive(source, read_manifest(source), folder)
    return str(refused.value)


def test_extracted_members_equal_the_added_ones(file: Path, tmp_path: Path) -> None:
    found = read_manifest(file)
    extract_archive(file, found, tmp_path / "out")

    assert (tmp_path / "out" / backup.DATABASE_MEMBER).read_bytes() == b"rows" * 1000
    assert (tmp_path / "out" / PICTURE).read_bytes() == b"pixels"
    assert found.public_url == "https://learn.example.org"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "out"], (
        "no temporary file is left next to it"
    )
    assert file.stat().st_mode & 0o077 == 0, "it contains the secret key"


def test_an_existing_backup_is_never_overwritten(file: Path) -> None:
    before = file.read_bytes()

    with pytest.raises(BackupError, match="never overwritten"), create_archive(file, manifest()):
        pass

    assert file.read_bytes() == before


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(BackupError, match="cannot be backed up"),
        create_archive(tmp_path / "b.tar", manifest()) as writer,
    ):
        add(writer, "media/../../etc/passwd", b"x")
    with pytest.raises(ZeroDivisionError), create_archive(tmp_path / "b.tar", manifest()):
        raise ZeroDivisionError

    assert list(tmp_path.iterdir()) == []


class BadSector(io.BytesIO):
    """Stand-in for a file on a failing disk."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize(
    ("stream", "message"),
    [(BadSector(), "cannot be read: Input/output error"), (io.BytesIO(b"x"), "changed while it was being read")],
)
def test_a_picture_that_cannot_be_read_is_named(stream: io.BytesIO, message: str, tmp_path: Path) -> None:
    with (
        pytest.raises(BackupError, match=f"^{PICTURE} {message}"),
        create_archive(tmp_path / "b.tar", manifest()) as writer,
    ):
        writer.add(PICTURE, stream, 10)

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_backup_error_and_leaves_no_file(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with (
            pytest.raises(BackupError, match="could not be written"),
            create_archive(tmp_path / "b.tar", manifest()) as writer,
        ):
            add(writer, backup.DATABASE_MEMBER, os.urandom(400_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 1, 511, 2000, 6000])
def test_a_truncated_file_is_rejected(file: Path, tmp_path: Path, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:cut])

    with pytest.raises(BackupError, match="has no manifest|cannot be read"):
        read_manifest(file)


@pytest.mark.parametrize("at", range(512, 4500, 400))
def test_every_changed_byte_is_detected(file: Path, tmp_path: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)

    assert "damaged" in refuse(file, tmp_path / "out") or "extracted" in refuse(file, tmp_path / "out2")


def forged(
    tmp_path: Path, members: dict[str, bytes], named: dict[str, list[object]], kind: bytes = tarfile.REGTYPE
) -> Path:
    target = tmp_path / "forged.tar"
    with tarfile.open(target, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(data), kind, "/etc/passwd"
            tar.addfile(info, io.BytesIO(data))
        text = json.dumps({**asdict(manifest()), "members": named}).encode()
        info = tarfile.TarInfo(backup.MANIFEST_NAME)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return target


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "media/../../evil", "media/.hidden", "other", "database/x"])
def test_nothing_is_written_outside_the_folder(tmp_path: Path, name: str) -> None:
    source = forged(tmp_path, {name: b"x"}, {name: [1, "0" * 64]})

    assert "is not in its manifest" in refuse(source, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["forged.tar"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_only_regular_files_are_extracted(tmp_path: Path, kind: bytes) -> None:
    source = forged(tmp_path, {backup.DATABASE_MEMBER: b""}, {backup.DATABASE_MEMBER: [0, "0" * 64]}, kind)

    assert "is not in its manifest" in refuse(source, tmp_path / "out")


def test_missing_and_extra_members_are_detected(tmp_path: Path) -> None:
    assert "secret-key is missing" in refuse(forged(tmp_path, {}, {"secret-key": [1, "0"]}), tmp_path / "out")
    assert "is not in its manifest" in refuse(forged(tmp_path, {backup.DATABASE_MEMBER: b"x"}, {}), tmp_path / "out")


def test_an_unknown_format_is_rejected(tmp_path: Path) -> None:
    target = tmp_path / "later.tar"
    later = manifest()
    later.format = 3
    with create_archive(target, later):
        pass

    with pytest.raises(BackupError, match="this version can only read format 2"):
        read_manifest(target)
