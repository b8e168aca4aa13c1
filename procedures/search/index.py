"""A small full-text index in memory, one per language, made from live releases (tantivy, a Lucene-like library).

It is the same on SQLite and PostgreSQL. Each section of a page is a document, so a hit leads to the right place. The
index is rebuilt page by page when the event log has moved on; a search itself costs no further query.
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

from portal.dictionary import common_words, is_dictionary_word
from portal.text import fold, normalize
from procedures import languages
from procedures.models import GlossaryTerm, Page, Release

ANALYZER = "words"
# A word with its apostrophe is one word: “can’t” is not “can” and the letter t.
TOKEN_PATTERN = "[\\p{L}\\p{N}_]+(?:['\u2018\u2019\u02bc][\\p{L}\\p{N}_]+)*"  # noqa: S105 -- a pattern, no secret
# The same for text that portal.text.fold has seen; signs within a word make it a compound: x-ray, M80.08.
WORD = re.compile(r"\w+(?:'\w+)*")
COMPOUND = re.compile(r"\w+(?:['./-]\w+)*")
FIELD_BOOSTS = {"title": 4.0, "section": 2.0, "text": 1.0}
MAX_RESULTS = 10
MAX_HITS = 40
# (minimum letters, maximum wrong letters) of a misspelled word; and the shortest word that it is corrected to.
MAX_TYPOS_BY_LENGTH = ((8, 2), (5, 1))
MIN_CORRECTION_LENGTH = 4
MAX_QUERY_WORDS = 12
SNIPPET_LENGTH = 220
# tantivy's smallest heap for a writer; it is given back after each commit.
WRITER_HEAP_BYTES = 15_000_000
EMPTY_HTML = SafeString("")
_DISTINCT = "".join(language.search.distinct_letters for language in languages.LANGUAGES)
DISTINCT_LETTERS = re.compile(rf"\w*[{re.escape(_DISTINCT)}]" if _DISTINCT else r"(?!)")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One place that matches."""

    title: str
    href: str
    section: str
    snippet: SafeString


@dataclass(frozen=True, slots=True)
class SearchResults:
    """What a search found; ``suggestion`` is the word that a misspelt one was taken for."""

    results: list[SearchResult]
    suggestion: str = ""


# One part of a query: alternatives, each of them words in a row. The first is what was typed.
QueryTerm = list[list[str]]


