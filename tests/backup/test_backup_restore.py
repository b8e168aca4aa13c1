"""Back up a running portal while staff are saving, restore it elsewhere, and compare the two."""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ServedSite, separate_database
from tests.served_data import ROOT

pytestmark = [pytest.mark.served, pytest.mark.database]

WRITER = """
import time, django
django.setup()
from procedures.models import Page
from procedures.revisions.drafts import save_revision
page = Page.objects.get(subject="kyphoplasty", language="en")
count = 0
print("writing", flush=True)
while True:
    page.refresh_from_db()
    page.body += " "
    page.save()
    save_revision(page, author=None, note=f"save {count}")
    count += 1
    time.sleep(0.05)
"""
DELETE_HISTORY = "from django.db import connection; connection.cursor().execute('DELETE FROM procedures_release')"


def manage(environ: dict[str, str], *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture
def empty_installation(tmp_path: Path, served_site: ServedSite) -> Iterator[dict[str, str]]:
    """Yield an empty installation: another data directory and, on PostgreSQL, another database."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environ = {**given, "PORTAL_DATA_DIR": str(tmp_path / "elsewhere")}
    with separate_database(environ):
        yield environ


def content(environ: dict[str, str], folder: Path) -> dict[str, bytes]:
    manage(environ, "dump_content", str(folder))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_running_portal_is_backed_up_and_restored_completely(
    served_site: ServedSite, empty_installation: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar"

    saved = manage(served_site.environ, "backup", str(file))
    restored = manage(empty_installation, "restore", str(file))

    assert str(file) in saved.stdout
    assert "releases checked, 0 out of date" in restored.stdout
    assert "none broken" in restored.stdout
    assert content(empty_installation, tmp_path / "a") == content(served_site.environ, tmp_path / "b")
    data = Path(empty_installation["PORTAL_DATA_DIR"])
    assert (data / "secret-key").read_text() == (served_site.data_dir / "secret-key").read_text()
    assert (data / "secret-key").stat().st_mode & 0o077 == 0
    pictures = {path.name for path in (data / "media").rglob("*") if path.is_file()}
    assert pictures == {path.name for path in (served_site.data_dir / "media").rglob("*") if path.is_file()}
    assert [path.name for path in data.iterdir() if path.name.startswith(".restore")] == []

    changed = manage(empty_installation, "shell", "-v", "0", "-c", DELETE_HISTORY, check=False)
    assert "rows of procedures_release are never changed or deleted" in changed.stderr

    again = manage(empty_installation, "restore", str(file), check=False)
    assert again.returncode == 1
    assert "The database is not empty." in again.stderr
    _check_missing_pictures(empty_installation, tmp_path)
    _check_backup_during_writes(empty_installation, tmp_path)
    _check_rejections(empty_installation, file, tmp_path)


def _check_missing_pictures(environ: dict[str, str], tmp_path: Path) -> None:
    media, file = Path(environ["PORTAL_DATA_DIR"]) / "media", tmp_path / "incomplete.tar"
    picture = min(path for path in media.rglob("*.*") if path.is_file())
    picture.rename(tmp_path / picture.name)
    missing = f"missing: {picture.relative_to(media)}. Copy them from an older backup"

    saved = manage(environ, "backup", str(file), check=False)
    assert (saved.returncode, missing in saved.stderr, file.exists()) == (1, True, True)
    given = {name: value for name, value in environ.items() if not name.startswith("PORTAL_")}
    again = {
        **given,
        "PORTAL_DATA_DIR": str(tmp_path / "incomplete"),
        "DATABASE_URL": os.environ.get("DATABASE_URL", ""),
    }
    with separate_database(again):
        restored = manage(again, "restore", str(file), check=False)
    assert (restored.returncode, missing in restored.stderr) == (1, True)

    (tmp_path / picture.name).rename(picture)
    media.rename(tmp_path / "moved")
    said = manage(environ, "shell", "-v", "0", "-c", "from portal.health import *; print(find_media_problem())")
    assert said.stdout.startswith("the pictures are missing")
    (tmp_path / "moved").rename(media)


def _check_backup_during_writes(environ: dict[str, str], tmp_path: Path) -> None:
    """Each backup made while a process saves is consistent: the last revision is the page's draft."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER],
        env={**environ, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert writer.stdout and writer.stdout.readline() == "writing\n"
        for number in range(3):
            manage(environ, "backup", str(tmp_path / f"busy-{number}.tar"))
        assert writer.poll() is None, "saving continued during the backups"
    finally:
        writer.kill()
        writer.communicate()
    given = {name: value for name, value in environ.items() if not name.startswith("PORTAL_")}
    again = {**given, "PORTAL_DATA_DIR": str(tmp_path / "busy"), "DATABASE_URL": os.environ.get("DATABASE_URL", "")}
    with separate_database(again):
        manage(again, "restore", str(tmp_path / "busy-2.tar"))
        found = manage(
            again,
            "shell",
            "-v",
            "0",
            "-c",
            "from procedures.models import *; p = Page.objects.get(subject='kyphoplasty', language='en');"
            "r = p.revisions.first(); print(r.number, p.body.startswith(r.content['body']))",
        )
        number, same = found.stdout.split()
        assert int(number) > 1
        assert same == "True", "the draft is saved just before its revision"


def _check_rejections(environ: dict[str, str], file: Path, tmp_path: Path) -> None:
    taken = manage(environ, "backup", str(file), check=False)
    assert (taken.returncode, "never overwritten" in taken.stderr) == (1, True)

    fresh = {**environ, "PORTAL_DATA_DIR": str(tmp_path / "fresh")}
    with separate_database(fresh):
        missing = manage(fresh, "restore", str(tmp_path / "none.tar"), check=False)
        assert (missing.returncode, "does not exist" in missing.stderr) == (1, True)
        later = manage(fresh, "restore", str(_make_newer_backup(file, tmp_path)), check=False)
        assert (
            later.returncode,
            "a migration that this version does not have (procedures.9999_later)" in later.stderr,
        ) == (1, True)
        assert "Nothing was restored." in later.stderr


def _make_newer_backup(file: Path, tmp_path: Path) -> Path:
    target = tmp_path / "later.tar"
    with tarfile.open(file) as source, tarfile.open(target, "w") as tar:
        for info in source:
            stream = source.extractfile(info)
            if info.name == "manifest.json":
                assert stream
                manifest = json.loads(stream.read())
                manifest["migrations"].append("procedures.9999_later")
                text = json.dumps(manifest).encode()
                info.size = len(text)
                stream = io.BytesIO(text)
            tar.addfile(info, stream)
    return target
