"""Inline content: emphasis, citations, clinic values, links, and glossary terms."""

import pytest
from django.utils.text import slugify

from procedures.models import Figure, Series
from procedures.rendering.context import MAX_SUGGESTIONS
from tests.factories import make_source, make_term
from tests.rendering.helpers import list_issues, render, render_body

pytestmark = pytest.mark.django_db


def test_markdown_renders_expected_html(subtests: pytest.Subtests) -> None:
    for markdown, html in [
        ("Hello *you* and **me**.", "<p>Hello <em>you</em> and <strong>me</strong>.</p>"),
        ("One\ntwo", "<p>One\ntwo</p>"),
        ("One  \ntwo", "<p>One<br />\ntwo</p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("Use `code` & <b>", "<p>Use <code>code</code> &amp; &lt;b&gt;</p>"),
        ("## Pain", '<h2 id="pain">Pain</h2>'),
        ("## Pain {#the-pain}", '<h2 id="the-pain">Pain</h2>'),
        ("---", "<hr />"),
        ("[Us](https://example.org/?a=1&b=2)", '<p><a href="https://example.org/?a=1&amp;b=2">Us</a></p>'),
        ("[Mail](mailto:a@example.org)", '<p><a href="mailto:a@example.org">Mail</a></p>'),
        ("[Above](#pain)", '<p><a href="#pain">Above</a></p>'),
        ("[a]: https://example.org\n\n[a]", "<p>[a]: https://example.org</p>\n<p>[a]</p>"),
    ]:
        with subtests.test(markdown=markdown, html=html):
            assert render_body(markdown).replace("<br>", "<br />").replace("<hr>", "<hr />") == html


def test_raw_html_is_shown_as_text(clinic_content: Figure) -> None:
    assert render_body("<b>bold</b>") == "<p>&lt;b&gt;bold&lt;/b&gt;</p>"
    assert render_body("<div>\nx\n</div>") == "<p>&lt;div&gt;\nx\n&lt;/div&gt;</p>"


def test_citations_are_numbered_by_first_use_and_listed_once(clinic_content: Figure) -> None:
    rendered = render("One [@josr]. Two [@nice; @josr].")

    # One note at the end of the paragraph.
    note = '<a class="citation" href="#source-1" aria-label="Sources 1, 2">[1, 2]</a>'
    assert f"<p>One. Two.&nbsp;{note}</p>" in rendered.html
    listed = rendered.html.split('<ol class="sources__list">')[1]
    assert listed.index('id="source-1"') < listed.index("JOSR") < listed.index('id="source-2"') < listed.index("NICE")
    assert 'href="https://example.org/leaks?a=1&amp;b=2"' in listed
    assert listed.count("<li") == 2


def test_citation_in_key_points_shares_the_page_numbering(clinic_content: Figure) -> None:
    html = render("::: key-points\n- Short. [@nice]\n:::\n\nText [@josr].\n\nMore [@nice].").html

    assert html.count('href="#source-1"') == 2
    assert html.count('href="#source-2"') == 1


def test_moved_citation_leaves_no_gap(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    for markdown, words in {
        "One. [@nice] Two.": "One. Two.",
        "One.\n[@nice]\nTwo.": "One.\nTwo.",
        "One [@nice], two": "One, two",
        "**One** [@nice]": "<strong>One</strong>",
        "One [@nice; @nice]two": "One two",
    }.items():
        with subtests.test(markdown=markdown):
            text = render_body(markdown).split("&nbsp;<a")[0]
            assert text == f"<p>{words}"


def test_invalid_citation_stays_text(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    for text in ["[@UPPER]", "[@]", "[@a,@b]", "[nice]", "[@nice", "\\[@nice]"]:
        with subtests.test(text=text):
            assert "<sup" not in render_body(text)


def test_clinic_values_are_printed_and_phones_can_be_called(clinic_content: Figure) -> None:
    assert render_body("{clinic.phone}") == '<p><a href="tel:+13035550100">+1 303-555-0100</a></p>'
    assert render_body("{clinic.emergency_number}") == '<p><a href="tel:911">911</a></p>'
    assert render_body("{clinic.name}: {clinic.hours}") == "<p>Test Spine Clinic: Monday to Friday</p>"


def test_daytime_phone_is_the_fallback_for_after_hours(clinic_content: Figure) -> None:
    assert render_body("{clinic.after_hours_phone}") == '<p><a href="tel:+13035550100">+1 303-555-0100</a></p>'


def test_a_clinic_phone_inside_a_link_does_not_nest_links(clinic_content: Figure) -> None:
    assert render_body("[Call {clinic.phone}](#top)") == '<p><a href="#top">Call +1 303-555-0100</a></p>'


def test_page_link_points_to_the_slug_and_the_section(clinic_content: Figure) -> None:
    assert render_body("[Rest](page:recovery#driving)") == '<p><a href="/getting-well/#driving">Rest</a></p>'
    assert render("[Rest](page:recovery#driving)").page_links == [(1, "recovery", "driving")]


def test_inline_issue_is_reported_with_its_line(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    for markdown, problem in [
        ("a\n\nText [@none].", "line 3: There is no source “none”."),
        ("a\nb [@nice; @none]", "line 2: There is no source “none”."),
        ("a\n\n{clinic.fax}", "line 3: Unknown clinic value {clinic.fax}."),
        ("a\n\n[x](page:none)", "line 3: There is no page on “none” in this language."),
        ("[x](page:)", "line 1: “page:” is not a page link."),
        ("[x](page:Recovery)", "line 1: “page:Recovery” is not a page link."),
        ("a\n\n[x](http://example.org)", "line 3: The link “http://example.org” must start with https://"),
        ("[x](/recovery/)", "line 1: The link “/recovery/” must start with https://"),
        ("[x](//example.org)", "line 1: The link “//example.org” must start with https://"),
        ("a\n\n- [x](https://exa mple.org)", "line 3: “https://exa mple.org” is not an address."),
        ("a\n[x](javascript:void)", "line 2: “javascript:void” is not an address. Links start with https://"),
        ("a\n\n![alt](picture.png)", "line 3: Add a picture with a block: ::: figure, followed by the slug"),
        ("- a\n- b\n- [@none]", "line 3: There is no source “none”."),
        ("> a\n> [@none]", "line 2: There is no source “none”."),
        ("| a |\n|---|\n| x |\n| [@none] |", "line 4: There is no source “none”."),
    ]:
        with subtests.test(markdown=markdown, problem=problem):
            assert [found[: len(problem)] for found in list_issues(markdown)] == [problem]


@pytest.mark.parametrize(
    ("markdown", "meant"),
    [
        ("::: figure nedle", "There is no picture “nedle”. Did you mean “needle”?"),
        (
            "::: series cement-stage",
            "There is no series “cement-stage” in this language. Did you mean “cement-stages”?",
        ),
        ("::: care driwing", "The clinic has no answer “driwing” in this language. Did you mean “driving”?"),
        ("Text [@boneheath].", "There is no source “boneheath”. Did you mean “bonehealth”?"),
        ("[x](page:recovry)", "There is no page on “recovry” in this language. Did you mean “recovery”?"),
    ],
)
def test_unknown_reference_suggests_the_closest_match(clinic_content: Figure, markdown: str, meant: str) -> None:
    make_source("bonehealth")
    Series.objects.create(slug="cement-stages", language="en", title="Cement")
    Series.objects.create(slug="cement-stage-es", language="es", title="Cemento")

    assert list_issues(markdown) == [f"line 1: {meant}"]


def test_number_of_suggestions_is_limited(clinic_content: Figure) -> None:
    keys = [f"nice{number:02}" for number in range(30)]

    problems = list_issues(" ".join(f"[@{key}]" for key in keys))

    assert len(problems) == 30
    assert sum("Did you mean" in problem for problem in problems) == MAX_SUGGESTIONS


def test_term_is_linked_only_at_its_first_use() -> None:
    make_term("vertebra", definition="A bone of the <spine>.")

    html = render("The vertebra. Another vertebra.").html

    assert html.count('<a class="term" href="#word-vertebra">vertebra</a>') == 1
    assert "The <a" in html
    assert html.count('id="word-vertebra"') == 1
    assert "A bone of the &lt;spine&gt;." in html


def test_alias_links_to_its_term_as_typed() -> None:
    make_term("kyphoplasty", aliases=["balloon treatment"])

    html = render_body("A Balloon Treatment, or kyphoplasty.")

    assert html == '<p>A <a class="term" href="#word-kyphoplasty">Balloon Treatment</a>, or kyphoplasty.</p>'


def test_explained_term_is_not_linked(subtests: pytest.Subtests) -> None:
    make_term("osteoporosis")
    for markdown, links in {
        "Weak bone (osteoporosis). Osteoporosis is common.": 0,
        "Weak bone (an osteoporosis).": 0,
        "Osteoporosis (weak bone).": 0,
        "Weak bone (from osteoporosis, mostly).": 1,
        "Osteoporosis. It is weak bone.": 1,
    }.items():
        with subtests.test(markdown=markdown):
            assert render(markdown).html.count('class="term"') == links


def test_longest_term_is_linked() -> None:
    make_term("canal")
    make_term("spinal-canal", term="spinal canal")

    assert render_body("The spinal canal.") == '<p>The <a class="term" href="#word-spinal-canal">spinal canal</a>.</p>'


@pytest.mark.parametrize(
    "markdown",
    [
        "## The canal",
        "[The canal](#x)",
        "`canal`",
        "canals and sub-canal and canal-like",
        "::: choices\n### canal\n#### What\nx\n### B\n#### What\ny\n:::",
    ],
)
def test_terms_are_not_linked_in_headings_links_code_or_longer_words(markdown: str) -> None:
    make_term("canal")

    assert "term" not in render(markdown).html


def test_terms_are_linked_in_table_cells_but_not_in_headers() -> None:
    make_term("canal")

    html = render_body("| canal |\n|---|\n| canal |")

    assert '<th scope="col">canal</th>' in html
    assert '<td><a class="term" href="#word-canal">canal</a></td>' in html


def test_terms_in_another_language_are_not_linked() -> None:
    make_term("canal", language="es")

    assert "#word-" not in render("The canal.").html
    assert "#word-" in render("El canal.", language="es").html


def test_regex_characters_in_a_term_are_escaped() -> None:
    make_term("odd", term="a.(b)*[c]")

    assert "#word-" not in render_body("aXbbc")
    assert "#word-odd" in render_body("see a.(b)*[c] here")


@pytest.mark.parametrize("look_alike", ["spıne", "SPİNE", "ſpine", "SPINE"])
def test_case_insensitive_lookalike_letters_do_not_break_rendering(look_alike: str) -> None:
    make_term("spine")

    assert look_alike in render_body(f"The {look_alike}.")


def test_terms_on_a_glossary_page_are_not_linked_again() -> None:
    make_term("canal")

    html = render("The canal.\n\n::: glossary").html

    assert "#word-" not in html
    assert 'id="term-canal"' in html


@pytest.mark.parametrize(
    ("typed", "linked"),
    [
        ("The bone\ncement sets.", "bone\ncement"),
        ("The bone  cement sets.", "bone  cement"),
        ("The bone\u00a0cement sets.", "bone&nbsp;cement"),
        ("The bone  \ncement sets.", "bone<br>\ncement"),
        ("The bone *cement* sets.", "bone <em>cement</em>"),
        ("The **bone** cement sets.", "<strong>bone</strong> cement"),
        ("The *bone\ncement* sets.", "<em>bone\ncement</em>"),
        ("The BONE Cement sets.", "BONE Cement"),
        ("The bo\u00adne cement sets.", "bo\u00adne cement"),
        ("A follow‑up visit.", "follow‑up"),
        ("A follow–up visit.", "follow–up"),
        ("A follow-\nup visit.", "follow-\nup"),
        ("Baker’s cyst", "Baker’s cyst"),
        ("Baker's cyst", "Baker's cyst"),
        ("The vértebra.", "vértebra"),
        ("The ve\u0301rtebra.", "ve\u0301rtebra"),
        ("The bone cement’s heat.", "bone cement"),
    ],
)
def test_term_is_found_in_any_spelling(clinic_content: Figure, typed: str, linked: str) -> None:
    for name in ("bone cement", "follow-up", "Baker's cyst", "vértebra"):
        make_term(slugify(name), term=name)

    assert f">{linked}</a>" in render_body(typed)


def test_emphasis_inside_a_term_is_split_and_the_link_is_not(clinic_content: Figure) -> None:
    make_term("bone-cement", term="bone cement")

    html = render_body("This *is bone* cement now.")

    assert '<em>is </em><a class="term" href="#word-bone-cement"><em>bone</em> cement</a> now.' in html


@pytest.mark.parametrize(
    "text",
    ["bone-cement", "a backbone cement", "bone [cement](https://example.org)", "bone [@nice] cement", "bone, cement"],
)
def test_words_that_only_resemble_a_term_are_not_linked(clinic_content: Figure, text: str) -> None:
    make_term("bone-cement", term="bone cement")

    assert 'class="term"' not in render_body(text)


def test_only_the_first_use_is_linked_and_other_text_is_unchanged(clinic_content: Figure) -> None:
    make_term("canal", term="canal")

    assert render_body("A **wide** canal. *The* canal. `x`").count('class="term"') == 1
    assert "<strong>wide</strong>" in render_body("A **wide** canal.")
