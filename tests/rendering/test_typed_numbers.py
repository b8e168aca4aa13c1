"""Typed phone numbers are reported, because they would not change with the clinic's number."""

import pytest
from django.core.exceptions import ValidationError

from procedures.models import (
    Clinic,
    ClinicAnswer,
    ClinicText,
    FigureText,
    GlossaryTerm,
    Location,
    LocationText,
    MarkerText,
    Series,
    SeriesItem,
)
from procedures.models.reference import WarningSignText
from procedures.phones import find_emergency_numbers, find_phones
from tests.factories import make_clinic
from tests.rendering.helpers import list_issues, render

# ¶ stands for a line break.
PHONES = """call 303-555-0100
Our desk: 720.555.0177.
(970) 555 0142
+1 303\u2011555\u20130100
+1 (303) 555\u20130100
３０３－５５５－０１００
３０３ー５５５ー０１００
303\u00a0555\u00a00100
1-720-555-0177
7205550177
Call 555-0177
555-0177
Call 5550177
+52 55 1234 5678
011 52 55 1234 5678
Llame al 612 345 678
Marque 91 234 56 78.
Ring 030 901820
303/555-0100
303-555-CARE
303 – 555 – 0100
(720)555-0177, ext. 5
Our number is 722-4550 all day
Call 303-¶555-0100
Our nurse line is 303-555-0199x22.
303-555-0199X22
303-555-0199ext22
303-555-0199ext.22
303-555-0199extension 22
303-555-0199Ext: 22
303-555-0199#22
303-555-0199,22
303.555.0199a
(303)555-0199x2
(303) 555-0199p22
3035550199x22
303 555 0199x22
555-0177x2
Call 5550177x2
+52 55 1234 5678x3
303-555-CAREx2
x303-555-0199
phone303-555-0199
tel303.555.0199
fax(303)555-0199
_303-555-0199_
Llame al 303-555-0199int.22
Llame al 303-555-0199extensión 4
Marque 303-555-0199ext4
Tel.303-555-0199anexo 12
Llame al 612 345 678x2
tel:3035550199;ext=22
wa.me/13035550199
wa.me/525512345678
https://api.whatsapp.com/send?phone=13035550199
WhatsApp: 55 1234 5678""".split("\n")
NO_PHONES = """Call 1-800-222-1222
1 (833) 555-0111
877.555.0142
1-800-QUIT-NOW
Call or text 988, or 211 for food
T12 and M80.08, 2019-2023
Take 500-1000 mg
Take 500–1000 mg a day, and call us after 2026-11-28
PMID 29617139
10.1186/s13018-021-02472-9
doi 10.1007/s11999-014-3506-0
Call before 11/28/2026.
250/500/1000 mg
250 to 500, 1000
Denver, CO 80202-1234
S32.010A, 22513-22515
Call us in the first 24 hours at 100.4 °F or 38 °C.
Call if your blood pressure is over 180/110 for 2 hours
1,234,567 people in 2010-2015
SNOMED 2345678901
1 in 10 000 000
Call us 8-5 on weekdays, 24 hours on day 7
Call 1-800-222-1222x3
877.555.0142ext.4
Llame al 1-800-222-1222ext2
A picture of 1920x1080, or 1024x768 dots
A disc of 12x20x30 mm, and 300x400x500 mm
2026-11-28a, 11/28/2026x2, 28.11.2026
El 28-11-2026, de 8 a 5
1000mg, 500mg/5ml, 250/500/1000mg
2505501000mg a day
250-550-1000mg
NDC 303-555-0199x
CPT 22513x2, ICD M80.08XA, S32.010A
códigos 22513x2 y 22514x1
doi:10.1016/S0140-6736(20)30183-5
doi:10.7326/0003-4819-150-9-200905050-00006
10.1056/NEJMoa0900429x2
PMC3035550199a
NCT03035550, ISBN 978-0-306-40615-7
Spine 2014;39(3):218-225x
N Engl J Med 2009;361:557-68, 569-579
L1-L2x3, T12x2, C1-C2
Take 1 tablet x 10 days, or 2x500
100x more in 2010-2015a
Room 303-555, ZIP 80202-1234""".split("\n")


def test_every_phone_number_format_is_detected() -> None:
    assert [text for text in PHONES if not find_phones(text.replace("¶", "\n"))] == []


def test_toll_free_numbers_short_codes_doses_and_dates_are_allowed() -> None:
    assert {text: found for text in NO_PHONES if (found := find_phones(text))} == {}


def test_toll_free_number_of_the_clinic_is_rejected() -> None:
    assert find_phones("Call 1-800-555-0177.", ["800 555 0177"]) == [(5, "1-800-555-0177")]
    assert find_phones("Call 1-800-555-0100.", ["+1 303-555-0100"]) == []


def test_extension_is_not_part_of_the_reported_number() -> None:
    found = {text: find_phones(text, ["+1 303-555-0100"]) for text in ("303-555-0100x2", "Llame al 3035550100ext. 2")}

    assert found == {
        "303-555-0100x2": [(0, "303-555-0100")],
        "Llame al 3035550100ext. 2": [(9, "3035550100")],
    }
    assert find_phones("Call 555-0100x2, 18005550177x2", ["3035550100", "800 555 0177"]) == [
        (5, "555-0100"),
        (17, "18005550177"),
    ]


