"""What to change on a page: failures and notes for the site report, suggestions for editors.

Suggestions make a draft easier to read or better sourced; none of them prevents publishing.
"""

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import languages
from procedures.models import Page
from procedures.publishing.review import get_translation_pair
from procedures.readability.habits import find_habits
from procedures.readability.measures import PageMeasures, Passage
from procedures.readability.scores import (
    MAX_LIST_ITEMS,
    MAX_SENTENCE_WORDS,
    MIN_SCORED_WORDS,
    TARGET_CELL_WORDS,
    TARGET_PARAGRAPH_SENTENCES,
    TARGET_SENTENCE_WORDS,
    describe_exceeded_limits,
    describe_hard_paragraph,
    describe_long_sentence,
    describe_missed_targets,
    shorten_quote,
    split_words,
)
from procedures.rendering import Issue, RenderedPage
from procedures.rendering.blocks.choices import find_answers
from procedures.rendering.document import Article, Block, Document, Text, walk
from procedures.rendering.fixes import split_sentence
from procedures.validators import MAX_ALT_LENGTH

MAX_QUOTE_LENGTH = 70
# The fields whose text is the author's although it is not in the body, by the component of their text.
OWN_FIELDS = {"title": "title", "key message": "key_message"}


def find_failures(measures: PageMeasures) -> Iterator[str]:
    """Yield a sentence for each limit that the page exceeds."""
    yield from describe_exceeded_limits(measures.reading_level, measures.smog_grade, measures.language)
    for passage in measures.long_sentences:
        yield _with_section(describe_long_sentence(passage.text, int(passage.count)), passage)
    if measures.requires_figure_and_source and not measures.has_lead_figure:
        yield _("Choose the main picture.")
    if measures.requires_figure_and_source and not measures.has_source:
        yield _("Add a source for the facts.")
    yield from find_warnings(measures)


def find_warnings(measures: PageMeasures) -> Iterator[str]:
    """Yield a sentence for each exceeded limit that does not prevent publishing; editors get a suggestion for it."""
    for passage in measures.uncited_numbers:
        yield _with_section(_describe_uncited_number(passage), passage)
    for passage in measures.long_lists:
        yield _with_section(_describe_long_list(passage), passage)
    yield from _describe_shared_warnings(measures)


def find_notes(measures: PageMeasures) -> Iterator[str]:
    """Yield a sentence for each finding that has no limit, or that misses a target without exceeding a limit."""
    yield from _unchecked(measures.language)
    yield from describe_missed_targets(measures.reading_level, measures.smog_grade, measures.language)
    if measures.sentences_over_target:
        yield f"Sentences of more than {TARGET_SENTENCE_WORDS} words: {len(measures.sentences_over_target)}."
    for passage in measures.long_paragraphs:
        yield _with_section(f"{_describe_long_paragraph(int(passage.count))} “{shorten_quote(passage.text)}”", passage)


def _describe_uncited_number(passage: Passage) -> str:
    message = _("Add a source for the number “%(number)s”: “%(quote)s”")
    return message % {"number": passage.detail, "quote": shorten_quote(passage.text)}


def _describe_long_list(passage: Passage) -> str:
    message = ngettext(
        "A list has %(count)d entry; the limit is %(limit)d. Group or shorten it.",
        "A list has %(count)d entries; the limit is %(limit)d. Group or shorten it.",
        int(passage.count),
    )
    return message % {"count": passage.count, "limit": MAX_LIST_ITEMS}


def _describe_long_paragraph(count: int) -> str:
    message = ngettext(
        "This paragraph has %(count)s sentence. Aim for %(target)s or fewer: split it.",
        "This paragraph has %(count)s sentences. Aim for %(target)s or fewer: split it.",
        count,
    )
    return message % {"count": count, "target": TARGET_PARAGRAPH_SENTENCES}


def _describe_shared_warnings(measures: PageMeasures) -> Iterator[str]:
    """Yield the warnings about links, pictures, and actions, which already state their location."""
    for link in measures.broken_anchors:
        message = _("A link points to %(link)s, which is not on this page. Fix the link or the section address.")
        yield message % {"link": link}
    for passage in measures.invalid_alt_texts:
        if passage.count:
            message = ngettext(
                "The alternative text of the picture %(picture)s has %(count)d character; the limit is %(limit)d. "
                "Shorten it.",
                "The alternative text of the picture %(picture)s has %(count)d characters; the limit is %(limit)d. "
                "Shorten it.",
                int(passage.count),
            )
            yield message % {"picture": passage.detail, "count": passage.count, "limit": MAX_ALT_LENGTH}
        else:
            yield _("The picture %(picture)s has no alternative text. Add one.") % {"picture": passage.detail}
    if not measures.has_action:
        yield _("Give readers something to do: add a card, steps, a checklist, or a next page.")


def _with_section(sentence: str, passage: Passage) -> str:
    """Return a line of the site report, which is in English."""
    return f"{sentence} (section “{passage.section}”)" if passage.section else sentence


