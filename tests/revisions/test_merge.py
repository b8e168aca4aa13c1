"""Three-way merge: no words are lost, and there are no needless conflicts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procedures.revisions.diff import (
    MAX_WORD_DIFF_LENGTH,
    MergeChunk,
    MergeResult,
    common_words,
    diff_inline,
    diff_words,
    merge,
    merge_line,
)

BASE = "## One\nThe first line.\n\n## Two\nThe second line.\n\n## Three\nThe third line.\n"


def by(merged: MergeResult, who: str) -> list[MergeChunk]:
    """Return the chunks with this origin."""
    return [piece for piece in merged.chunks if piece.origin == who]


def test_changes_in_different_lines_are_merged() -> None:
    theirs = BASE.replace("first line", "first line of Ana")
    mine = BASE.replace("third line", "third line of mine")

    merged = merge(BASE, theirs, mine)

    assert merged.text == BASE.replace("first line", "first line of Ana").replace("third line", "third line of mine")
    assert by(merged, "both") == []
    assert ["Ana" in piece.theirs for piece in by(merged, "theirs")] == [True]


def test_different_words_in_one_line_are_merged() -> None:
    base = "You may walk on the same day and drive after a week.\n"

    merged = merge(base, base.replace("may walk", "can walk"), base.replace("a week", "two weeks"))

    assert merged.text == "You can walk on the same day and drive after two weeks.\n"
    assert by(merged, "both") == []


def test_overlapping_changes_are_a_conflict() -> None:
    merged = merge(BASE, BASE.replace("second line", "middle line"), BASE.replace("second line", "other line"))

    assert [(p.base, p.theirs, p.mine) for p in by(merged, "both")] == [
        ("The second line.\n", "The middle line.\n", "The other line.\n")
    ]
    assert "The other line." in merged.text


def test_identical_changes_are_not_a_conflict() -> None:
    both = BASE.replace("second", "2nd")

    assert merge(BASE, both, both).text == both
    assert by(merge(BASE, both, both), "both") == []


def test_deleting_and_editing_the_same_part_is_a_conflict() -> None:
    merged = merge(BASE, BASE.replace("## Two\nThe second line.\n\n", ""), BASE.replace("second line", "other line"))

    assert len(by(merged, "both")) == 1
    assert "The other line." in by(merged, "both")[0].mine
    assert by(merged, "both")[0].theirs.strip() == ""


@pytest.mark.parametrize("empty", ["", "\n"])
def test_an_empty_base_makes_everything_a_conflict(empty: str) -> None:
    merged = merge(empty, "Theirs.\n", "Mine.\n")

    assert len(by(merged, "both")) == 1
    assert merged.text.strip() == "Mine."


def test_a_single_line_is_merged_by_words() -> None:
    merged = merge_line("A small cut helps.", "A very small cut helps.", "A small cut helps you.")

    assert merged.text == "A very small cut helps you."


texts = st.lists(st.sampled_from(["a\n", "b\n", "c d\n", "e f g\n", "\n", "h"]), max_size=8).map("".join)


@settings(max_examples=150, deadline=None)
@given(base=texts, theirs=texts, mine=texts)
def test_no_word_is_ever_lost(base: str, theirs: str, mine: str) -> None:
    merged = merge(base, theirs, mine)

    # Each side is whole again when every piece is read as that side wrote it.
    assert "".join(p.mine if p.origin != "theirs" else p.base for p in merged.chunks) == mine
    assert (
        "".join(
            p.theirs if p.origin in {"theirs", "both"} else p.base if p.origin == "mine" else p.mine
            for p in merged.chunks
        )
        == theirs
    )


@given(mine=texts, base=texts)
def test_a_single_editor_gets_exactly_their_own_text(base: str, mine: str) -> None:
    assert merge(base, base, mine).text == mine
    assert merge(base, mine, base).text == mine


@given(old=texts, new=texts)
def test_an_inline_diff_contains_both_texts(old: str, new: str) -> None:
    rows = diff_inline(old, new)

    assert "".join(words for sign, words in rows if sign in "=-") == old
    assert "".join(words for sign, words in rows if sign in "=+") == new


def test_an_inline_diff_matches_the_version_comparison() -> None:
    old, new = "You can walk (on the day).", "You may walk (the same day)."

    rows = diff_inline(old, new)

    assert rows == [
        ("=", "You "), ("-", "can"), ("+", "may"), ("=", " walk ("), ("-", "on the"), ("+", "the same"), ("=", " day)."),
    ]  # fmt: skip
    before, after = diff_words(old, new)
    assert [(s.text, s.changed) for s in before] == [(text, sign == "-") for sign, text in rows if sign in "=-"]
    assert [(s.text, s.changed) for s in after] == [(text, sign == "+") for sign, text in rows if sign in "=+"]


def test_a_very_long_line_is_not_compared_by_words() -> None:
    line = "word " * (MAX_WORD_DIFF_LENGTH // 5)

    assert diff_inline(f"One.\n{line}a", f"One.\n{line}b") == [("=", "One.\n"), ("-", f"{line}a"), ("+", f"{line}b")]


def test_common_words_are_whole_words() -> None:
    assert common_words("You can walk today.", "You may walk tomorrow.") == "You walk "