@dataclass
class SearchIndex:
    """The index of one language."""

    language: str
    last_event: int = -1
    _releases_by_page: dict[int, int] = field(default_factory=dict)
    _aliases: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    # Words of the public pages as written, and as stems.
    _words_by_page: dict[int, Counter[str]] = field(default_factory=dict)
    _word_counts: Counter[str] = field(default_factory=Counter)
    _stem_counts: Counter[str] = field(default_factory=Counter)
    # “xray” is “X-ray”.
    _compounds: dict[str, list[str]] = field(default_factory=dict)
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
        """Take in what was published or withdrawn up to ``event`` (the newest row of the log)."""
        if last_event == self.last_event:
            return
        with self._lock:
            if last_event == self.last_event:
                return
            live = dict(Page.objects.published().in_language(self.language).values_list("pk", "live_release"))
            changed = [release for page, release in live.items() if self._releases_by_page.get(page) != release]
            gone = self._releases_by_page.keys() - live.keys()
            writer = self._index.writer(WRITER_HEAP_BYTES, 1)
            for page in gone:
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
            self._releases_by_page, self.last_event = live, last_event

    def _remove_page(self, writer: tantivy.IndexWriter, page: int) -> None:
        # delete_documents_by_term() takes a Python number for a signed one, and so finds no page.
        writer.delete_documents_by_query(tantivy.Query.term_query(self._schema, "page", page))
        words = self._words_by_page.pop(page, Counter())
        self._word_counts -= words
        self._stem_counts -= self._count_stems(words)

    def _add_words(self, release: Release) -> None:
        texts = [release.title, *(f"{part['title']} {part['text']}" for part in release.sections)]
        folded = fold(" ".join(texts))
        words = Counter(WORD.findall(folded))
        for compound in COMPOUND.findall(folded):
            parts = WORD.findall(compound)
            if len(parts) > 1:
                self._compounds["".join(parts).replace("'", "")] = parts
        self._words_by_page[release.page_id] = words
        self._word_counts += words
        self._stem_counts += self._count_stems(words)

    def _count_stems(self, words: Iterable[str]) -> Counter[str]:
        return Counter(self._analyzer.analyze(" ".join(words)))

    @staticmethod
    def _build_document(release: Release, section: dict[str, str]) -> tantivy.Document:
        anchor = f"#{section['anchor']}" if section["anchor"] else ""
        # Releases of earlier versions may hold letters and accents apart, and soft hyphens.
        values = {"title": release.title, "section": section["title"], "text": section["text"]}
        document = tantivy.Document()
        document.add_unsigned("page", release.page_id)
        for name, text in values.items():
            document.add_text(name, normalize(text))
        document.add_text("href", release.path + anchor)
        return document

    def search(self, query: str) -> SearchResults:
        """The best results: with all words, else with misspelled words corrected, else with some of the words."""
        typed = list(self._parse_query(query))
        if not typed:
            return SearchResults([])
        words = [word for wanted in typed for word in wanted[0]]
        corrections = {word: right for word in words if (right := self._correct_spelling(word))}
        corrected = [[[corrections.get(w, w) for w in one] for one in wanted] for wanted in typed]
        keywords = [one for wanted in corrected for one in self._split_into_keywords(wanted)]
        searcher = self._index.searcher()
        for tried, every in ((typed, True), (corrected, True), (keywords, False)):
            hits = _prefer_enye(query, searcher, self._find_hits(searcher, tried, match_all=every)) if tried else []
            if hits:
                suggestion = corrections.get(words[0], "") if len(words) == 1 and tried is not typed else ""
                return SearchResults(self._build_results(searcher, tried, hits, _enye_prefixes(query)), suggestion)
        return SearchResults([])

    def _parse_query(self, text: str) -> Iterator[QueryTerm]:
        """Parse a query. An alias of a glossary term also finds the term, a compound also its spelling as one word."""
        units = [WORD.findall(unit) for unit in COMPOUND.findall(fold(text))]
        words = [word for unit in units for word in unit][:MAX_QUERY_WORDS]
        ends = {sum(map(len, units[:count])) for count in range(len(units) + 1)}
        at = 0
        while at < len(words):
            alias = next((n for n in range(len(words) - at, 0, -1) if tuple(words[at : at + n]) in self._aliases), 0)
            end = next((end for end in range(at + 1, len(words)) if end in ends), len(words))
            if alias > 1 or (alias and end == at + 1):
                own, term = words[at : at + alias], self._aliases[tuple(words[at : at + alias])]
                # “cement” finds “bone cement” by itself, and must not find every bone.
                yield [own] if set(own) <= set(term) else [own, term]
                at += alias
                continue
            pair = "".join(words[at : end + 1])
            if end == at + 1 < len(words) and (pair in self._word_counts or pair in self._compounds):
                end += 1
            own = words[at:end]
            joined = "".join(own).replace("'", "")
            other = [joined] if len(own) > 1 else self._compounds.get(joined, own)
            yield [own] if other == own else [own, other]
            at = end

    def _correct_spelling(self, word: str) -> str:
        """Correct a misspelled word to a word of the pages; empty for ordinary words and for short ones."""
        allowed = next((most for least, most in MAX_TYPOS_BY_LENGTH if len(word) >= least), 0)
        if not allowed or word.isdigit() or self._is_known_word(word):
            return ""
        found = process.extract(
            word, list(self._word_counts), scorer=OSA.distance, score_cutoff=allowed, limit=None, processor=None
        )
        near = [(distance, other) for other, distance, _ in found if distance == 1 or other[0] == word[0]]
        best = min(
            near, key=lambda pair: (pair[0], pair[1][0] != word[0], -self._word_counts[pair[1]], pair[1]), default=None
        )
        return best[1] if best and len(best[1]) >= MIN_CORRECTION_LENGTH else ""

    def _is_known_word(self, word: str) -> bool:
        """Whether a page or a dictionary has the word, so that it is no misspelling."""
        return is_dictionary_word(word) or any(
            stem in self._stem_counts or stem in self._common_stems for stem in self._analyzer.analyze(word)
        )

    @cached_property
    def _common_stems(self) -> frozenset[str]:
        """Stems of everyday words: dictionaries lack many inflected forms."""
        return frozenset(self._analyzer.analyze(fold(" ".join(common_words(self.language)))))

    def _split_into_keywords(self, term: QueryTerm) -> list[QueryTerm]:
        """A part of a query and each of its words by itself, without stopwords."""
        words = [[[word]] for word in term[0]] if len(term[0]) > 1 else []
        return [one for one in (term, *words) if self._has_keyword(one)]

    def _has_keyword(self, term: QueryTerm) -> bool:
        """Whether any of the words is longer than a letter and no stopword."""
        return any(len(word) > 1 and word not in self._rules.stopwords for word in term[0])

    def _find_hits(
        self, searcher: tantivy.Searcher, terms: list[QueryTerm], *, match_all: bool
    ) -> list[tantivy.DocAddress]:
        """Matching sections, those with the words in their titles first."""
        found: dict[tuple[int, int], tuple[float, tantivy.DocAddress]] = {}
        for fields in (list(FIELD_BOOSTS), ["title"]):
            query = self._build_query(terms, fields, match_all=match_all)
            for score, address in searcher.search(query, MAX_HITS).hits:
                found.setdefault((address.segment_ord, address.doc), (score, address))
        ranked = []
        for score, address in found.values():
            document = searcher.doc(address)
            rank = self._rank(document, terms)
            # Of a page whose title matches, its beginning comes first.
            below = rank < 2 and "#" in str(document.get_first("href"))
            ranked.append((rank, below, -score, str(document.get_first("href")), address))
        return [address for *_, address in sorted(ranked, key=lambda row: row[:4])]

    def _rank(self, document: tantivy.Document, terms: list[QueryTerm]) -> int:
        """0: the title is what was typed; 1: it begins so; 2: it has all words; 3: the heading has; 4: the text."""
        title = self._analyzer.analyze(str(document.get_first("title")))
        names = [[token for one in terms for token in self._analyze(one[0])]]
        names += [self._analyze(other) for other in terms[0][1:] if len(terms) == 1]
        if title in names:
            return 0
        if any(name == title[: len(name)] for name in names):
            return 1
        heading = self._analyzer.analyze(str(document.get_first("section")))
        return 2 if self._contains_terms(title, terms) else 3 if self._contains_terms(heading, terms) else 4

    def _contains_terms(self, tokens: list[str], terms: list[QueryTerm]) -> bool:
        return all(any(set(self._analyze(words)) <= set(tokens) for words in one) for one in terms)

    def _analyze(self, words: list[str]) -> list[str]:
        return list(self._analyzer.analyze(" ".join(words)))

    def _build_query(self, terms: list[QueryTerm], fields: Iterable[str], *, match_all: bool) -> tantivy.Query:
        """Build a query from terms: typed text is never parsed as query syntax."""
        how = tantivy.Occur.Must if match_all else tantivy.Occur.Should
        groups = []
        for one in terms:
            ways = [
                (
                    tantivy.Occur.Should,
                    tantivy.Query.boost_query(self._build_phrase_query(name, tokens), FIELD_BOOSTS[name]),
                )
                for words in one
                if (tokens := self._analyze(words))
                for name in fields
            ]
            groups.append((how, tantivy.Query.boolean_query(ways)))
        return tantivy.Query.boolean_query(groups)

    def _build_phrase_query(self, field_name: str, tokens: list[str]) -> tantivy.Query:
        """One word, or several in a row: a compound, or a glossary term of several words."""
        if len(tokens) > 1:
            return tantivy.Query.phrase_query(self._schema, field_name, [*tokens])
        return tantivy.Query.term_query(self._schema, field_name, tokens[0], "position")

    def _build_results(
        self,
        searcher: tantivy.Searcher,
        terms: list[QueryTerm],
        addresses: list[tantivy.DocAddress],
        enye_prefixes: list[str],
    ) -> list[SearchResult]:
        marks = [self._build_snippet_generator(searcher, shown) for shown in ([one[:1] for one in terms], terms)]
        results: list[SearchResult] = []
        pages: Counter[int] = Counter()
        for address in addresses:
            document = searcher.doc(address)
            page = int(document.get_first("page") or 0)
            pages[page] += 1
            # Two places of one page are help, ten are noise.
            if pages[page] > 2 or len(results) == MAX_RESULTS:
                continue
            # Other names of a term are marked only where the text does not have the typed words.
            snippet = next(
                (mark for maker in marks if (mark := _highlight(maker.snippet_from_doc(document), enye_prefixes))),
                EMPTY_HTML,
            )
            results.append(
                SearchResult(
                    str(document.get_first("title")),
                    str(document.get_first("href")),
                    str(document.get_first("section")),
                    snippet or format_html("{}", str(document.get_first("text"))[:SNIPPET_LENGTH]),
                )
            )
        return results

    def _build_snippet_generator(self, searcher: tantivy.Searcher, terms: list[QueryTerm]) -> tantivy.SnippetGenerator:
        keywords = [one for one in terms if self._has_keyword(one)] or terms
        query = self._build_query(keywords, ["text"], match_all=False)
        snippets = tantivy.SnippetGenerator.create(searcher, query, self._schema, "text")
        snippets.set_max_num_chars(SNIPPET_LENGTH)
        return snippets


