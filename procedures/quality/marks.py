"""What fails, and what is only worth a look; one sentence each, saying what to do."""

from collections.abc import Iterator
from textwrap import shorten

from procedures.enums import Language
from procedures.markdown.blocks import MAX_LIST
from procedures.markdown.reading import HARDEST_SMOG, MAX_SENTENCE
from procedures.publishing.readiness import HARDEST_GRADE, HARDEST_SPANISH, MAX_QUOTE
from procedures.quality.measure import PARAGRAPH_SENTENCES, TARGET_SENTENCE, PageMeasures, Passage
from procedures.validators import ALT_MAX


def failures(page: PageMeasures) -> Iterator[str]:
    """Sentences for what is beyond a mark; none when the page holds all of them."""
    yield from _reading(page)
    for passage in page.long_sentences:
        yield (
            f"a sentence of {passage.count:.0f} words, {MAX_SENTENCE} is the most; "
            f"make two of it{_where(passage)}: {quoted(passage.text)}"
        )
    if page.wants_picture_and_source and not page.has_lead_picture:
        yield "no picture carries the message; choose one at the top"
    if page.wants_picture_and_source and not page.has_source:
        yield "no source is cited; cite where the facts come from: [@key]"
    yield from mendable(page)


def mendable(page: PageMeasures) -> Iterator[str]:
    """What is beyond a mark and does not forbid publishing: the editor is told, with lines (``advice``)."""
    yield from map(without_source, page.unsourced_numbers)
    yield from only_marks(page)
    if not page.has_action:
        yield "nothing tells the reader what to do; add a card, steps, a checklist or the next step"


def without_source(passage: Passage) -> str:
    """A number that nothing stands behind."""
    advice = "cite it [@key] or take it out"
    return f"the number “{passage.what}” has no source; {advice}{_where(passage)}: {quoted(passage.text)}"


def only_marks(page: PageMeasures) -> Iterator[str]:
    """The part of ``mendable`` that the editor reads in these same words."""
    for passage in page.long_lists:
        yield f"a list of {passage.count:.0f} entries, {MAX_LIST} is the most; group or shorten it{_where(passage)}"
    for link in page.dead_anchors:
        yield f"a link leads to {link}, which is nowhere on this page; mend the link or the heading's address"
    for passage in page.bad_alts:
        wrong = (
            f"{passage.count:.0f} letters, {ALT_MAX} is the most; shorten it" if passage.count else "no words; write it"
        )
        yield f"the text instead of the picture {passage.what} has {wrong}"


def _reading(page: PageMeasures) -> Iterator[str]:
    advice = "use shorter sentences and words"
    if page.level is None:
        return
    if page.language == Language.SPANISH:
        if page.level < HARDEST_SPANISH:
            yield f"Fernández-Huerta {page.level}, {HARDEST_SPANISH:.0f} is the least; {advice}"
        return
    if page.level > HARDEST_GRADE:
        yield f"Flesch–Kincaid grade {page.level}, {HARDEST_GRADE} is the most; {advice}"
    if page.smog > HARDEST_SMOG:
        yield f"SMOG grade {page.smog}, {HARDEST_SMOG} is the most; use fewer words of three syllables or more"


def notes(page: PageMeasures) -> Iterator[str]:
    """Sentences for what has no mark, or is beyond a target but not beyond the mark."""
    if page.sentences_over_target:
        yield f"sentences of more than {TARGET_SENTENCE} words: {page.sentences_over_target}"
    for passage in page.long_paragraphs:
        yield (
            f"a paragraph of {passage.count:.0f} sentences, {PARAGRAPH_SENTENCES} is the target"
            f"{_where(passage)}: {quoted(passage.text)}"
        )


def _where(passage: Passage) -> str:
    return f", under “{passage.section}”" if passage.section else ""


def quoted(text: str) -> str:
    """The text in quotation marks, cut where a line of a terminal would be lost."""
    return f"“{shorten(text, MAX_QUOTE, placeholder=' …')}”"
