"""Reading level: syllables, sentences, formulas."""

import pytest

from procedures.readability.scores import (
    compute_reading_level,
    count_syllables,
    score_reading_ease,
    smog_grade,
    split_sentences,
    split_words,
)

EASY = "You lie down. A nurse sits by you. The cut is small. It does not hurt. You can go home soon. " * 6
HARD = (
    "Percutaneous polymethylmethacrylate augmentation ameliorates osteoporotic vertebral deformity and "
    "postoperative immobilization in symptomatic individuals. "
) * 6


def test_english_words_have_their_spoken_syllables(subtests: pytest.Subtests) -> None:
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


def test_text_is_split_into_sentences(subtests: pytest.Subtests) -> None:
    for text, found in [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It is 8.5 millisieverts. That is little.", ["It is 8.5 millisieverts.", "That is little."]),
        ("Ask Dr. Lee. She knows.", ["Ask Dr. Lee.", "She knows."]),
        ("He said “Yes.” Then he left.", ["He said “Yes.", "Then he left."]),
        ("¿Le duele? Llame.", ["¿Le duele?", "Llame."]),
        ("Does it hurt? No. You sleep.", ["Does it hurt?", "No.", "You sleep."]),
        ("Read No. 5, ext. 12, fig. 3.", ["Read No. 5, ext. 12, fig. 3."]),
        ("Take vitamin D. Eat fish.", ["Take vitamin D.", "Eat fish."]),
        ("Ask J. Lee or John F. Kennedy.", ["Ask J. Lee or John F. Kennedy."]),
        ("Be here at 8 a.m. Bring a list.", ["Be here at 8 a.m.", "Bring a list."]),
        ("Come at 8 a.m. Monday.", ["Come at 8 a.m. Monday."]),
        ("Venga a las 8 a. m. Traiga una lista.", ["Venga a las 8 a. m.", "Traiga una lista."]),
        ("Vea la pág. 3 y el núm. 5.", ["Vea la pág. 3 y el núm. 5."]),
        ("La Dra. Ruiz, p. ej. Ella.", ["La Dra. Ruiz, p. ej. Ella."]),
        ("Use foods (e.g. Greek yogurt) daily.", ["Use foods (e.g. Greek yogurt) daily."]),
        ("1. You get ready", ["1. You get ready"]),
        ("The code is M80.08XA. CPT is 22513.", ["The code is M80.08XA.", "CPT is 22513."]),
        ("Take 5 mg. Then rest.", ["Take 5 mg.", "Then rest."]),
        ("It is 5 ft. 2 in. tall.", ["It is 5 ft. 2 in. tall."]),
        ("A heading\nA line", ["A heading", "A line"]),
        ("It hurts… but it passes. “Élan,” he said.", ["It hurts… but it passes.", "“Élan,” he said."]),
        ("Он здесь. Она там.", ["Он здесь.", "Она там."]),
        ("–\n\n", []),
    ]:
        with subtests.test(text=text, found=found):
            assert split_sentences(text) == found


def test_a_long_line_of_initials_is_one_sentence_in_linear_time() -> None:
    # If each period looked at the whole line before it, this would take minutes.
    assert split_sentences("A. " * 30_000) == [("A. " * 30_000).strip()]


def test_hyphens_and_decimal_points_do_not_split_a_word() -> None:
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
    assert compute_reading_level("The cat sat on the mat.", "en") == -1.4


def test_reading_ease_is_the_flesch_formula() -> None:
    # 6 words, 1 sentence, 8 syllables: 206.835 − 1.015 × 6 − 84.6 × 8 ÷ 6
    assert score_reading_ease("A doctor can look after you.", "en") == 87.9
    assert score_reading_ease("–", "en") is None


def test_fernandez_huerta_is_the_published_formula_with_words_per_sentence() -> None:
    # 4 words, 1 sentence, 7 syllables: 206.84 − 60 × 1.75 − 1.02 × 4
    assert compute_reading_level("Abra una puerta hoy.", "es") == 97.8


def test_smog_is_the_published_formula_scaled_to_thirty_sentences() -> None:
    # 4 words of three syllables or more in 4 sentences: 1.043 × √(4 × 30 ÷ 4) + 3.1291
    assert smog_grade("An injury. An emergency. An area. It is a hospital.", "en") == 8.8


def test_smog_counts_a_clinical_word_however_often_it_is_explained() -> None:
    assert smog_grade("You have kyphoplasty. " * 30, "en") == 8.8


def test_easy_text_passes_and_hard_text_fails_every_limit() -> None:
    assert compute_reading_level(EASY, "en") < 6 < 12 < compute_reading_level(HARD, "en")
    assert smog_grade(EASY, "en") < 8 < 12 < smog_grade(HARD, "en")


def test_a_list_of_two_word_entries_is_easy() -> None:
    assert compute_reading_level("A sign.\n" * 8, "en") < 0


def test_a_text_without_words_has_no_level() -> None:
    assert (compute_reading_level("", "en"), compute_reading_level("–", "es"), smog_grade("", "en")) == (0.0, 0.0, 0.0)


def test_the_other_language_does_not_change_a_level() -> None:
    before = compute_reading_level(EASY, "en")
    compute_reading_level("Abra la puerta.", "es")

    assert compute_reading_level(EASY, "en") == before
