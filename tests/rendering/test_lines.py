"""Line comments in previews, and the line of Markdown of each text on the page."""

import re

import pytest

from procedures.models import Figure
from procedures.readability.scores import split_sentences
from procedures.rendering import ReferenceResolver, render_page
from tests.rendering.helpers import render

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


def test_preview_puts_a_line_comment_before_each_part() -> None:
    marks = re.findall(r"<!--line (\d+)-->\s*<([a-z0-9]+)", rendered(BODY, with_lines=True))

    assert marks == [
        ("1", "section"),
        ("6", "h2"),
        ("7", "p"),
        ("9", "div"),
        ("13", "div"),
        ("17", "blockquote"),
    ]


def test_preview_without_line_comments_equals_the_release() -> None:
    released = rendered(BODY, with_lines=False)

    assert "<!--line" not in released
    assert re.sub(r"<!--line \d+-->", "", rendered(BODY, with_lines=True)) == released


def test_typed_html_comment_is_text() -> None:
    assert "<!--line 99-->" not in rendered("Words <!--line 99--> and\n\n<!--line 98-->\n", with_lines=True)


def test_text_blocks_have_source_lines(clinic_content: Figure) -> None:
    body = (
        "## Fever {#fever}\n\n- You have a **fever**. [@nice]\n\nCall us at {clinic.phone} when it hurts a lot.\n\n"
        "This sentence goes on\nover the end of a line. A second one.\nSee [our page](page:recovery#rest) on *recovery*.\n\n"
        "::: note\nFirst.\n\nYou have a fever.\n:::\n\n::: care driving\n"
    )

    found = {
        sentence: block.find_line(sentence)
        for block in render(body).article.blocks
        if block.component not in {"title", "clinic answer"}
        for sentence in split_sentences(block.sentences)
    }

    assert found == {
        "Fever.": 1,
        "You have a fever.": 14,  # the second one
        "Call us at +1 303-555-0100 when it hurts a lot.": 5,
        "This sentence goes on over the end of a line.": 7,
        "A second one.": 8,
        "See our page on recovery.": 9,
        "Good to know.": 0,
        "First.": 12,
    }
    answers = [block for block in render(body).article.blocks if block.component == "clinic answer"]
    assert [block.line for block in answers] == [0, 0], "what a block prints is in no line"
