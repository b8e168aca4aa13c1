"""Dump → load → dump gives the same bytes, also after staff have edited content."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from procedures.importing.content_files import MAX_INTEGER, ContentErrors, dump_yaml, read_yaml
from procedures.importing.content_folder import dump_content_folder, load_content_folder
from procedures.importing.serializers import PageSerializer
from procedures.models import ClinicAnswer, FigureText, GlossaryTerm, Location, Marker, Page
from procedures.models import Path as PublicPath
from procedures.publishing.publish import withdraw
from tests.factories import BODY, make_page, make_public, make_user
from tests.importing.conftest import FILES, load_folder, tree


class Rollback(Exception):  # noqa: N818 -- control flow, not an error
    """Rolls back a transaction."""


def load_and_dump(source: Path, target: Path) -> dict[str, bytes]:
    """Load ``source`` into an empty database, dump it to ``target``, and roll the database back."""
    with pytest.raises(Rollback), transaction.atomic():
        load_content_folder(source)
        dump_content_folder(target)
        raise Rollback
    assert not Page.objects.exists()
    return tree(target)


@pytest.mark.django_db
def test_dump_load_dump_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first = load_and_dump(folder, tmp_path / "first")

    second = load_and_dump(tmp_path / "first", tmp_path / "second")

    assert first == second
    assert set(first) == {*FILES, "figures/needle.png", "figures/needle.svg"}


@pytest.mark.django_db
def test_an_export_does_not_move_a_marker(folder: Path, tmp_path: Path) -> None:
    load_content_folder(folder)
    Marker.objects.update(x=0.123456, outline=[[0.1, 0.2], [0.3, 0.4], [0.567891, 0.6]], shape="polygon")

    dump_content_folder(tmp_path / "first")
    (marker,) = read_yaml(tmp_path / "first" / "figures" / "needle.yaml")["markers"]

    assert marker["at"][0] == 0.123456
    assert marker["outline"][2] == [0.567891, 0.6]


@pytest.mark.django_db
def test_load_and_dump_of_a_folder_in_dump_format_is_byte_identical(folder: Path, tmp_path: Path) -> None:
    dumped = load_and_dump(folder, tmp_path / "first")

    before = tree(folder)
    for name in FILES:
        assert dumped[name].decode() == before[name].decode(), name
    assert dumped["figures/needle.svg"] == before["figures/needle.svg"]


@pytest.mark.django_db
def test_only_free_shapes_keep_corners_after_dump_and_load(folder: Path, tmp_path: Path) -> None:
    file = folder / "figures" / "needle.yaml"
    assert "outline" not in load_and_dump(folder, tmp_path / "none")["figures/needle.yaml"].decode()
    corners = "shape: polygon\n  outline: [[0.4, 0.4], [0.8, 0.4], [0.6, 0.8]]\n"
    file.write_text(file.read_text().replace("shape: point\n", corners, 1))

    first = load_and_dump(folder, tmp_path / "first")
    second = load_and_dump(tmp_path / "first", tmp_path / "second")

    assert read_yaml(tmp_path / "first" / "figures" / "needle.yaml")["markers"][0]["outline"] == [
        [0.4, 0.4],
        [0.8, 0.4],
        [0.6, 0.8],
    ]
    assert first == second


@pytest.mark.django_db
def test_the_logo_and_the_colors_of_the_clinic_survive_dump_and_load(folder: Path, tmp_path: Path) -> None:
    png = io.BytesIO()
    Image.new("RGB", (300, 100), "#1a5276").save(png, "PNG")
    (folder / "clinic-logo.png").write_bytes(png.getvalue())
    with (folder / "clinic.yaml").open("a") as stream:
        stream.write("color: '#1a5276'\nlogo_has_name: true\n")

    first = load_and_dump(folder, tmp_path / "first")
    second = load_and_dump(tmp_path / "first", tmp_path / "second")

    assert first == second
    assert b"color: '#1a5276'" in first["clinic.yaml"]
    with Image.open(io.BytesIO(first["clinic-logo.png"])) as stored:
        assert stored.size == (300, 100)


UNUSUAL_TEXT = "  “x”: 'y' # { [ ] } @ \\ \t|> & * ! % ` ---\r\nß é 脊 \u00a0 end  "


@pytest.mark.django_db
def test_edits_by_staff_survive_dump_and_load_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Rollback), transaction.atomic():
        load_content_folder(folder)
        Page.objects.filter(subject="contact").update(
            # Browsers send \r\n line endings, and none at the end.
            body="## Where we are\r\n\r\nWe are here.\r\n\r\n::: locations",
            title=" ".join(UNUSUAL_TEXT.split())[:100],
        )
        GlossaryTerm.objects.update(aliases=["x: y", "-a", "yes", "1"], definition=UNUSUAL_TEXT.strip())
        ClinicAnswer.objects.filter(key="washing").update(answer="null", order=7)
        ClinicAnswer.objects.filter(key="driving").update(answer="12:30", order=3)
        Location.objects.filter(key="main").update(order=9, address="1 Street\nDenver, CO\n80202")
        Marker.objects.update(x=0.123456, y=1 / 3)
        FigureText.objects.update(description=f"{UNUSUAL_TEXT.strip()}\n\nTwo.")
        dump_content_folder(tmp_path / "first")
        raise Rollback
    first = tree(tmp_path / "first")

    assert load_and_dump(tmp_path / "first", tmp_path / "second") == first
    assert b"\r" not in first["pages/en/contact.md"]


@pytest.mark.django_db
def test_loading_a_dump_into_the_same_database_changes_nothing(folder: Path, tmp_path: Path) -> None:
    load_folder(folder)
    dump_content_folder(tmp_path / "first")

    report = load_content_folder(tmp_path / "first")

    assert (report.created, report.updated, report.skipped, report.released) == ([], [], [], [])


@pytest.mark.django_db
def test_two_dumps_of_one_database_are_identical(folder: Path, tmp_path: Path) -> None:
    load_folder(folder)
    for name in ("first", "second"):
        call_command("dump_content", tmp_path / name, stdout=io.StringIO())

    assert tree(tmp_path / "first") == tree(tmp_path / "second")


@pytest.mark.django_db
def test_a_dump_into_a_nonempty_folder_is_rejected(folder: Path, tmp_path: Path) -> None:
    load_folder(folder)
    target = tmp_path / "full"
    target.mkdir()
    (target / "mine.txt").write_text("keep")

    with pytest.raises(CommandError, match="is not empty. Choose an empty or new folder."):
        call_command("dump_content", target)

    assert tree(target) == {"mine.txt": b"keep"}


@pytest.mark.django_db
def test_a_dump_to_the_path_of_a_file_is_rejected(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(CommandError):
        call_command("dump_content", tmp_path / "file")


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=120)
VALUES = st.recursive(
    st.one_of(
        TEXTS, st.integers(-MAX_INTEGER, MAX_INTEGER), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


@given(data=st.dictionaries(st.sampled_from("abcdef"), VALUES, min_size=1, max_size=5))
def test_dumped_yaml_is_read_back_unchanged(data: dict[str, Any]) -> None:
    text = dump_yaml(data)

    assert without_lines(read_yaml(Path("x"), text)) == data
    assert dump_yaml(without_lines(read_yaml(Path("x"), text))) == text


def without_lines(value: Any) -> Any:
    """Return the data without the line numbers that ``read_yaml`` adds."""
    if isinstance(value, dict):
        return {name: without_lines(item) for name, item in value.items() if name != "__lines__"}
    return [without_lines(item) for item in value] if isinstance(value, list) else value


@pytest.mark.slow
@pytest.mark.django_db
def test_a_check_of_the_starter_content_passes(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    copy = tmp_path / "content"
    shutil.copytree(settings.CONTENT_DIR, copy)

    report = load_content_folder(copy, check=True)

    assert report.skipped == []
    assert {"/kyphoplasty/", "/vertebroplasty/", "/visits/kyphoplasty-consult/"} <= set(report.released)
    assert connection.in_atomic_block
    assert not Page.objects.exists()


@pytest.mark.django_db
def test_an_unpublished_draft_stays_a_draft_after_dump_and_load(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Rollback), transaction.atomic():
        load_content_folder(folder)
        make_page("half-written", body="", description="To be written.")
        dump_content_folder(tmp_path / "first")
        raise Rollback

    load_content_folder(tmp_path / "first")

    assert "public: false" in (tmp_path / "first/pages/en/half-written.md").read_text()
    assert not Page.objects.published().filter(subject="half-written").exists()
    dump_content_folder(tmp_path / "second")
    assert tree(tmp_path / "first") == tree(tmp_path / "second")


def change_public_pages() -> dict[str, tuple[int, str]]:
    """Rename, withdraw, and replace pages; return the response and the target of every address that was ever public."""
    small_cut, contact = Page.objects.get(subject="small-cut"), Page.objects.get(subject="contact")
    for slug in ("tiny-cut", "little-cut"):
        small_cut.refresh_from_db()
        small_cut.slug = slug
        small_cut.save()
        make_public(small_cut)
    old = make_page("old-way", title="The old way", body=f"{BODY}\n[A small cut](page:small-cut)\n", next_page=contact)
    make_public(old)
    contact.body += "\nHow it was: [the old way](page:old-way)\n"
    contact.save()
    make_public(contact)
    old.refresh_from_db()
    old.slug = "former-way"
    old.save()
    make_public(old)
    withdraw(old, actor=make_user("max"), reason="We no longer do this.", replaced_by=small_cut)
    return answers(Client(), [*PublicPath.objects.values_list("path", flat=True), f"/p/{old.code}"])


def answers(client: Client, paths: list[str]) -> dict[str, tuple[int, str]]:
    found = {path: client.get(path) for path in paths}
    return {path: (answer.status_code, answer.headers.get("Location", "")) for path, answer in found.items()}


@pytest.mark.django_db
def test_every_address_that_was_ever_public_survives_dump_and_load(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Rollback), transaction.atomic():
        load_content_folder(folder)
        before = change_public_pages()
        notes = dump_content_folder(tmp_path / "first")
        raise Rollback

    load_content_folder(tmp_path / "first")

    assert before["/small-cut/"] == before["/tiny-cut/"] == (301, "/little-cut/")
    assert before["/old-way/"] == before["/former-way/"] == (410, "")
    assert [note for note in notes if note.startswith("page en old-way")] == []
    assert answers(Client(), list(before)) == before
    gone = Client().get("/old-way/").content.decode()
    assert "The old way" in gone
    assert "We no longer do this." in gone
    assert '<a href="/little-cut/">' in gone
    dump_content_folder(tmp_path / "second")
    assert tree(tmp_path / "first") == tree(tmp_path / "second")
    report = load_content_folder(tmp_path / "first")
    assert (report.created, report.updated, report.skipped, report.released) == ([], [], [], [])


@pytest.mark.django_db
def test_a_file_without_former_addresses_forgets_none(folder: Path) -> None:
    load_content_folder(folder)
    file = folder / "pages" / "en" / "small-cut.md"
    file.write_text(file.read_text().replace("slug: small-cut", "slug: tiny-cut"))

    assert load_content_folder(folder).updated == ["page en small-cut"]
    assert load_content_folder(folder).updated == []

    assert answers(Client(), ["/small-cut/"]) == {"/small-cut/": (301, "/tiny-cut/")}


@pytest.mark.django_db
def test_former_addresses_and_withdrawals_that_cannot_be_kept_are_errors(folder: Path) -> None:
    file = folder / "pages" / "en" / "small-cut.md"
    text = file.read_text()
    for lines, message in {
        "former_addresses: [/contact/]": "The web address /contact/ belongs to “Small cut”.",
        "former_addresses: [/search/]": "“/search/” cannot be the address of a page.",
        "former_addresses: ['//evil.example/']": "cannot be the address of a page.",
        "former_addresses: [/a/b/c/]": "cannot be the address of a page.",
        "former_addresses: [7]": "“7” cannot be the address of a page.",
        "former_addresses: [/old/]\npublic: false": "Only a page that is public or was withdrawn has former addresses.",
        "withdrawn: {reason: Old.}": "A withdrawn page has public: false.",
        "withdrawn: {replaced_by: contact}\npublic: false": "The field “reason” is missing.",
        "withdrawn: {reason: Old., replaced_by: nothing}\npublic: false": "There is no page “nothing”",
        "withdrawn: {reason: Old., replaced_by: small-cut}\npublic: false": "must be a different, public page",
    }.items():
        file.write_text(text.replace("code: 23457Z", f"code: 23457Z\n{lines}"))
        with pytest.raises(ContentErrors) as refused:
            load_content_folder(folder)
        assert message in str(refused.value), lines
        assert "small-cut.md" in str(refused.value) or "contact.md" in str(refused.value)
        assert not Page.objects.exists()
        assert not PublicPath.objects.exists()


@pytest.mark.django_db
def test_an_address_of_another_page_is_refused(folder: Path) -> None:
    load_content_folder(folder)
    file = folder / "pages" / "en" / "small-cut.md"
    file.write_text(file.read_text().replace("code: 23457Z", "code: 23457Z\nformer_addresses: [/contact/]"))

    with pytest.raises(ContentErrors) as refused:
        load_content_folder(folder)

    assert "small-cut.md:7: /contact/ is or was the address of the page “Contact (en)”." in str(refused.value)


@pytest.mark.django_db
def test_a_bundle_has_no_addresses_of_the_other_portal(folder: Path, tmp_path: Path) -> None:
    load_content_folder(folder)
    change_public_pages()

    PageSerializer(is_bundle=True).write_files(tmp_path)

    text = "".join(file.read_text() for file in tmp_path.rglob("*.md"))
    assert "subject: old-way" in text
    assert not any(word in text for word in ("former_addresses", "withdrawn", "/small-cut/", "We no longer do this."))
