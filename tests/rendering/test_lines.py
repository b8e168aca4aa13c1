"""Line comments in previews, and the map from rendered text to its line of Markdown."""

import re

import pytest

from procedures.rendering import ReferenceResolver, render_page
from procedures.rendering.source_map import SourceMap

pytestmark = pytest.mark.django_db

BODY = """::: key-points
- One.
- Two.
:::

## First {#first}
Some words.

| A | B |
|---|---|
| c | d |

::: note
- Rest.
:::

> Quoted.
"""


def rendered(body: str, *, with_lines: bool) -> str:
    names = ("title", "key_message", "lead_figure", "next_page", "next_label")
    content = dict.fromkeys(names, "") | {"body": body}
    return render_page(content, kind="about", resolver=ReferenceResolver("en"), with_line_comments=with_lines).html


def test_a_preview_says_before_each_part_which_line_it_was_made_from() -> None:
    marks = re.findall(r"<!--line (\d+)-->\s*<([a-z0-9]+)", rendered(BODY, with_lines=True))

    assert marks == [
        ("1", "section"),
        ("6", "h2"),
        ("7", "p"),
        ("9", "div"),
        ("13", "div"),
        ("17", "blockquote"),
    ]


def test_without_its_marks_a_preview_is_what_is_released() -> None:
    released = rendered(BODY, with_lines=False)

    assert "<!--" not in released
    assert re.sub(r"<!--line \d+-->", "", rendered(BODY, with_lines=True)) == released


def test_a_typed_comment_is_text() -> None:
    assert "<!--line 99-->" not in rendered("Words <!--line 99--> and\n\n<!--line 98-->\n", with_lines=True)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("You have a fever.", 3),
        ("Call us at +1 303-555-0100 when it hurts a lot.", 5),
        ("This sentence goes on over the end of a line.", 7),
        ("See our page on recovery and rest.", 9),
        ("Words that stand nowhere in this text at all.", 0),
        ("", 0),
    ],
)
def test_words_of_the_page_are_found_in_their_markdown(words: str, line: int) -> None:
    body = (
        "## Fever {#fever}\n\n- You have a **fever**. [@nice]\n\nCall us at {clinic.phone} when it hurts a lot.\n\n"
        "This sentence goes on\nover the end of a line.\nSee [our page](page:recovery#rest) on *recovery* and rest.\n"
    )

    found = SourceMap(body).find_line(words)

    # A clinic's value stands under its name in the text, so only the words before it can be found.
    assert found == line
