"""A small full-text index in memory, one per language, made from live releases (tantivy, a Lucene-like library).

It is the same on SQLite and PostgreSQL. Each section of a page is a document, so a hit leads to the right place. The
index is rebuilt page by page when the event log has moved on; a search itself costs no further query.
"""

import re
import threading
from dataclasses import dataclass, field
from difflib import get_close_matches

import tantivy
from django.utils.html import format_html
from django.utils.safestring import SafeString

from procedures.models import Page, Release, Term

ANALYZER = "words"
STEMMERS = {"en": "english", "es": "spanish"}
FIELDS = {"title": 4.0, "section": 2.0, "text": 1.0}
MOST_RESULTS = 10
# (fewest letters, most slips): exact words first; short words are too much alike to be guessed.
SPELLINGS = ((1, 0), (4, 1), (7, 2))
MOST_WORDS = 12
SNIPPET_LETTERS = 220
# tantivy's smallest heap for a writer; it is given back after each commit.
WRITER_BYTES = 15_000_000
EMPTY = SafeString("")


@dataclass(frozen=True, slots=True)
class Result:
    """One place that matches."""

    title: str
    href: str
    section: str
    snippet: SafeString


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found; ``suggestion`` is the word that a misspelt one was taken for."""

    results: list[Result]
    suggestion: str = ""


@dataclass
class SearchIndex:
    """The index of one language."""

    language: str
    event: int = -1
    _releases: dict[int, int] = field(default_factory=dict)
    _aliases: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("page", stored=True, indexed=True)
        for name in FIELDS:
            builder.add_text_field(name, stored=True, tokenizer_name=ANALYZER)
        builder.add_text_field("href", stored=True, tokenizer_name="raw")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        self._index.register_tokenizer(ANALYZER, self._analyzer())

    def _analyzer(self) -> tantivy.TextAnalyzer:
        words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        words = words.filter(tantivy.Filter.remove_long(60)).filter(tantivy.Filter.lowercase())
        words = words.filter(tantivy.Filter.ascii_fold()).filter(tantivy.Filter.stemmer(STEMMERS[self.language]))
        return words.build()

    def refresh(self, event: int) -> None:
        """Take in what was published or withdrawn up to ``event`` (the newest row of the log)."""
        if event == self.event:
            return
        with self._lock:
            if event == self.event:
                return
            live = dict(Page.objects.published().in_language(self.language).values_list("pk", "live_release"))
            changed = [release for page, release in live.items() if self._releases.get(page) != release]
            gone = self._releases.keys() - live.keys()
            writer = self._index.writer(WRITER_BYTES, 1)
            for page in gone:
                self._forget(writer, page)
            for release in Release.objects.filter(pk__in=changed).iterator(chunk_size=200):
                self._forget(writer, release.page_id)
                for section in release.sections:
                    writer.add_document(self._document(release, section))
            writer.commit()
            writer.wait_merging_threads()
            self._index.reload()
            self._releases, self.event = live, event
            self._aliases = {
                # Spelt as _words() spells what is typed: "X-ray" is two words there.
                words: term.term
                for term in Term.objects.filter(language=self.language)
                for alias in term.aliases
                if (words := " ".join(re.findall(r"\w+", alias.casefold())))
            }

    def _forget(self, writer: tantivy.IndexWriter, page: int) -> None:
        # delete_documents_by_term() takes a Python number for a signed one, and so finds no page.
        writer.delete_documents_by_query(tantivy.Query.term_query(self._schema, "page", page))

    @staticmethod
    def _document(release: Release, section: dict[str, str]) -> tantivy.Document:
        anchor = f"#{section['anchor']}" if section["anchor"] else ""
        document = tantivy.Document()
        document.add_unsigned("page", release.page_id)
        document.add_text("title", release.title)
        document.add_text("section", section["title"])
        document.add_text("text", section["text"])
        document.add_text("href", release.path + anchor)
        return document

    def search(self, text: str) -> Answer:
        """The best places for what somebody typed. Exact words first; if there are none, words spelt alike."""
        words = self._words(text)
        if not words:
            return Answer([])
        searcher = self._index.searcher()
        for least, most in SPELLINGS:
            tried = [word for word in words if len(word) >= least]
            fuzzy = dict.fromkeys(FIELDS, (False, most, True)) if most else None
            for all_words in (True, False) if tried else ():
                query = self._query(tried, all_words=all_words, fuzzy=fuzzy)
                hits = [address for _, address in searcher.search(query, MOST_RESULTS * 4).hits]
                if hits and not most:
                    return self._answer(searcher, query, hits)
                if hits:
                    # Marks need the words as the pages have them.
                    meant = self._meant(searcher.doc(hits[0]), tried)
                    answer = self._answer(searcher, self._query(meant, all_words=False), hits)
                    return Answer(answer.results, meant[0] if len(words) == 1 else "")
        return Answer([])

    def _query(
        self, words: list[str], *, all_words: bool, fuzzy: dict[str, tuple[bool, int, bool]] | None = None
    ) -> tantivy.Query:
        query, _ = self._index.parse_query_lenient(
            " ".join(words), list(FIELDS), FIELDS, fuzzy, conjunction_by_default=all_words
        )
        return query

    @staticmethod
    def _meant(document: tantivy.Document, words: list[str]) -> list[str]:
        """For each word the one of the document that is spelt most alike."""
        text = " ".join(str(document.get_first(name)) for name in FIELDS)
        known = sorted(set(re.findall(r"\w+", text.casefold())))
        return [next(iter(get_close_matches(word, known, 1)), word) for word in words]

    def _words(self, text: str) -> list[str]:
        """Words without any query syntax; a glossary alias brings the word that the pages use."""
        words = re.findall(r"\w+", text.casefold())[:MOST_WORDS]
        typed = " ".join(words)
        for alias, term in self._aliases.items():
            if re.search(rf"\b{re.escape(alias)}\b", typed) and term.casefold() not in typed:
                typed = re.sub(rf"\b{re.escape(alias)}\b", term.casefold(), typed)
        # AND, OR and NOT in capitals are syntax; case-folded words are not.
        return re.findall(r"\w+", typed)

    def _answer(
        self,
        searcher: tantivy.Searcher,
        query: tantivy.Query,
        addresses: list[tantivy.DocAddress],
    ) -> Answer:
        snippets = tantivy.SnippetGenerator.create(searcher, query, self._schema, "text")
        snippets.set_max_num_chars(SNIPPET_LETTERS)
        results: list[Result] = []
        pages: dict[int, int] = {}
        for address in addresses:
            document = searcher.doc(address)
            page = int(document.get_first("page") or 0)
            pages[page] = pages.get(page, 0) + 1
            # Two places of one page are help, ten are noise.
            if pages[page] > 2 or len(results) == MOST_RESULTS:
                continue
            snippet = snippets.snippet_from_doc(document)
            body = str(document.get_first("text"))
            results.append(
                Result(
                    str(document.get_first("title")),
                    str(document.get_first("href")),
                    str(document.get_first("section")),
                    _marked(snippet) or format_html("{}", body[:SNIPPET_LETTERS]),
                )
            )
        return Answer(results)


def _marked(snippet: tantivy.Snippet) -> SafeString:
    """The snippet with its matches in ``<mark>``; ranges count bytes."""
    text = snippet.fragment().encode()
    parts, done = EMPTY, 0
    for mark in sorted(snippet.highlighted(), key=lambda found: found.start):
        before, word = text[done : mark.start], text[mark.start : mark.end]
        parts += format_html("{}<mark>{}</mark>", before.decode(errors="ignore"), word.decode(errors="ignore"))
        done = mark.end
    return parts + format_html("{}", text[done:].decode(errors="ignore")) if parts else EMPTY


_indexes = {language: SearchIndex(language) for language in STEMMERS}


def index_for(language: str, event: int) -> SearchIndex:
    """The index of a language, up to date with the event log."""
    index = _indexes[language]
    index.refresh(event)
    return index
