"""Numbers that state a fact without a source. docs/quality/measures.md lists the numbers that need none."""

import re
from collections.abc import Iterable

from procedures.readability.scores import split_sentences
from procedures.rendering.document import HEADING_TAGS, Article, TextBlock

NUMBER = re.compile(
    # L3, T12, and COVID-19 are names; "2.º" and "1.er" are ordinals. "-2.5" is a number, "6-8" a range.
    r"(?<![\w.,–−-])(?:[-–−](?=\d))?\d[\d.,]*(?<![.,])"
    r"(?!\w|\.?[ºª°](?!\w)|\.(?:er|os|as|[rdtvnm][oa]s?)\b)(?:[ \u00a0]?%)?"
    r"|\b(?:over|about|nearly|almost|more than|less than|one|two|three) ?-?(?:a |an )?(?:half|halves|third|quarter)s?\b"
    r"|\bhalf (?:of|the|as)\b|\bpercent\b|\b(?:twice|double) (?:as|the)\b|\btimes (?:as|more|higher|less)\b"
    r"|\bpor ciento\b|\bla mitad de\b"
    r"|\b(?:un|dos|tres) (?:tercio|cuarto)s?\b|\bel doble\b|\bveces (?:más|menos|mayor)\b",
    re.IGNORECASE,
)
UNIT_AFTER_NUMBER = re.compile(r"[\s)]*(?:(?:to|or|and|a|o|y)\b|–|-)?\s*(?:\d[\d.,]*)?\s*([^\W\d_]*)")
YEAR = re.compile(r"(?:19|20)\d\d\Z")
LIST_NUMBER = re.compile(r"\A\d+[.)]?\s")
MERIDIEM = r"(?:[ap]\. ?m\.|[ap]m\b)"
TIME_OF_DAY = r"\d{1,2}(?:[:.]\d\d)?"
CLOCK_TIME = re.compile(
    rf"\b(?:{TIME_OF_DAY} ?(?:-|–|to|and|until|a|y|hasta)(?: las?)? ?)?{TIME_OF_DAY} ?{MERIDIEM}"
    r"|\b(?:[01]?\d|2[0-4]):[0-5]\d(?: ?h(?:rs?|oras)?\b)?(?![\d%])"
    rf"|\b{TIME_OF_DAY} ?(?:o['’]clock\b|in the (?:morning|afternoon|evening)\b|at night\b"
    r"|de la (?:mañana|tarde|noche)\b)"
    rf"|\b(?:a|de|desde|hasta) las? {TIME_OF_DAY}\b|\bde {TIME_OF_DAY} a {TIME_OF_DAY} ?h(?:rs?|oras)?\b",
    re.IGNORECASE,
)
# "8 to 5" is a time of day only next to a weekday or a word such as "open".
WEEKDAY = (
    r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:days?|\.)?|weekdays?|weekends?|daily|every day"
    r"|lunes|martes|miércoles|jueves|viernes|sábados?|domingos?|diario|todos los días"
)
HOUR_RANGE = (
    rf"{TIME_OF_DAY} ?(?:-|–|to|until|through|and|a|y|hasta)(?: las?)? ?{TIME_OF_DAY}"
    # Not followed by a unit.
    rf"(?=\s*(?:[;,)!]|\.(?!\d)|$|(?:on|from|every|except|los|de lunes|excepto|{WEEKDAY})\b|[ap]\.? ?m\b))"
)
OPEN_WORDS = (
    r"open|opens|closed|hours are|(?:we|desk|clinic|lab|office) (?:is|are)(?: here)?"
    r"|abiert[oa]s?|abrimos|abre|atendemos|horario"
)
OPENING_HOURS = re.compile(
    rf"\b(?:{WEEKDAY}|{OPEN_WORDS})\b[^!?\d]{{0,25}}?\b{HOUR_RANGE}|\b{HOUR_RANGE},?(?: on| los)? ?(?:{WEEKDAY})\b"
    rf"|(?:^|(?<=[.!?:;] ))(?:from |between |de |desde las ){HOUR_RANGE}(?=[.;]|$)"
    r"|\b24 ?/ ?7(?: ?/ ?365)?\b|\b24 hours a day, (?:7|seven) days a week\b"
    r"|\b24 horas(?: al día)?,? (?:los )?(?:7|siete) días\b",
    re.IGNORECASE,
)
MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
SPANISH_MONTH = (
    r"(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre"
    r"|ene|feb|mar|abr|jun|jul|ago|sept?|oct|nov|dic)\b\.?"
)
DAY = r"\d{1,2}(?:st\b|nd\b|rd\b|th\b|\.?[ºo°]\b|\.?[º°])?"
DAY_RANGE = rf"{DAY}(?:(?: ?[-–] ?|, | (?:to|and|through|al?|y|e|hasta)(?: el)? ){DAY})*"
DATE = re.compile(
    rf"\b{MONTH} {DAY_RANGE}(?!\w)(?:,? \d{{4}}\b)?|\b{DAY_RANGE} (?:of )?{MONTH}(?:,? \d{{4}}\b)?"
    rf"|\b{DAY_RANGE} (?:de )?(?i:{SPANISH_MONTH})(?: (?:de|del)? ?\d{{4}}\b)?"
    rf"|\b\d{{1,2}}[-/.](?:(?i:{SPANISH_MONTH})|{MONTH})[-/.](?:\d{{4}}|\d\d)\b"
    r"|\b\d{4}-\d\d?-\d\d?\b|\b\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d)\b"
)
# Units and counted things: a number before one of them is not a phone number.
NOT_BEFORE_UNIT = (
    r"(?! ?(?:%|percent|por ciento|(?:people|patients|men|women|adults|cases|of|out of|personas|pacientes|casos|de)\b))"
)
PHONE = re.compile(
    r"(?<![\w.,])(?:\+\d[\d ().-]{6,18}\d|\(\d{2,3}\) ?\d{3,4}[ .-]\d{4}"
    r"|(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}|\d{3}[-.]\d{4}"
    r"|1[ .-]?8\d\d[ .-][A-Z0-9]{3,}(?:-[A-Z0-9]+)*|[2-9]\d{9}"
    r"|[6-9]\d{2}[ .-]\d{3}[ .-]\d{3}|[6-9]\d{2}(?:[ .-]\d\d){3}"
    r"|[89]\d[ .-]\d{3}[ .-]\d\d[ .-]\d\d|\d{2,3} \d{3,4} \d{4})"
    r"(?![\w,]*\d)"
    r"|\b(?:call|dial|phone|text|ring|fax|tel\.?|telephone|llame|marque|envíe|mande|teléfono|número)\b:? ?"
    r"(?:[\"“«']?(?-i:[A-Z]{2,12})[\"”»']? )?(?:us |at |to |al |a |el )*"
    rf"\d{{3,11}}\b(?:[ .-]\d{{2,4}}\b)*(?:(?:,| or| o|/) ?\d{{3}}\b)*{NOT_BEFORE_UNIT}"
    rf"|\b(?:911|988|112)\b{NOT_BEFORE_UNIT}"
    r"|\b(?:ext(?:ension|ensión)?\b\.?|press|dial|oprima|presione|pulse|marque) ?(?:el )?#?\d{1,6}\b(?! ?%)",
    re.IGNORECASE,
)
STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Way|Court|Ct|Place|Pl|Parkway|Pkwy|Highway|Hwy"
    r"|Circle|Square|Terrace|Broadway|Plaza)\b"
)
POSTAL_ADDRESS = re.compile(
    r"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|\bZIP(?: code)?:? ?\d{5}(?:-\d{4})?\b"
    r"|\b(?:C\. ?P\.|CP|(?i:código postal)):? ?\d{4,5}\b"
    r"|\b(?:I|US|SR)[- ]\d{1,3}\b"
    rf"|\b\d{{1,6}} (?:[NSEW]\.? |North |South |East |West )?(?:[A-Z0-9][\w.'’]* ){{1,4}}?{STREET}"
    r"|\b(?i:suite|ste\.|room|rm\.|floor|unit|apt\.|apartment|building|bldg\.|gate|p\.? ?o\.? box|piso|planta|sala"
    r"|consultorio|puerta|edificio|despacho|exit|salida|bus|autobús|route|highway|hwy\.|rm"
    r"|interstate) ?(?:#|n\.?º ?)?\d{1,5}\b"
    r"|\b(?:[Cc]alle|[Aa]venida|Av\.|Avda\.|[Pp]aseo|[Cc]arrera|[Cc]alzada|[Cc]amino|[Pp]laza|[Cc]arretera)"
    r"(?: (?:de|del|la|las|los|el|[A-ZÁÉÍÓÚÑ][\w.]*)){1,5},? ?(?:n\.?º ?|núm\. ?|#)?\d{1,5}\b"
)
# Codes, versions, and other names that contain a number.
NUMBERED_NAME = re.compile(
    r"\b(?:CPT|ICD|CIE|SNOMED(?: CT)?|LOINC|RxNorm|NDC|HCPCS|DRG|PMID|NCT|ISBN|NPI|MRN|codes?|códigos?|version|versión"
    r"|revision|revisión|edition|edición|volume|volumen|vol\.|chapter|capítulo|figure|fig\.|figura|table|tabla|section"
    r"|sección|questions?|preguntas?|item|form|formulario|model|modelo):? ?(?:number |no\. |n\.?º ?|#)?\d[\w.-]*"
    # "Type 2 diabetes", "diabetes tipo 2", "12-gauge": the number is part of a name.
    r"|\b(?:types?|grades?|phases?|class|category|tier|vitamin|factor|group|tipos?|grados?|fases?|clases?|categorías?"
    r"|estadios?|grupos?|calibre) \d{1,2}[a-d]?\b(?:(?:,| ?[-–]| or| to| and| o| a| y) ?\d{1,2}[a-d]?\b)*"
    rf"{NOT_BEFORE_UNIT}"
    r"|\b\d{1,2}(?:[- ]gauge| ?G(?= needle))\b"
    r"|#\d+|\b(?-i:No)\. \d+|\bn\.?º ?\d+|(?<!\w)\(\d\)(?!\w)",
    re.IGNORECASE,
)
# "number 1", "step 3 of 8": refers to an item of the page.
ITEM_REFERENCE = re.compile(
    r"\b(?:numbers?|marks?|steps?|stages?|pictures?|pages?|parts?|lists?|options?"
    r"|números?|marcas?|pasos?|etapas?|imagen|imágenes|fotos?|páginas?|partes?|listas?|opciones|opción)"
    r" \d+(?:(?:,| of| to| and| de| a| y) \d+)*\b",
    re.IGNORECASE,
)
# "5 lines", "3 questions": counts something that readers see.
VISIBLE_COUNT = re.compile(
    r"\b\d{1,2} (?:words|questions|lines|pictures|stages|steps|pages|parts|choices|points|ticks|lists"
    r"|palabras|preguntas|líneas|renglones|imágenes|fotos|etapas|pasos|páginas|partes|opciones|puntos|marcas|listas)\b",
    re.IGNORECASE,
)
CODE_SYSTEM_NAME = re.compile(r"\b(?:CPT|HCPCS|ICD|CIE|LOINC|SNOMED|codes?|códigos?)\b", re.IGNORECASE)
CODE_CELL = re.compile(r"\d{4,9}(?:[,;/ –-]+\d{4,9})*\Z")
# Instructions to write something on paper.
WRITING_INSTRUCTION = re.compile(r"(?:Put|Pick|Choose|Write|Mark|Number|Ponga|Elija|Escriba|Marque|Anote|Numere) ")
# "count out of 100", "think of 100 people": says how to read numbers.
DENOMINATOR = re.compile(r"\b(?:out of|think of|piense en|de cada|total de|sobre) (?:10|100|1,?000)\b", re.IGNORECASE)
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
