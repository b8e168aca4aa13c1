"""Numbers that need a source, and numbers that need none."""

import pytest

from procedures.models import ClinicAnswer
from tests.factories import make_clinic, make_figure, make_page, make_public
from tests.readability.helpers import measure_body

pytestmark = pytest.mark.django_db


def wanting(body: str, **values: object) -> list[str]:
    """Return the numbers in a text that need a source."""
    return [passage.detail for passage in measure_body(body, **values).uncited_numbers]


def test_a_numeric_fact_without_a_source_is_found(subtests: pytest.Subtests) -> None:
    for text in [
        "Pain eases in 12 weeks.",
        "- 700,000 people have it.",
        "About 5.4 % of people have it.",
        "It helps about half of the people.",
        "It is over a third.",
        "Seventy percent get well.",
        "It is twice as likely.",
        "| who | how many |\n|---|---|\n| women | 12 |",
        "::: chance 2 in 100\nhave a leak.\n:::",
        "::: urgent\n- You have a fever of 100.4 °F.\n:::",
        "One fact. [@nice]\n\nPain eases in 12 weeks.",
    ]:
        with subtests.test(text=text):
            assert len(wanting(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Pain eases in 12 weeks. [@nice]",
        "- 700,000 people have it. [@nice]",
        "| who | how many |\n|---|---|\n| women | 12 [@nice] |",
        "::: chance 2 in 100\nhave a leak. [@nice]\n:::",
        "In one study: [@nice]\n\n- 12 people got well.\n- 13 did not.",
    ],
)
def test_a_source_covers_its_paragraph_entry_row_or_the_list_it_introduces(text: str) -> None:
    assert wanting(text) == []


def test_an_introduction_without_a_colon_does_not_cover_the_list_after_it() -> None:
    assert wanting("In one study. [@nice]\n\n- 12 people got well.") == ["12 people"]


@pytest.mark.parametrize(
    "text",
    [
        "The bones are called L1 to L5.",
        "A study of 2010 says so.",
        "Come on May 5, at 8 am or 2:30 pm.",
        "Find number 1, and read step 2 of 8.",
        "Look at these 5 lines.",
        "Pick 3 questions.\n\nPut a 1, 2 and 3 beside them.",
        "Are you over 65?",
        "هل عمرك فوق 65؟",
        "Our desk: 303 - 555 - 0100.",
        "These numbers count out of 100.",
        "### 1. You get ready",
        "The front third of the bone is dark.",
        "Call {clinic.emergency_number} or {clinic.phone}. We are here {clinic.hours}.",
    ],
)
def test_a_number_that_states_no_fact_needs_no_source(text: str) -> None:
    make_clinic()

    assert wanting(f"## Section\n\n{text}") == []


def test_a_spanish_ordinal_needs_no_source() -> None:
    assert wanting("Vamos al 12.avo piso y al 3.er piso.", language="es") == []


def test_a_clinic_answer_is_its_own_source_where_shown_or_repeated() -> None:
    ClinicAnswer.objects.create(key="rest", language="en", question="How long?", answer="Rest for 24 hours.")

    assert wanting("::: care rest\n\nThe first 24 hours: I rest.") == []
    assert wanting("::: care rest\n\n24 people rest.") == ["24 people"]
    assert wanting("The first 24 hours: I rest.") == ["24 hours"]


def test_a_picture_can_repeat_a_number_that_the_page_cites() -> None:
    figure = make_figure()
    figure.texts.update(caption="It is hard in 15 to 20 minutes.")

    assert wanting("::: figure needle") == ["15 minutes"]
    assert wanting("::: figure needle\n\nIt sets in 15 to 20 minutes. [@nice]") == []


def test_the_minutes_of_a_reading_list_need_no_source() -> None:
    page = make_page()
    make_public(page)
    items = [{"page": page.subject, "section": "", "minutes": 7, "note": ""}]

    assert wanting("## A visit\n\nWe talk.", kind="guide", items=items) == []


def test_a_spanish_number_is_found_like_an_english_one() -> None:
    text = "El dolor cede en 12 semanas. La mitad de las personas lo nota."

    assert wanting(text, language="es") == ["12 semanas"]
    assert wanting(f"{text} [@nice]", language="es") == []
    assert wanting("¿Tiene más de 65 años? Elija 3 preguntas. Lea el paso 2.", language="es") == []


