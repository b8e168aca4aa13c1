"""Loading a content folder never overwrites what staff have changed, created, deleted, or approved."""

from pathlib import Path

import pytest

from procedures.enums import Decision
from procedures.importing.content_folder import load_content_folder
from procedures.models import Clinic, ClinicAnswer, GlossaryTerm, Location, Marker, Page, Source
from procedures.publishing.publish import publish
from procedures.publishing.review import record_decision
from procedures.revisions.drafts import save_revision
from tests.factories import make_user
from tests.importing.conftest import ROWS, change, everything, load_folder

pytestmark = pytest.mark.django_db

CHANGED_BY_STAFF = {
    "clinic clinic": lambda: Clinic.objects.update(phone="+1 303-555-0177"),
    "source nice": lambda: Source.objects.update(title="Staff's title"),
    "term en vertebra": lambda: GlossaryTerm.objects.update(definition="Staff's words."),
    "care en driving": lambda: ClinicAnswer.objects.filter(key="driving").update(answer="Staff's answer."),
    "location main": lambda: Location.objects.filter(key="main").update(phone="+1 303-555-0177"),
    "figure needle": lambda: Marker.objects.update(x=0.33),
    "page en contact": lambda: Page.objects.filter(subject="contact").update(title="Staff's title"),
}
CHANGED_IN_FILE = {
    "clinic clinic": ("clinic.yaml", "0100", "0188"),
    "source nice": ("sources.yaml", "A guide", "File's title"),
    "term en vertebra": ("glossary/en.yaml", "A bone of the spine.", "File's words."),
    "care en driving": ("care/en.yaml", "After a week.", "File's answer."),
    "location main": ("locations.yaml", "0100", "0188"),
    "figure needle": ("figures/needle.yaml", "at: [0.2, 0.2]", "at: [0.4, 0.4]"),
    "page en contact": ("pages/en/contact.md", "title: Contact", "title: File's title"),
}


@pytest.mark.parametrize("row", CHANGED_BY_STAFF)
def test_rows_changed_by_staff_are_skipped_and_reported(folder: Path, row: str) -> None:
    load_folder(folder)
    CHANGED_BY_STAFF[row]()
    before = everything()
    change(folder, *CHANGED_IN_FILE[row])

    report = load_content_folder(folder)

    # A location with the clinic's phone number follows the clinic.
    rows = [row, "location main"] if row == "clinic clinic" else [row]
    assert report.skipped == [f"{one}: changed by staff, not overwritten" for one in rows]
    assert (report.updated, report.created, report.released) == ([], [], [])
    assert everything() == before


@pytest.mark.parametrize("row", CHANGED_BY_STAFF)
def test_rows_changed_only_in_the_file_are_updated(folder: Path, row: str) -> None:
    load_folder(folder)
    change(folder, *CHANGED_IN_FILE[row])

    assert load_content_folder(folder).updated == [row]
    again = load_content_folder(folder)
    # The location has followed the clinic; its file still has the old number, which is not loaded.
    assert again.skipped == (["location main: changed by staff, not overwritten"] if row == "clinic clinic" else [])
    assert again.unchanged == len(ROWS) - len(again.skipped)


def test_rows_created_by_staff_are_skipped(folder: Path) -> None:
    Source.objects.create(key="nice", organisation="Staff", title="Ours")

    report = load_content_folder(folder)

    assert report.skipped == ["source nice: changed by staff, not overwritten"]
    assert Source.objects.get().organisation == "Staff"


def test_rows_deleted_by_staff_are_not_created_again(folder: Path) -> None:
    load_folder(folder)
    GlossaryTerm.objects.all().delete()
    change(folder, "glossary/en.yaml", "A bone of the spine.", "File's words.")

    report = load_content_folder(folder)

    assert report.skipped == ["term en vertebra: deleted by staff, not created again"]
    assert not GlossaryTerm.objects.exists()


def test_an_approved_text_stays_public_until_the_draft_is_published(folder: Path) -> None:
    load_folder(folder)
    page = Page.objects.get(subject="small-cut")
    revision = save_revision(page, author=make_user("ed"))
    record_decision(revision, reviewer=make_user("rita"), decision=Decision.APPROVED)
    release = publish(revision, actor=make_user("max"))
    change(folder, "pages/en/small-cut.md", "We look after you.", "We are with you.")

    report = load_content_folder(folder)

    assert report.skipped == [
        "page en small-cut: draft updated; the approved text stays public until the draft is published"
    ]
    page = Page.objects.get(subject="small-cut")
    assert page.live_release == release
    assert "We are with you." in page.body
