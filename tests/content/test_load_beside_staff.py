"""The content folder where staff are at work: what they changed, made, deleted or approved is left as it is."""

from pathlib import Path

import pytest

from procedures.enums import Decision
from procedures.importing.content_folder import load_content_folder
from procedures.models import Clinic, ClinicAnswer, GlossaryTerm, Location, Marker, Page, Source
from procedures.publishing.publish import publish
from procedures.publishing.review import record_decision
from procedures.revisions.drafts import save_revision
from tests.content.conftest import ROWS, change, everything
from tests.factories import make_user

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
def test_what_staff_changed_is_left_alone_and_said_so(folder: Path, row: str) -> None:
    load_content_folder(folder)
    CHANGED_BY_STAFF[row]()
    before = everything()
    change(folder, *CHANGED_IN_FILE[row])

    report = load_content_folder(folder)

    # A location that had the clinic's number has the new one.
    rows = [row, "location main"] if row == "clinic clinic" else [row]
    assert report.skipped == [f"{one}: changed here, left as it is" for one in rows]
    assert (report.updated, report.created, report.released) == ([], [], [])
    assert everything() == before


@pytest.mark.parametrize("row", CHANGED_BY_STAFF)
def test_what_only_the_file_changed_is_taken(folder: Path, row: str) -> None:
    load_content_folder(folder)
    change(folder, *CHANGED_IN_FILE[row])

    assert load_content_folder(folder).updated == [row]
    again = load_content_folder(folder)
    # The location has followed the clinic's number; its file still has the old one, which stays out.
    assert again.skipped == (["location main: changed here, left as it is"] if row == "clinic clinic" else [])
    assert again.unchanged == len(ROWS) - len(again.skipped)


def test_what_staff_made_themselves_is_left_alone(folder: Path) -> None:
    Source.objects.create(key="nice", organisation="Staff", title="Ours")

    report = load_content_folder(folder)

    assert report.skipped == ["source nice: changed here, left as it is"]
    assert Source.objects.get().organisation == "Staff"


def test_what_staff_deleted_stays_deleted(folder: Path) -> None:
    load_content_folder(folder)
    GlossaryTerm.objects.all().delete()
    change(folder, "glossary/en.yaml", "A bone of the spine.", "File's words.")

    report = load_content_folder(folder)

    assert report.skipped == ["term en vertebra: deleted here, left deleted"]
    assert not GlossaryTerm.objects.exists()


def test_an_approved_text_stays_public_until_somebody_publishes(folder: Path) -> None:
    load_content_folder(folder)
    page = Page.objects.get(subject="small-cut")
    revision = save_revision(page, author=make_user("ed"))
    record_decision(revision, reviewer=make_user("rita"), decision=Decision.APPROVED)
    release = publish(revision, actor=make_user("max"))
    change(folder, "pages/en/small-cut.md", "We look after you.", "We are with you.")

    report = load_content_folder(folder)

    assert report.skipped == ["page en small-cut: the draft is new; the approved text stays public until you publish"]
    page = Page.objects.get(subject="small-cut")
    assert page.live_release == release
    assert "We are with you." in page.body
