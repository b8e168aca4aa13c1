"""The language registry: its entries are consistent, and it alone maps paths to languages."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.conf import settings

from procedures import languages
from procedures.enums import Language
from procedures.languages.definition import LanguageDefinition
from procedures.readability.scores import compute_page_reading_level, compute_reading_level, smog_grade, split_sentences
from procedures.sharing.short_codes import CODE_ALPHABET
from procedures.triage import TriageDetector

EACH = pytest.mark.parametrize("entry", languages.LANGUAGES, ids=languages.CODES)


def test_codes_have_two_letters_and_are_unique() -> None:
    assert all(re.fullmatch("[a-z]{2}", code) for code in languages.CODES)
    assert len(set(languages.CODES)) == len(languages.CODES)


def test_models_and_settings_take_their_languages_from_the_registry() -> None:
    assert Language.choices == settings.LANGUAGES == [(entry.code, entry.name) for entry in languages.LANGUAGES]
    assert settings.LANGUAGE_CODE == languages.DEFAULT


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/", "en"),
        ("/es/", "es"),
        ("/es/visits/", "es"),
        ("/es", "en"),
        ("/especial/", "en"),
        ("/visits/es/", "en"),
    ],
)
def test_the_first_path_segment_determines_the_language(path: str, code: str) -> None:
    assert languages.language_of_path(path) == code


@EACH
def test_addresses_of_a_language_start_with_its_home_page(entry: LanguageDefinition) -> None:
    assert languages.language_of_path(f"{languages.home_path(entry.code)}any/") == entry.code


def test_an_unregistered_language_code_is_rejected() -> None:
    with pytest.raises(KeyError):
        languages.get("xx")


@EACH
def test_every_pattern_compiles(entry: LanguageDefinition) -> None:
    patterns = [entry.address_words.language, entry.passive or "", *entry.abbreviations, *entry.number_abbreviations]
    if entry.triage:
        for field in fields(entry.triage):
            value = getattr(entry.triage, field.name)
            patterns += [value] if isinstance(value, str) else list(value.values())

    assert [pattern for pattern in patterns if not re.compile(pattern)] == []


@EACH
def test_words_around_numbers_capture_no_groups(entry: LanguageDefinition) -> None:
    """The patterns are embedded in others that use numbered groups."""
    if entry.numbers:
        patterns = {field.name: getattr(entry.numbers, field.name) for field in fields(entry.numbers)}
        assert [name for name, pattern in patterns.items() if re.compile(pattern).groups] == []


@EACH
def test_a_triage_condition_captures_its_parts(entry: LanguageDefinition) -> None:
    if entry.triage:
        assert set(re.compile(entry.triage.condition).groupindex) == {"first", "later", "when", "then"}


@EACH
def test_a_spoken_alphabet_covers_every_code(entry: LanguageDefinition) -> None:
    if entry.spoken_alphabet:
        assert set(entry.spoken_alphabet.names) == set(CODE_ALPHABET)


@EACH
def test_a_translation_has_its_catalog(entry: LanguageDefinition) -> None:
    if entry.code != languages.DEFAULT:
        catalog = Path(settings.LOCALE_PATHS[0]) / entry.code / "LC_MESSAGES" / "django.po"
        assert catalog.is_file()


def test_only_one_direction_of_a_scale_is_hard() -> None:
    grade, ease = (languages.get(code).readability for code in ("en", "es"))

    assert grade is not None and ease is not None
    assert (grade.is_harder(6.1, grade.limit), grade.is_harder(6.0, grade.limit)) == (True, False)
    assert (ease.is_harder(69.9, ease.limit), ease.is_harder(70.0, ease.limit)) == (True, False)


def test_a_field_without_patterns_matches_nothing() -> None:
    assert languages.number_pattern() == "(?!)"
    assert re.search(rf"\b(?:{languages.number_pattern()})\b", "any text") is None


@pytest.fixture
def without_rules(monkeypatch: pytest.MonkeyPatch) -> str:
    """The code of a language that defines only its names."""
    entry = LanguageDefinition(
        code="qx",
        name="Qx",
        english_name="Madeup",
        address_words=languages.get("en").address_words,
    )
    monkeypatch.setitem(languages._BY_CODE, "qx", entry)
    return "qx"


def test_nothing_is_measured_without_rules(without_rules: str) -> None:
    text = "We look after you. The cut is small. It heals in a few days if you rest well at home."

    assert compute_page_reading_level(text, "en") is not None
    assert (compute_page_reading_level(text, without_rules), compute_reading_level(text, without_rules)) == (None, None)
    assert smog_grade(text, without_rules) == 0.0


def test_missing_rules_are_reported(without_rules: str) -> None:
    assert languages.get("en").unchecked == languages.get("es").unchecked == []
    assert languages.get(without_rules).unchecked == [
        "reading level",
        "long words",
        "passive sentences",
        "warning signs written into the text",
        "words around numbers",
    ]


def test_a_language_without_a_vocabulary_finds_no_signs() -> None:
    text = "If you cannot move your legs, call us tomorrow."

    assert TriageDetector("en").find_advised_signs(text)
    assert TriageDetector("xx").find_advised_signs(text) == set()


def test_sentences_end_in_scripts_without_capitals() -> None:
    assert split_sentences("אנחנו כאן. אתם שם.") == ["אנחנו כאן.", "אתם שם."]
    assert split_sentences("هل أنت هنا؟ نعم.") == ["هل أنت هنا؟", "نعم."]
