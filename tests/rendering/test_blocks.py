"""Blocks: the HTML of each, and the issues that each reports."""

import re

import pytest

from procedures.enums import PageKind
from procedures.models import Clinic, Figure, FigureText, Marker, MarkerText, Page
from tests.factories import make_page, make_public, make_term
from tests.rendering.helpers import list_issues, parse_html, render, render_body

pytestmark = pytest.mark.django_db

CHOICES = """::: choices
### Rest
#### What it is
Time.
#### What is good
No cut.

### Cement
#### What it is
A cut.
#### What is good
Fast.
:::"""


def collapse_whitespace(html: str) -> str:
    """Return the HTML without the whitespace between tags."""
    return re.sub(r">\s+<", "><", html.strip())


def test_blocks_render_expected_html(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    for markdown, html in [
        ("::: steps\n1. a\n2. b\n:::", '<div class="steps"><ol><li>a</li><li>b</li></ol></div>'),
        ("::: checklist\n- a\n:::", '<div class="checklist"><ul><li>a</li></ul></div>'),
        (
            "::: do\n- a\n:::",
            '<div class="do-list do-list--yes"><h3 class="do-list__title">What to do</h3><ul><li>a</li></ul></div>',
        ),
        (
            "::: dont\n- a\n:::",
            '<div class="do-list do-list--no"><h3 class="do-list__title">What to avoid</h3><ul><li>a</li></ul></div>',
        ),
        (
            "::: note\nHi <3\n:::",
            (
                '<div class="care-card care-card--note"><h3 class="care-card__title">Good to know</h3>'
                '<div class="care-card__body"><p>Hi &lt;3</p></div></div>'
            ),
        ),
        (
            "::: care driving lifting",
            (
                '<dl class="care-table">'
                '<div class="care-table__row" id="care-driving"><dt class="care-table__question">When can\u00a0I drive?</dt>'
                '<dd class="care-table__answer">After a day.</dd></div>'
                '<div class="care-table__row" id="care-lifting"><dt class="care-table__question">When can\u00a0I lift?</dt>'
                '<dd class="care-table__answer">After a week.</dd></div></dl>'
            ),
        ),
        (
            "## Pain\n\n| a | b |\n|---|--:|\n| 1 | 2 |",
            (
                '<h2 id="pain">Pain</h2><div class="table" tabindex="0" role="region" aria-label="Table: Pain"><table>'
                '<thead><tr><th scope="col">a</th><th class="num" scope="col">b</th></tr></thead>'
                '<tbody><tr><td>1</td><td class="num">2</td></tr></tbody></table></div>'
            ),
        ),
        (
            ":::note\nHi\n:::",
            (
                '<div class="care-card care-card--note"><h3 class="care-card__title">Good to know</h3>'
                '<div class="care-card__body"><p>Hi</p></div></div>'
            ),
        ),
    ]:
        with subtests.test(markdown=markdown, html=html):
            assert collapse_whitespace(render_body(markdown)) == html
            assert list_issues(markdown) == []


@pytest.mark.parametrize(
    ("block", "title", "phone"),
    [
        ("emergency", "Call 911 now", "tel:911"),
        ("urgent", "Call us today", "tel:+13035550100"),
        ("call", "Call us", "tel:+13035550100"),
    ],
)
def test_care_card_shows_urgency_and_phone(clinic_content: Figure, block: str, title: str, phone: str) -> None:
    html = render_body(f"::: {block}\n- You fell.\n:::")

    assert f'<h3 class="care-card__title">{title}</h3>' in html
    assert f'href="{phone}"' in html
    assert '<div class="care-card care-card--' + block in html


def test_key_points_are_rendered_above_the_text(clinic_content: Figure) -> None:
    html = render("Before.\n\n::: key-points\n- The **point**.\n:::\n\n## First").html

    assert html.count("The <strong>point</strong>.") == 1
    assert html.index('class="key-points"') < html.index("Before.")


@pytest.mark.parametrize(
    ("options", "words"), [("0 in 10", "0 in 10"), ("100 in 100", "100 in 100"), ("7 in 1000", "7 in 1000")]
)
def test_chance_is_rendered_as_dots_and_words(clinic_content: Figure, options: str, words: str) -> None:
    rendered = render(f"::: chance {options}\nfeel it.\n:::")

    assert f'<div class="chance__number">{words}</div> <p>feel it.</p>' in rendered.html
    assert rendered.issues == []
    parse_html(rendered.html)


def test_choices_are_compared_aspect_by_aspect() -> None:
    rendered = render(CHOICES.replace("Time.", "Time.\n\nIt heals."))

    html = collapse_whitespace(rendered.html)
    assert rendered.issues == []
    assert re.findall(r'<th id="(\w+)" scope="col">(\w+)</th>', html) == [("rest", "Rest"), ("cement", "Cement")]
    what, good = (" ".join(part.split()) for part in html.split('<tbody class="choices__group">')[1:])
    assert 'role="heading" aria-level="3">What it is</span></th>' in what
    assert re.findall(r"choices__name\">(\w+):</strong><p>([^<]*)</p>", what) == [
        ("Rest", "Time."),
        ("Cement", "A cut."),
    ]
    assert re.findall(r"choices__name\">(\w+):</strong><p>([^<]*)</p>", good) == [
        ("Rest", "No cut."),
        ("Cement", "Fast."),
    ]
    folded = what.split("<details")[1].split("</details>")[0]
    assert "<summary>Why we say this<" in folded
    assert re.findall(r"<p>([^<]*)</p>", folded) == ["It heals."]
    assert "<details" not in good


def test_sources_in_choices_are_numbered_in_reading_order(clinic_content: Figure) -> None:
    html = render_body(CHOICES.replace("No cut.", "No cut. [@nice]").replace("A cut.", "A cut. [@josr]"))

    assert [int(n) for n in re.findall(r'href="#source-(\d)"', html)] == [1, 2]


def test_other_blocks_are_allowed_inside_choices(clinic_content: Figure) -> None:
    markdown = CHOICES.replace("Time.", "::: note\nTime.\n:::\n\n::: figure needle")

    assert list_issues(markdown) == []
    assert "Time." in render_body(markdown).split("care-card__body")[1]


def test_phones_renders_one_button_per_clinic_number(clinic_content: Figure) -> None:
    Clinic.objects.update(after_hours_phone="+1 303-555-0101")
    links = re.findall(r'phones__button--(\w+)"\s+href="([^"]*)"', render_body("::: phones"))
    assert links == [("emergency", "tel:911"), ("day", "tel:+13035550100"), ("night", "tel:+13035550101")]
    assert list_issues("::: phones") == []

    Clinic.objects.update(after_hours_phone="")
    links = re.findall(r'phones__button--(\w+)"\s+href="([^"]*)"', render_body("::: phones"))
    assert links == [("emergency", "tel:911"), ("day", "tel:+13035550100")]


def test_reader_tools_come_after_the_body_of_a_page_with_call_buttons(clinic_content: Figure) -> None:
    for markdown, is_after in (("::: phones", True), ("A text.", False)):
        html = render(markdown).html
        assert (html.count("<!--tools-->"), html.index("<!--tools-->") > html.index("page__body")) == (1, is_after)


def test_a_scale_has_two_ends_and_five_circles(clinic_content: Figure) -> None:
    html = render_body("::: scale\n- Wait.\n- Act.\n:::")

    assert "<li>Wait.</li>\n<li>Act.</li>" in html
    assert html.count('class="scale__circle"') == 5
    assert "exactly two entries" in list_issues("::: scale\n- Wait.\n:::")[0]


def test_figure_has_image_markers_and_texts(clinic_content: Figure) -> None:
    rendered = render("::: figure needle")

    page = parse_html(rendered.html)
    (image,) = page.find_all("img")
    assert image["alt"] == "A needle in a bone."
    assert (image["width"], image["height"]) == ("48", "48")
    assert image["loading"] == "lazy"
    assert [source["type"] for source in page.find_all("source")][:2] == ["image/avif", "image/webp"]
    assert "This picture was made on a computer and does not show a real patient." in rendered.html
    assert 'data-mark="1">Tip</li>' in rendered.html
    folded = rendered.html.split("What this picture shows")[1].split("</details>")[0]
    assert "<strong>Tip.</strong>\nThe end of the needle." in folded


def test_picture_kind_is_stated_once_per_page(clinic_content: Figure) -> None:
    Figure.objects.update(kind="fluoroscopy")
    rendered = render("::: figure needle\n\n::: figure needle", lead_figure="needle")

    words = "This picture was made on a computer and does not show a real patient. On this kind of X\u2011ray, bone, metal, and cement look dark."
    assert " ".join(str(rendered.html).split()).count(words) == 1
    assert str(rendered.html).count("bone, metal, and cement") == 1
    assert rendered.html.index("This picture was made on a computer") < rendered.html.index("page__body")


def test_a_guide_begins_with_its_first_section_and_then_its_picture(clinic_content: Figure) -> None:
    page = make_page("getting-ready", kind=PageKind.PREPARATION)
    items = [{"page": page.subject, "section": "", "minutes": 2, "note": ""}]
    text = "## Do this first {#first}\n\nPack.\n\n### A detail {#detail}\n\n## Then this {#then}\n\nGo."
    html = render(text, kind=PageKind.GUIDE, lead_figure="needle", items=items).html

    parts = ("Do this first", "A detail", "<figure", ">Then this<", "Go.", "reading-list")
    assert sorted(parts, key=html.rindex) == list(parts)
    # It leads to the page that it prepares for, but it is read before.
    assert re.findall(r'aria-current="step">(\w+)', html) == ["Before"]


def test_lead_figure_is_loaded_eagerly(clinic_content: Figure) -> None:
    (image,) = parse_html(render("", lead_figure="needle").html).find_all("img")

    assert image["fetchpriority"] == "high"
    assert "loading" not in image


@pytest.mark.parametrize("character", ["\u00ad", "\u180e", "\u200b", "\u200e", "\ufeff"])
def test_a_term_is_recognized_despite_invisible_characters(clinic_content: Figure, character: str) -> None:
    make_term("kyphoplasty")

    assert 'href="#word-kyphoplasty"' in render_body(f"We do a kypho{character}plasty here.")


def test_ids_are_unique_on_a_page(clinic_content: Figure) -> None:
    make_public(Page.objects.get(subject="recovery"))
    make_term("needle")
    markdown = "\n\n".join(
        ["## Needle", "::: figure needle", "::: figure needle", "::: compare needle cement", "::: series stages"] * 2
        + ["::: care driving", "::: care driving lifting", "::: chance 1 in 10\nx.\n:::", "::: chance 2 in 10\ny.\n:::"]
        + ["The needle. [@nice]", "::: pictures", "::: glossary", "::: locations"]
        + ["## Letter N", "## Picture needle", "## Page points", "## Place main", CHOICES, CHOICES]
    )

    ids = parse_html(render(f"::: key-points\n- a\n:::\n\n{markdown}", lead_figure="needle").html).ids()

    assert sorted(ids) == sorted(set(ids))
    assert {"care-driving", "care-driving-2", "fig-needle", "fig-needle-2", "picture-needle", "place-main"} <= set(ids)


def test_fragment_links_resolve(clinic_content: Figure) -> None:
    make_term("needle")
    page = parse_html(render("## A\n\nThe needle [@nice].\n\n::: compare needle cement\n\n::: glossary").html)

    wanted = {a["href"][1:] for a in page.find_all("a") if a["href"].startswith("#")}

    assert wanted
    assert wanted <= set(page.ids())


def test_invalid_block_is_reported_with_its_line(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    for markdown, problem in [
        ("a\n\n::: shout\nx\n:::", "line 3: There is no block “shout”. The blocks are: "),
        ("a\n\n:::", "line 3: Stray “:::”. Delete it, or add the name of a block after it."),
        (
            "a\n\n::: Note\nx",
            "line 3: “::: Note” does not name a block. Type a regular space and the name in lowercase",
        ),
        ("a\n\n::::\nx", "line 3: “::::” has more than three colons."),
        ("a\n\n:::\u00a0note\nx", "line 3: “:::\u00a0note” does not name a block."),
        ("a\n\n::: nota\nx\n:::", "line 3: There is no block “nota”. Did you mean “note”?"),
        ("a\n\n::: note\nx", "line 3: The note block is not closed. Close it with a line that contains only :::"),
        ("a\n\n::: note\n:::", "line 3: The note block is empty."),
        ("a\n\n::: note\n\n\n:::", "line 3: The note block is empty."),
        ("a\n\n::: note loud\nx\n:::", "line 3: ::: note does not take options."),
        ("a\n\n::: note\n\n\n## x\n:::", "line 6: ::: note cannot contain headings."),
        ("a\n\n::: note\n::: call\nx\n:::\n:::", "line 3: ::: note cannot contain other blocks."),
        ("- a\n- ::: note\n  x\n  :::", "line 2: A block cannot be inside a list, quotation, or table."),
        ("> ::: figure needle", "line 1: A block cannot be inside a list, quotation, or table."),
        ("a\n\n::: figure none", "line 3: There is no picture “none”."),
        ("a\n\n::: figure", "line 3: ::: figure must be followed by names separated by single spaces."),
        ("a\n\n::: figure Needle", "line 3: ::: figure must be followed by names"),
        ("a\n\n::: figure needle cement", "line 3: ::: figure shows one picture. For two, write ::: compare."),
        ("a\n\n::: compare needle", "line 3: ::: compare needs two pictures: ::: compare BEFORE AFTER."),
        ("a\n\n::: series none", "line 3: There is no series “none” in this language."),
        ("a\n\n::: care none", "line 3: The clinic has no answer “none” in this language."),
        ("a\n\n::: pictures all", "line 3: ::: pictures does not take options."),
        ("a\n\n::: locations\n\n::: locations", "line 5: A page can contain ::: locations only once."),
        ("a\n\n::: steps\n- a\n:::", "line 3: ::: steps must contain a numbered list and nothing else."),
        ("a\n\n::: do\ntext\n:::", "line 3: ::: do must contain a bulleted list (with hyphens) and nothing else."),
        (
            "a\n\n::: dont\n- a\n\ntext\n:::",
            "line 3: ::: dont must contain a bulleted list (with hyphens) and nothing else.",
        ),
        ("::: do\n" + "- a\n" * 8 + ":::", "line 1: ::: do has 8 entries. Readers take in at most 7."),
        ("a\n\n::: checklist\n1. a\n:::", "line 3: ::: checklist must contain a bulleted list"),
        ("a\n\n::: key-points\ntext\n:::", "line 3: ::: key-points must contain a bulleted list"),
        (
            "::: key-points\n- a\n:::\n\n::: key-points\n- b\n:::",
            "line 5: A page can contain only one key-points block.",
        ),
        ("## A\n\n::: key-points\n- a\n:::", "line 3: Put the key points before the first heading."),
        ("a\n\n::: chance two in ten\nx.\n:::", "line 3: Write a chance as ::: chance 2 in 100"),
        ("a\n\n::: chance 11 in 10\nx.\n:::", "line 3: Write a chance as ::: chance 2 in 100"),
        ("a\n\n::: chance 2 in 50\nx.\n:::", "line 3: Write a chance as ::: chance 2 in 100"),
        ("a\n\n::: chance ٣ in 10\nx.\n:::", "line 3: Write a chance as ::: chance 2 in 100"),
        ("a\n\n::: chance 2 in 10\n- x\n:::", "line 3: ::: chance must contain one sentence"),
        (
            "::: chance 2 in 10\nx.\n:::\n\n::: chance 2 in 100\ny.\n:::",
            "line 5: Other chances on this page are out of 10. Use the same total here.",
        ),
        ("a\n\n::: choices\ntext\n:::", "line 3: ::: choices must contain at least 2 options"),
        ("a\n\n::: choices\n### A\n#### B\nx\n:::", "line 3: ::: choices must contain at least 2 options"),
        (CHOICES.replace("#### What is good\nFast.", ""), "line 8: “Cement” must have the same #### headings as"),
        (CHOICES.replace("good\nFast", "bad\nFast"), "line 8: “Cement” must have the same #### headings as"),
        (CHOICES.replace("### Rest\n", "### Rest\nFirst.\n"), "line 2: The text of “Rest” must be under ####"),
        (CHOICES.replace("Time.", CHOICES), "line 4: A choices block cannot be inside choices."),
        (CHOICES.replace("Time.", "::: key-points\n- a\n:::"), "line 4: A key-points block cannot be inside"),
    ]:
        with subtests.test(markdown=markdown, problem=problem):
            found = list_issues(markdown)

            assert any(sentence.startswith(problem) for sentence in found), found


def test_all_issues_are_reported_at_once_in_text_order(clinic_content: Figure) -> None:
    markdown = "# A\n\n[@none]\n\n::: shout\n\n{clinic.fax}\n\n::: figure none"

    lines = [problem.line for problem in render(markdown).issues]

    assert lines == [1, 3, 5, 7, 9]


def test_figure_without_texts_in_the_language_is_reported(clinic_content: Figure) -> None:
    FigureText.objects.filter(figure=clinic_content).delete()
    MarkerText.objects.filter(marker__figure=clinic_content).delete()

    assert list_issues("a\n\n::: figure needle") == [
        "line 3: The picture “needle” has no texts in this language yet.",
        "line 3: A marker of the picture “needle” has no label in this language yet.",
    ]


def test_overlong_text_is_rejected_with_a_message() -> None:
    assert list_issues("a" * 200_001) == ["The text is longer than 200,000 characters. Split it into two pages."]


def test_compare_shares_marker_numbers_and_starts_left_of_new_markers(clinic_content: Figure) -> None:
    values = {"x": 0.3, "y": 0.8, "target_x": 0.6, "target_y": 0.6, "order": 2}
    new = Marker.objects.create(figure=Figure.objects.get(slug="cement"), key="new", **values)
    MarkerText.objects.create(marker=new, language="en", label="Cement", text="It has set.")

    html = render_body("::: compare needle cement")

    first, second = html.split('class="compare__side compare__after"')
    entries = [re.findall(r'class="figure__entry"[^>]* data-mark="(\d)">(\w+)', part) for part in (first, second)]
    assert entries == [[("1", "Tip")], [("1", "Tip"), ("2", "Cement")]]
    assert 'type="range" value="22"' in second


def test_bold_label_with_colon_becomes_a_fill_in_line() -> None:
    source = "::: checklist\n- **Time:** **Place:**\n- **Bring** your card.\n:::\n\n- **Time:** not a form\n"

    html = str(render(source).html)

    assert '<li><strong class="blank">Time:</strong> <strong class="blank">Place:</strong></li>' in html
    assert "<li><strong>Bring</strong> your card.</li>" in html
    assert "<li><strong>Time:</strong> not a form</li>" in html
