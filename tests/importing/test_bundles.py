"""Export and import of bundles: pages arrive as drafts, and malformed or malicious files are refused."""

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

from portal.accounts.models import User
from procedures.importing import bundles
from procedures.importing.bundles import InvalidBundleError, extract_bundle, import_bundle, write_bundle
from procedures.importing.serializers import PageSerializer
from procedures.models import Figure, Marker, Page, Revision, Source
from procedures.publishing.publish import withdraw
from procedures.publishing.review import explain_own_text
from procedures.revisions.drafts import save_revision
from procedures.sharing.short_codes import is_valid_code
from tests.factories import make_clinic, make_draft, make_page, make_public, make_user


@pytest.fixture
def page(db: None) -> Page:
    return make_draft()


def make_bundle(*pages: Page) -> bytes:
    stream = io.BytesIO()
    write_bundle(pages, stream)
    return stream.getvalue()


def database_state() -> dict[str, Any]:
    return {
        "pages": list(Page.objects.order_by("pk").values()),
        "revisions": Revision.objects.count(),
        "figures": list(Figure.objects.order_by("pk").values()),
        "sources": list(Source.objects.order_by("pk").values()),
    }


def import_elsewhere(data: bytes, prepare: Callable[[], None], **options: Any) -> Any:
    """Import a bundle after ``prepare`` has removed the rows that another portal would not have."""
    prepare()
    return import_bundle(io.BytesIO(data), actor=make_user("mia"), check=False, **options)


def test_importing_over_an_outdated_row_does_not_undo_a_withdrawal(page: Page) -> None:
    make_public(page)
    serializer, key = PageSerializer(is_bundle=True), "en small-cut"
    row = serializer.find_row(key)
    assert row is not None
    withdraw(Page.objects.get(pk=page.pk), actor=make_user("max"), reason="Wrong dose.")

    serializer.save_row(key, {**serializer.serialize(row), "title": "Another title"}, row, store_files=False)

    saved = Page.objects.get(pk=page.pk)
    assert (saved.title, saved.live_release, saved.withdrawn_reason) == ("Another title", None, "Wrong dose.")


def test_exporting_the_same_pages_twice_gives_the_same_bytes(page: Page) -> None:
    assert make_bundle(page) == make_bundle(page)


def test_a_bundle_contains_what_the_page_shows_and_no_clinic_data(page: Page) -> None:
    names = zipfile.ZipFile(io.BytesIO(make_bundle(page))).namelist()

    assert names == [
        "figures/needle.png",
        "figures/needle.yaml",
        "pages/en/small-cut.md",
        "sources.yaml",
        "warning_signs.yaml",
        "manifest.json",
    ]


def test_another_portal_gets_the_page_as_a_draft_with_its_picture_and_markers(page: Page) -> None:
    data = make_bundle(page)

    def remove_rows() -> None:
        Page.objects.filter(pk=page.pk).update(subject="kept", slug="kept", lead_figure=None)
        Figure.objects.filter(slug="needle").update(slug="old-needle")
        Source.objects.update(key="old")

    plan = import_elsewhere(data, remove_rows)

    imported = Page.objects.get(subject="small-cut")
    assert [(change.kind, change.key, change.action) for change in plan.changes] == [
        ("source", "nice", "new"),
        ("figure", "needle", "new"),
        ("warning_sign", "Warning signs", "same"),
        ("page", "en small-cut", "new"),
    ]
    assert imported.live_release is None
    assert imported.body == page.body
    assert imported.lead_figure and imported.lead_figure.slug == "needle"
    assert Marker.objects.filter(figure__slug="needle").get().texts.get().label == "Tip"
    assert str(imported.revisions.get().author) == "mia"
    assert imported.events.get().kind == "imported"


def test_an_existing_page_keeps_its_public_text_and_history(page: Page) -> None:
    release = make_public(page)
    page.refresh_from_db()
    page.title = "From over there"
    page.save()
    data = make_bundle(page)
    Page.objects.filter(pk=page.pk).update(title="Ours")
    Source.objects.update(title="Our own words")
    before = Client().get("/small-cut/").content

    plan = import_bundle(io.BytesIO(data), actor=None, check=False)

    page.refresh_from_db()
    assert page.title == "From over there"
    assert page.live_release == release
    assert Client().get("/small-cut/").content == before
    assert Source.objects.get().title == "Our own words"
    assert [(c.kind, c.action) for c in plan.changes] == [
        ("source", "kept"),
        ("figure", "same"),
        ("warning_sign", "same"),
        ("page", "draft"),
    ]
    assert "The public text does not change." in plan.pages[0].note


