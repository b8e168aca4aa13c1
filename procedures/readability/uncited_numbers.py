"""Numbers that state a fact without a source. docs/quality/measures.md lists the numbers that need none.

The words around numbers are in the language registry (``NumberVocabulary``).
"""

import re
from collections.abc import Iterable

from procedures.languages import number_words
from procedures.languages.definition import CODE_SYSTEMS, TIME_OF_DAY
from procedures.readability.scores import split_sentences
from procedures.rendering.document import HEADING_TAGS, Article, TextBlock

BETWEEN = rf"(?:-|–|{number_words('between')})"
NUMBER = re.compile(
    # L3, T12, and COVID-19 are names; "2.º" and "1.er" are ordinals. "-2.5" is a number, "6-8" a range.
    r"(?<![\w.,–−-])(?:[-–−](?=\d))?\d[\d.,]*(?<![.,])"
    rf"(?!\w|\.?[ºª°](?!\w)|\.(?:{number_words('ordinal_suffixes')})\b)(?:[ \u00a0]?%)?|{number_words('quantities')}",
    re.IGNORECASE,
)
UNIT_AFTER_NUMBER = re.compile(
    rf"[\s)]*(?:(?:{number_words('between')})\b|–|-)?\s*(?:\d[\d.,]*)?\s*([^\W\d_]*)", re.IGNORECASE
)
YEAR = re.compile(r"(?:19|20)\d\d\Z")
LIST_NUMBER = re.compile(r"\A\d+[.)]?\s")
MERIDIEM = r"(?:[ap]\. ?m\.|[ap]m\b)"
CLOCK_TIME = re.compile(
    rf"\b(?:{TIME_OF_DAY} ?{BETWEEN} ?)?{TIME_OF_DAY} ?{MERIDIEM}"
    rf"|\b(?:[01]?\d|2[0-4]):[0-5]\d(?: ?h(?:rs?)?\b)?(?![\d%])|{number_words('clock_times')}",
    re.IGNORECASE,
)
# "8 to 5" is a time of day only next to a weekday or a word such as "open", and not before a unit.
WEEKDAY = rf"(?:{number_words('weekdays')})"
HOUR_RANGE = (
    rf"{TIME_OF_DAY} ?{BETWEEN} ?{TIME_OF_DAY}"
    rf"(?=\s*(?:[;,)!]|\.(?!\d)|$|(?:{number_words('hours_follow')}|{WEEKDAY})\b|[ap]\.? ?m\b))"
)
OPENING_HOURS = re.compile(
    rf"\b(?:{WEEKDAY}|{number_words('open_words')})\b[^!?\d]{{0,25}}?\b{HOUR_RANGE}"
    rf"|\b{HOUR_RANGE},?(?: (?:{number_words('hours_follow')}))? ?{WEEKDAY}\b"
    rf"|(?:^|(?<=[.!?:;] ))(?:{number_words('hours_lead')}) {HOUR_RANGE}(?=[.;]|$)"
    rf"|\b24 ?/ ?7(?: ?/ ?365)?\b|{number_words('always_open')}",
    re.IGNORECASE,
)
MONTH = rf"(?:{number_words('months')})\b\.?"
OF = rf"(?:(?:{number_words('of')}) )?"
DAY = rf"\d{{1,2}}(?:\.?(?:{number_words('ordinal_suffixes')})\b|\.?[ºo°]\b|\.?[º°])?"
DAY_RANGE = rf"{DAY}(?:(?: ?[-–] ?|, | (?:{number_words('between')}) ){DAY})*"
DATE = re.compile(
    rf"\b{MONTH} {DAY_RANGE}(?!\w)(?:,? \d{{4}}\b)?|\b{DAY_RANGE} {OF}{MONTH}(?:,? {OF}\d{{4}}\b)?"
    rf"|\b\d{{1,2}}[-/.]{MONTH}[-/.](?:\d{{4}}|\d\d)\b"
    r"|\b\d{4}-\d\d?-\d\d?\b|\b\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d)\b"
)
# A number before one of these is not a phone number or a name.
NOT_BEFORE_UNIT = rf"(?! ?(?:%|(?:{number_words('counted', 'of')})\b))"
PHONE = re.compile(
    r"(?<![\w.,])(?:\+\d[\d ().-]{6,18}\d|\(\d{2,3}\) ?\d{3,4}[ .-]\d{4}"
    r"|(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}|\d{3}[-.]\d{4}"
    r"|1[ .-]?8\d\d[ .-][A-Z0-9]{3,}(?:-[A-Z0-9]+)*|[2-9]\d{9}"
    r"|[6-9]\d{2}[ .-]\d{3}[ .-]\d{3}|[6-9]\d{2}(?:[ .-]\d\d){3}"
    r"|[89]\d[ .-]\d{3}[ .-]\d\d[ .-]\d\d|\d{2,3} \d{3,4} \d{4})"
    r"(?![\w,]*\d)"
    rf"|\b(?:{number_words('dial_words')})\b:? ?(?:[\"“«']?(?-i:[A-Z]{{2,12}})[\"”»']? )?"
    rf"(?:(?:{number_words('dial_links')}) )*"
    rf"\d{{3,11}}\b(?:[ .-]\d{{2,4}}\b)*(?:(?:,| ?/| (?:{number_words('between')})) ?\d{{3}}\b)*{NOT_BEFORE_UNIT}"
    rf"|\b(?:911|988|112)\b{NOT_BEFORE_UNIT}|\b(?:{number_words('extension_words')}) ?#?\d{{1,6}}\b(?! ?%)",
    re.IGNORECASE,
)
POSTAL_ADDRESS = re.compile(number_words("addresses"))
# Codes, versions, and other names that contain a number: "type 2 diabetes", "12-gauge".
NUMBERED_NAME = re.compile(
    rf"\b(?:{CODE_SYSTEMS}|{number_words('code_words', 'documents')}):? ?(?:number |no\. |n\.?º ?|#)?\d[\w.-]*"
    rf"|\b(?:{number_words('classes')}) \d{{1,2}}[a-d]?\b"
    rf"(?:(?:,| ?[-–]| (?:{number_words('between')})) ?\d{{1,2}}[a-d]?\b)*{NOT_BEFORE_UNIT}"
    rf"|{number_words('names')}|#\d+|\b(?-i:No)\. \d+|(?<!\w)\(\d\)(?!\w)",
    re.IGNORECASE,
)
# "number 1", "step 3 of 8": refers to an item of the page.
ITEM_REFERENCE = re.compile(
    rf"\b(?:{number_words('items')}) \d+(?:(?:,| (?:{number_words('of', 'between')})) \d+)*\b", re.IGNORECASE
)
# "5 lines", "3 questions": counts something that readers see.
VISIBLE_COUNT = re.compile(rf"\b\d{{1,2}} (?:{number_words('visible_things')})\b", re.IGNORECASE)
CODE_SYSTEM_NAME = re.compile(rf"\b(?:{CODE_SYSTEMS}|{number_words('code_words')})\b", re.IGNORECASE)
CODE_CELL = re.compile(r"\d{4,9}(?:[,;/ –-]+\d{4,9})*\Z")
# Instructions to write something on paper.
WRITING_INSTRUCTION = re.compile(rf"(?:{number_words('writing_verbs')}) ")
# "count out of 100", "think of 100 people": says how to read numbers.
DENOMINATOR = re.compile(rf"\b(?:{number_words('denominators')}) (?:10|100|1,?000)\b", re.IGNORECASE)
# The clinic itself is the source of these.
CLINIC_COMPONENTS = frozenset({"clinic answer", "location", "reading list"})
# Text that cannot contain a citation; the same number may be cited elsewhere on the page.
UNCITABLE_COMPONENTS = frozenset({"picture", "series", "title", "key message", "glossary"})


