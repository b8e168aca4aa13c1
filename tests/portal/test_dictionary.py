"""The prepared word lists match pyspellchecker's data."""

import gzip
import json
from importlib.resources import files
from pathlib import Path

from django.test import override_settings

from portal import text
from portal.text import fold


def test_the_prepared_lists_hold_all_words_and_the_most_common_ones(tmp_path: Path) -> None:
    text._load_hashes.cache_clear()
    try:
        with override_settings(DATA_DIR=tmp_path, LANGUAGES=[("es", "Español"), ("xx", "Without a list")]):
            _check()
    finally:
        text._load_hashes.cache_clear()


def _check() -> None:
    counts = json.loads(gzip.decompress(files("spellchecker").joinpath("resources", "es.json.gz").read_bytes()))
    folder = text.prepare_word_lists()
    written = [file.stat().st_mtime_ns for file in sorted(folder.iterdir())]

    assert all(text.is_dictionary_word(fold(word)) for word in counts)
    assert not any(text.is_dictionary_word(word) for word in ("", "zzzz", "vertebraplastia"))
    assert text.words_one_edit_away("colunna") >= {"columna"}
    common = text.common_words("es")
    assert len(common) == text.MAX_COMMON_WORDS
    assert min(counts[word] for word in common) >= max(counts[word] for word in counts.keys() - set(common))
    assert text.common_words("xx") == []
    assert text.prepare_word_lists() == folder
    assert [file.stat().st_mtime_ns for file in sorted(folder.iterdir())] == written
