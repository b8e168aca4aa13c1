"""Hostile input: nothing runs, nothing loads from another site, nothing raises."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from procedures.models import Figure, GlossaryTerm
from procedures.rendering import preview_html
from procedures.validators import validate_plain_text
from tests.database import rolled_back
from tests.factories import make_figure, make_source, make_term
from tests.rendering.helpers import assert_harmless, parse_html, render

pytestmark = pytest.mark.django_db

ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "java&#10;script:alert(1)",
    "java%0ascript:alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A;&#x61;vascript:alert(1)",
    "javascript&colon;alert(1)",
    "\x01javascript:alert(1)",
    "\u200bjavascript:alert(1)",
    "ｊavascript:alert(1)",
    "vbscript:msgbox(1)",
    "livescript:x",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "blob:https://example.org/x",
    "file:///etc/passwd",
    "ftp://example.org/",
    "http://example.org/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "https:javascript:alert(1)",
    "page:javascript:alert(1)",
    "page:x#\"onmouseover=alert(1)",
    "https://example.org/\"onmouseover=alert(1)",
    "https://example.org/'><script>alert(1)</script>",
    "#\"><img src=x onerror=alert(1)>",
    "mailto:a@example.org?body=\"><script>",
]  # fmt: skip
HTML = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<body onload=alert(1)>",
    "<style>@import 'https://evil.example';</style>",
    "<div style=background:url(https://evil.example)>",
    "<form action=https://evil.example><button>x",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "<object data=javascript:alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=1.0?><script>alert(1)</script>",
    "</p></div></article><script>alert(1)</script>",
    "<template><script>alert(1)</script></template>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "\u00bcscript\u00bealert(1)\u00bc/script\u00be",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\ue000script\ue001alert(1)",
    "{{ x }}{% load x %}{% include 'admin/base.html' %}",
    "${alert(1)} {{constructor.constructor('alert(1)')()}}",
]  # fmt: skip
PLACEHOLDERS = [
    "{}",
    "## {}",
    "- {}",
    "> {}",
    "| {} |\n|---|\n| {} |",
    "`{}`",
    "```\n{}\n```",
    "**{}**",
    "[{}](https://example.org)",
    "[x](https://example.org \"{}\")",
    "![{}](https://example.org/x.png)",
    "::: note\n{}\n:::",
    "::: note {}\nx\n:::",
    "::: {}",
    "::: figure {}",
    "::: care {}",
    "::: chance {}\nx.\n:::",
    "::: chance 1 in 10\n{}\n:::",
    "::: choices\n### {}\n#### W\nx\n### B\n#### {}\nx\n:::",
    "## x {{#{}}}",
    "[@{}]",
    "[@nice; @{}]",
    "{{clinic.{}}}",
    "[x](page:{})",
]  # fmt: skip


def test_hostile_urls_are_neutralized(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    for address in ADDRESSES:
        with subtests.test(address=address):
            for markdown in (
                f"[x]({address})",
                f"[x](<{address}>)",
                f"<{address}>",
                f"![x]({address})",
                f"[x]: {address}\n\n[x]",
            ):
                assert_harmless(render(markdown.replace("\x01", "")).html)


@pytest.mark.slow
def test_hostile_html_is_escaped_everywhere(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    for html in HTML:
        with subtests.test(html=html):
            for place in PLACEHOLDERS:
                assert_harmless(render(place.format(*[html] * place.count("{}"))).html)


def test_hostile_fields_and_rows_are_escaped(db: None, subtests: pytest.Subtests) -> None:
    for html in HTML:
        if "\ue000" in html:  # fields reject it
            continue
        with subtests.test(html=html), rolled_back():
            assert_rows_are_only_text(html)


def assert_rows_are_only_text(html: str) -> None:
    make_term("trap", term="trap", aliases=["snare"], pronunciation=html[:80], definition=html)
    make_source("odd", organisation=html[:160], title=html, identifier=html[:120])
    figure = make_figure("odd", size=(16, 16))
    figure.texts.update(title=html[:80], alt=html[:125], caption=html[:240], description=html)
    figure.markers.get().texts.update(label=html[:60], text=html[:240])

    rendered = render(
        "The trap. [@odd]\n\n::: figure odd", title=html, key_message=html, next_label=html, lead_figure="odd"
    )

    assert_harmless(rendered.html)
    assert 'id="word-trap"' in rendered.html


def test_preview_of_a_bare_text_is_harmless(db: None, subtests: pytest.Subtests) -> None:
    for html in HTML:
        with subtests.test(html=html):
            assert_harmless(preview_html(html))


def is_plain(text: str) -> bool:
    """Return whether the fields of the admin accept this text."""
    try:
        validate_plain_text(text)
    except ValidationError:
        return False
    return True


PIECES = st.sampled_from(
    [*HTML, *ADDRESSES, ":::", "\n", "\n\n", "    ", "- ", "1. ", "> ", "#", "## ", "### ", "|", "|---|", "*", "_", "`",
     "```", "~~~", "[", "](", ")", "![", "[@", "nice", "]", "{", "}", "{clinic.phone}", "{#a}", "::: note\n", "\n:::\n",
     "::: choices\n", "### A\n#### B\n", "::: key-points\n- a\n", "::: figure needle\n", "::: care driving lifting\n",
     "::: series stages\n", "::: chance 2 in 100\n", "::: steps\n1. x\n", "\\", "&", "&amp;", "<", ">", '"', "'", "spine",
     "\t", "\r", "\x0c", "\u2028", "\u202e", "é", "\U0001f9b4", "---", "===", "page:recovery"]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(PIECES, max_size=25).map("".join),
    st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=15).map("".join),
    st.text(max_size=80),
)


@pytest.mark.slow
@given(text=TEXTS)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text="- ::: note\n> ::: choices\n### A\n> #### B\n:::\n")
@example(text="::: choices\n> ### A\n> #### B\n- ### C\n  #### B\n:::")
@example(text="> ::: note\n> > ::: note\n- ::: steps\n")
def test_any_text_renders_and_accepted_text_is_valid_and_harmless(clinic_content: Figure, text: str) -> None:
    GlossaryTerm.objects.filter(key="spine").exists() or make_term("spine")

    rendered = render(text)

    assert rendered.reading_minutes >= 1
    if is_plain(text):
        assert_harmless(rendered.html)
        ids = parse_html(rendered.html).ids()
        assert sorted(ids) == sorted(set(ids))
