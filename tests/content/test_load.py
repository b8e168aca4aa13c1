"""The content folder into the database: whole or not at all, and never over what staff changed."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from procedures.content.files import ContentErrors
from procedures.content.load import load
from procedures.enums import Decision
from procedures.models import (
    CareInstruction,
    Clinic,
    ContentRow,
    Figure,
    GuideItem,
    Location,
    Marker,
    Page,
    Source,
    Term,
)
from procedures.publishing.drafts import save_revision
from procedures.publishing.publish import publish
from procedures.publishing.review import decide
from tests.content.conftest import change, tree
from tests.factories import make_user

pytestmark = pytest.mark.django_db

ROWS = ["care en driving", "care en washing", "clinic clinic", "code icd-10-cm M48.5 small-cut", "figure needle",
        "location branch", "location main", "page en contact", "page en first-visit", "page en small-cut",
        "series en stages", "source nice", "term en vertebra"]  # fmt: skip


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of the domain."""
    return {
        model.__name__: list(model._base_manager.order_by("pk").values())
        for model in apps.get_app_config("procedures").get_models()
    }


def test_a_folder_becomes_rows_and_public_pages(folder: Path) -> None:
    report = load(folder)

    assert sorted(report.created) == ROWS
    assert sorted(report.released) == ["/contact/", "/small-cut/", "/visits/first-visit/"]
    assert (report.updated, report.left, report.unchanged) == ([], [], 0)
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
    assert [care.key for care in CareInstruction.objects.all()] == ["washing", "driving"]
    assert [location.key for location in Location.objects.all()] == ["main", "branch"]
    marker = Marker.objects.get()
    assert (marker.x, marker.target_y, marker.texts.get().label) == (0.2, 0.5, "Tip")
    assert Figure.objects.get().drawing.endswith(".svg")
    assert Clinic.objects.get().texts.get().about == "We are small."


SPANISH = """\
---
subject: contact
slug: contact
kind: about
title: Con voz
key_message: Si le va mal, yo voy con usted.
description: Dónde estamos.
review_months: 12
---
## Más

Usted ve el mar y la luz. Yo voy con usted. La casa es de dos.
"""


@pytest.fixture
def two_languages(folder: Path) -> Path:
    """The folder with a Spanish twin of one page."""
    (folder / "pages" / "es").mkdir()
    (folder / "pages" / "es" / "contact.md").write_text(SPANISH, encoding="utf-8")
    change(folder, "clinic.yaml", "    about: We are small.\n", "    about: We are small.\n  es:\n    hours: Lunes\n")
    return folder


def in_step(subject: str = "contact") -> bool:
    """Whether the Spanish page was made from the English text that the public reads."""
    english, spanish = (Page.objects.get(subject=subject, language=language) for language in ("en", "es"))
    return spanish.translated_from.content_hash == english.live_release.revision.content_hash


def test_a_translation_knows_the_english_text_it_was_loaded_with(two_languages: Path) -> None:
    load(two_languages)

    assert in_step()
    assert Page.objects.get(subject="contact", language="en").translated_from is None


def test_a_translation_falls_behind_when_only_its_english_changes_and_catches_up_when_it_is_loaded(
    two_languages: Path,
) -> None:
    load(two_languages)

    change(two_languages, "pages/en/contact.md", "We are here.", "We wait here.")
    load(two_languages)
    assert not in_step()

    change(two_languages, "pages/es/contact.md", "Yo voy con usted.", "Él va con usted.")
    load(two_languages)
    assert in_step()


def test_what_staff_write_in_english_is_not_what_a_loaded_translation_was_made_from(two_languages: Path) -> None:
    load(two_languages)
    english = Page.objects.get(subject="contact", language="en")
    english.body = english.body.replace("We are here.", "We have moved.")
    english.save()
    save_revision(english, author=make_user("editor"), note="")

    change(two_languages, "pages/es/contact.md", "Yo voy con usted.", "Él va con usted.")
    load(two_languages)

    assert Page.objects.get(subject="contact", language="es").translated_from.author is None
    assert in_step()


def test_a_second_load_changes_nothing(folder: Path) -> None:
    load(folder)
    rows, files = everything(), tree(folder.parent / "media")

    report = load(folder)

    assert (report.created, report.updated, report.left, report.released) == ([], [], [], [])
    assert report.unchanged == len(ROWS)
    assert everything() == rows
    assert tree(folder.parent / "media") == files


def test_a_changed_file_changes_its_row_and_releases_its_page(folder: Path) -> None:
    load(folder)
    change(folder, "pages/en/small-cut.md", "We look after you.", "We are with you.")
    change(folder, "care/en.yaml", "After a day.", "After two days.")

    report = load(folder)

    assert sorted(report.updated) == ["care en washing", "page en small-cut"]
    assert report.released == ["/small-cut/"]
    page = Page.objects.get(subject="small-cut")
    assert page.live_release.number == 2
    assert "We are with you." in page.live_release.html
    assert "After two days." in page.live_release.html


