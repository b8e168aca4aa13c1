"""No text writes its own list of warning signs; a text that explains them is left alone."""

import pytest
from django.core.exceptions import ValidationError

from procedures.markdown.sign_lists import sign_list_problems
from procedures.models import CareInstruction, Series, SeriesItem, Term
from procedures.triage import Triage
from tests.markdown.ground import EMPTY

FIX = "Use ::: warning-signs before instead."
REFUSED = {
    "en": [
        "::: emergency\n- Anything.\n:::",
        "::: urgent\n- Anything.\n:::",
        "::: call\n- One leg is newly weak.\n:::",
        "::: call\n- You have a fever.\n- The wound is red.\n:::",
        "Call us today if your leg feels weak.",
        "If your arm goes numb, call us today.",
        "A swollen face is an emergency.",
        "Go to the emergency room if you faint.",
        "You have chest pain or a fever. Then call {clinic.emergency_number}.",
        "Call 911 if:\n\n- you have chest pain\n- you cannot pass urine",
        "- You have chest pain.\n- You cannot hold your urine.\n\nIn these cases, call {clinic.emergency_number} now.",
        "## When do I call?\n\n- Fever.\n- The pain gets worse.",
        "## Danger signs\n\n1. You throw up.\n2. You have a rash.",
        "| Sign | What to do |\n|---|---|\n| Fever | Call us today |\n| Chest pain | Call 911 |",
        "::: key-points\n- Rest.\n- Fever or vomiting: call us now.\n:::",
        "::: checklist\n- I have no fever.\n- The wound is not red.\n:::\n\nIs a tick missing? Call us today.",
        "::: do\n- Call us at once if you are short of breath.\n:::",
        "> Bleeding that does not stop? Dial 911.",
        "**Trouble breathing?** Seek medical help right away.",
        "::: choices\n### A\n#### What\nCall 911 if your legs are weak.\n### B\n#### What\nNo.\n:::",
        "Your foot is weak. If you notice this, call us today.",
        "If he won’t wake up, call an ambulance.",
        "One of these is new: you are numb between your inner thighs, so call us the same day.",
    ],
    "es": [
        "::: call\n- Tiene debilidad nueva en una pierna.\n:::",
        "Llámenos hoy si siente débil una pierna.",
        "Si le falta el aire, llame al {clinic.emergency_number}.",
        "Vaya a la sala de emergencias si se desmaya.",
        "## ¿Cuándo llamo?\n\n- Tiene fiebre.\n- Tiene vómitos.",
        "Tiene fiebre y la herida está roja. Llámenos el mismo día.",
        "| Señal | Qué hacer |\n|---|---|\n| Fiebre | Llámenos |\n| Dolor de pecho | 911 |",
        "No puede orinar: es una emergencia.",
    ],
}
TAKEN = {
    "en": [
        "A pressed nerve can make your leg weak or numb. It often starts small.",
        "You may have one or more of these:\n\n- A part of your leg is numb.\n- It tingles.\n- You cannot move a foot.",
        "## What does it feel like?\n\n- Numb skin.\n- Weak legs.",
        "- **Infection:** fever, or a red needle site.\n- **Nerve damage:** numb or weak legs.",
        "Is the site red? See [when to call](#when-to-call).",
        "::: call\n- You want to move your visit.\n- You have a question about your medicine.\n:::",
        "Call {clinic.phone} before your visit if one of these is true:\n\n- I take a blood thinner.\n- I have a fever now.",
        "::: key-points\n- Numb or weak legs can be a sign of nerve damage.\n- Call {clinic.emergency_number} for an emergency.\n:::",
        "Doctors call this cauda equina syndrome. It is an emergency.",
        "The doctor numbs your back. Call us with any question.",
        "Cement reached the lung in 2 of 100 people. Most had no trouble breathing.",
        "Strong pain medicine can make it hard to pass stool. Ask for a laxative.",
    ],
    "es": [
        "Un nervio apretado puede dejar la pierna débil o adormecida.",
        "Los médicos lo llaman síndrome de la cauda equina. Es una emergencia.",
        "El médico adormece la espalda. Llámenos si tiene preguntas.",
        "Se llama vértebra. El hueso débil se rompe.",
        "::: call\n- Quiere cambiar la cita.\n:::",
    ],
}


def found(body: str, language: str = "en", **values: str) -> list[str]:
    """What is said of a text, with its lines."""
    problems = sign_list_problems(
        {**EMPTY, "description": "", "body": body, **values}, kind="condition", triage=Triage(language)
    )
    return [str(problem) for problem in problems]


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_text_that_pairs_signs_with_calling_is_refused_with_the_fix(language: str) -> None:
    missed = [body for body in REFUSED[language] if not any(FIX in problem for problem in found(body, language))]

    assert missed == [], missed


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_text_that_explains_signs_or_points_to_the_list_is_taken(language: str) -> None:
    assert {body: problems for body in TAKEN[language] if (problems := found(body, language))} == {}


def test_the_line_and_the_signs_are_named() -> None:
    body = "## Rest\n\nRest well.\n\n::: call\n- You have a fever.\n- You throw up.\n:::\n"

    assert found(body) == [
        "line 5: This text says when to call for warning signs (fever; vomiting). Signs come from one list. " + FIX
    ]


@pytest.mark.parametrize(("kind", "when"), [("recovery", "after"), ("guide", "both"), ("preparation", "before")])
def test_the_fix_fits_the_kind_of_page(kind: str, when: str) -> None:
    content = {**EMPTY, "description": "", "body": "::: emergency\n- Anything.\n:::"}

    (problem,) = sign_list_problems(content, kind=kind, triage=Triage("en"))

    assert problem.sentence.endswith(f"Use ::: warning-signs {when} instead.")


def test_a_sign_of_the_clinics_own_is_known_by_its_words() -> None:
    body = "Call us today if your hiccups last longer than two days."
    rows = [("Your hiccups last longer than two days.", True)]
    content = {**EMPTY, "description": "", "body": body}

    assert sign_list_problems(content, kind="about", triage=Triage("en")) == []
    assert len(sign_list_problems(content, kind="about", triage=Triage("en", rows))) == 1


def test_the_fields_above_the_text_are_looked_at_too() -> None:
    (problem,) = found("Text.", key_message="With weak legs or chest pain, call an ambulance.")

    assert problem.startswith("The key message says when to call for warning signs")


@pytest.mark.parametrize(
    "row",
    [
        CareInstruction(key="x", language="en", question="Fever?", answer="Call us today if a leg is weak."),
        Term(key="x", language="en", term="x", definition="Chest pain or fainting: call 911."),
        Term(key="x", language="es", term="x", definition="Si se desmaya, llame al 911."),
        SeriesItem(series=Series(language="en"), heading="After", text="A fever and a red wound: call us now."),
    ],
    ids=["answer", "word", "Spanish word", "series"],
)
def test_what_pages_quote_holds_no_list_either(row: object) -> None:
    with pytest.raises(ValidationError, match="Signs come from one list"):
        row.clean()  # type: ignore[attr-defined]
