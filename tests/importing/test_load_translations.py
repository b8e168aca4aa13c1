"""Loaded translations record which English revision they were made from."""

from pathlib import Path

import pytest

from procedures.importing.content_folder import load_content_folder
from procedures.models import Page
from procedures.revisions.drafts import save_revision
from tests.factories import make_user
from tests.importing.conftest import change

pytestmark = pytest.mark.django_db

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
    """The folder with a Spanish translation of one page."""
    (folder / "pages" / "es").mkdir()
    (folder / "pages" / "es" / "contact.md").write_text(SPANISH, encoding="utf-8")
    change(folder, "clinic.yaml", "    about: We are small.\n", "    about: We are small.\n  es:\n    hours: Lunes\n")
    return folder


def is_in_sync(subject: str = "contact") -> bool:
    """Return whether the Spanish page was made from the live English text."""
    english, spanish = (Page.objects.get(subject=subject, language=language) for language in ("en", "es"))
    return spanish.translated_from.content_hash == english.live_release.revision.content_hash


def test_a_translation_records_the_english_text_it_was_loaded_with(two_languages: Path) -> None:
    load_content_folder(two_languages)

    assert is_in_sync()
    assert Page.objects.get(subject="contact", language="en").translated_from is None


def test_a_translation_is_out_of_sync_when_only_the_english_file_changes_until_it_is_loaded_again(
    two_languages: Path,
) -> None:
    load_content_folder(two_languages)

    change(two_languages, "pages/en/contact.md", "We are here.", "We wait here.")
    load_content_folder(two_languages)
    assert not is_in_sync()

    change(two_languages, "pages/es/contact.md", "Yo voy con usted.", "Él va con usted.")
    load_content_folder(two_languages)
    assert is_in_sync()


def test_english_edits_by_staff_are_not_recorded_as_the_source_of_a_loaded_translation(two_languages: Path) -> None:
    load_content_folder(two_languages)
    english = Page.objects.get(subject="contact", language="en")
    english.body = english.body.replace("We are here.", "We have moved.")
    english.save()
    save_revision(english, author=make_user("editor"), note="")

    change(two_languages, "pages/es/contact.md", "Yo voy con usted.", "Él va con usted.")
    load_content_folder(two_languages)

    assert Page.objects.get(subject="contact", language="es").translated_from.author is None
    assert is_in_sync()
