"""Odd long texts, which were compared in minutes: the time of a comparison grows with the text, not with its square."""

import time
from collections.abc import Callable

import pytest

from procedures.readability.measures import DATE
from procedures.revisions import diff
from procedures.revisions.diff import (
    DiffBlock,
    Effort,
    common_words,
    compare_blocks,
    diff_inline,
    diff_spans,
    merge,
    to_reading_text,
)

SIZE = 40_000  # characters
ORDINARY_TEXT = ("Rest at home, and call us if your back hurts **more** than before.\n" * SIZE)[:SIZE]
ODD_TEXTS = {
    piece: (piece * SIZE)[:SIZE]
    for piece in (
        "[@", "[@[@", "[[[", "![", "[](", "[a](b ", "[](a b ", "[x]((", "*a ", "_a ", "**a", "***", "a*", "{#", "# a {#", "| ", "|",
        ":::", " ", "\t", "-", "> ", "- ", "{clinic.",
    )
} | {"heading of spaces": "# a" + " " * SIZE + "b"}  # fmt: skip
# An odd text may take this many times as long as an ordinary one of the same size; before, it took hundreds of times.
MAX_RATIO = 40


def cpu_seconds(function: Callable[[], object]) -> float:
    """Return the CPU time of the faster of two calls, which does not depend on the load of the machine."""
    times = []
    for _attempt in range(2):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def test_odd_texts_become_reading_text_in_linear_time(subtests: pytest.Subtests) -> None:
    ordinary = cpu_seconds(lambda: to_reading_text(ORDINARY_TEXT))
    for name, text in ODD_TEXTS.items():
        with subtests.test(name=name):
            assert cpu_seconds(lambda text=text: to_reading_text(text)) < MAX_RATIO * ordinary  # type: ignore[misc]


def test_dates_are_found_in_linear_time_in_a_long_list_of_numbers() -> None:
    ordinary = cpu_seconds(lambda: DATE.sub("", ORDINARY_TEXT))

    for piece in ("1-", "1, ", "31 – ", "1 to "):
        assert cpu_seconds(lambda piece=piece: DATE.sub("", (piece * SIZE)[:SIZE])) < MAX_RATIO * ordinary  # type: ignore[misc]
    assert DATE.sub("", "May 1, 2, and 3-5, 2026") == ", and 3-5, 2026"


def words(prefix: str, count: int) -> str:
    """Return different words; only the spaces between them are the same as in another such text."""
    return " ".join(f"{prefix}{number}" for number in range(count))


def test_texts_without_a_common_word_are_compared_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    # SequenceMatcher alone would examine 10 to 100 times as many pairs as each limit.
    monkeypatch.setattr(diff, "MAX_COMPARED_PAIRS", 100_000)
    old, new = words("a", 400), words("b", 400)
    lines = "\n".join(old.split()).replace("\n", "\n\n"), "\n".join(new.split()).replace("\n", "\n\n")
    efforts: list[Effort] = []

    class RecordedEffort(Effort):
        def __init__(self) -> None:
            super().__init__()
            efforts.append(self)

    monkeypatch.setattr(diff, "Effort", RecordedEffort)
    for compare in (
        lambda: "".join(after for _changed, _before, after in diff_spans(old, new)),
        lambda: "".join(text for sign, text in diff_inline(old, new) if sign != "-"),
        lambda: (
            compare_blocks([DiffBlock("Text", old)], [DiffBlock("Text", new)])[-1].new_segments[-1].text[-4:] and new
        ),
        lambda: merge(old, old, new).text,
    ):
        assert compare() == new
    assert merge(lines[0], lines[0], lines[1]).text == lines[1]
    assert set(common_words(old, new)) <= {" "}
    assert efforts
    assert min(effort.pairs_left for effort in efforts) >= 0


def test_what_is_left_when_the_limit_is_reached_counts_as_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [changed for changed, _old, _new in diff_spans("Rest now.", "Rest here.")] == [False, True, False]
    monkeypatch.setattr(diff, "MAX_COMPARED_PAIRS", 0)

    assert list(diff_spans("Rest now.", "Rest here.")) == [(True, "Rest now.", "Rest here.")]
    assert merge("Rest.\n", "Rest now.\n", "Rest.\n").text == "Rest now.\n"