TYPED = """Call 303-555-0100.
Call (303) 555-0100 or +1 303 555 0100.
Our desk: 303.555.0100, ext. 12.
Dial 1-800-555-0199 and press 2.
Phone 1-800-MEDICARE.
Fax: 720-555-0111.
Call 911 or 988.
If it gets worse, 911 is the number to call.
We are open 8:30 to 5 pm.
Come at 14:45.
From 8 to 11:30 a.m. we draw blood.
Doors open at 8 o’clock, and 9 in the morning on Fridays.
Your visit is on Nov. 28, 2026.
It was 28 November 2026.
We wrote this on 11/28/2026.
Checked on 2026-11-28.
We are at 1200 North Main Street, Denver, CO 80202-1234.
Go to Suite 200, room 12, floor 3.
Take exit 5 and bus 20.
The code is CPT 22513.
This is version 2.1 of the sheet.
See table 2 and question 4.
Bring form 27.
We are #1 in line.
First (1) rest, then (2) walk.
The code M80.08XA means that the bone broke.
It is between T12 and L1-L2.
A COVID-19 test.
Call 5550199.
Text HELP to 12345.
Text “STOP” to 67890.
Dial 9, then 303-555-0100.
We are here 24/7.
From 8 to 5.
Monday to Friday from 8 to 5.
We are open 9 to 4:30 on weekdays.
The desk is closed Sat. and Sun. 12 to 1.
8-5, Monday to Friday
Come May 5 to 7, 2026, or 5–7 June.
Come on 5-Jan-2026 or the 5th of May.
You have type 2 diabetes.
It is grade 1 or 2.
This is a phase 3 trial.
We use a 12-gauge needle.
Take I-25 to exit 5."""
TYPED_SPANISH = """Llame al 303-555-0100.
Llame al 911.
Marque el 112 y oprima 2.
Nuestro teléfono: 912 345 678.
El fax es 91 234 56 78.
Móvil +34 612 345 678.
Venga a las 8:30 de la mañana.
Abrimos de 8 a 17 h.
Venga el 5 de mayo de 2026.
Estamos en la calle Mayor, n.º 12, piso 3.
Código postal 28013.
Es la versión 2 de la hoja.
El hueso T12 o L1–L2.
Llame al (55) 1234-5678.
Envíe AYUDA al 12345.
Del 5 al 7 de mayo.
Los días 5, 6 y 7 de mayo.
El 5-ene-2026.
El 1.º de mayo.
La 1.ª cita y la 2.ª dosis, en el 3.er piso.
De lunes a viernes de 8 a 5.
Abrimos de 9 a 4.
Tiene diabetes tipo 2 o un grado 1."""


def test_a_typed_phone_time_date_address_or_code_needs_no_source() -> None:
    for language, lines in (("en", TYPED), ("es", TYPED_SPANISH)):
        found = {line: wanted for line in lines.splitlines() if (wanted := wanting(line, language=language))}
        assert found == {}


STILL_FACTS = """Take 10 mg twice a day.
Rest for 24 h.
911 people were asked.
Call within 12 hours.
At 65 the risk is 5 %.
A dose of 8 mSv.
1/3 of patients feel better.
We treated 303 patients.
In 1 of 10 it leaks.
The bone lost 20 to 30 % of its height.
After 6 to 8 weeks it heals.
A T-score of -2.5 means weak bone.
A T-score below −2.5 means weak bone.
Pain fell from 8 to 5.
It fell from 8 to 5 points.
From 8 to 5 % of people feel it.
It went from 24 to 7 days.
2 types of cement.
Phase 3 took 12 weeks.
Open surgery takes 2 to 3 hours.
On Monday 8 to 10 people came.
Call 1 of 100 people.
In 5 may be pain, in 7 not.
Group 2 had 30 leaks."""


def test_doses_healing_times_and_counts_still_need_a_source() -> None:
    missed = [line for line in STILL_FACTS.splitlines() if not wanting(line)]

    assert missed == []


def test_a_range_alone_in_a_cell_needs_a_source() -> None:
    assert wanting("| Weeks | Who |\n|---|---|\n| 6 to 8 | women |") == ["6"]


def test_a_code_in_a_table_column_of_codes_needs_no_source() -> None:
    assert wanting("| What | CPT code |\n|---|---|\n| One bone | 22513 |\n| More | 22514, 22515 |") == []
    assert wanting("| CPT | 22513 |\n|---|---|\n| CPT | 22514 |") == []
    assert wanting("| Patients | Year |\n|---|---|\n| 22513 | 2019 |") == ["22513"]
