"""Table cells, codes, words in capitals, and short texts do not distort the reading level."""

import pytest

from procedures.models import Page
from procedures.publishing.checks import check_draft
from procedures.readability.measures import find_hard_words
from procedures.readability.scores import compute_page_reading_level, compute_reading_level, smog_grade, split_words
from procedures.rendering import ReferenceResolver, render_page
from tests.factories import BODY, EMPTY_CONTENT, make_clinic, make_figure, make_page, make_supplied
from tests.readability.helpers import measure_body

pytestmark = pytest.mark.django_db

TEXT = "You lie down. A nurse sits by you. The cut is small. It does not hurt. You can go home soon.\n\n"
TEXTO = "Usted se acuesta. La enfermera se sienta a su lado. El corte es chico. No le duele. Pronto va a su casa.\n\n"
BONES = "| Bone | Code | Cement |\n|---|---|---:|\n" + "".join(
    f"| T{number} bone | M80.{number}XA | {number} mL |\n" for number in range(4, 13)
)
HUESOS = BONES.replace("Bone", "Hueso").replace("bone", "hueso").replace("Code", "Código").replace("Cement", "Cemento")


@pytest.mark.parametrize(("language", "text", "table"), [("en", TEXT, BONES), ("es", TEXTO, HUESOS)])
def test_a_table_of_labels_and_codes_does_not_change_the_level(language: str, text: str, table: str) -> None:
    with_table = measure_body(f"{text}{table}", language=language).reading_level
    without = measure_body(text, language=language).reading_level

    assert with_table == without


def test_sentences_in_a_table_count() -> None:
    hard = "Percutaneous augmentation ameliorates osteoporotic vertebral deformity."

    assert (
        measure_body(f"{TEXT}| a | b |\n|---|---|\n| {hard} | {hard} |").reading_level
        > measure_body(TEXT).reading_level + 3
    )  # type: ignore[operator]


def test_a_page_with_a_table_of_bones_can_be_published() -> None:
    make_clinic()
    page = make_page(kind="about", body=f"{BODY}\n{TEXT}{BONES}", lead_figure=make_supplied(make_figure()))
    library = ReferenceResolver("en")
    rendered = render_page(page.draft_content(), kind=page.kind, resolver=library)

    assert [str(problem) for problem in check_draft(page, page.draft_content(), rendered, library)] == []


def test_a_list_or_heading_of_codes_is_not_a_sentence() -> None:
    assert compute_reading_level(TEXT + "\nT12\nL1-L5\nM80.08XA", "en") == compute_reading_level(TEXT, "en")
    assert smog_grade(f"{TEXT}\nT12, L1–L5 and M80.08\n" * 3, "en") == smog_grade(f"{TEXT}\nwe and you\n" * 3, "en")
    assert split_words("T12, L1–L5 or M80.08.") == ["T12", "L1–L5", "or", "M80.08"]


def test_words_in_capitals_are_words_and_abbreviations_are_not(subtests: pytest.Subtests) -> None:
    for text, language, found in [
        ("DO NOT EAT", "en", []),
        ("You must NOT eat. STOP here.", "en", []),
        ("DO NOT DRIVE, LIFT OR BEND!", "en", []),
        ("DON’T WORRY ABOUT THE COST", "en", []),
        ("Get an MRI. TAKE YOUR MRI CARD.", "en", ["mri"]),
        ("Come at 8 PM, or to the ER ASAP.", "en", []),
        ("We are in Denver, CO 80202. Or in Boulder, CO.", "en", []),
        ("Take I-25 to RM 12.", "en", []),
        ("Eat omega-3.", "en", []),
        ("It has interleukin-6.", "en", ["interleukin"]),
        ("Pain, CT, and an EMG.", "en", ["emg"]),
        ("You need a CT and an ECG.", "en", ["ct", "ecg"]),
        ("DO NOT TAKE ANTICOAGULANTS", "en", ["anticoagulants"]),
        ("Ask us. We see LUMBAR bones. Your lumbar bones.", "en", []),
        ("The T12 and L1-L5 bones, M80.08.", "en", []),
        ("NO COMA NI BEBA", "es", []),
        ("NO debe COMER. LLAME YA.", "es", []),
        ("Le hacen una RM.", "es", ["rm"]),
    ]:
        with subtests.test(text=text, language=language, found=found):
            assert find_hard_words(text, language, []) == found


def test_words_in_capitals_are_not_harder_to_read() -> None:
    assert compute_reading_level(TEXT.upper(), "en") == compute_reading_level(TEXT, "en")
    assert compute_reading_level(TEXTO.upper(), "es") == compute_reading_level(TEXTO, "es")


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_text_that_is_too_short_has_no_level(language: str) -> None:
    assert compute_page_reading_level("", language) is None
    assert compute_page_reading_level("Call us. Llame.", language) is None
    assert compute_page_reading_level("I go. " * 20, "en") == 0.0
    assert compute_page_reading_level("Ya no. " * 20, "es") == 100.0


def test_an_empty_guide_has_no_level_and_is_not_reported_as_hard() -> None:
    make_clinic()
    content = {**EMPTY_CONTENT, "title": "Your kyphoplasty visit", "key_message": "Come early, and bring your list of medicines and your glasses with you.", "slug": "a", "description": "b", "items": []}  # fmt: skip
    page = Page(pk=0, kind="guide", language="en", subject="a")
    library = ReferenceResolver("en")
    rendered = render_page(content, kind="guide", resolver=library)

    assert rendered.reading_level is None
    problems = check_draft(page, content, rendered, library)
    assert not [problem for problem in problems if "grade" in problem.message.lower()]
