"""Detection of passive sentences."""

import pytest

from procedures.readability.scores import is_passive


def test_be_with_a_participle_is_passive(subtests: pytest.Subtests) -> None:
    for sentence in [
        "The cement is mixed with a marker.",
        "It is often done in a clinic.",
        "Cement was seen outside the bone.",
        "You are slowly turned.",
        "The needle has been taken out.",
        "How is it done?",
        "You’re told when to stop.",
        "The result was not compared.",
    ]:
        with subtests.test(sentence=sentence):
            assert is_passive(sentence, "en")


def test_a_state_and_an_active_verb_are_not_passive(subtests: pytest.Subtests) -> None:
    for sentence in [
        "The doctor mixes the cement.",
        "You are tired and worried.",
        "The skin is red.",
        "The needle site is red, swollen or leaking.",
        "You are in bed.",
        "This is indeed rare.",
        "We are here to help.",
    ]:
        with subtests.test(sentence=sentence):
            assert not is_passive(sentence, "en")


@pytest.mark.parametrize(
    "sentence",
    ["La piel es adormecida por el médico.", "Fue vista por el médico.", "Las preguntas son siempre leídas."],
)
def test_ser_with_a_participle_is_passive(sentence: str) -> None:
    assert is_passive(sentence, "es")


@pytest.mark.parametrize(
    "sentence",
    ["Se usa una aguja.", "Es demasiado tarde.", "El hueso está roto.", "Es un lado.", "Usted es delicado de salud."],
)
def test_se_and_estar_and_adjectives_are_not_passive(sentence: str) -> None:
    assert not is_passive(sentence, "es")
