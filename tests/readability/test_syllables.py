"""Syllables: English compared with the CMU Pronouncing Dictionary, Spanish with a list by the rules of the RAE."""

import re
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import pytest

from procedures.readability.scores import count_syllables, split_words

CONTENT = Path(__file__).resolve().parents[2] / "content"
# Accuracy of textstat 0.7.4 (pyphen) on the same words: 0.6179 and 0.9616.
MIN_LIST_ACCURACY = 0.94
MIN_PAGE_ACCURACY = 0.998


@pytest.fixture(scope="module")
def pronunciations() -> dict[str, set[int]]:
    """The syllable counts of each word in the dictionary for all of its pronunciations. Entries with digits or
    periods are left out.
    """
    counts: dict[str, set[int]] = defaultdict(set)
    text = files("pronouncing").joinpath("cmudict-0.7b").read_text(encoding="latin-1")
    for line in text.splitlines():
        word, _, sounds = line.partition("  ")
        word = re.sub(r"\(\d\)\Z", "", word).lower()
        if re.fullmatch(r"[a-z]+(?:'[a-z]+)*", word):
            counts[word].add(sum(sound[-1].isdigit() for sound in sounds.split()))
    return counts


def test_english_syllables_agree_with_the_dictionary(pronunciations: dict[str, set[int]]) -> None:
    correct = sum(count_syllables(word, "en") in counts for word, counts in pronunciations.items())

    assert len(pronunciations) == 123_064
    assert correct / len(pronunciations) >= MIN_LIST_ACCURACY


def test_english_syllables_agree_on_the_starter_pages(pronunciations: dict[str, set[int]]) -> None:
    texts = [
        file.read_text(encoding="utf-8")
        for folder in ("pages", "guides")
        for file in (CONTENT / folder / "en").iterdir()
    ]
    words = [word.lower().replace("’", "'") for text in texts for word in split_words(text)]
    known = [word for word in words if word in pronunciations]
    wrong = {word for word in known if count_syllables(word, "en") not in pronunciations[word]}

    assert len(known) > 14_000
    assert 1 - sum(word in wrong for word in known) / len(known) >= MIN_PAGE_ACCURACY, sorted(wrong)


def test_possessives_contractions_and_abbreviations(subtests: pytest.Subtests) -> None:
    for word, count in [
        ("nurse’s", 2),
        ("doctor’s", 2),
        ("bone’s", 1),
        ("didn’t", 2),
        ("don’t", 1),
        ("MRI", 3),
        ("MRI’s", 3),
        ("CTs", 2),
        ("X-ray", 2),
        ("T12", 2),
        ("M80.08XA", 2),
        ("ICD-10-CM", 2),
        ("22513", 4),
        ("8.5", 2),
    ]:
        with subtests.test(word=word):
            assert count_syllables(word, "en") == count


# Groups pronounced as one syllable, by the rules on diphthongs, triphthongs, and hiatus in the 2010 orthography.
SPANISH = """
a-ba-jo hue-so vér-te-bra ci-fo-plas-tia ci-ru-gí-a quie-re guí-a a-ho-ra ai-re muy y ra-yos pa-ís ciu-dad lí-ne-a
pin-güi-no cons-truir cons-truí ra-dio-gra-fí-a os-te-o-po-ro-sis que qui-tar gue-rra se-guir se-guí-a a-gua an-ti-guo
ci-güe-ña a-ve-ri-guáis U-ru-guay hoy hay rey le-yes cuí-de-se huir-lo o-í-do re-ír son-rí-e ba-úl rí-o rí-os dí-a
dí-as ac-tú-a ac-tuó le-er a-é-re-o co-o-pe-rar mi-cro-on-das an-ti-in-fla-ma-to-rio chi-i-ta es-tu-dia es-tu-dié
vein-tiún a-hí pro-hí-be prohi-bir ahu-ma-do ca-ca-hua-te bú-ho za-na-ho-ria rehu-sar guion fie tra-í-a ma-íz
ra-íz trein-ta deu-da au-to-mó-vil fue-go vio-len-to cue-llo an-te-rior te-ó-ri-co hé-ro-e pe-or ma-es-tro
"""


def test_spanish_syllables_follow_the_orthography(subtests: pytest.Subtests) -> None:
    for parts in SPANISH.split():
        word = parts.replace("-", "")
        with subtests.test(word=word):
            assert count_syllables(word, "es") == len(parts.split("-"))


def test_an_apostrophe_counts_the_same_in_every_form() -> None:
    assert {count_syllables(f"didn{apostrophe}t", "en") for apostrophe in "'’‘ʼ′＇"} == {2}
