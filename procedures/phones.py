"""Phone numbers: ``tel:`` links, and detection of numbers typed into texts, which would go stale when the clinic's
number changes.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.text import interpolate_lazy
from procedures.languages import number_pattern
from procedures.languages.definition import CODE_SYSTEMS
from procedures.markup import THIS_FIELD

# North American toll-free area codes: no clinic's local number begins with one.
TOLL_FREE_AREA_CODES = frozenset("800 833 844 855 866 877 888".split())
NATIONAL_DIGITS = 10
MIN_DIGITS, MAX_DIGITS = 7, 15

ASCII_EQUIVALENTS = {
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
SEPARATOR = r"[ .\-/()]{0,4}"
NUMBER_START = r"(?<!\w)(?<!\d[.,/-])"
NUMBER_END = r"(?![.,-]?\d)(?!\w)"
EXTENSION = rf"(?:{number_pattern('glued_extensions')})\.?[ :]?#?\d"
PHONE_END = rf"(?![.,-]?\d)(?:(?!\w)|(?={EXTENSION}))"
CALL_CUE = rf"(?<!\w)(?:{number_pattern('call_words')}|whatsapp|wa\.me)(?!\w)(?:[.:](?= ))?[^\d.!?]{{0,30}}?"
# A number followed by a unit is not a phone number.
NOT_A_QUANTITY = rf"(?! ?(?:%|°|(?:mg|mcg|µg|g|kg|ml|l|mm|cm|m|iu|ui|hu|{number_pattern('counted', 'units')})(?!\w)))"
DIGIT_GROUPS = (
    r"[6-9]\d\d[ -]\d{3}[ -]\d{3}|[6-9]\d\d(?:[ -]\d\d){3}|[89]\d[ -]\d{3}[ -]\d\d[ -]\d\d|\d{2,3}[ -]\d{4}[ -]\d{4}"
)
PHONE_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # 303-555-0100, (303) 555 0100, +1.303.555.0100, 3035550100
        rf"{NUMBER_START}(?P<number>(?:\+?1{SEPARATOR})?\(?[2-9]\d\d{SEPARATOR}[2-9]\d\d{SEPARATOR}\d{{4}}){PHONE_END}{NOT_A_QUANTITY}",
        # The same with two separators and any letters directly before or after it: tel303-555-0100, 303-555-0100a
        (
            rf"(?<!\d)(?<!\d[.,/-])(?P<number>(?:\+?1{SEPARATOR})?"
            rf"(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{{4}})(?![.-]?\d){NOT_A_QUANTITY}"
        ),
        # +52 55 1234 5678, 011 52 55 1234 5678
        rf"(?<![\w+])(?P<number>(?:\+ ?|(?:011|00)[ .-])\d[\d .\-/()]{{5,22}}\d){PHONE_END}",
        # 612 345 678, 612 34 56 78, 91 234 56 78, 55 1234 5678
        rf"{NUMBER_START}(?P<number>{DIGIT_GROUPS}){PHONE_END}{NOT_A_QUANTITY}",
        # 555-0177; but 500-1000 is a range
        rf"{NUMBER_START}(?P<number>[2-9]\d\d-(?!\d\d[05]0)\d{{4}}|[2-9]\d\d-0\d{{3}}){PHONE_END}{NOT_A_QUANTITY}",
        # After a word such as "call": any number with as many digits as a phone number
        rf"{CALL_CUE}(?P<number>[+(]{{0,2}}\d[\d .\-/()]{{5,22}}\d){PHONE_END}{NOT_A_QUANTITY}",
    )
)
# 303-555-CARE, 303-CALL-NOW
VANITY_NUMBER = re.compile(
    rf"{NUMBER_START}(?P<number>(?:\+?1[ .-])?\(?[2-9]\d\d\)?[ .-]{{1,2}}"
    rf"(?=[A-Z\d-]*[A-Z]{{3}})(?:[A-Z\d]-?){{7,9}})(?:(?!\w)|(?={EXTENSION}))"
)
DATE = re.compile(r"(?:19|20)\d\d[./ -](?:\d\d?[./ -]\d\d?|(?:19|20)\d\d)|\d\d?[./-]\d\d?[./-](?:19|20)\d\d")
CODE_LABEL = re.compile(rf"(?:{CODE_SYSTEMS}|{number_pattern('code_words')})\W{{0,3}}\Z", re.IGNORECASE)
DOSE = re.compile(r"\d+(?:/\d+)+")
# The number of a link that dials it or opens a chat with it: tel:+13035550100;ext=2, https://wa.me/13035550100
LINKED_NUMBER = re.compile(
    r"(?:tel:|https?://(?:www\.)?wa\.me/|https?://\S{0,99}whatsapp\S{0,99}[?&]phone=)(?P<number>\+?[\d .()-]+)",
    re.IGNORECASE,
)
ALLOWED_NUMBERS_HINT = _(
    "You can type only toll-free numbers (such as 800 numbers) and three-digit numbers (such as 988)."
)
EMERGENCY_NUMBERS = ("911", "112", "999")
# How a sentence continues after "911" when it is a number to call.
AFTER_EMERGENCY_NUMBER = rf"(?= ?(?:[.,;:!?)\"”’»]|\Z)| (?:{number_pattern('after_emergency_number')})(?!\w))"


def phone_href(number: str) -> str:
    """Return the ``tel:`` URL of a printed number: ``+1 303-555-0100`` → ``tel:+13035550100``; empty for none."""
    digits = "".join(char for char in number if char.isdigit() or char == "+")
    return f"tel:{digits}" if digits else ""


def find_linked_number(href: str) -> str:
    """Return the phone number that a link dials or writes to, as typed, without an extension; empty for none."""
    match = LINKED_NUMBER.match(href)
    return match["number"] if match else ""


def normalize_phone(number: str) -> str:
    """Return the digits of a number without the North American country code, for comparison."""
    digits = "".join(str(unicodedata.decimal(char)) for char in number if char.isdecimal())
    return digits[1:] if len(digits) == NATIONAL_DIGITS + 1 and digits[0] == "1" else digits


def find_phones(text: str, clinic_numbers: Iterable[str] = ()) -> list[tuple[int, str]]:
    """Return the position and the spelling of each phone number in ``text`` that must not be typed.

    Toll-free numbers and three-digit lines (988, 211) may be typed, unless they are among ``clinic_numbers``.
    """
    if not _has_digit(text):
        return []
    ascii_text, offsets = _to_ascii(text)
    numbers = {normalize_phone(number) for number in clinic_numbers if len(normalize_phone(number)) >= MIN_DIGITS}
    rejected = [
        (start, end)
        for start, end in _find_spans(ascii_text, numbers)
        if normalize_phone(ascii_text[start:end]) in numbers
        or not (_is_toll_free(ascii_text[start:end]) or _is_other_number(ascii_text, start, end))
    ]
    return [(offsets[start], text[offsets[start] : offsets[end - 1] + 1].strip()) for start, end in rejected]


def remove_phones(text: str) -> str:
    """Return ``text`` without its phone numbers, whether or not they may be typed."""
    if not _has_digit(text):
        return text
    ascii_text, offsets = _to_ascii(text)
    spans = [span for span in _find_spans(ascii_text, set()) if not _is_other_number(ascii_text, *span)]
    for start, end in reversed(spans):
        text = f"{text[: offsets[start]]} {text[offsets[end - 1] + 1 :]}"
    return text


def find_emergency_numbers(text: str, clinic_number: str) -> list[tuple[int, str]]:
    """Return the position and the spelling of each emergency number in ``text``: ``911``, ``9-1-1``, the clinic's."""
    if not _has_digit(text):
        return []
    ascii_text, offsets = _to_ascii(text)
    spans = set()
    for number in {*EMERGENCY_NUMBERS, normalize_phone(clinic_number)} - {""}:
        spelled = rf"(?P<number>{'[ .-]?'.join(number)}){NUMBER_END}"
        patterns = [rf"{CALL_CUE}{spelled}{NOT_A_QUANTITY}"]
        if number == EMERGENCY_NUMBERS[0]:
            patterns.append(rf"{NUMBER_START}{spelled}{AFTER_EMERGENCY_NUMBER}")
        for pattern in patterns:
            spans |= {match.span("number") for match in re.finditer(pattern, ascii_text, re.IGNORECASE)}
    return [(offsets[start], text[offsets[start] : offsets[end - 1] + 1]) for start, end in sorted(spans)]


