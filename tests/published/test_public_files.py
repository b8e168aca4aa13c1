"""The public media files: current within a second, and never more than is public."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.test import Client

from portal.published.files import PublishedFiles
from portal.storage import media as module
from portal.storage.media import PublicFiles
from procedures.publishing.publish import withdraw
from tests.factories import make_public_page, make_user
from tests.published.fake_site import FakeSite, Machine, eventually

A, B = "figures/aaaaaaaaaaaaaaaaaaaa.png", "figures/bbbbbbbbbbbbbbbbbbbb.png"


def unreachable() -> list[str]:
    raise OperationalError("the database does not answer")


@pytest.fixture
def machine(tmp_path: Path, settings: Any) -> Machine:
    """Return the worker and the files of a site with one public media file."""
    settings.DATA_DIR = tmp_path
    site = FakeSite({"/a/": "A"})
    site.files = {A}
    return Machine(site, tmp_path)


def test_without_a_worker_each_lookup_queries_the_database(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, public = PublicFiles(), {A}
    monkeypatch.setattr(module, "_get_names_function", lambda: lambda: public)

    assert (files.is_public(A), files.is_public(B)) == (True, False)
    public.clear()
    assert not files.is_public(A)


@pytest.mark.django_db
@pytest.mark.usefixtures("_quick_builder")
def test_while_a_worker_writes_the_names_only_unknown_files_query_the_database(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = PublicFiles()
    monkeypatch.setattr(module, "_get_names_function", lambda: lambda: [A, B])
    with machine.working():
        eventually(machine.is_idle)
        assert public.is_public(B), "published a moment ago"
        monkeypatch.setattr(module, "_get_names_function", lambda: unreachable)
        assert public.is_public(A)
        with pytest.raises(OperationalError):
            public.is_public(B)
        machine.site.files = {B}
        machine.site.publish("/a/", "A2")
        eventually(lambda: json.loads(machine.files.media_names.read_text()) == [B])
        assert public.is_public(B)
        with pytest.raises(OperationalError):
            public.is_public(A)


@pytest.mark.django_db
@pytest.mark.usefixtures("_quick_builder")
def test_without_a_worker_the_names_are_trusted_only_without_the_database(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with machine.working():
        eventually(machine.is_idle)
    monkeypatch.setattr(PublishedFiles, "age", lambda self: 60.0)
    public = PublicFiles()
    monkeypatch.setattr(module, "_get_names_function", lambda: unreachable)
    assert public.is_public(A)

    monkeypatch.setattr(module, "_get_names_function", lambda: list)
    assert not public.is_public(A), "withdrawn while no worker was running"

    monkeypatch.setattr(module, "_get_names_function", lambda: unreachable)
    for content in ("{damaged", "", "null", "5", '[["nested"]]'):
        machine.files.media_names.write_text(content)
        with pytest.raises(OperationalError):
            public.is_public(A)
    machine.files.media_names.unlink()
    with pytest.raises(OperationalError):
        public.is_public(A)


@pytest.mark.django_db
@pytest.mark.usefixtures("_quick_builder")
def test_if_the_names_cannot_be_written_the_old_ones_are_not_trusted(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with machine.working():
        eventually(machine.is_idle)
        monkeypatch.setattr("portal.storage.media.atomic_write", full)
        machine.site.files = set()
        machine.site.publish("/a/", "A2")
        eventually(lambda: machine.text("/a/") == "A2")
        assert not machine.files.media_names.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("own_folder")
def test_an_image_is_served_while_its_page_is_public_and_not_by_shared_caches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = make_public_page()
    name = next(f"figures/{file}" for file in default_storage.listdir("figures")[1] if file.endswith(".png"))
    answer = Client().get(f"/media/{name}")
    answer.getvalue()
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "public, max-age=31536000, s-maxage=0, immutable"

    with monkeypatch.context() as patched:
        patched.setattr(module, "_get_names_function", lambda: unreachable)
        assert Client().get(f"/media/{name}").status_code == 503
        assert Client().get("/media/figures/no.html").status_code == 404
    for shown in (page, page.next_page):
        assert shown is not None
        withdraw(shown, actor=make_user(), reason="It was wrong.")
    assert Client().get(f"/media/{name}").status_code == 404