CHANGED_BY_STAFF = {
    "clinic clinic": lambda: Clinic.objects.update(phone="+1 303-555-0177"),
    "source nice": lambda: Source.objects.update(title="Staff's title"),
    "term en vertebra": lambda: Term.objects.update(definition="Staff's words."),
    "care en driving": lambda: CareInstruction.objects.filter(key="driving").update(answer="Staff's answer."),
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
    load(folder)
    CHANGED_BY_STAFF[row]()
    before = everything()
    change(folder, *CHANGED_IN_FILE[row])

    report = load(folder)

    assert report.left == [f"{row}: changed here, left as it is"]
    assert (report.updated, report.created, report.released) == ([], [], [])
    assert everything() == before


@pytest.mark.parametrize("row", CHANGED_BY_STAFF)
def test_what_only_the_file_changed_is_taken(folder: Path, row: str) -> None:
    load(folder)
    change(folder, *CHANGED_IN_FILE[row])

    assert load(folder).updated == [row]
    assert load(folder).unchanged == len(ROWS)


def test_what_staff_made_themselves_is_left_alone(folder: Path) -> None:
    Source.objects.create(key="nice", organisation="Staff", title="Ours")

    report = load(folder)

    assert report.left == ["source nice: changed here, left as it is"]
    assert Source.objects.get().organisation == "Staff"


def test_what_staff_deleted_stays_deleted(folder: Path) -> None:
    load(folder)
    Term.objects.all().delete()
    change(folder, "glossary/en.yaml", "A bone of the spine.", "File's words.")

    report = load(folder)

    assert report.left == ["term en vertebra: deleted here, left deleted"]
    assert not Term.objects.exists()


def test_an_approved_text_stays_public_until_somebody_publishes(folder: Path) -> None:
    load(folder)
    page = Page.objects.get(subject="small-cut")
    revision = save_revision(page, author=make_user("ed"))
    decide(revision, reviewer=make_user("rita"), decision=Decision.APPROVED)
    release = publish(revision, actor=make_user("max"))
    change(folder, "pages/en/small-cut.md", "We look after you.", "We are with you.")

    report = load(folder)

    assert report.left == ["page en small-cut: the draft is new; the approved text stays public until you publish"]
    page = Page.objects.get(subject="small-cut")
    assert page.live_release == release
    assert "We are with you." in page.body


def test_a_check_writes_neither_rows_nor_files(folder: Path) -> None:
    before = everything()

    report = load(folder, check=True)

    assert sorted(report.created) == ROWS
    assert len(report.released) == 3
    assert everything() == before
    assert not (folder.parent / "media").exists() or tree(folder.parent / "media") == {}


def test_a_check_of_changes_writes_nothing_either(folder: Path) -> None:
    load(folder)
    before, files = everything(), tree(folder.parent / "media")
    change(folder, "pages/en/small-cut.md", "We look after you.", "We are with you.")
    change(folder, "figures/needle.yaml", "A needle in a bone.", "A needle.")

    report = load(folder, check=True)

    assert sorted(report.updated) == ["figure needle", "page en small-cut"]
    assert everything() == before
    assert tree(folder.parent / "media") == files


def test_a_check_finds_what_a_load_would_refuse(folder: Path) -> None:
    change(folder, "pages/en/small-cut.md", "[@nice]", "[@none]")

    with pytest.raises(ContentErrors, match="There is no source “none”"):
        load(folder, check=True)


def test_progress_is_shown_row_by_row(folder: Path) -> None:
    steps: list[str] = []

    load(folder, progress=steps.append)

    assert "reading pages/en/small-cut.md" in steps
    assert "figure needle" in steps
    assert "publishing /small-cut/" in steps


def test_the_command_counts_and_names_what_was_left(folder: Path) -> None:
    load(folder)
    Term.objects.all().delete()
    out = io.StringIO()

    call_command("load_content", folder, stdout=out)

    assert out.getvalue() == (
        "left alone: term en vertebra: deleted here, left deleted\n"
        "content: 0 rows new, 0 updated, 12 unchanged, 1 left alone, 0 pages published\n"
    )


def test_the_command_loads_into_an_empty_database_only_when_told_so(folder: Path) -> None:
    call_command("load_content", folder, if_empty=True, stdout=io.StringIO())
    change(folder, "sources.yaml", "A guide", "Other")

    call_command("load_content", folder, if_empty=True, stdout=io.StringIO())

    assert Source.objects.get().title == "A guide"


def test_the_command_fails_with_the_lines_alone(folder: Path) -> None:
    change(folder, "sources.yaml", "year: 2013", "year: soon")

    with pytest.raises(CommandError) as refused:
        call_command("load_content", folder)

    assert str(refused.value).startswith(f"{folder}/sources.yaml:4: ")
    assert not ContentRow.objects.exists()


def test_a_load_that_fails_after_its_pictures_leaves_no_file_behind(folder: Path) -> None:
    change(folder, "pages/en/small-cut.md", "::: key-points", "::: no-such-block")

    with pytest.raises(ContentErrors):
        load(folder)

    assert [file for file in (folder.parent / "media").rglob("*") if file.is_file()] == []
