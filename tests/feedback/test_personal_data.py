"""Comments of readers may contain ordinary numbers, but nothing that could identify the author."""

import pytest

from procedures.feedback import InvalidFeedbackError, clean_comment

ALLOWED = """Steps 1-2-3 were hard
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
Page 12 of 14, line 3
Steps 10-11-12 were hard
Steps 3-4-10 were hard
Los pasos 10-11-12 son difíciles
Is 5-7-10 days right?
after 6-12-24 months
Steps 1/2/10 are the same
Section 1.2.2024
The numbers 10 20 30 40 are confusing
Lines 10-11-12-13 are small
It says 100000 people
Does it help 1 in 250000?
Steps 3-4-10 and 5-6-12
Pages 10 – 11 – 12
Cada 4-6-12 horas
Las páginas 10, 11-12-13
I walk 500 1000 steps
Look at the red dot in the picture
I was at work. Come with me
My record of 3 walks
In 2024 May 5 people come?""".splitlines()
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
record A123456
DOB 01 02 1950
1 / 2 / 1950
12. 30. 1950
x01/02/1950
d.o.b.01.02.1950
2-Jan-1950
nací el 2-ene-1950
2/Jan/1950
Jan-02-1950
1950 Jan 2
2nd of January 1950
born 2 Jan 50
303–555–0100
303‑555‑0100
303/555/0100
555 0100
3 0 3 5 5 5 0 1 0 0
123–45–6789
０１/０２/１９５０
01⁄02⁄1950
MRN 12345
john at gmail dot com
john@gmail
My birthday: 2.1.50
fecha de nacimiento 2 de enero del 50
born Jan 2, 50
Section 3 says I was born 1-2-1950
٠١/٠٢/١٩٥٠
ana arroba gmail punto com
ann (at) example (dot) org
my chart number is 12-34-5
expediente 45678
303 - 555 - 0100
1950.01.02
2-Jan-50""".splitlines()


def test_ordinary_numbers_are_not_personal_data() -> None:
    refused = []
    for line in ALLOWED:
        try:
            assert clean_comment(line) == line
        except InvalidFeedbackError:
            refused.append(line)

    assert refused == []


def test_dates_phone_and_record_numbers_and_addresses_are_rejected() -> None:
    taken = []
    for line in PERSONAL:
        try:
            clean_comment(line)
        except InvalidFeedbackError as error:
            assert "seems to include a phone number, a date, or an email address" in str(error)
        else:
            taken.append(line)

    assert taken == []


@pytest.mark.parametrize("line", ["x" * 500, "hid\u202eden", "a\x00b"])
def test_long_comments_and_invisible_characters_are_rejected(line: str) -> None:
    with pytest.raises(InvalidFeedbackError):
        clean_comment(line)
