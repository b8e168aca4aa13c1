"""The document tree: sections for search, sentences for measures, reading time, dependencies."""

import json

import pytest

from procedures.figures.approval import FigureVersion
from procedures.models import ClinicAnswer, Figure, Marker
from procedures.readability.scores import compute_reading_level, estimate_minutes
from procedures.rendering import ReferenceResolver, render_page
from procedures.rendering.document import Document, Section, read_article
from procedures.revisions.diff import document_blocks
from tests.factories import EMPTY_CONTENT, make_term
from tests.rendering.helpers import render


@pytest.mark.django_db
def test_sections_are_split_at_second_level_headings() -> None:
    body = "First & last.\n\n## One *two* {#a}\n\nb  \nc\n\n### d\n\n- e\n- f"

    first, second = render(body).sections

    assert first == Section("", "", "A title\nFirst & last.")
    assert second == Section("a", "One two", "b c\nd\ne\nf")


@pytest.mark.django_db
def test_source_numbers_and_buttons_are_not_part_of_the_text(clinic_content: Figure) -> None:
    rendered = render("## A\n\na [@nice]\n\n::: series stages\n\n::: compare needle cement\n\nb")

    lines = rendered.sections[-1].text.split("\n")
    assert (lines[0], lines[-1]) == ("a", "b")
    assert not {"Previous", "Next", "Compare with a slider", "Longer description of this picture"} & set(lines)
    assert {"In two pictures", "1 The needle", "Needle"} <= set(lines)


@pytest.mark.django_db
def test_marker_shapes_do_not_hide_following_text(clinic_content: Figure) -> None:
    for order, shape in enumerate(("point", "arrow", "circle", "region"), start=10):
        size = {"size_x": 0.1, "size_y": 0.1} if shape in {"circle", "region"} else {}
        Marker.objects.create(
            figure=clinic_content, key=shape, order=order, shape=shape, x=0.1, y=0.1, target_x=0.5, target_y=0.5, **size
        )

    rendered = render(f"::: figure {clinic_content.slug}\n\nText after the figure.")

    assert [tag for tag in ("<line", "<circle", "<ellipse", "<rect") if tag not in rendered.html] == []
    assert rendered.text.endswith("Text after the figure.")
    assert rendered.article.blocks[-1].text == "Text after the figure."


@pytest.mark.django_db
def test_list_entry_without_end_punctuation_is_its_own_sentence() -> None:
    assert render("## Pain\n\n- one\n- two.\n\n3").text == "A title.\nPain.\none.\ntwo."


@pytest.mark.django_db
def test_generated_parts_are_not_author_text(clinic_content: Figure) -> None:
    make_term("vertebra", definition="Incomprehensibilities notwithstanding.")

    rendered = render("## Bone\n\nThe vertebra. [@josr]")

    assert {section.title for section in rendered.sections} == {"", "Bone"}
    text = " ".join(section.text for section in rendered.sections)
    assert "The vertebra." in text
    assert "Incomprehensibilities" not in text
    assert "JOSR" not in text


@pytest.mark.django_db
def test_html_entities_are_unescaped_in_sections(clinic_content: Figure) -> None:
    rendered = render("## A & B\n\n<script>x</script>")

    assert [(section.title, section.text) for section in rendered.sections][1][0] == "A & B"
    assert "<script>x</script>" in rendered.sections[1].text


def test_short_words_read_easier_than_long_ones() -> None:
    easy = compute_reading_level("We look after you. The cut is small.", "en")
    hard = compute_reading_level("Percutaneous vertebral augmentation necessitates fluoroscopic visualisation.", "en")

    assert easy < 3 < 12 < hard


def test_each_language_uses_its_own_formula() -> None:
    before = compute_reading_level("We look after you. The cut is small.", "en")

    easy = compute_reading_level("Te vamos a cuidar. El corte es muy chico.", "es")
    hard = compute_reading_level(
        "La vertebroplastia percutánea requiere visualización fluoroscópica intraoperatoria.", "es"
    )

    assert hard < 50 < 80 < easy
    assert compute_reading_level("We look after you. The cut is small.", "en") == before


def test_empty_text_has_no_reading_level(subtests: pytest.Subtests) -> None:
    for language in ["en", "es"]:
        for text in ["", " ", "\n\n"]:
            with subtests.test(language=language, text=text):
                assert compute_reading_level(text, language) == 0.0


@pytest.mark.parametrize(("words", "wanted"), [(0, 1), (1, 1), (150, 1), (300, 2), (1500, 10)])
def test_minutes_are_whole_and_at_least_one(words: int, wanted: int) -> None:
    assert estimate_minutes("word " * words) == wanted


