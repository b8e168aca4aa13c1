"""In-memory full-text indexes, one per language, built from live releases with tantivy (a library similar to Lucene).

They work the same on SQLite and PostgreSQL. Each section of a page is a document, so a result links to its section. An
index is updated page by page when the log of release events has new rows; searching itself runs no database query.
"""

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import tantivy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rapidfuzz import process
from rapidfuzz.distance import OSA

from portal.text import APOSTROPHES, common_words, fold, is_dictionary_word, normalize
from procedures import languages
from procedures.languages.definition import SENTENCE_ENDS
from procedures.models import GlossaryTerm, Page, Release

ANALYZER = "words"
APOSTROPHE = "'" + "".join(map(chr, APOSTROPHES))
# A word includes its apostrophe: “can’t” is not “can” and “t”.
TOKEN_PATTERN = f"[\\p{{L}}\\p{{N}}_]+(?:[{APOSTROPHE}][\\p{{L}}\\p{{N}}_]+)*"
# The same for text folded by portal.text.fold. Punctuation inside a word makes a compound: x-ray, M80.08.
WORD = re.compile(r"\w+(?:'\w+)*")
# The same for text as printed (not folded).
TOKEN = re.compile(rf"\w+(?:[{APOSTROPHE}]\w+)*")
SENTENCE_END = re.compile(rf"[{SENTENCE_ENDS}:]\s+")
COMPOUND = re.compile(r"\w+(?:['./-]\w+)*")
FIELD_BOOSTS = {"title": 4.0, "section": 2.0, "text": 1.0}
MAX_RESULTS = 10
MAX_HITS = 40
# (minimum length, maximum edit distance) of a misspelled word.
MAX_TYPOS_BY_LENGTH = ((8, 2), (5, 1))
MIN_CORRECTION_LENGTH = 4  # of the word that a misspelled one is corrected to
MAX_QUERY_WORDS = 12
SNIPPET_LENGTH = 220  # characters
# tantivy's minimum; the memory is released after each commit.
WRITER_HEAP_BYTES = 15_000_000
_DISTINCT = "".join(language.search.distinct_letters for language in languages.LANGUAGES)
DISTINCT_LETTERS = re.compile(rf"\w*[{re.escape(_DISTINCT)}]" if _DISTINCT else r"(?!)")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A matching section of a page."""

    title: str
    href: str
    section: str
    snippet: SafeString


@dataclass(frozen=True, slots=True)
class SearchResults:
    """The results of a search. ``suggestion`` is the correction of a misspelled one-word query."""

    results: list[SearchResult]
    suggestion: str = ""


# A query term: a list of alternatives, each a sequence of words. The first alternative is the typed one.
QueryTerm = list[list[str]]


@dataclass
class SearchIndex:
    """The index of one language. ``last_event`` is the key of the newest public event that it includes."""

    language: str
    last_event: int = -1
    _releases_by_page: dict[int, int] = field(default_factory=dict)
    _aliases: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    # Counts of the words of public pages, and of their stems.
    _words_by_page: dict[int, Counter[str]] = field(default_factory=dict)
    _word_counts: Counter[str] = field(default_factory=Counter)
    _stem_counts: Counter[str] = field(default_factory=Counter)
    # Compounds by their spelling as one word: “xray” → “X-ray”.
    _compounds: dict[str, list[str]] = field(default_factory=dict)
    _compounds_by_page: dict[int, dict[str, list[str]]] = field(default_factory=dict)
    # Stems of the words that were in a snippet.
    _stems: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._rules = languages.get(self.language).search
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("page", stored=True, indexed=True)
        for name in FIELD_BOOSTS:
            builder.add_text_field(name, stored=True, tokenizer_name=ANALYZER)
        builder.add_text_field("href", stored=True, tokenizer_name="raw")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        self._analyzer = self._build_analyzer()
        self._index.register_tokenizer(ANALYZER, self._build_analyzer())

    def _build_analyzer(self) -> tantivy.TextAnalyzer:
        words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(TOKEN_PATTERN))
        words = words.filter(tantivy.Filter.remove_long(60)).filter(tantivy.Filter.lowercase())
        words = words.filter(tantivy.Filter.ascii_fold())
        if self._rules.stemmer:
            words = words.filter(tantivy.Filter.stemmer(self._rules.stemmer))
        return words.build()

    def refresh(self, last_event: int) -> None:
        """Index what was published or withdrawn up to ``last_event``, the key of the newest public event.

        Thread-safe; does nothing if the index is up to date.
        """
        if last_event <= self.last_event:
            return
        with self._lock:
            # Another thread may have indexed even later events.
            if last_event <= self.last_event:
                return
            live = dict(Page.objects.published().in_language(self.language).values_list("pk", "live_release"))
            changed = [release for page, release in live.items() if self._releases_by_page.get(page) != release]
            withdrawn = self._releases_by_page.keys() - live.keys()
            writer = self._index.writer(WRITER_HEAP_BYTES, 1)
            for page in withdrawn:
                self._remove_page(writer, page)
            for release in Release.objects.filter(pk__in=changed).iterator(chunk_size=200):
                self._remove_page(writer, release.page_id)
                for section in release.sections:
                    writer.add_document(self._build_document(release, section))
                self._add_words(release)
            writer.commit()
            writer.wait_merging_threads()
            self._index.reload()
            self._aliases = {
                tuple(words): WORD.findall(fold(term.term))
                for term in GlossaryTerm.objects.filter(language=self.language)
                for alias in term.aliases
                if (words := WORD.findall(fold(alias)))
            }
            self._compounds = dict(item for found in self._compounds_by_page.values() for item in found.items())
            self._releases_by_page, self._stems, self.last_event = live, {}, last_event

    def _remove_page(self, writer: tantivy.IndexWriter, page: int) -> None:
        # delete_documents_by_term() treats a Python int as signed, and so never matches this unsigned field.
        writer.delete_documents_by_query(tantivy.Query.term_query(self._schema, "page", page))
        words = self._words_by_page.pop(page, Counter())
        self._compounds_by_page.pop(page, None)
        self._word_counts -= words
        self._stem_counts -= self._count_stems(words)

    def _add_words(self, release: Release) -> None:
        texts = [release.title, *(f"{part['title']} {part['text']}" for part in release.sections)]
        folded = fold(" ".join(texts))
        words = Counter(WORD.findall(folded))
        compounds = [parts for compound in COMPOUND.findall(folded) if len(parts := WORD.findall(compound)) > 1]
        self._compounds_by_page[release.page_id] = {"".join(parts).replace("'", ""): parts for parts in compounds}
        self._words_by_page[release.page_id] = words
        self._word_counts += words
        self._stem_counts += self._count_stems(words)

    def _count_stems(self, words: Iterable[str]) -> Counter[str]:
        return Counter(self._analyzer.analyze(" ".join(words)))

    @staticmethod
    def _build_document(release: Release, section: dict[str, str]) -> tantivy.Document:
        anchor = f"#{section['anchor']}" if section["anchor"] else ""
        # Releases rendered by earlier versions may contain decomposed accents and soft hyphens.
        values = {"title": release.title, "section": section["title"], "text": section["text"]}
        document = tantivy.Document()
        document.add_unsigned("page", release.page_id)
        for name, text in values.items():
            document.add_text(name, normalize(text))
        document.add_text("href", release.path + anchor)
        return document

    def search(self, query: str) -> SearchResults:
        """Return the sections with all words, else with misspelled words corrected, else with some of the words."""
        parsed = list(self._parse_query(query))
        if not parsed:
            return SearchResults([])
        words = [word for term in parsed for word in term[0]]
        corrections = {word: correction for word in words if (correction := self._correct_spelling(word))}
        corrected = [[[corrections.get(word, word) for word in words] for words in term] for term in parsed]
        keywords = [keyword for term in corrected for keyword in self._split_into_keywords(term)]
        searcher = self._index.searcher()
        for terms, match_all in ((parsed, True), (corrected, True), (keywords, False)):
            hits = (
                _prefer_distinct_letters(query, searcher, self._find_hits(searcher, terms, match_all=match_all))
                if terms
                else []
            )
            if hits:
                suggestion = corrections.get(words[0], "") if len(words) == 1 and terms is not parsed else ""
                return SearchResults(
                    self._build_results(searcher, terms, hits, _distinct_letter_prefixes(query)), suggestion
                )
        return SearchResults([])

    def _parse_query(self, text: str) -> Iterator[QueryTerm]:
        """Split a query into terms. A glossary alias also matches its term, and a compound its one-word spelling."""
        units = [WORD.findall(unit) for unit in COMPOUND.findall(fold(text))]
        words = [word for unit in units for word in unit][:MAX_QUERY_WORDS]
        unit_ends = {sum(map(len, units[:count])) for count in range(len(units) + 1)}
        start = 0
        while start < len(words):
            alias_length = next(
                (n for n in range(len(words) - start, 0, -1) if tuple(words[start : start + n]) in self._aliases), 0
            )
            end = next((end for end in range(start + 1, len(words)) if end in unit_ends), len(words))
            if alias_length > 1 or (alias_length and end == start + 1):
                typed = words[start : start + alias_length]
                term = self._aliases[tuple(typed)]
                # “cement” already matches “bone cement”, and must not match every “bone”.
                yield [typed] if set(typed) <= set(term) else [typed, term]
                start += alias_length
                continue
            pair = "".join(words[start : end + 1])
            if end == start + 1 < len(words) and (pair in self._word_counts or pair in self._compounds):
                end += 1
            typed = words[start:end]
            joined = "".join(typed).replace("'", "")
            variant = [joined] if len(typed) > 1 else self._compounds.get(joined, typed)
            yield [typed] if variant == typed else [typed, variant]
            start = end

    def _correct_spelling(self, word: str) -> str:
        """Return the closest word used on the pages, or "" if ``word`` is known, too short, or has no close match."""
        max_distance = next((typos for length, typos in MAX_TYPOS_BY_LENGTH if len(word) >= length), 0)
        if not max_distance or word.isdigit() or self._is_known_word(word):
            return ""
        matches = process.extract(
            word, list(self._word_counts), scorer=OSA.distance, score_cutoff=max_distance, limit=None, processor=None
        )
        candidates = [(distance, other) for other, distance, _ in matches if distance == 1 or other[0] == word[0]]
        best = min(
            candidates,
            key=lambda pair: (pair[0], pair[1][0] != word[0], -self._word_counts[pair[1]], pair[1]),
            default=None,
        )
        return best[1] if best and len(best[1]) >= MIN_CORRECTION_LENGTH else ""

    def _is_known_word(self, word: str) -> bool:
        """Return whether a page or a dictionary has the word or its stem, so that it is not a misspelling."""
        return is_dictionary_word(word) or any(
            stem in self._stem_counts or stem in self._common_stems for stem in self._analyzer.analyze(word)
        )

    @cached_property
    def _common_stems(self) -> frozenset[str]:
        """Stems of common words: dictionaries lack many inflected forms."""
        return frozenset(self._analyzer.analyze(fold(" ".join(common_words(self.language)))))

    def _split_into_keywords(self, term: QueryTerm) -> list[QueryTerm]:
        """Return the term and each of its words as a separate term, without stopwords."""
        words = [[[word]] for word in term[0]] if len(term[0]) > 1 else []
        return [keyword for keyword in (term, *words) if self._has_keyword(keyword)]

    def _has_keyword(self, term: QueryTerm) -> bool:
        """Return whether any of the words has more than one letter and is not a stopword."""
        return any(len(word) > 1 and word not in self._rules.stopwords for word in term[0])

    def _find_hits(
        self, searcher: tantivy.Searcher, terms: list[QueryTerm], *, match_all: bool
    ) -> list[tantivy.DocAddress]:
        """Return the addresses of matching sections, best rank first, then by score."""
        hits: dict[tuple[int, int], tuple[float, tantivy.DocAddress]] = {}
        for fields in (list(FIELD_BOOSTS), ["title"]):
            query = self._build_query(terms, fields, match_all=match_all)
            for score, address in searcher.search(query, MAX_HITS).hits:
                hits.setdefault((address.segment_ord, address.doc), (score, address))
        ranked = []
        for score, address in hits.values():
            document = searcher.doc(address)
            rank = self._rank(document, terms)
            # If the title of a page matches, the top of the page precedes its sections.
            is_below_top = rank < 2 and "#" in str(document.get_first("href"))
            ranked.append((rank, is_below_top, -score, str(document.get_first("href")), address))
        return [address for *_, address in sorted(ranked, key=lambda row: row[:4])]

    def _rank(self, document: tantivy.Document, terms: list[QueryTerm]) -> int:
        """Rank a match, best first.

        0: the title equals the query; 1: it starts with it; 2: it has all terms; 3: the heading has them; 4: the text.
        """
        title = self._analyzer.analyze(str(document.get_first("title")))
        queries = [[token for term in terms for token in self._analyze(term[0])]]
        queries += [self._analyze(variant) for variant in terms[0][1:] if len(terms) == 1]
        if title in queries:
            return 0
        if any(query == title[: len(query)] for query in queries):
            return 1
        heading = self._analyzer.analyze(str(document.get_first("section")))
        return 2 if self._contains_terms(title, terms) else 3 if self._contains_terms(heading, terms) else 4

    def _contains_terms(self, tokens: list[str], terms: list[QueryTerm]) -> bool:
        return all(any(set(self._analyze(words)) <= set(tokens) for words in term) for term in terms)

    def _analyze(self, words: list[str]) -> list[str]:
        return list(self._analyzer.analyze(" ".join(words)))

    def _build_query(self, terms: list[QueryTerm], fields: Iterable[str], *, match_all: bool) -> tantivy.Query:
        """Build a query from terms; what readers type is never parsed as query syntax."""
        occur = tantivy.Occur.Must if match_all else tantivy.Occur.Should
        clauses = []
        for term in terms:
            alternatives = [
                (
                    tantivy.Occur.Should,
                    tantivy.Query.boost_query(self._build_phrase_query(name, tokens), FIELD_BOOSTS[name]),
                )
                for words in term
                if (tokens := self._analyze(words))
                for name in fields
            ]
            clauses.append((occur, tantivy.Query.boolean_query(alternatives)))
        return tantivy.Query.boolean_query(clauses)

    def _build_phrase_query(self, field_name: str, tokens: list[str]) -> tantivy.Query:
        """Build a query for one word, or for several in a row: a compound or a multi-word glossary term."""
        if len(tokens) > 1:
            return tantivy.Query.phrase_query(self._schema, field_name, [*tokens])
        return tantivy.Query.term_query(self._schema, field_name, tokens[0], "position")

    def _build_results(
        self,
        searcher: tantivy.Searcher,
        terms: list[QueryTerm],
        addresses: list[tantivy.DocAddress],
        distinct_letter_prefixes: list[str],
    ) -> list[SearchResult]:
        results: list[SearchResult] = []
        pages: Counter[int] = Counter()
        for address in addresses:
            document = searcher.doc(address)
            page = int(document.get_first("page") or 0)
            pages[page] += 1
            # Two sections of one page help; ten would crowd out other pages.
            if pages[page] > 2 or len(results) == MAX_RESULTS:
                continue
            results.append(
                SearchResult(
                    str(document.get_first("title")),
                    str(document.get_first("href")),
                    str(document.get_first("section")),
                    self._build_snippet(str(document.get_first("text")), terms, distinct_letter_prefixes),
                )
            )
        return results

    def _build_snippet(self, text: str, terms: list[QueryTerm], distinct_letter_prefixes: list[str]) -> SafeString:
        """Return whole sentences of the line with most of the terms, with matches in ``<mark>``.

        Variants of a term count only if the text does not contain the typed words. Without any match, return the first
        line.
        """
        keywords = [term for term in terms if self._has_keyword(term)] or terms
        lines = text.split("\n")
        for phrases in (
            [self._analyze(term[0]) for term in keywords],
            [self._analyze(words) for term in keywords for words in term[1:]],
        ):
            matches = [self._find_phrases(line, phrases, distinct_letter_prefixes) for line in lines]
            best = max(range(len(lines)), key=lambda at: (len(set(matches[at].values())), lines[at][-1:] in ".!?"))
            if matches[best]:
                return _highlight(lines[best], list(matches[best]))
        return _highlight(lines[0], [])

    def _find_phrases(
        self, line: str, phrases: list[list[str]], distinct_letter_prefixes: list[str]
    ) -> dict[tuple[int, int], int]:
        """Map the span of each phrase found in a line, in order, to the number of the phrase."""
        words = [
            match for match in TOKEN.finditer(line) if not _lacks_distinct_letter(match[0], distinct_letter_prefixes)
        ]
        stems = [self._stem(word[0]) for word in words]
        found: dict[tuple[int, int], int] = {}
        for number, phrase in enumerate(phrases):
            for at in range(len(stems) - len(phrase) + 1):
                if phrase and stems[at : at + len(phrase)] == phrase:
                    found[words[at].start(), words[at + len(phrase) - 1].end()] = number
        return dict(sorted(found.items()))

    def _stem(self, word: str) -> str:
        if word not in self._stems:
            self._stems[word] = " ".join(self._analyzer.analyze(word))
        return self._stems[word]


def _lacks_distinct_letter(word: str, distinct_letter_prefixes: list[str]) -> bool:
    """Return whether the word lacks a distinct letter of the query, such as “ano” for “año”."""
    lowered = word.casefold()
    return any(
        fold(lowered).startswith(fold(prefix)) and not lowered.startswith(prefix) for prefix in distinct_letter_prefixes
    )


def _distinct_letter_prefixes(text: str) -> list[str]:
    """Return the beginning of each word up to its distinct letter, such as “añ” for “año”."""
    return DISTINCT_LETTERS.findall(normalize(text).casefold())


def _prefer_distinct_letters(
    text: str, searcher: tantivy.Searcher, hits: list[tantivy.DocAddress]
) -> list[tantivy.DocAddress]:
    """Prefer sections with ñ if it was typed: ñ is a separate letter, but many keyboards lack it."""
    prefixes = _distinct_letter_prefixes(text)
    if not prefixes:
        return hits
    documents = ((hit, searcher.doc(hit)) for hit in hits)
    texts = (
        (hit, " ".join(str(document.get_first(name)) for name in FIELD_BOOSTS).casefold())
        for hit, document in documents
    )
    return [hit for hit, text in texts if all(prefix in text for prefix in prefixes)] or hits


def _highlight(line: str, matches: list[tuple[int, int]]) -> SafeString:
    """Return the escaped sentences from the first match onward, with the matches in ``<mark>``."""
    start, end = _choose_sentences(line, matches[0][0] if matches else 0)
    html = format_html("{}", "" if _is_sentence_end(line, start) else "… ")
    for first, last in matches:
        if start <= first and last <= end:
            html += format_html("{}<mark>{}</mark>", line[start:first], line[first:last])
            start = last
    return html + format_html("{}{}", line[start:end].rstrip(), "" if _is_sentence_end(line, end) else " …")


def _choose_sentences(line: str, position: int) -> tuple[int, int]:
    """Return the start of the sentence with ``position``, and the end of the last sentence that fits into a snippet.

    A sentence that is longer than a snippet is cut between words.
    """
    ends = [*(match.end() for match in SENTENCE_END.finditer(line)), len(line)]
    start = max(end for end in (0, *ends) if end <= position)
    if fitting := [end for end in ends if position < end <= start + SNIPPET_LENGTH]:
        return start, fitting[-1]
    if position > start + SNIPPET_LENGTH // 2:
        start = line.rfind(" ", start, position - SNIPPET_LENGTH // 4) + 1
    end = line.rfind(" ", position, start + SNIPPET_LENGTH)
    return start, end if end > position else min(start + SNIPPET_LENGTH, len(line))


def _is_sentence_end(line: str, position: int) -> bool:
    return position in {0, len(line)} or line[:position].rstrip().endswith((*SENTENCE_ENDS, ":"))


_indexes = {language: SearchIndex(language) for language in languages.CODES}


def get_index(language: str, last_event: int) -> SearchIndex:
    """Return the index of a language, updated to the public event ``last_event``."""
    index = _indexes[language]
    index.refresh(last_event)
    return index