def test_number_in_a_link_can_be_replaced_with_the_link(clinic_content: object) -> None:
    for href in ("tel:3035550100;ext=22", "tel:+1-303-555-0100,2", "https://wa.me/13035550100?text=Hi"):
        (problem,) = [issue for issue in render(f"Call [us]({href}) now.").issues if "typed phone" in str(issue)]
        assert problem.fix is not None
        assert problem.fix.change(f"Call [us]({href}) now.") == "Call {clinic.phone} now.", href


def test_emergency_number_is_detected_only_as_a_number_to_call() -> None:
    calls = [
        "Dial 911",
        "call 9-1-1 now",
        "911.",
        "If you cannot, 911 is best",
        "Llame al 911 si",
        "Marque 112",
        "Call 061",
    ]
    others = ["A study of 911 patients", "call 911 patients", "112 mg", "It took 911 mg", "Call 1911", "page 061"]

    assert [text for text in calls if not find_emergency_numbers(text, "061")] == []
    assert {text: found for text in others if (found := find_emergency_numbers(text, "061"))} == {}


def test_typed_number_is_reported_with_line_and_replacement(clinic_content: object) -> None:
    bodies = {
        "One.\n\ncall 720-555-0177\n": 3,
        "One line\nand **303**-555-0100": 2,
        "## Call 303-555-0100": 1,
        "| a | b |\n|---|---|\n| us | 303-555-0100 |": 3,
        "::: call\n- Call 303&#45;555&#8209;0100.\n:::": 2,
        "[our desk](tel:+13035550177)": 1,
        "[303-555-0100](page:recovery)": 1,
        "[our desk](tel:+13035550177;ext=2)": 1,
        "[our desk](https://wa.me/13035550177)": 1,
        "[our desk](https://wa.me/525512345678?text=Hello)": 1,
        "[our desk](https://api.whatsapp.com/send?phone=13035550177)": 1,
        "Our nurse line is 303-555-0100x22.": 1,
    }
    for body, line in bodies.items():
        found = [text for text in list_issues(body) if "typed phone number" in text]
        assert len(found) == 1, body
        assert found[0].startswith(f"line {line}: "), body
        assert "Write {clinic.phone}, {clinic.after_hours_phone}" in found[0]
    assert any("Write {clinic.emergency_number}." in text for text in list_issues("Dial 911."))
    values = "Call {clinic.phone}, {clinic.after_hours_phone} or {clinic.emergency_number}, or 988 or 1-800-222-1222."
    assert list_issues(values) == []


def test_typed_number_in_a_page_field_is_reported_at_that_field(clinic_content: object) -> None:
    for name in ("title", "key_message", "description", "next_label"):
        for text in ("Call 303-555-0100", "Call 911"):
            found = render("Text.", **{"description": "", name: text}).issues
            assert [problem.field for problem in found] == [name], (name, text, found)
    items = [{"page": "recovery", "section": "", "minutes": 1, "note": "Call 303-555-0100."}]
    assert any("phone number" in str(problem) for problem in render("Text.", kind="guide", items=items).issues)


def test_older_row_with_a_typed_number_is_reported_on_its_page(clinic_content: object) -> None:
    ClinicAnswer.objects.filter(key="driving").update(answer="Call 303-555-0100.")
    Location.objects.create(key="a", phone="+1 303-555-0100", address="1 Street\nCall 303-555-0100.")

    for body in ("::: care driving", "::: locations"):
        assert any("phone number “303-555-0100”" in text for text in list_issues(body)), body


def test_plain_text_rows_printed_by_pages_cannot_contain_phone_numbers(db: None) -> None:
    call = "Call 303-555-0100."
    series, clinic = Series(slug="one", language="en", title="One"), make_clinic()
    rows = [
        ClinicAnswer(key="a", language="en", question="When?", answer=call),
        ClinicAnswer(key="a", language="en", question=call, answer="Now."),
        GlossaryTerm(key="a", language="en", term="a", definition=call),
        GlossaryTerm(key="a", language="en", term="a", definition="It is.", aliases=[call]),
        FigureText(language="en", title="A", alt="A", caption=call),
        MarkerText(language="en", label="A", text=call),
        Series(slug="a", language="en", title=call),
        SeriesItem(series=series, heading="A", text=call),
        WarningSignText(language="en", text=call),
        ClinicText(clinic=clinic, language="en", hours=call),
        Location(key="a", phone="+1 303-555-0100", address=f"1 Street\n{call}"),
        LocationText(language="en", name="A", directions=call),
    ]
    for row in rows:
        with pytest.raises(ValidationError, match="phone number “303-555-0100”"):
            row.clean()
    Location(key="a", phone="+1 303-555-0100", address="1 Street").clean()
    assert Clinic.objects.get().phone == "+1 303-555-0100"
