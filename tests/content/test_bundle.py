"""Pages from one portal to another: as drafts, looked at first, and whatever the file is, nothing escapes it."""

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from procedures.importing import bundle_import as unpacking
from procedures.importing.bundle_export import write_bundle
from procedures.importing.bundle_import import InvalidBundleError, extract_bundle, import_bundle
from procedures.models import Figure, Marker, Page, Revision, Source
from tests.factories import make_clinic, make_next, make_page, make_public, make_user


@pytest.fixture
def page(db: None) -> Page:
    make_clinic()
    return make_page(next_page=make_next())


def packed(*pages: Page) -> bytes:
    stream = io.BytesIO()
    write_bundle(pages, stream)
    return stream.getvalue()


def state() -> dict[str, Any]:
    return {
        "pages": list(Page.objects.order_by("pk").values()),
        "revisions": Revision.objects.count(),
        "figures": list(Figure.objects.order_by("pk").values()),
        "sources": list(Source.objects.order_by("pk").values()),
    }


def elsewhere(data: bytes, prepare: Callable[[], None], **options: Any) -> Any:
    """Import it into a portal that ``prepare`` has emptied."""
    prepare()
    return import_bundle(io.BytesIO(data), actor=make_user("mia"), check=False, **options)


def test_the_same_pages_give_the_same_bytes(page: Page) -> None:
    assert packed(page) == packed(page)


def test_a_bundle_holds_what_the_page_shows_and_nothing_of_the_clinic(page: Page) -> None:
    names = zipfile.ZipFile(io.BytesIO(packed(page))).namelist()

    assert names == [
        "figures/needle.png",
        "figures/needle.yaml",
        "pages/en/small-cut.md",
        "sources.yaml",
        "manifest.json",
    ]


def test_another_portal_gets_the_page_as_a_draft_with_its_picture_and_marks(page: Page) -> None:
    data = packed(page)

    def empty() -> None:
        Page.objects.filter(pk=page.pk).update(subject="kept", slug="kept", lead_figure=None)
        Figure.objects.filter(slug="needle").update(slug="old-needle")
        Source.objects.update(key="old")

    plan = elsewhere(data, empty)

    came = Page.objects.get(subject="small-cut")
    assert [(change.kind, change.key, change.what) for change in plan.changes] == [
        ("source", "nice", "new"),
        ("figure", "needle", "new"),
        ("page", "en small-cut", "new"),
    ]
    assert came.live_release is None
    assert came.body == page.body
    assert came.lead_figure and came.lead_figure.slug == "needle"
    assert Marker.objects.filter(figure__slug="needle").get().texts.get().label == "Tip"
    assert str(came.revisions.get().author) == "mia"
    assert came.events.get().kind == "imported"


def test_a_page_that_is_here_keeps_its_public_text_and_its_history(page: Page) -> None:
    release = make_public(page)
    page.refresh_from_db()
    page.title = "From over there"
    page.save()
    data = packed(page)
    Page.objects.filter(pk=page.pk).update(title="Ours")
    Source.objects.update(title="Our own words")
    before = Client().get("/small-cut/").content

    plan = import_bundle(io.BytesIO(data), actor=None, check=False)

    page.refresh_from_db()
    assert page.title == "From over there"
    assert page.live_release == release
    assert Client().get("/small-cut/").content == before
    assert Source.objects.get().title == "Our own words"
    assert [(c.kind, c.action) for c in plan.changes] == [("source", "kept"), ("figure", "same"), ("page", "draft")]
    assert "Patients read what they read now." in plan.pages[0].note


def test_a_look_changes_nothing_and_foretells_all(page: Page) -> None:
    data = packed(page)
    Page.objects.filter(pk=page.pk).update(title="Ours")
    before = state()

    looked = import_bundle(io.BytesIO(data), actor=None, check=True)

    assert state() == before
    assert looked.changes == import_bundle(io.BytesIO(data), actor=None, check=False).changes
    assert import_bundle(io.BytesIO(data), actor=None, check=True).pages == []


def test_an_open_editor_is_told_of_an_import(page: Page) -> None:
    data = packed(page)
    Page.objects.filter(pk=page.pk).update(title="Ours")
    opened = Page.objects.get(pk=page.pk).draft_version

    import_bundle(io.BytesIO(data), actor=None, check=False)

    assert Page.objects.get(pk=page.pk).draft_version == opened + 1


def test_only_the_chosen_pages_come_in(page: Page) -> None:
    other = make_page("other", next_page=page.next_page)
    data = packed(page, other)
    Page.objects.filter(pk__in=[page.pk, other.pk]).update(title="Ours")

    import_bundle(io.BytesIO(data), actor=None, check=False, is_wanted="en other".__eq__)

    assert set(Page.objects.filter(title="Ours").values_list("subject", flat=True)) == {"small-cut"}


