"""How hard a text is to read, and how long it takes.

English: Flesch–Kincaid grade (Kincaid et al. 1975) with textstat's dictionary of syllables.
Spanish: Fernández-Huerta 1959, 206.84 − 60 × syllables per word − 1.02 × words per sentence (textstat's form).
"""

import warnings

with warnings.catch_warnings():
    # textstat 0.7.4 imports pkg_resources; newer releases fetch a word list when they run.
    warnings.simplefilter("ignore")
    import textstat

WORDS_A_MINUTE = 150  # slow reading with pauses for pictures


def reading_level(text: str, language: str) -> float:
    """English: US school grade, lower is easier. Spanish: 0 to 100, higher is easier."""
    if not text.strip():
        return 0.0
    if language == "es":
        textstat.set_lang("es")
        try:
            return round(float(textstat.fernandez_huerta(text)), 1)
        finally:
            textstat.set_lang("en")
    return round(float(textstat.flesch_kincaid_grade(text)), 1)


def minutes(text: str) -> int:
    """Whole minutes to read ``text`` at an unhurried pace, at least 1."""
    return max(1, round(len(text.split()) / WORDS_A_MINUTE))