def test_a_dry_run_changes_nothing_and_predicts_every_change(page: Page) -> None:
    data = make_bundle(page)
    Page.objects.filter(pk=page.pk).update(title="Ours")
    before = database_state()

    dry_run = import_bundle(io.BytesIO(data), actor=None, check=True)

    assert database_state() == before
    assert dry_run.changes == import_bundle(io.BytesIO(data), actor=None, check=False).changes
    assert import_bundle(io.BytesIO(data), actor=None, check=True).pages == []


def test_an_import_bumps_the_draft_version_so_open_editors_report_a_conflict(page: Page) -> None:
    data = make_bundle(page)
    Page.objects.filter(pk=page.pk).update(title="Ours")
    opened = Page.objects.get(pk=page.pk).draft_version

    import_bundle(io.BytesIO(data), actor=None, check=False)

    assert Page.objects.get(pk=page.pk).draft_version == opened + 1


def test_only_the_selected_pages_are_imported(page: Page) -> None:
    other = make_page("other", next_page=page.next_page)
    data = make_bundle(page, other)
    Page.objects.filter(pk__in=[page.pk, other.pk]).update(title="Ours")

    import_bundle(io.BytesIO(data), actor=None, check=False, should_include_page="en other".__eq__)

    assert set(Page.objects.filter(title="Ours").values_list("subject", flat=True)) == {"small-cut"}


def test_links_to_missing_pages_are_dropped_and_reported(page: Page) -> None:
    data = make_bundle(page)
    Page.objects.filter(subject="contact").update(subject="elsewhere")
    Page.objects.filter(pk=page.pk).update(title="Ours")

    plan = import_bundle(io.BytesIO(data), actor=None, check=False)

    assert "Its next step, “contact”, does not exist in this portal." in plan.pages[0].note
    assert Page.objects.get(pk=page.pk).next_page is None


def test_a_page_of_another_kind_is_rejected_and_nothing_changes(page: Page) -> None:
    data = make_bundle(page)
    Page.objects.filter(pk=page.pk).update(kind="about")
    before = database_state()

    with pytest.raises(InvalidBundleError, match="The kind of a page never changes"):
        import_bundle(io.BytesIO(data), actor=None, check=False)

    assert database_state() == before


def test_exporting_an_imported_page_gives_the_same_bundle(page: Page) -> None:
    data = make_bundle(page)
    with transaction.atomic():
        Page.objects.filter(pk=page.pk).update(title="Ours")
        import_bundle(io.BytesIO(data), actor=None, check=False)

    assert make_bundle(Page.objects.get(pk=page.pk)) == data


@pytest.mark.parametrize("code", ["abc234", "QQQQQQ", "22222"])
def test_a_new_page_with_an_unusable_short_code_gets_another(page: Page, code: str) -> None:
    Page.objects.filter(pk=page.pk).update(code=code)
    data = make_bundle(Page.objects.get(pk=page.pk))

    import_elsewhere(data, lambda: Page.objects.filter(pk=page.pk).update(subject="kept", slug="kept", code="23457Z"))

    imported = Page.objects.get(subject="small-cut")
    assert is_valid_code(imported.code)
    assert imported.code != "23457Z"


def test_an_incomplete_draft_of_a_public_page_survives_export_and_import(page: Page) -> None:
    make_public(page)
    values = {"key_message": "", "description": "", "body": "", "next_page": None, "next_label": "Read on"}
    Page.objects.filter(pk=page.pk).update(**values)
    data = make_bundle(Page.objects.get(pk=page.pk))

    import_elsewhere(data, lambda: Page.objects.filter(pk=page.pk).update(subject="kept", slug="kept", code="23457Z"))

    imported = Page.objects.get(subject="small-cut")
    assert imported.live_release is None
    assert {name: getattr(imported, name) for name in values} == values
    assert import_bundle(io.BytesIO(data), actor=None, check=True).pages == []


def test_an_incomplete_draft_becomes_the_draft_of_a_public_page(page: Page) -> None:
    Page.objects.filter(pk=page.pk).update(key_message="")
    data = make_bundle(Page.objects.get(pk=page.pk))
    Page.objects.filter(pk=page.pk).update(key_message="A small cut helps.")
    release = make_public(Page.objects.get(pk=page.pk))

    import_bundle(io.BytesIO(data), actor=None, check=False)

    page.refresh_from_db()
    assert (page.key_message, page.live_release) == ("", release)


