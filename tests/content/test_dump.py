"""Dump, load, dump: the same bytes, also after staff have been at work."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from procedures.importing.content_files import read_yaml
from procedures.importing.content_folder import dump_content_folder, load_content_folder
from procedures.models import ClinicAnswer, FigureText, GlossaryTerm, Location, Marker, Page
from procedures.yaml_dumper import dump_yaml
from tests.content.conftest import FILES, tree
from tests.factories import make_page


class Undone(Exception):  # noqa: N818 -- not an error
    """Ends a transaction that is not to be kept."""


def loaded_and_dumped(source: Path, target: Path) -> dict[str, bytes]:
    """``source`` loaded into an empty database and written out again; the database is empty afterwards."""
    with pytest.raises(Undone), transaction.atomic():
        load_content_folder(source)
        dump_content_folder(target)
        raise Undone
    assert not Page.objects.exists()
    return tree(target)


@pytest.mark.django_db
def test_dump_load_dump_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first = loaded_and_dumped(folder, tmp_path / "first")

    second = loaded_and_dumped(tmp_path / "first", tmp_path / "second")

    assert first == second
    assert set(first) == {*FILES, "figures/needle.png", "figures/needle.svg"}


@pytest.mark.django_db
def test_a_folder_in_the_form_of_a_dump_comes_back_as_it_was(folder: Path, tmp_path: Path) -> None:
    dumped = loaded_and_dumped(folder, tmp_path / "first")

    before = tree(folder)
    for name in FILES:
        assert dumped[name].decode() == before[name].decode(), name
    assert dumped["figures/needle.svg"] == before["figures/needle.svg"]


ODD = "  “x”: 'y' # { [ ] } @ \\ \t|> & * ! % ` ---\r\nß é 脊 \u00a0 end  "


@pytest.mark.django_db
def test_what_staff_wrote_comes_back_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Undone), transaction.atomic():
        load_content_folder(folder)
        Page.objects.filter(subject="contact").update(
            # A browser sends other line ends, and no last one.
            body="## Where we are\r\n\r\nWe are here.\r\n\r\n::: locations",
            title=" ".join(ODD.split())[:100],
        )
        GlossaryTerm.objects.update(aliases=["x: y", "-a", "yes", "1"], definition=ODD.strip())
        ClinicAnswer.objects.filter(key="washing").update(answer="null", order=7)
        ClinicAnswer.objects.filter(key="driving").update(answer="12:30", order=3)
        Location.objects.filter(key="main").update(order=9, address="1 Street\nDenver, CO\n80202")
        Marker.objects.update(x=0.123456, y=1 / 3)
        FigureText.objects.update(description=f"{ODD.strip()}\n\nTwo.")
        dump_content_folder(tmp_path / "first")
        raise Undone
    first = tree(tmp_path / "first")

    assert loaded_and_dumped(tmp_path / "first", tmp_path / "second") == first
    assert b"\r" not in first["pages/en/contact.md"]


@pytest.mark.django_db
def test_loading_a_dump_into_the_same_database_changes_nothing(folder: Path, tmp_path: Path) -> None:
    load_content_folder(folder)
    dump_content_folder(tmp_path / "first")

    report = load_content_folder(tmp_path / "first")

    assert (report.created, report.updated, report.skipped, report.released) == ([], [], [], [])


@pytest.mark.django_db
def test_two_dumps_of_one_database_are_equal(folder: Path, tmp_path: Path) -> None:
    load_content_folder(folder)
    for name in ("first", "second"):
        call_command("dump_content", tmp_path / name, stdout=io.StringIO())

    assert tree(tmp_path / "first") == tree(tmp_path / "second")


@pytest.mark.django_db
def test_nothing_is_written_into_a_folder_that_holds_something(folder: Path, tmp_path: Path) -> None:
    load_content_folder(folder)
    target = tmp_path / "full"
    target.mkdir()
    (target / "mine.txt").write_text("keep")

    with pytest.raises(CommandError, match="is not empty. Name an empty or new folder."):
        call_command("dump_content", target)

    assert tree(target) == {"mine.txt": b"keep"}


@pytest.mark.django_db
def test_a_dump_where_a_file_stands_is_refused_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(CommandError):
        call_command("dump_content", tmp_path / "file")


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=120)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


@given(data=st.dictionaries(st.sampled_from("abcdef"), VALUES, min_size=1, max_size=5))
def test_the_yaml_form_is_read_back_as_it_was_written(data: dict[str, Any]) -> None:
    text = dump_yaml(data)

    assert without_lines(read_yaml(Path("x"), text)) == data
    assert dump_yaml(without_lines(read_yaml(Path("x"), text))) == text


def without_lines(value: Any) -> Any:
    """The data without the line numbers that the reader adds."""
    if isinstance(value, dict):
        return {name: without_lines(item) for name, item in value.items() if name != "__lines__"}
    return [without_lines(item) for item in value] if isinstance(value, list) else value


@pytest.mark.slow
@pytest.mark.django_db
def test_the_portals_own_content_would_load(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    copy = tmp_path / "content"
    shutil.copytree(settings.CONTENT_DIR, copy)

    report = load_content_folder(copy, check=True)

    assert report.skipped == []
    assert {"/kyphoplasty/", "/vertebroplasty/", "/visits/kyphoplasty-consult/"} <= set(report.released)
    assert connection.in_atomic_block
    assert not Page.objects.exists()


@pytest.mark.django_db
def test_an_unfinished_draft_comes_back_as_a_draft(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Undone), transaction.atomic():
        load_content_folder(folder)
        make_page("half-written", body="", description="To be written.")
        dump_content_folder(tmp_path / "first")
        raise Undone

    load_content_folder(tmp_path / "first")

    assert "public: false" in (tmp_path / "first/pages/en/half-written.md").read_text()
    assert not Page.objects.published().filter(subject="half-written").exists()
    dump_content_folder(tmp_path / "second")
    assert tree(tmp_path / "first") == tree(tmp_path / "second")
