"""Phone numbers: as links, and typed in texts, where they would outlive a change of the clinic's number."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

# North American area codes of toll-free numbers: no clinic's local number begins with one.
TOLL_FREE = frozenset("800 833 844 855 866 877 888".split())
NATIONAL_DIGITS = 10
MIN_DIGITS, MAX_DIGITS = 7, 15

ASCII = {
    "（": "(",
    "）": ")",
    "［": "(",
    "］": ")",
    "＋": "+",
    "．": ".",
    "·": ".",
    "•": ".",
    "∙": ".",
    "․": ".",
    "／": "/",
    "ー": "-",
    "⁄": "/",
}
GAP = r"[ .\-/()]{0,4}"
START = r"(?<!\w)(?<!\d[.,/-])"
END = r"(?![.,-]?\d)(?!\w)"
CUE = (
    r"(?<!\w)(?:call|calling|dial|phone|telephone|tel|text|ring|fax|cell|mobile|hotline|number|reach|contact"
    r"|llame|llamar|ll[aá]m[ea]nos|llamando|marque|marcar|tel[eé]fono|n[uú]mero|celular|m[oó]vil|fijo|l[ií]nea)(?!\w)"
    r"(?:[.:](?= ))?[^\d.!?]{0,30}?"
)
# A number with a unit is no number to call.
COUNTED = (
    r"(?! ?(?:%|°|(?:mg|mcg|µg|g|kg|ml|l|mm|cm|m|units?|iu|ui|hu|percent|por ciento|people|patients|adults|men|women"
    r"|cases|fractures|steps|calories|days|hours|minutes|personas|pacientes|adultos|hombres|mujeres|casos|fracturas"
    r"|pasos|calor[ií]as|d[ií]as|horas|minutos|unidades)(?!\w)))"
)
GROUPS = (
    r"[6-9]\d\d[ -]\d{3}[ -]\d{3}|[6-9]\d\d(?:[ -]\d\d){3}|[89]\d[ -]\d{3}[ -]\d\d[ -]\d\d|\d{2,3}[ -]\d{4}[ -]\d{4}"
)
NUMBERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # 303-555-0100, (303) 555 0100, +1.303.555.0100, 3035550100
        rf"{START}(?P<number>(?:\+?1{GAP})?\(?[2-9]\d\d{GAP}[2-9]\d\d{GAP}\d{{4}}){END}{COUNTED}",
        # +52 55 1234 5678, 011 52 55 1234 5678
        rf"(?<![\w+])(?P<number>(?:\+ ?|(?:011|00)[ .-])\d[\d .\-/()]{{5,22}}\d){END}",
        # 612 345 678, 612 34 56 78, 91 234 56 78, 55 1234 5678
        rf"{START}(?P<number>{GROUPS}){END}{COUNTED}",
        # 555-0177; but 500-1000 is a range
        rf"{START}(?P<number>[2-9]\d\d-(?!\d\d[05]0)\d{{4}}|[2-9]\d\d-0\d{{3}}){END}{COUNTED}",
        # After a word such as "call": any number as long as a phone number
        rf"{CUE}(?P<number>[+(]{{0,2}}\d[\d .\-/()]{{5,22}}\d){END}{COUNTED}",
    )
)
# 303-555-CARE, 303-CALL-NOW
LETTERS = re.compile(
    rf"{START}(?P<number>(?:\+?1[ .-])?\(?[2-9]\d\d\)?[ .-]{{1,2}}(?=[A-Z\d-]*[A-Z]{{3}})(?:[A-Z\d]-?){{7,9}})(?!\w)"
)
DATE = re.compile(r"(?:19|20)\d\d[./ -](?:\d\d?[./ -]\d\d?|(?:19|20)\d\d)|\d\d?[./-]\d\d?[./-](?:19|20)\d\d")
CODE_BEFORE = re.compile(
    r"(?:PMID|PMC|DOI|NPI|MRN|NCT|ISBN|ISSN|SNOMED(?: CT)?|ICD|CIE|LOINC|RxNorm|NDC|CPT|codes?|c[oó]digos?)\W{0,3}\Z",
    re.IGNORECASE,
)
DOSES = re.compile(r"\d+(?:/\d+)+")
MAY_BE_TYPED = "Only toll-free numbers, such as 800, and three-digit lines, such as 988, may be typed."
EMERGENCY_NUMBERS = ("911", "112", "999")
# How a sentence goes on after "911" when it is a number to call.
AFTER_CALL = (
    r"(?= ?(?:[.,;:!?)\"”’»]|\Z)| (?:is|or|and|if|for|now|right|at once|at|when|first|immediately"
    r"|es|o|y|si|ahora|de inmediato|cuando|enseguida|para)(?!\w))"
)


def phone_href(number: str) -> str:
    """``tel:`` address of a printed number: ``+1 303-555-0100`` → ``tel:+13035550100``; empty for none."""
    digits = "".join(letter for letter in number if letter.isdigit() or letter == "+")
    return f"tel:{digits}" if digits else ""


def national(number: str) -> str:
    """The digits of a number without the North American country code, for comparison."""
    digits = "".join(str(unicodedata.decimal(letter)) for letter in number if letter.isdecimal())
    return digits[1:] if len(digits) == NATIONAL_DIGITS + 1 and digits[0] == "1" else digits


def typed_phones(text: str, own: Iterable[str] = ()) -> list[tuple[int, str]]:
    """Phone numbers typed in ``text``: the position of each, and the number as typed.

    Toll-free numbers and three-digit lines (988, 211) are not the clinic's and may be typed, unless ``own``, the
    clinic's numbers, holds them.
    """
    plain, places = _plain(text)
    numbers = {national(number) for number in own if len(national(number)) >= MIN_DIGITS}
    taken = bytearray(len(plain))
    refused: list[tuple[int, int]] = []
    # The longest first: "555-0100" inside "800-555-0100" is no number of its own.
    for start, end in sorted({*_numbers(plain), *_own(plain, numbers)}, key=lambda span: (span[0] - span[1], span)):
        if any(taken[start:end]):
            continue
        taken[start:end] = b"\1" * (end - start)
        if national(plain[start:end]) in numbers or not _may_be_typed(plain, start, end):
            refused.append((start, end))
    return [(places[start], text[places[start] : places[end - 1] + 1].strip()) for start, end in sorted(refused)]


def typed_emergency(text: str, own: str) -> list[tuple[int, str]]:
    """Emergency numbers typed in ``text`` (``911``, ``9-1-1``, the clinic's ``own``): position and number as typed."""
    plain, places = _plain(text)
    found = set()
    for number in {*EMERGENCY_NUMBERS, national(own)} - {""}:
        spelled = rf"(?P<number>{'[ .-]?'.join(number)}){END}"
        patterns = [rf"{CUE}{spelled}{COUNTED}"]
        if number == EMERGENCY_NUMBERS[0]:
            patterns.append(rf"{START}{spelled}{AFTER_CALL}")
        for pattern in patterns:
            found |= {match.span("number") for match in re.finditer(pattern, plain, re.IGNORECASE)}
    return [(places[start], text[places[start] : places[end - 1] + 1]) for start, end in sorted(found)]


def _plain(text: str) -> tuple[str, list[int]]:
    """The text with ASCII digits, hyphens, and spaces, without invisible characters, and where each character was."""
    characters, places = [], []
    for place, letter in enumerate(text):
        kind = unicodedata.category(letter)
        if kind == "Cf":
            continue
        if letter.isdecimal():
            character = str(unicodedata.decimal(letter))
        elif kind == "Pd" or letter == "\u2212":
            character = "-"
        else:
            character = " " if letter.isspace() else ASCII.get(letter, letter)
        characters.append(character)
        places.append(place)
    return "".join(characters), places


def _numbers(plain: str) -> Iterator[tuple[int, int]]:
    for pattern in (*NUMBERS, LETTERS):
        for match in pattern.finditer(plain):
            number = match["number"]
            if MIN_DIGITS <= len(national(number)) <= MAX_DIGITS or pattern is LETTERS:
                yield match.span("number")


def _own(plain: str, numbers: set[str]) -> Iterator[tuple[int, int]]:
    """The clinic's own numbers, whole or without the area code, in any spelling."""
    for digits in {form for number in numbers for form in (number, number[-MIN_DIGITS:])}:
        for match in re.finditer(rf"(?<!\d)(?<!\d[ .\-/()]){GAP.join(digits)}{END}", plain):
            yield match.span()


def _may_be_typed(plain: str, start: int, end: int) -> bool:
    """Whether it is a toll-free number, or no phone number at all: a date, a code, doses."""
    number = plain[start:end].strip(" +()")
    area = re.sub(r"\A1(?=\D*\d{3})", "", number).strip(" .-/()")[:3]
    is_toll_free = area in TOLL_FREE and (
        len(national(number)) == NATIONAL_DIGITS or bool(re.search("[A-Za-z]", number))
    )
    return bool(
        is_toll_free
        or DATE.fullmatch(number)
        or DOSES.fullmatch(number)
        or CODE_BEFORE.search(plain[max(0, start - 20) : start])
    )


def phone_in_plain_text(text: str, name: str = "This field", own: Iterable[str] = ()) -> str:
    """The error for a phone number in a text that is printed as typed, or "". ``name``: the name of the field."""
    found = typed_phones(text, own)
    if not found:
        return ""
    return (
        f"{name} contains the phone number “{found[0][1]}”. Delete it: every page shows the clinic’s own number, and a "
        f"number typed here would not change with it. {MAY_BE_TYPED}"
    )


def emergency_in_plain_text(text: str, name: str, own: str) -> str:
    """The error for an emergency number in a field of a page that is printed as typed, or ""."""
    found = typed_emergency(text, own)
    if not found:
        return ""
    return (
        f"{name} contains the emergency number “{found[0][1]}”. Delete it here, and write "
        f"{{clinic.emergency_number}} in the text of the page."
    )