def find_phone_error(text: str, field_name: str | Promise = THIS_FIELD, clinic_numbers: Iterable[str] = ()) -> str:
    """Return the error for a phone number in a text that is printed as typed; empty for none.

    ``field_name`` is the subject of the sentence.
    """
    numbers = find_phones(text, clinic_numbers)
    if not numbers:
        return ""
    message = _(
        "%(field)s contains the phone number “%(number)s”. Delete it: every page shows the clinic’s own number, and a "
        "number typed here would not change with it. %(hint)s"
    )
    return interpolate_lazy(message, field=field_name, number=numbers[0][1], hint=ALLOWED_NUMBERS_HINT)


def find_emergency_number_error(text: str, field_name: str | Promise, clinic_number: str) -> str:
    """Return the error for an emergency number in a field of a page that is printed as typed; empty for none."""
    numbers = find_emergency_numbers(text, clinic_number)
    if not numbers:
        return ""
    message = _(
        "%(field)s contains the emergency number “%(number)s”. Delete it here, and insert the emergency number into "
        "the text of the page."
    )
    return interpolate_lazy(message, field=field_name, number=numbers[0][1])


def _has_digit(text: str) -> bool:
    """Return whether ``text`` can contain a number at all. Most texts don't, and the full search is slow."""
    return re.search(r"\d", text) is not None