def find_uncited_numbers(article: Article, clinic_values: Iterable[str]) -> list[tuple[TextBlock, str]]:
    """Return the blocks with a number that needs a source and has none, each with its first such number."""
    values = sorted((value for value in clinic_values if value), key=len, reverse=True)
    clinic_numbers = {
        unit
        for block in article.blocks
        if block.component in CLINIC_COMPONENTS
        for unit in _find_numbers_with_units(block.text)
    }
    cited_numbers = {
        unit for block in article.blocks if article.is_cited(block) for unit in _find_numbers_with_units(block.text)
    }
    codes = _find_code_cells(article)
    results = []
    for block in article.blocks:
        if id(block) in codes or block.component in CLINIC_COMPONENTS or article.is_cited(block):
            continue
        exempt = clinic_numbers | cited_numbers if block.component in UNCITABLE_COMPONENTS else clinic_numbers
        uncited = [
            number for number in _find_numbers_with_units(_strip_exempt_numbers(block, values)) if number not in exempt
        ]
        if uncited:
            results.append((block, uncited[0]))
    return results


def _find_code_cells(article: Article) -> set[int]:
    """Return the ``id()`` of table cells with only a code, according to the column header or a cell of the row."""
    is_code_column, code_rows, code_cells = False, set[int](), set[int]()
    previous_tag = ""
    for block in article.blocks:
        names_codes = bool(CODE_SYSTEM_NAME.search(block.text))
        if block.tag == "th":
            is_code_column = names_codes or (is_code_column and previous_tag == "th")
        if block.tag in {"td", "th"}:
            code_rows |= {block.statement_id} if names_codes else set()
            if CODE_CELL.match(block.text) and (is_code_column or block.statement_id in code_rows):
                code_cells.add(id(block))
        else:
            is_code_column = False
        previous_tag = block.tag
    return code_cells


def strip_contact_details(text: str) -> str:
    """Return the text without phone numbers, times, and addresses."""
    for pattern in (PHONE, CLOCK_TIME, POSTAL_ADDRESS):
        text = pattern.sub(" ", text)
    return text


def _strip_exempt_numbers(block: TextBlock, clinic_values: list[str]) -> str:
    """Return the text of a block without the numbers that need no source."""
    text = block.text
    for value in [*block.phones, *clinic_values]:
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w){NOT_BEFORE_UNIT}", " ", text)
    if block.tag in HEADING_TAGS:
        text = LIST_NUMBER.sub("", text)
    text = " ".join(sentence for sentence in split_sentences(text) if not sentence.rstrip('"”»)').endswith("?"))
    text = " ".join(sentence for sentence in split_sentences(text) if not WRITING_INSTRUCTION.match(sentence))
    for pattern in (
        PHONE,
        DATE,
        OPENING_HOURS,
        CLOCK_TIME,
        POSTAL_ADDRESS,
        NUMBERED_NAME,
        ITEM_REFERENCE,
        VISIBLE_COUNT,
        DENOMINATOR,
    ):
        text = pattern.sub(" ", text)
    return text


def _find_numbers_with_units(text: str) -> list[str]:
    """Return numbers with the word after them, because "24 hours" is not "24 people". Both ends of a range get it."""
    numbers = []
    for match in NUMBER.finditer(text):
        if YEAR.match(match[0]):
            continue
        unit = UNIT_AFTER_NUMBER.match(text, match.end())
        numbers.append(f"{match[0].rstrip('.,')} {unit[1] if unit else ''}".strip().casefold())
    return numbers
