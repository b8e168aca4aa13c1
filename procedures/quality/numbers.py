"""Numbers that state a fact without a source. Which numbers need none is listed in docs/quality/measures.md."""

import re
from collections.abc import Iterable

from procedures.markdown.reading import sentences
from procedures.quality.article import HEADINGS, Article, Block

NUMBER = re.compile(
    # L3, T12 and COVID-19 are names.
    r"(?<![\w.,–-])\d[\d.,]*(?<![.,])(?!\w)(?:[ \u00a0]?%)?"
    r"|\b(?:over|about|nearly|almost|more than|less than|one|two|three) ?-?(?:a |an )?(?:half|halves|third|quarter)s?\b"
    r"|\bhalf (?:of|the|as)\b|\bpercent\b|\b(?:twice|double) (?:as|the)\b|\btimes (?:as|more|higher|less)\b"
    r"|\bpor ciento\b|\bla mitad de\b"
    r"|\b(?:un|dos|tres) (?:tercio|cuarto)s?\b|\bel doble\b|\bveces (?:más|menos|mayor)\b",
    re.IGNORECASE,
)
BEHIND = re.compile(r"[\s)]*(?:(?:to|or|and|a|o|y)\b|–|-)?\s*(?:\d[\d.,]*)?\s*([^\W\d_]*)")
YEAR = re.compile(r"(?:19|20)\d\d\Z")
ORDINAL = re.compile(r"\A\d+[.)]?\s")
CLOCK = re.compile(r"\b\d{1,2}(?:[:.]\d\d)? ?(?:am|pm|a\. ?m\.|p\. ?m\.|AM|PM)(?!\w)")
DATE = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{1,2}\b"
    r"|\b\d{1,2} de (?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)\b"
)
# "number 1", "step 3 of 8": points at something on the page.
POINTER = re.compile(
    r"\b(?:numbers?|marks?|steps?|stages?|pictures?|pages?|parts?|lists?|options?"
    r"|números?|marcas?|pasos?|etapas?|imagen|imágenes|fotos?|páginas?|partes?|listas?|opciones|opción)"
    r" \d+(?:(?:,| of| to| and| de| a| y) \d+)*\b",
    re.IGNORECASE,
)
# "5 lines", "3 questions": counts what the reader sees.
COUNT = re.compile(
    r"\b\d{1,2} (?:words|questions|lines|pictures|stages|steps|pages|parts|choices|points|ticks|lists"
    r"|palabras|preguntas|líneas|renglones|imágenes|fotos|etapas|pasos|páginas|partes|opciones|puntos|marcas|listas)\b",
    re.IGNORECASE,
)
# What to write on paper.
ON_PAPER = re.compile(r"(?:Put|Pick|Choose|Write|Mark|Number|Ponga|Elija|Escriba|Marque|Anote|Numere) ")
# "count out of 100", "think of 100 people": how to read the numbers, not a number of people.
DENOMINATOR = re.compile(r"\b(?:out of|think of|piense en|de cada|total de|sobre) (?:10|100|1,?000)\b", re.IGNORECASE)
# These are the clinic's own: their source is the clinic.
CLINIC_PARTS = frozenset({"clinic answer", "location", "reading list"})
# Texts that cannot hold a citation: the same number with a source elsewhere on the page will do.
UNCITABLE_PARTS = frozenset({"picture", "series", "title", "key message", "glossary"})


def unsourced(article: Article, clinic_values: Iterable[str]) -> list[tuple[Block, str]]:
    """Blocks with a number that needs a source and has none, each with the first such number."""
    values = sorted((value for value in clinic_values if value), key=len, reverse=True)
    own = {unit for block in article.blocks if block.part in CLINIC_PARTS for unit in _with_units(block.text)}
    cited = {unit for block in article.blocks if article.is_cited(block) for unit in _with_units(block.text)}
    found = []
    for block in article.blocks:
        if block.part in CLINIC_PARTS or article.is_cited(block):
            continue
        excused = own | cited if block.part in UNCITABLE_PARTS else own
        wanted = [number for number in _with_units(_bare(block, values)) if number not in excused]
        if wanted:
            found.append((block, wanted[0]))
    return found


def _bare(block: Block, clinic_values: list[str]) -> str:
    """The text without what needs no source."""
    text = block.text
    for value in [*block.phones, *clinic_values]:
        text = text.replace(value, " ")
    if block.tag in HEADINGS:
        text = ORDINAL.sub("", text)
    text = " ".join(said for said in sentences(text) if not said.rstrip('"”»)').endswith("?"))
    text = " ".join(said for said in sentences(text) if not ON_PAPER.match(said))
    for pattern in (CLOCK, DATE, POINTER, COUNT, DENOMINATOR):
        text = pattern.sub(" ", text)
    return text


def _with_units(text: str) -> list[str]:
    """Numbers with the word behind them: "24 hours" is not "24 people". Both ends of a range have the same."""
    found = []
    for match in NUMBER.finditer(text):
        if YEAR.match(match[0]):
            continue
        behind = BEHIND.match(text, match.end())
        found.append(f"{match[0].rstrip('.,')} {behind[1] if behind else ''}".strip().casefold())
    return found
