"""Atomic writes: a file is either complete or unchanged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.storage.local_storage import atomic_write


def test_atomic_write_replaces_a_file_and_sets_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    atomic_write(target, [b"new ", b"words"], mode=0o640)

    assert target.read_bytes() == b"new words"
    assert target.stat().st_mode & 0o777 == 0o640
    atomic_write(target, [b"own"])
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_write_leaves_the_old_file_and_no_temporary_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def torn() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        atomic_write(target, torn())

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
