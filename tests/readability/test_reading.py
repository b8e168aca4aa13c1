"""Reading level: syllables, sentences, formulas."""

import pytest

from procedures.readability.scores import count_syllables, score_text, smog_grade, split_sentences, split_words

EASY = "You lie down. A nurse sits by you. The cut is small. It does not hurt. You can go home soon. " * 6
HARD = (
    "Percutaneous polymethylmethacrylate augmentation ameliorates osteoporotic vertebral deformity and "
    "postoperative immobilization in symptomatic individuals. "
) * 6


def test_english_words_have_the_syllables_that_are_said(subtests: pytest.Subtests) -> None:
    for word, count in [
        ("bone", 1),
        ("needle", 2),
        ("needles", 2),
        ("cases", 2),
        ("pressed", 1),
        ("needed", 2),
        ("settled", 2),
        ("cement", 2),
        ("movement", 2),
        ("careful", 2),
        ("area", 3),
        ("patient", 2),
        ("diabetes", 4),
        ("injury", 3),
        ("kyphoplasty", 4),
        ("vertebroplasty", 5),
        ("osteoporosis", 6),
        ("fluoroscope", 3),
        ("emergency", 4),
        ("X-ray", 2),
        ("MRI", 3),
        ("doctor's", 2),
        ("don’t", 1),
        ("24", 2),
        ("3,175", 4),
        ("700,000", 4),
    ]:
        with subtests.test(word=word, count=count):
            assert count_syllables(word, "en") == count


def test_spanish_words_have_the_syllables_of_their_spelling(subtests: pytest.Subtests) -> None:
    for word, count in [
        ("abajo", 3),
        ("hueso", 2),
        ("vértebra", 3),
        ("cifoplastia", 4),
        ("cirugía", 4),
        ("quiere", 2),
        ("guía", 2),
        ("ahora", 3),
        ("aire", 2),
        ("muy", 1),
        ("y", 1),
        ("rayos", 2),
        ("país", 2),
        ("ciudad", 2),
        ("línea", 3),
        ("pingüino", 3),
        ("construir", 2),
        ("radiografía", 5),
        ("osteoporosis", 6),
    ]:
        with subtests.test(word=word, count=count):
            assert count_syllables(word, "es") == count


def test_sentences_end_where_a_reader_stops(subtests: pytest.Subtests) -> None:
    for text, found in [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It is 8.5 millisieverts. That is little.", ["It is 8.5 millisieverts.", "That is little."]),
        ("Ask Dr. Lee. She knows.", ["Ask Dr. Lee.", "She knows."]),
        ("He said “Yes.” Then he left.", ["He said “Yes.", "Then he left."]),
        ("¿Le duele? Llame.", ["¿Le duele?", "Llame."]),
        ("A heading\nA line", ["A heading", "A line"]),
        ("–\n\n", []),
    ]:
        with subtests.test(text=text, found=found):
            assert split_sentences(text) == found


def test_a_hyphen_and_a_decimal_point_do_not_part_a_word() -> None:
    assert split_words("An X-ray at 100.4 °F, +1 303-555-0100.") == [
        "An",
        "X-ray",
        "at",
        "100.4",
        "F",
        "1",
        "303-555-0100",
    ]


def test_flesch_kincaid_is_the_published_formula() -> None:
    # 6 words, 1 sentence, 6 syllables: 0.39 × 6 + 11.8 × 1 − 15.59
    assert score_text("The cat sat on the mat.", "en") == -1.4


def test_the_harder_of_two_counts_holds() -> None:
    # textstat counts "area" as one syllable and gives grade -1.1 here.
    assert score_text("The area is an area of an idea.", "en") > 3


def test_fernandez_huerta_is_the_published_formula_with_words_a_sentence() -> None:
    # 4 words, 1 sentence, 7 syllables: 206.84 − 60 × 1.75 − 1.02 × 4
    assert score_text("Abra una puerta hoy.", "es") == 97.8


def test_smog_is_the_published_formula_scaled_to_thirty_sentences() -> None:
    # 4 words of three syllables or more in 4 sentences: 1.043 × √(4 × 30 ÷ 4) + 3.1291
    assert smog_grade("An injury. An emergency. An area. It is a hospital.", "en") == 8.8


def test_smog_counts_a_clinical_word_however_often_it_is_explained() -> None:
    assert smog_grade("You have kyphoplasty. " * 30, "en") == 8.8


def test_easy_text_passes_and_hard_text_fails_every_mark() -> None:
    assert score_text(EASY, "en") < 6 < 12 < score_text(HARD, "en")
    assert smog_grade(EASY, "en") < 8 < 12 < smog_grade(HARD, "en")


def test_a_list_of_two_word_entries_is_easy() -> None:
    assert score_text("A sign.\n" * 8, "en") < 0


def test_a_text_without_words_has_no_level() -> None:
    assert (score_text("", "en"), score_text("–", "es"), smog_grade("", "en")) == (0.0, 0.0, 0.0)


def test_the_other_language_does_not_change_a_level() -> None:
    before = score_text(EASY, "en")
    score_text("Abra la puerta.", "es")

    assert score_text(EASY, "en") == before