def _enye_prefixes(text: str) -> list[str]:
    """The words with ñ, or another letter of its own, in what was typed, up to that letter."""
    return DISTINCT_LETTERS.findall(normalize(text).casefold())


def _prefer_enye(text: str, searcher: tantivy.Searcher, hits: list[tantivy.DocAddress]) -> list[tantivy.DocAddress]:
    """If ñ was typed, prefer sections that have it: ñ is a letter of its own, but many keyboards lack it."""
    starts = _enye_prefixes(text)
    if not starts:
        return hits
    documents = ((hit, searcher.doc(hit)) for hit in hits)
    texts = (
        (hit, " ".join(str(found.get_first(name)) for name in FIELD_BOOSTS).casefold()) for hit, found in documents
    )
    return [hit for hit, words in texts if all(start in words for start in starts)] or hits


def _highlight(snippet: tantivy.Snippet, enye_prefixes: list[str]) -> SafeString:
    """The snippet with its matches in ``<mark>``; ranges count bytes."""
    text = snippet.fragment().encode()
    parts, done = EMPTY_HTML, 0
    for mark in sorted(snippet.highlighted(), key=lambda found: found.start):
        found = text[mark.start : mark.end].decode(errors="ignore").casefold()
        if any(fold(found).startswith(fold(start)) and not found.startswith(start) for start in enye_prefixes):
            # “ano” where “año” was typed.
            continue
        before, word = text[done : mark.start], text[mark.start : mark.end]
        parts += format_html("{}<mark>{}</mark>", before.decode(errors="ignore"), word.decode(errors="ignore"))
        done = mark.end
    return parts + format_html("{}", text[done:].decode(errors="ignore")) if parts else EMPTY_HTML


_indexes = {language: SearchIndex(language) for language in languages.CODES}


def get_index(language: str, last_event: int) -> SearchIndex:
    """The index of a language, up to date with the event log."""
    index = _indexes[language]
    index.refresh(last_event)
    return index
