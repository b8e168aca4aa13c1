"""What a reader's line may hold: numbers and steps yes, what could tell who wrote it no."""

import pytest

from procedures.feedback.answer import UnusableError, clean_comment

FINE = """Steps 1-2-3 were hard
Steps 1 2 3 4 5 6 were hard
Parts 1.1.2 and 2.1.10 say the same
Steps 1.2.3 and 1/2/3
What is T12-L1? And L4-5?
Pictures 1/2/3 are dark
I walk 5 to 10 minutes, 3 times a day
My fracture was in 2024
10 lb for 6 weeks? 100.4 °F?
55 in 100 and 18 in 100, 1 in 800
My mother is 85 and I am 60
Rate it 9/10, no, 10/10
May 5 or 6 people come along?
I can march 200 steps
Version 3.11.7 of the page
Page 12 of 14, line 3""".splitlines()
PERSONAL = """I was born on 03/04/1948
born 1948-04-03
DOB 1/2/50
12.31.1949
I came on 4-3-26 and
January 2, 1950
2 Jan 1950
Sept. 14th 2026 was my day
nací el 2 de enero de 1950
mail me: ann@example.org
call 303-555-0100
call (303) 555-0100
call 303 555 0100
call 303.555.0100
555-0100
+1 303 555 0100
+49 30 1234567
12 34 56 78 90
my number is 12345678
SSN 123-45-6789
record A123456""".splitlines()


def test_numbers_steps_and_levels_of_the_spine_are_no_personal_data() -> None:
    refused = []
    for line in FINE:
        try:
            assert clean_comment(line) == line
        except UnusableError:
            refused.append(line)

    assert refused == []


def test_dates_numbers_of_people_and_addresses_are_refused() -> None:
    taken = []
    for line in PERSONAL:
        try:
            clean_comment(line)
        except UnusableError as error:
            assert "seems to hold a number, a date or an email address" in str(error)
        else:
            taken.append(line)

    assert taken == []


@pytest.mark.parametrize("line", ["x" * 500, "hid\u202eden", "a\x00b"])
def test_too_much_and_invisible_signs_are_refused(line: str) -> None:
    with pytest.raises(UnusableError):
        clean_comment(line)
