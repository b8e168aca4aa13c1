"""The sanitizer on its own, without the parser's escaping."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procedures.rendering.blocks import LEVEL_PLACEHOLDER
from procedures.rendering.html import sanitize
from tests.rendering.helpers import assert_harmless
from tests.rendering.test_hostile import ADDRESSES, HTML


def test_hostile_html_is_removed(subtests: pytest.Subtests) -> None:
    for html in HTML:
        with subtests.test(html=html):
            assert_harmless(sanitize(html), strict=False)
            assert_harmless(sanitize(f"<p>{html}</p><ul><li>{html}"), strict=False)


def test_disallowed_url_schemes_are_removed(subtests: pytest.Subtests) -> None:
    for address in ADDRESSES:
        with subtests.test(address=address):
            quoted = address.replace("&", "&amp;").replace('"', "&quot;")

            assert_harmless(sanitize(f'<a href="{quoted}">x</a>'), strict=False)
            assert_harmless(sanitize(f"<a href='{address}'>x</a>"), strict=False)


def test_only_allowed_tags_and_attributes_are_kept(subtests: pytest.Subtests) -> None:
    for html, cleaned in [
        ('<p class="x" style="color:red" onclick="x()">a</p>', "<p>a</p>"),
        (
            f'<h{LEVEL_PLACEHOLDER}2 id="pain" class="x">a</h{LEVEL_PLACEHOLDER}2>',
            f'<h{LEVEL_PLACEHOLDER}2 id="pain">a</h{LEVEL_PLACEHOLDER}2>',
        ),
        ('<a class="term" href="#word-x" target="_blank">a</a>', '<a class="term" href="#word-x">a</a>'),
        ('<ol start="3" type="a"><li>a</li></ol>', '<ol start="3"><li>a</li></ol>'),
        ("<p>a<!-- b -->c</p>", "<p>ac</p>"),
        ("<script>alert(1)</script>a", "a"),
        ("<style>p{}</style>a", "a"),
        ("<img src=x>a", "a"),
        ("<p>open <em>never closed", "<p>open <em>never closed</em></p>"),
        ('<td class="num" colspan="3">a</td>', "a"),
        (
            '<table><tbody><tr><td class="num" colspan="3">a</td></tr></tbody></table>',
            '<table><tbody><tr><td class="num">a</td></tr></tbody></table>',
        ),
    ]:
        with subtests.test(html=html, cleaned=cleaned):
            assert sanitize(html) == cleaned


@given(
    html=st.lists(
        st.one_of(
            st.sampled_from(HTML),
            st.sampled_from(["<a href=", "'", '"', ">", "<", "/", "<p", "</p>", " onclick=x", "javascript:", "&", "="]),
            st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=8),
        ),
        max_size=12,
    ).map("".join)
)
@settings(max_examples=150, deadline=None)
def test_no_combination_of_fragments_survives(html: str) -> None:
    assert_harmless(sanitize(html), strict=False)
