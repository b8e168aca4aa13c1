"""The public media files of a process: current within a second, and never more than is public."""

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.test import Client

from portal.published.builder import PUBLIC_FILES_NAME, SiteBuilder
from portal.published.files import ResponseFiles
from portal.storage import media as module
from portal.storage.media import PublicFiles
from procedures.publishing.publish import withdraw
from tests.factories import make_public_page, make_user
from tests.published.site_of_pages import Process, Site, eventually

A, B = "figures/aaaaaaaaaaaaaaaaaaaa.png", "figures/bbbbbbbbbbbbbbbbbbbb.png"


def unreachable() -> list[str]:
    raise OperationalError("the database does not answer")


def test_without_a_refresh_thread_each_lookup_queries_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    files, public = PublicFiles(), {A}
    monkeypatch.setattr(module, "_get_names_function", lambda: lambda: public)

    assert (files.is_public(A), files.is_public(B)) == (True, False)
    public.clear()
    assert not files.is_public(A)


def test_with_a_refresh_thread_only_unknown_files_query_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    files = PublicFiles()
    files.refresh([A])
    monkeypatch.setattr(module, "_get_names_function", lambda: lambda: [A, B])
    assert files.is_public(B), "published a moment ago"

    monkeypatch.setattr(module, "_get_names_function", lambda: unreachable)

    assert files.is_public(A)
    with pytest.raises(OperationalError):
        files.is_public(B)
    files.refresh([])
    with pytest.raises(OperationalError):
        files.is_public(A)


def test_after_a_start_the_stored_set_is_trusted_only_without_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = PublicFiles(), PublicFiles()
    before.refresh([A])
    before.store(tmp_path / "set")
    after.load(tmp_path / "set")
    monkeypatch.setattr(module, "_get_names_function", lambda: unreachable)
    assert after.is_public(A)

    monkeypatch.setattr(module, "_get_names_function", lambda: list)

    assert not after.is_public(A), "withdrawn while this process was not running"
    for content in ("{damaged", "", "null", "5", '[["nested"]]'):
        (tmp_path / "set").write_text(content)
        damaged = PublicFiles()
        damaged.load(tmp_path / "set")
        assert not damaged.is_public(A), content


@pytest.mark.django_db
@pytest.mark.usefixtures("_quick_builder")
def test_every_process_detects_publications_and_withdrawals_and_stores_them(tmp_path: Path) -> None:
    site = Site({"/a/": "A"})
    site.files = {A}
    with Process(site, tmp_path).running(refine=True) as one, Process(site, tmp_path).running() as other:
        eventually(lambda: all(A in process.site_builder._public_files._names for process in (one, other)))
        eventually(lambda: (tmp_path / PUBLIC_FILES_NAME).exists())
        site.files = {B}
        site.publish("/a/", "A2")
        eventually(lambda: all(process.site_builder._public_files._names == {B} for process in (one, other)))
        eventually(lambda: (tmp_path / PUBLIC_FILES_NAME).read_text() == f'["{B}"]')
    warm = PublicFiles()
    SiteBuilder(one.application, one.store, ResponseFiles(tmp_path, "another program"), site, warm).load()
    assert warm._names == {B}


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