def test_what_a_page_leads_to_and_is_not_here_is_left_out_and_told(page: Page) -> None:
    data = packed(page)
    Page.objects.filter(subject="contact").update(subject="elsewhere")
    Page.objects.filter(pk=page.pk).update(title="Ours")

    plan = import_bundle(io.BytesIO(data), actor=None, check=False)

    assert "Its next step “contact” is not here" in plan.pages[0].note
    assert Page.objects.get(pk=page.pk).next_page is None


def test_a_page_of_another_kind_is_refused_whole(page: Page) -> None:
    data = packed(page)
    Page.objects.filter(pk=page.pk).update(kind="about")
    before = state()

    with pytest.raises(InvalidBundleError, match="Its kind never changes"):
        import_bundle(io.BytesIO(data), actor=None, check=False)

    assert state() == before


def test_there_and_back_is_the_same(page: Page) -> None:
    data = packed(page)
    with transaction.atomic():
        Page.objects.filter(pk=page.pk).update(title="Ours")
        import_bundle(io.BytesIO(data), actor=None, check=False)

    assert packed(Page.objects.get(pk=page.pk)) == data


def forged(files: dict[str, bytes], *, listed: dict[str, bytes] | None = None, **info: Any) -> io.BytesIO:
    """A zip with a manifest that fits, unless ``listed`` says otherwise."""
    stream = io.BytesIO()
    rows = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in (files if listed is None else listed).items()
    ]
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for field, value in info.items():
                setattr(entry, field, value)
            bundle.writestr(entry, data)
        manifest = {"format": "plainspine-bundle", "version": 1, "files": rows}
        bundle.writestr("manifest.json", json.dumps(manifest))
    stream.seek(0)
    return stream


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "pages/en/../../../x.md", "pages\\en\\x.md", "C:/x.md", "pages/en/x.md\x00.png",
        "figures/.hidden.png", "pages/en/", "figures/x.svg/y.png", "clinic.yaml", "care/en.yaml", "pages/en/X.md",
        "figures/x.py", "pages/en/x.md\n",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()

    with pytest.raises(InvalidBundleError, match="does not belong in one|do not agree"):
        extract_bundle(forged({name: b"x"}), inside)

    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError, match="is a link"):
        extract_bundle(forged({"sources.yaml": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16), tmp_path)


def test_a_bomb_is_stopped_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_MEMBER_BYTES", 100_000)
    bomb = forged({"figures/x.png": bytes(3_000_000)})
    assert len(bomb.getvalue()) < 10_000

    with pytest.raises(InvalidBundleError, match="too large"):
        extract_bundle(bomb, tmp_path)

    monkeypatch.setattr(unpacking, "MAX_BUNDLE_BYTES", 1_000_000)
    with pytest.raises(InvalidBundleError, match="larger than"):
        extract_bundle(bomb, tmp_path)
    assert list(tmp_path.rglob("*.png")) == []


def test_a_zip_that_lies_about_its_size_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_MEMBER_BYTES", 1000)
    stream = forged({"sources.yaml": bytes(50_000)})
    # The size in the central directory becomes 10.
    lying = stream.getvalue().replace((50_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))

    with pytest.raises(InvalidBundleError):
        extract_bundle(io.BytesIO(lying), tmp_path)


@pytest.mark.parametrize(
    ("files", "listed"),
    [
        ({"sources.yaml": b"[]"}, {}),
        ({}, {"sources.yaml": b"[]"}),
        ({"sources.yaml": b"[]"}, {"sources.yaml": b"[1]"}),
    ],
)
def test_files_and_list_must_agree(files: Any, listed: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError, match="do not agree|was changed on its way"):
        extract_bundle(forged(files, listed=listed), tmp_path)


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_zip_is_told(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError, match="not a whole bundle"):
        extract_bundle(io.BytesIO(data), tmp_path)


def test_a_file_that_was_cut_off_is_told(page: Page, tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError):
        extract_bundle(io.BytesIO(packed(page)[:-200]), tmp_path)


@pytest.mark.django_db
def test_broken_content_names_its_file_and_changes_nothing() -> None:
    make_clinic()
    before = state()

    with pytest.raises(InvalidBundleError, match=r"pages/en/x\.md:1: A page starts with fields"):
        import_bundle(forged({"pages/en/x.md": b"no front matter"}), actor=None, check=False)

    assert state() == before


def test_the_commands_do_the_same(page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pages.zip"
    call_command("export_bundle", file, "en/small-cut")
    Page.objects.filter(pk=page.pk).update(title="Ours")
    call_command("import_bundle", file, check=True)
    assert Page.objects.get(pk=page.pk).title == "Ours"
    call_command("import_bundle", file)

    out = capsys.readouterr().out
    assert Page.objects.get(pk=page.pk).title == "Small cut"
    assert "1 pages, 4 files written" in out
    assert "page en small-cut: becomes the draft." in out
    with pytest.raises(CommandError, match="already exists"):
        call_command("export_bundle", file)
    with pytest.raises(CommandError, match="There is no page en/nothing"):
        call_command("export_bundle", tmp_path / "b.zip", "en/nothing")