@pytest.mark.django_db
def test_render_records_all_dependencies(clinic_content: Figure) -> None:
    make_term("vertebra")
    make_term("unused")

    rendered = render(
        "The vertebra [@nice]. {clinic.hours} [R](page:recovery)\n\n::: care driving\n\n::: series stages",
        lead_figure="cement",
    )

    assert [(used.kind, used.key) for used in rendered.dependencies] == [
        ("care", "driving"),
        ("clinic", "clinic.after_hours_phone"),
        ("clinic", "clinic.emergency_number"),
        ("clinic", "clinic.hours"),
        ("clinic", "clinic.phone"),
        ("figure", "cement"),
        ("figure", "needle"),
        ("page", "recovery"),
        ("series", "stages"),
        ("signs", "both"),
        ("source", "nice"),
        ("term", "vertebra"),
    ]


@pytest.mark.django_db
def test_changed_dependency_changes_only_its_fingerprint(clinic_content: Figure) -> None:
    text = "[@nice]\n\n::: care driving\n\n::: figure needle"
    before = {used.key: used.fingerprint for used in render(text).dependencies}

    ClinicAnswer.objects.filter(key="driving").update(answer="After a month.")
    Marker.objects.filter(figure=clinic_content).update(x=0.3)

    after = {used.key: used.fingerprint for used in render(text).dependencies}
    assert {key for key in before if before[key] != after[key]} == {"driving", "needle"}


@pytest.mark.django_db
def test_rendering_is_deterministic_with_a_shared_resolver(clinic_content: Figure) -> None:
    library = ReferenceResolver("en", FigureVersion.CURRENT)
    content = {**EMPTY_CONTENT, "body": "## A\n\nText [@nice].\n\n::: figure needle"}

    first = render_page(content, kind="procedure", resolver=library)
    second = render_page(content, kind="procedure", resolver=library)

    assert first.html == second.html == render(content["body"]).html
    assert first.dependencies == second.dependencies


@pytest.mark.django_db
def test_forked_resolver_does_not_inherit_dependencies(clinic_content: Figure) -> None:
    library = ReferenceResolver("en", FigureVersion.CURRENT)
    render_page({**EMPTY_CONTENT, "body": "[@josr]"}, kind="procedure", resolver=library)

    second = render_page({**EMPTY_CONTENT, "body": "[@nice]"}, kind="procedure", resolver=library)

    assert [used.key for used in second.dependencies if used.kind == "source"] == ["nice"]


@pytest.mark.django_db
def test_guide_lists_its_readings_and_adds_up_their_minutes(clinic_content: Figure) -> None:
    items = [
        {"page": "recovery", "section": "driving", "minutes": 5, "note": "Why <b>"},
        {"page": "recovery", "section": "", "minutes": 1, "note": ""},
    ]

    rendered = render("", kind="guide", items=items)
    html = rendered.html

    assert '<a class="reading-list__link" href="/getting-well/#driving">' in html
    assert "Why &lt;b&gt;" in html
    assert rendered.reading_list_minutes == 6
    assert "minute" not in html  # shown once, below the title


@pytest.mark.django_db
def test_guide_does_not_repeat_a_page_of_its_reading_list_as_the_next_step(clinic_content: Figure) -> None:
    items = [{"page": "recovery", "section": "driving", "minutes": 5, "note": ""}]

    assert "next-step" in render("", kind="guide", next_page="recovery").html
    assert "next-step" not in render("", kind="guide", next_page="recovery", items=items).html


@pytest.mark.django_db
def test_field_issues_have_no_line(clinic_content: Figure) -> None:
    items = [{"page": "none", "section": "", "minutes": 5, "note": ""}]

    problems = render("", kind="guide", lead_figure="none", next_page="none", items=items).issues

    assert sorted(str(problem) for problem in problems) == [
        "The next step links to “none”, which is not a page in this language.",
        "The reading list contains “none”, which is not a page in this language.",
        "There is no picture “none”.",
    ]


@pytest.mark.django_db
def test_stored_tree_equals_the_rendered_tree(clinic_content: Figure) -> None:
    make_term("vertebra")
    body = (
        "::: key-points\n- **One**. [@nice]\n:::\n\n## A {#a}\n\nThe *vertebra*: [R](page:recovery)\n\n- a\n- b\n\n| x | y |\n|---|--:|"
        "\n| 1 | 2 |\n\n::: chance 2 in 10\nx.\n:::\n\n::: figure needle\n\n::: series stages\n\n::: care driving\n"
    )
    document = render(body, lead_figure="cement", next_page="recovery").document

    stored = Document.from_json(json.loads(json.dumps(document.to_json())))

    assert stored is not None
    assert read_article(stored) == read_article(document)
    assert document_blocks(stored) == document_blocks(document)
    assert (stored.anchors(), stored.links()) == (document.anchors(), document.links())


def test_tree_in_an_older_format_is_ignored() -> None:
    assert Document.from_json({**Document().to_json(), "format": 0}) is None


@pytest.mark.django_db
def test_the_number_of_a_chance_stays_with_its_words() -> None:
    body = "Intro:\n\n::: chance 39 in 100\nvertebroplasties had a leak.\n:::\n\n::: chance 29 in 100\nkyphoplasties had a leak.\n:::\n"

    assert render(body).sections[0].text.split("\n")[-3:] == [
        "Intro:",
        "39 in 100 vertebroplasties had a leak.",
        "29 in 100 kyphoplasties had a leak.",
    ]