def _to_ascii(text: str) -> tuple[str, list[int]]:
    """Return the text with ASCII digits, hyphens, and spaces, and the original offset of each character.

    Invisible format characters are dropped.
    """
    characters, offsets = [], []
    for offset, char in enumerate(text):
        category = unicodedata.category(char)
        if category == "Cf":
            continue
        if char.isdecimal():
            character = str(unicodedata.decimal(char))
        elif category == "Pd" or char == "\u2212":
            character = "-"
        else:
            character = " " if char.isspace() else ASCII_EQUIVALENTS.get(char, char)
        characters.append(character)
        offsets.append(offset)
    return "".join(characters), offsets


def _find_spans(ascii_text: str, clinic_numbers: set[str]) -> list[tuple[int, int]]:
    """Return the spans of all numbers that look like phone numbers, in order."""
    covered = bytearray(len(ascii_text))
    spans = []
    # Longest first: "555-0100" inside "800-555-0100" is not a separate number.
    for start, end in sorted(
        {*_find_numbers(ascii_text), *_find_clinic_numbers(ascii_text, clinic_numbers)},
        key=lambda span: (span[0] - span[1], span),
    ):
        if not any(covered[start:end]):
            covered[start:end] = b"\1" * (end - start)
            spans.append((start, end))
    return sorted(spans)


def _find_numbers(ascii_text: str) -> Iterator[tuple[int, int]]:
    for pattern in (*PHONE_PATTERNS, VANITY_NUMBER):
        for match in pattern.finditer(ascii_text):
            number = match["number"]
            if MIN_DIGITS <= len(normalize_phone(number)) <= MAX_DIGITS or pattern is VANITY_NUMBER:
                yield match.span("number")


def _find_clinic_numbers(ascii_text: str, numbers: set[str]) -> Iterator[tuple[int, int]]:
    """Yield the spans of the clinic's own numbers, with or without the area code, in any spelling."""
    for digits in {form for number in numbers for form in (number, number[-MIN_DIGITS:])}:
        end = r"(?!\d)" if len(digits) == NATIONAL_DIGITS else PHONE_END
        for match in re.finditer(rf"(?<!\d)(?<!\d[ .\-/()]){SEPARATOR.join(digits)}{end}", ascii_text):
            yield match.span()


def _is_toll_free(number: str) -> bool:
    number = number.strip(" +()")
    area = re.sub(r"\A1(?=\D*\d{3})", "", number).strip(" .-/()")[:3]
    return area in TOLL_FREE_AREA_CODES and (
        len(normalize_phone(number)) == NATIONAL_DIGITS or bool(re.search("[A-Za-z]", number))
    )


def _is_other_number(ascii_text: str, start: int, end: int) -> bool:
    """Return whether the number is not a phone number at all: a date, a code, a dose."""
    number = ascii_text[start:end].strip(" +()")
    return bool(
        DATE.fullmatch(number) or DOSE.fullmatch(number) or CODE_LABEL.search(ascii_text[max(0, start - 20) : start])
    )
