"""Loading a content folder: all or nothing, dry run, progress, and report."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from procedures.importing.content_files import ContentErrors
from procedures.importing.content_folder import load_content_folder
from procedures.models import (
    Clinic,
    ClinicAnswer,
    Figure,
    GlossaryTerm,
    GuideItem,
    ImportedRecord,
    Location,
    Marker,
    Page,
    Source,
)
from tests.importing.conftest import ROWS, change, everything, load_folder, tree

pytestmark = pytest.mark.django_db


def test_a_folder_becomes_rows_and_public_pages(folder: Path) -> None:
    report = load_content_folder(folder)

    assert sorted(report.created) == ROWS
    assert sorted(report.released) == ["/contact/", "/small-cut/", "/visits/first-visit/"]
    assert (report.updated, report.skipped, report.unchanged) == ([], [], 0)
    page = Page.objects.get(subject="small-cut")
    assert page.live_release.is_starter
    assert (page.code, page.lead_figure.slug, page.next_page.subject) == ("23457Z", "needle", "contact")
    assert page.next_label == "Where to find us"
    assert page.body.startswith("::: key-points\n") and page.body.endswith("stages\n")
    item = GuideItem.objects.get()
    assert (item.guide.subject, item.page.subject, item.section, item.minutes) == (
        "first-visit",
        "small-cut",
        "what-it-is",
        5,
    )
    assert [care.key for care in ClinicAnswer.objects.all()] == ["washing", "driving"]
    assert [location.key for location in Location.objects.all()] == ["main", "branch"]
    marker = Marker.objects.get()
    assert (marker.x, marker.target_y, marker.texts.get().label) == (0.2, 0.5, "Tip")
    assert Figure.objects.get().drawing.endswith(".svg")
    assert Clinic.objects.get().texts.get().about == "We are small."


def test_a_second_load_changes_nothing(folder: Path) -> None:
    load_folder(folder)
    rows, files = everything(), tree(folder.parent / "media")

    report = load_content_folder(folder)

    assert (report.created, report.updated, report.skipped, report.released) == ([], [], [], [])
    assert report.unchanged == len(ROWS)
    assert everything() == rows
    assert tree(folder.parent / "media") == files


def test_a_changed_file_updates_its_row_and_publishes_its_page(folder: Path) -> None:
    load_folder(folder)
    change(folder, "pages/en/small-cut.md", "We look after you.", "We are with you.")
    change(folder, "care/en.yaml", "After a day.", "After two days.")

    report = load_content_folder(folder)

    assert sorted(report.updated) == ["care en washing", "page en small-cut"]
    assert report.released == ["/small-cut/"]
    page = Page.objects.get(subject="small-cut")
    # One release with the new answer, and one with the new text.
    assert page.live_release.number == 2
    assert "We are with you." in page.live_release.html
    assert "After two days." in page.live_release.html


def test_a_check_writes_neither_rows_nor_files(folder: Path) -> None:
    before = everything()

    report = load_content_folder(folder, check=True)

    assert sorted(report.created) == ROWS
    assert len(report.released) == 3
    assert everything() == before
    assert not (folder.parent / "media").exists() or tree(folder.parent / "media") == {}


def test_a_check_of_changes_writes_nothing(folder: Path) -> None:
    load_folder(folder)
    before, files = everything(), tree(folder.parent / "media")
    change(folder, "pages/en/small-cut.md", "We look after you.", "We are with you.")
    change(folder, "figures/needle.yaml", "A needle in a bone.", "A needle.")

    report = load_content_folder(folder, check=True)

    assert sorted(report.updated) == ["figure needle", "page en small-cut"]
    assert everything() == before
    assert tree(folder.parent / "media") == files


def test_a_check_reports_what_a_load_would_reject(folder: Path) -> None:
    change(folder, "pages/en/small-cut.md", "[@nice]", "[@none]")

    with pytest.raises(ContentErrors, match="There is no source “none”"):
        load_content_folder(folder, check=True)


def test_progress_is_reported_for_each_row(folder: Path) -> None:
    steps: list[str] = []

    load_content_folder(folder, progress=steps.append)

    assert "reading pages/en/small-cut.md" in steps
    assert "figure needle" in steps
    assert "publishing /small-cut/" in steps


def test_the_command_lists_skipped_rows_and_counts_all(folder: Path) -> None:
    load_folder(folder)
    GlossaryTerm.objects.all().delete()
    out = io.StringIO()

    call_command("load_content", folder, stdout=out)

    assert out.getvalue() == (
        "skipped: term en vertebra: deleted by staff, not created again\n"
        "content: 0 rows created, 0 updated, 13 unchanged, 1 skipped, 0 pages published\n"
    )


def test_if_empty_loads_only_into_a_database_without_pages(folder: Path) -> None:
    call_command("load_content", folder, if_empty=True, stdout=io.StringIO())
    change(folder, "sources.yaml", "A guide", "Other")

    call_command("load_content", folder, if_empty=True, stdout=io.StringIO())

    assert Source.objects.get().title == "A guide"


def test_the_command_prints_only_the_error_lines(folder: Path) -> None:
    change(folder, "sources.yaml", "year: 2013", "year: soon")

    with pytest.raises(CommandError) as refused:
        call_command("load_content", folder)

    assert str(refused.value).startswith(f"{folder}/sources.yaml:4: ")
    assert not ImportedRecord.objects.exists()


def test_a_load_that_fails_after_storing_pictures_leaves_no_files(folder: Path) -> None:
    change(folder, "pages/en/small-cut.md", "::: key-points", "::: no-such-block")

    with pytest.raises(ContentErrors):
        load_content_folder(folder)

    assert [file for file in (folder.parent / "media").rglob("*") if file.is_file()] == []