def build_suggestions(page: Page, rendered: RenderedPage, measures: PageMeasures) -> list[Issue]:
    """Return suggestions in the order of the text; those on the whole page come last, with line 0. No duplicates.

    ``measures``: those of ``rendered``.
    """
    suggestions = [
        *_suggest_for_paragraphs(measures),
        *_suggest_for_sentences(measures),
        *_suggest_for_numbers(measures),
        *_suggest_for_choices(rendered.document),
        *find_habits(rendered.document, page.language),
        *_suggest_for_lists(measures),
        *_suggest_for_words(rendered.article, measures),
    ]
    suggestions += [
        Issue(
            line,
            _(
                "Links to “%(anchor)s” already point to the section that was published with that address, so this "
                "section has “%(new_anchor)s” instead. Choose another address for it."
            )
            % {"anchor": anchor, "new_anchor": new_anchor},
        )
        for line, anchor, new_anchor in rendered.moved_anchors
    ]
    suggestions.sort(key=lambda issue: (issue.line == 0, issue.line))
    # A sentence that occurs twice gets the line of the first occurrence, so its suggestions are equal.
    return list(
        dict.fromkeys(
            [
                *suggestions,
                *_suggest_for_page(measures),
                *(Issue(0, sentence, "body") for sentence in _unchecked(page.language)),
                *_suggest_for_translations(page),
            ]
        )
    )


def _suggest_for_page(measures: PageMeasures) -> Iterator[Issue]:
    """Yield the suggestions that do not belong to a line. The site report contains the same ones."""
    for sentence in describe_missed_targets(measures.reading_level, measures.smog_grade, measures.language):
        yield Issue(0, sentence, "body")
    for sentence in _describe_shared_warnings(measures):
        yield Issue(0, sentence, "body")


def _suggest_for_lists(measures: PageMeasures) -> Iterator[Issue]:
    for passage in measures.long_lists:
        yield Issue(passage.line, _describe_long_list(passage), "" if passage.line else "body")


def _suggest_for_words(article: Article, measures: PageMeasures) -> Iterator[Issue]:
    """Yield a suggestion for each hard word of the author's own text, at its first occurrence."""
    own = [block for block in article.blocks if block.line or block.component in OWN_FIELDS]
    for word in measures.hard_words:
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
        for block in own:
            if match := pattern.search(block.text):
                message = _("Explain this long word, or use an everyday one: “%(word)s”.") % {"word": match[0]}
                line = block.line and block.find_line(block.text[match.start() :])
                yield Issue(line, message, "" if line else OWN_FIELDS[block.component])
                break


def _suggest_for_paragraphs(measures: PageMeasures) -> Iterator[Issue]:
    for passage in filter(lambda passage: passage.line, measures.paragraphs):
        message = describe_hard_paragraph(passage.count, measures.language)
        if message and len(split_words(passage.text)) >= MIN_SCORED_WORDS:
            yield Issue(passage.line, message)
    for passage in filter(lambda passage: passage.line, measures.long_paragraphs):
        yield Issue(passage.line, _describe_long_paragraph(int(passage.count)))


def _suggest_for_sentences(measures: PageMeasures) -> Iterator[Issue]:
    for passage in measures.sentences_over_target:
        field = "" if passage.line else OWN_FIELDS.get(passage.component, "")
        if passage.count <= MAX_SENTENCE_WORDS and (passage.line or field):  # publishing checks report longer ones
            message = _("%(count)s words. Aim for %(target)s or fewer: %(sentence)s")
            quote = f"“{shorten_quote(passage.text, MAX_QUOTE_LENGTH)}”"
            values = {"count": passage.count, "target": TARGET_SENTENCE_WORDS, "sentence": quote}
            fix = split_sentence(passage.text, languages.get(measures.language).clause_break)
            yield Issue(passage.line, message % values, field, fix=fix if passage.line else None)


def _suggest_for_numbers(measures: PageMeasures) -> Iterator[Issue]:
    for passage in measures.uncited_numbers:
        if passage.line:
            message = _("Add a source for the number “%(number)s”.")
            yield Issue(passage.line, message % {"number": passage.detail}, dialog="source")
        elif field := OWN_FIELDS.get(passage.component):
            yield Issue(0, _describe_uncited_number(passage), field)


def _suggest_for_choices(document: Document) -> Iterator[Issue]:
    """Yield a suggestion for each cell of a comparison that is too long to compare at a glance."""
    blocks = [node for node in walk(document.body) if isinstance(node, Block) and node.name == "choices"]
    for answer in (answer for block in blocks for answer in find_answers(block)):
        count = len(split_words(answer.text)) if isinstance(answer, Text) else 0
        if count > TARGET_CELL_WORDS:
            message = _(
                "The first paragraph under each option’s heading is shown as a cell of the comparison. This one "
                "has %(count)s words; the target is %(target)s or fewer. Move the rest into a second paragraph, "
                "which is folded."
            )
            yield Issue(answer.line, message % {"count": count, "target": TARGET_CELL_WORDS})


def _unchecked(code: str) -> Iterator[str]:
    """Yield the checks that the language has no rules for, because the absence of suggestions would look like
    approval.
    """
    language = languages.get(code)
    if language.unchecked:
        values = {"language": language.english_name, "checks": ", ".join(language.unchecked)}
        yield _("Not checked in %(language)s: %(checks)s.") % values


def _suggest_for_translations(page: Page) -> Iterator[Issue]:
    if not page.subject:
        return
    rows = Page.objects.filter(subject=page.subject).exclude(language=page.language)
    existing = set(rows.values_list("language", flat=True))
    for language in languages.LANGUAGES:
        if language.code != page.language and language.code not in existing:
            yield Issue(0, _("This page has no %(language)s translation yet.") % {"language": language.name})
    pair = get_translation_pair(page) if page.translated_from_id else None
    if pair and pair.is_out_of_sync:
        values = {"language": languages.get(pair.source.language).name}
        message = _("The %(language)s text has changed since this translation was made. Compare the two.")
        yield Issue(0, message % values)
