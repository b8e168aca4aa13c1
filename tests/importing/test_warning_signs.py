"""``warning_signs.yaml`` in content folders and bundles; a file never changes an approved list."""

import io
from pathlib import Path
from typing import Any

import pytest

from procedures.enums import EventKind
from procedures.importing.bundles import import_bundle, write_bundle
from procedures.importing.content_files import ContentErrors
from procedures.importing.content_folder import dump_content_folder, load_content_folder
from procedures.models import Page, WarningSign, WarningSignRevision
from procedures.publishing import warning_signs
from tests.factories import make_clinic, make_next, make_page, make_sign, make_source, make_user
from tests.importing.conftest import change, everything

pytestmark = pytest.mark.django_db
SIGNS = """\
- key: weak-leg
  level: emergency
  when: both
  sources:
  - nice
  text:
    en:
      text: One leg is newly weak.
      short: A weak leg
    es:
      text: Tiene una pierna débil.
      short: Una pierna débil
- key: fever
  level: now
  when: after
  sources: []
  text:
    en:
      text: You have a fever.
      short: ''
    es:
      text: Tiene fiebre.
      short: ''
"""
FILE = "warning_signs.yaml"


@pytest.fixture
def signs(folder: Path) -> Path:
    """The folder with two warning signs, which one page prints."""
    (folder / FILE).write_text(SIGNS, encoding="utf-8")
    change(folder, "pages/en/small-cut.md", "::: series stages", "::: series stages\n\n::: warning-signs both")
    return folder


def page_html() -> str:
    page = Page.objects.select_related("live_release").get(subject="small-cut", language="en")
    return page.live_release.html if page.live_release else ""


def approve_list() -> None:
    newest = warning_signs.latest_revision()
    assert newest is not None
    warning_signs.record_list_decision(newest, reviewer=make_user("rita"), approved=True)
    warning_signs.publish_list(newest, actor=make_user("max"))


def test_load_and_dump_is_byte_identical(signs: Path, tmp_path: Path) -> None:
    load_content_folder(signs)
    dump_content_folder(tmp_path / "first")

    assert (tmp_path / "first" / FILE).read_text(encoding="utf-8") == SIGNS
    assert load_content_folder(tmp_path / "first").updated == []


def test_a_loaded_list_is_a_starter_list_pending_review(signs: Path) -> None:
    load_content_folder(signs)
    newest = warning_signs.pending_revision()

    assert newest is not None and newest.content == warning_signs.get_live_list()
    assert "First version of this list, not yet reviewed" in page_html()


def test_a_second_load_changes_nothing(signs: Path) -> None:
    load_content_folder(signs)
    before = everything()

    report = load_content_folder(signs)

    assert (report.created, report.updated, report.skipped) == ([], [], [])
    assert everything() == before


def test_a_new_starter_list_updates_pages_whose_own_files_did_not_change(signs: Path) -> None:
    load_content_folder(signs)
    change(signs, FILE, "One leg is newly weak.", "One leg or both legs are newly weak.")

    report = load_content_folder(signs)

    assert report.updated == ["warning_sign weak-leg"]
    assert "One leg or both legs are newly weak." in page_html()
    assert WarningSignRevision.objects.count() == 2


def test_an_approved_list_is_never_changed_from_a_folder(signs: Path) -> None:
    load_content_folder(signs)
    approve_list()
    before = everything()
    change(signs, FILE, "level: now", "level: hours")
    change(signs, FILE, "- key: fever", "- key: heat")

    report = load_content_folder(signs)

    assert report.skipped == ["warning_sign heat: the approved list is kept; propose the change under Warning signs"]
    assert everything() == before


