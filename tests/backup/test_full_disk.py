"""A full disk during backup and restore: a message that names the file, and nothing left behind."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import backup
from portal.backup import BackupError
from portal.management.commands.restore import _Rollback
from tests.served_data import ROOT

pytestmark = pytest.mark.served

ADVICE = "could not be written. The disk is full. Free some space or choose another disk."


def manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of an installation on SQLite in a folder."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**environ, "PORTAL_DATA_DIR": str(data)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.fixture
def saved(own_data_dir: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return an installation with an image, and its backup."""
    data = own_data_dir
    (data / "media" / "figures").mkdir(parents=True)
    (data / "media" / "figures" / "0123456789abcdef-480.webp").write_bytes(os.urandom(300_000))
    done = manage(data, "backup", str(tmp_path / "backup.tar"))
    assert done.returncode == 0, done.stderr
    return data, tmp_path / "backup.tar"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a mount point."""
    folder = tmp_path / "disk"
    folder.mkdir()
    yield folder
    while os.path.ismount(folder):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(folder: Path, kilobytes: int) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root can make a disk that is full")


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_backup_and_a_restore_onto_a_full_disk_leave_nothing_behind(saved: tuple[Path, Path], disk: Path) -> None:
    data, backup = saved
    stages = set()
    # Full while extracting, while creating the database, and while collecting static files.
    for kilobytes in (200, 500, 5000):
        mount(disk, kilobytes)
        refused = manage(disk, "restore", str(backup))
        assert refused.returncode == 1, kilobytes
        assert ADVICE in refused.stderr, refused.stderr
        assert f"CommandError: {disk}" in refused.stderr, refused.stderr
        assert "Nothing was restored." in refused.stderr, refused.stderr
        assert names(disk) == [], kilobytes
        stages.add((".restore-" in refused.stderr, "Restored the database" in refused.stdout))
        subprocess.run(["umount", str(disk)], check=True)
    assert stages == {(True, False), (False, False), (False, True)}

    mount(disk, 500)
    refused = manage(data, "backup", str(disk / "portal.tar"))
    assert f"CommandError: {disk / 'portal.tar'} {ADVICE}" in refused.stderr, refused.stderr
    assert names(disk) == []


def test_a_failed_restore_keeps_existing_files(saved: tuple[Path, Path], disk: Path, tmp_path: Path) -> None:
    data, backup = saved
    mount(disk, 1250)
    (disk / "secret-key").write_text("k" * 60)
    (disk / "notes.txt").write_text("mine")
    assert manage(disk, "restore", str(backup)).returncode == 1
    assert names(disk) == ["notes.txt", "secret-key"]
    assert (disk / "secret-key").read_text() == "k" * 60

    before = {name: (data / name).read_bytes() for name in names(data) if (data / name).is_file()}
    refused = manage(data, "restore", str(backup))
    assert "The database is not empty." in refused.stderr
    assert {name: (data / name).read_bytes() for name in before} == before

    empty = tmp_path / "empty"
    missing = manage(empty, "restore", str(tmp_path / "none.tar"))
    assert "does not exist" in missing.stderr
    assert names(empty) == []
    assert manage(empty, "restore", str(backup)).returncode == 0
    assert (empty / "secret-key").read_bytes() == (data / "secret-key").read_bytes()


def test_a_rollback_that_cannot_reach_the_database_says_what_is_left(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable() -> None:
        raise BackupError("The database cannot be read: connection refused.")

    monkeypatch.setattr(backup, "empty_database", unreachable)
    undo = _Rollback()
    undo.can_delete_all = True

    assert undo() == (
        "Not everything could be removed: The database cannot be read: connection refused. "
        f"Empty {own_folder} and the database before you try again."
    )
