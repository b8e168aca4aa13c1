"""A restore compares the key of the backup with the one that the restored site would use."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.served_data import ROOT

pytestmark = pytest.mark.served
KEY, OTHER = "a" * 60, "b" * 60


def manage(data: Path, *arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**own, "PORTAL_DATA_DIR": str(data), **({"PORTAL_SECRET_KEY": key} if key else {})},
        cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip


def test_a_restore_with_another_key_is_rejected_with_advice(own_data_dir: Path, tmp_path: Path) -> None:
    data, backup = own_data_dir, tmp_path / "backup.tar"
    (data / "secret-key").unlink()
    for command in (("accept_key",), ("backup", str(backup))):
        done = manage(data, *command, key=KEY)
        assert done.returncode == 0, done.stderr
    with tarfile.open(backup) as tar:
        assert "secret-key" not in tar.getnames(), "the key comes from the environment"

    wrong = manage(tmp_path / "wrong", "restore", str(backup), key=OTHER)
    assert wrong.returncode == 1
    assert wrong.stderr == (
        "CommandError: The backup was made with a different key from the one in PORTAL_SECRET_KEY, so authenticator apps "
        "would not work. Set PORTAL_SECRET_KEY to the key of the site that was backed up. If the backup's key is lost, "
        "add --new-key. Nothing was restored.\n"
    )
    assert [path.name for path in (tmp_path / "wrong").rglob("*")] == []

    assert manage(tmp_path / "right", "restore", str(backup), key=KEY).returncode == 0
    assert "already matches this database" in manage(tmp_path / "right", "accept_key", key=KEY).stdout
    assert manage(tmp_path / "right", "backup", str(tmp_path / "x.tar"), key=OTHER).returncode == 78

    new = manage(tmp_path / "new", "restore", str(backup))
    assert new.stderr.startswith(
        "CommandError: The backup does not contain its key, and this installation has none yet, "
    )
    assert "secret-key" not in new.stderr

    lost = manage(tmp_path / "lost", "restore", str(backup), "--new-key", key=OTHER)
    assert lost.returncode == 0, lost.stderr
    assert "already matches this database" in manage(tmp_path / "lost", "accept_key", key=OTHER).stdout


def test_a_key_in_the_backup_does_not_replace_the_one_in_the_environment(own_data_dir: Path, tmp_path: Path) -> None:
    data, backup = own_data_dir, tmp_path / "backup.tar"
    for command in (("accept_key",), ("backup", str(backup))):
        done = manage(data, *command)
        assert done.returncode == 0, done.stderr

    refused = manage(tmp_path / "other", "restore", str(backup), key=OTHER)
    assert "Unset PORTAL_SECRET_KEY: the backup contains its own key." in refused.stderr

    own = (data / "secret-key").read_text()
    assert manage(tmp_path / "same", "restore", str(backup), key=own).returncode == 0
    assert not (tmp_path / "same" / "secret-key").exists()
    assert manage(tmp_path / "empty", "restore", str(backup)).returncode == 0
    assert (tmp_path / "empty" / "secret-key").read_text() == own