def test_a_list_that_staff_sent_for_review_is_not_replaced_from_a_folder(signs: Path) -> None:
    load_content_folder(signs)
    newest = warning_signs.latest_revision()
    content = warning_signs.get_live_list()
    content[0]["text"]["en"]["text"] = "One leg is weak today."
    proposed = warning_signs.propose_list(
        content, author=make_user("nina"), expected_number=newest.number if newest else 0
    )
    before = everything()
    change(signs, FILE, "One leg is newly weak.", "One leg or both legs are newly weak.")

    report = load_content_folder(signs)

    reason = "a list by your staff is in review; propose the change under Warning signs"
    assert report.skipped == [f"warning_sign weak-leg: {reason}"]
    assert warning_signs.pending_revision() == proposed
    assert everything() == before


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("level: now", "level: soon", f"{FILE}:14: level: Value 'soon' is not a valid choice."),
        ("when: after", "when: later", f"{FILE}:15: when: Value 'later' is not a valid choice."),
        ("  - nice", "  - none", f"{FILE}:4: There is no source “none”."),
        ("      text: Tiene fiebre.\n", "      text: ''\n", f"{FILE}:17: “fever” has no text in Español."),
        ("      short: A weak leg", "      short: ''", f"{FILE}:6: “weak-leg” has no short form in English"),
        ("You have a fever.", "word " * 26, f"{FILE}:17: “fever”, English: A warning sign has at most 25 words"),
        ("You have a fever.", "One leg is newly weak.", f"{FILE}:1: Two signs have the same text in English"),
        (
            "level: emergency",
            "level: now",
            f"{FILE}:1: The list has no emergency sign for “After a procedure”. Add one.",
        ),
    ],
)
def test_errors_in_the_list_name_file_and_line(signs: Path, old: str, new: str, error: str) -> None:
    before = everything()
    change(signs, FILE, old, new)

    with pytest.raises(ContentErrors) as refused:
        load_content_folder(signs)

    assert any(error in str(one) for one in refused.value.errors), str(refused.value)
    assert everything() == before


def test_a_page_with_its_own_list_is_reported_with_file_line_and_fix(signs: Path) -> None:
    change(signs, "pages/en/small-cut.md", "We look after you.", "Call us today if a leg is weak.")

    with pytest.raises(ContentErrors) as refused:
        load_content_folder(signs, check=True)

    (error,) = map(str, refused.value.errors)
    assert "small-cut.md:22: This text says what to do about warning signs (weak legs)." in error
    assert error.endswith("Use ::: warning-signs both instead.")


def make_bundle() -> bytes:
    """Export a page that prints the list."""
    make_clinic()
    make_source("cdc")
    make_sign("weak-leg", "emergency", sources=["cdc"])
    page = make_page(next_page=make_next(), body="## Help\n\n::: warning-signs both\n")
    stream = io.BytesIO()
    write_bundle([page], stream)
    return stream.getvalue()


def import_actions(data: bytes) -> dict[str, tuple[str, str]]:
    plan = import_bundle(io.BytesIO(data), actor=make_user("mia"), check=False)
    return {change.key: (change.action, change.note) for change in plan.changes}


def test_a_portal_without_a_list_imports_it_as_starter_list() -> None:
    data = make_bundle()
    WarningSign.objects.all().delete()

    assert import_actions(data)["Warning signs"] == ("new", "")
    assert WarningSign.objects.get().sources == ["cdc"]
    assert not warning_signs.has_published_list()


def test_a_portal_with_a_list_keeps_it_and_reviews_the_imported_one() -> None:
    data = make_bundle()
    WarningSign.objects.update(level="now")
    make_sign("stroke", "emergency")
    approved = warning_signs.record_starter_list()
    warning_signs.record_list_decision(approved, reviewer=make_user("rita"), approved=True)
    warning_signs.publish_list(approved, actor=make_user("max"))
    before = warning_signs.get_live_list()

    change = import_actions(data)["Warning signs"]

    pending: Any = warning_signs.pending_revision()
    assert change == ("kept", "The list in this portal is kept. The other list is waiting for review.")
    assert warning_signs.get_live_list() == before
    assert [row["level"] for row in pending.content] == ["emergency"]
    assert [event.kind for event in pending.events.all()] == [EventKind.SUBMITTED]