def make_zip(files: dict[str, bytes], *, listed: dict[str, bytes] | None = None, **info: Any) -> io.BytesIO:
    """Build a zip with a matching manifest, or one for the files in ``listed``."""
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
def test_an_invalid_member_name_is_rejected(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()

    with pytest.raises(InvalidBundleError, match="does not belong in a bundle|does not match its list"):
        extract_bundle(make_zip({name: b"x"}), inside)

    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_symlink_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError, match="is a link"):
        extract_bundle(make_zip({"sources.yaml": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16), tmp_path)


def test_a_zip_bomb_is_rejected_before_it_is_extracted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAX_MEMBER_BYTES", 100_000)
    bomb = make_zip({"figures/x.png": bytes(3_000_000)})
    assert len(bomb.getvalue()) < 10_000

    with pytest.raises(InvalidBundleError, match="too large"):
        extract_bundle(bomb, tmp_path)

    monkeypatch.setattr(bundles, "MAX_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(InvalidBundleError, match="larger than"):
        extract_bundle(bomb, tmp_path)
    assert list(tmp_path.rglob("*.png")) == []


def test_a_zip_with_a_false_size_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAX_MEMBER_BYTES", 1000)
    stream = make_zip({"sources.yaml": bytes(50_000)})
    # The size in the central directory becomes 10.
    false_size = stream.getvalue().replace((50_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))

    with pytest.raises(InvalidBundleError):
        extract_bundle(io.BytesIO(false_size), tmp_path)


@pytest.mark.parametrize(
    ("files", "listed"),
    [
        ({"sources.yaml": b"[]"}, {}),
        ({}, {"sources.yaml": b"[]"}),
        ({"sources.yaml": b"[]"}, {"sources.yaml": b"[1]"}),
    ],
)
def test_files_must_match_the_manifest(files: Any, listed: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError, match="does not match its list|was changed after"):
        extract_bundle(make_zip(files, listed=listed), tmp_path)


def test_a_list_of_files_with_a_damaged_name_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError, match=r"manifest\.json cannot be read"):
        extract_bundle(make_zip({}, listed={"pages/en/\ud800.md": b""}), tmp_path)


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_a_file_that_is_not_a_zip_is_rejected(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError, match="not a complete bundle"):
        extract_bundle(io.BytesIO(data), tmp_path)


def test_a_truncated_bundle_is_rejected(page: Page, tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError):
        extract_bundle(io.BytesIO(make_bundle(page)[:-200]), tmp_path)


@pytest.mark.django_db
def test_invalid_content_is_reported_with_its_file_and_changes_nothing() -> None:
    make_clinic()
    before = database_state()

    with pytest.raises(InvalidBundleError, match=r"pages/en/x\.md:1: A page must start with fields"):
        import_bundle(make_zip({"pages/en/x.md": b"no front matter"}), actor=None, check=False)

    assert database_state() == before


def test_the_commands_export_and_import(page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pages.zip"
    call_command("export_bundle", file, "en/small-cut")
    Page.objects.filter(pk=page.pk).update(title="Ours")
    call_command("import_bundle", file, check=True)
    assert Page.objects.get(pk=page.pk).title == "Ours"
    call_command("import_bundle", file)

    out = capsys.readouterr().out
    assert Page.objects.get(pk=page.pk).title == "Small cut"
    assert "pages: 1, files: 5, written to" in out
    assert "page en small-cut: becomes the draft." in out
    with pytest.raises(CommandError, match="already exists"):
        call_command("export_bundle", file)
    with pytest.raises(CommandError, match="These pages do not exist: en/nothing"):
        call_command("export_bundle", tmp_path / "b.zip", "en/nothing")


def test_the_writers_of_an_imported_page_cannot_approve_it(page: Page) -> None:
    for author in ("ed", "gone"):
        page.title += " again"
        page.save()
        save_revision(page, author=make_user(author))
    data = make_bundle(page)
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(data)).read("manifest.json"))
    assert manifest["authors"] == {"en small-cut": ["ed", "gone"]}
    Page.objects.filter(pk=page.pk).update(subject="other", slug="other")
    User.objects.filter(username="gone").update(username="else")

    import_bundle(io.BytesIO(data), actor=make_user("mia"), check=False)

    revision = Page.objects.get(subject="small-cut").revisions.get()
    assert revision.copied_authors == [make_user("ed").pk]
    assert [explain_own_text(make_user(name), revision)[:15] for name in ("ed", "mia", "else")] == [
        "You wrote part ",
        "This is your ow",
        "",
    ]
