"""Habits that make a page harder to use get a suggestion at their place."""

import pytest

from procedures.publishing.checks import check_draft
from procedures.readability.habits import find_habits
from procedures.rendering import Issue, ReferenceResolver, render_page
from procedures.rendering.fixes import resolve
from tests.factories import EMPTY_CONTENT, make_clinic, make_next, make_page, make_source

pytestmark = pytest.mark.django_db
VAGUE = {
    "en": ["click here", "Here", "here.", "this link", "Read more", "Click this link", "tap here", "More information", "LEARN MORE",
           "**here**", "this\npage", "our website", "see here »"],
    "es": ["aquí", "AQUÍ", "haga clic aquí", "Haz click aquí", "pulse aquí", "este enlace", "en este enlace", "Leer más", "más información",
           "esta página", "vea aquí", "en nuestro sitio web", "para más información"],
}  # fmt: skip
CLEAR = {
    "en": ["how to recover", "here is how to recover", "More about walking", "the page about risks", "Open your hand", "MedlinePlus"],
    "es": ["cómo recuperarse", "más sobre caminar", "aquí le explicamos los riesgos", "la página sobre los riesgos", "MedlinePlus"],
}  # fmt: skip


def habits(body: str, language: str = "en") -> list[tuple[int, str]]:
    content = {**EMPTY_CONTENT, "body": body}
    rendered = render_page(content, kind="procedure", resolver=ReferenceResolver(language))
    return [(issue.line, str(issue.message)) for issue in find_habits(rendered.document, language)]


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_link_that_does_not_say_where_it_leads_is_reported(language: str) -> None:
    found = {text: habits(f"Rest.\n\nWalk, and [{text}](https://example.org).", language) for text in VAGUE[language]}
    clear = {text: habits(f"Walk, and [{text}](https://example.org).", language) for text in CLEAR[language]}

    assert {text: issues for text, issues in found.items() if [line for line, _ in issues] != [3]} == {}
    assert {text: issues for text, issues in clear.items() if issues} == {}


def test_a_vague_link_is_reported_at_its_line() -> None:
    found = habits(
        "Rest today\nand [here](https://example.org)\nor [there is more](https://example.org/b).\n\n- [Here](#a)"
    )

    assert [line for line, _ in found if "does not say where" in _] == [2, 5]


def test_sentences_in_capitals_are_reported() -> None:
    shouted = ["DO NOT DRIVE HOME.", "Rest. CALL US RIGHT AWAY! Then walk.", "- DRINK PLENTY OF WATER\n- Rest.", "## BEFORE YOUR VISIT",
               "TAKE YOUR **MEDICINE** AT NIGHT", "NO LEVANTE PESO"]  # fmt: skip
    quiet = [
        "Do NOT drive home.",
        "An MRI and a CT.",
        "MRI, CT, and EKG",
        "MRI CT",
        "NASA",
        "WARNING",
        "ICD-10 M80.08",
        "Call us.",
    ]

    assert {text for text in shouted if len(habits(text)) != 1} == set()
    assert {text: found for text in quiet if (found := habits(text))} == {}


def test_doubled_words_are_reported_at_their_line() -> None:
    body = "Rest.\n\nTake the the pills\nwith with food.\n\nI had had all that that takes. Walk, walk on. No-no no."
    content = {**EMPTY_CONTENT, "body": body}
    rendered = render_page(content, kind="procedure", resolver=ReferenceResolver("en"))
    found = find_habits(rendered.document, "en")
    fixed = [resolve(issue.fix, issue.line, body.split("\n")) for issue in found if issue.fix]

    assert [(issue.line, str(issue.message)) for issue in found] == [
        (3, "“the the” is the same word twice."),
        (4, "“with with” is the same word twice."),
    ]
    assert [fix and fix.text for fix in fixed] == ["Take the pills", "with food."]


def test_doubled_spaces_and_empty_table_rows_are_reported_and_fixed() -> None:
    body = "Rest  well at home.\n\n| A | B |\n|---|---|\n| 1 | 2 |\n|   |   |\n| 3 |   |\n\n~~~\na  b\n~~~\n"
    content = {**EMPTY_CONTENT, "body": body}
    rendered = render_page(content, kind="procedure", resolver=ReferenceResolver("en"))
    found = find_habits(rendered.document, "en")
    fixed = [resolve(issue.fix, issue.line, body.split("\n")) for issue in found if issue.fix]

    assert [(issue.line, str(issue.message)) for issue in found] == [
        (1, "“Rest  well” has more than one space in a row."),
        (6, "A row of this table is empty. Fill it in, or delete it."),
    ]
    assert [fix and fix.text for fix in fixed] == ["Rest well at home.", "| 1 | 2 |"]


def test_equal_headings_are_reported_in_the_same_section_only() -> None:
    equal = "## Pain\n\nRest.\n\n## Walking\n\n### When\n\nNow.\n\n### When\n\nLater.\n\n## pain\n\nWalk."
    different = "## Pain\n\n### When\n\nRest.\n\n## Walking\n\n### When\n\nWalk.\n\n## Pains\n\nRest."

    assert [(line, "Two headings are equal" in text) for line, text in habits(equal)] == [(11, True), (15, True)]
    assert habits(different) == []


def test_empty_table_headers_are_reported() -> None:
    rows = "\n|---|---|\n| Mon | 5 mg |"

    assert [text for _, text in habits(f"|  |  |{rows}")] == [
        "The first row of this table is empty. Write what each column contains."
    ]
    assert [text for _, text in habits(f"| Day |  |{rows}")] == [
        "A column of this table has no heading. Write what it contains."
    ]
    assert habits(f"|  | Dose |{rows}") == []
    assert habits(f"| Day | Dose |{rows}") == []


def test_a_list_with_one_entry_is_reported() -> None:
    assert [line for line, _ in habits("Bring this:\n\n- Your card\n\nThen rest.")] == [3]
    assert habits("Bring this:\n\n- Your card\n- Your pills") == []
    assert habits("::: checklist\n- Your card\n:::") == []


def fixed(body: str) -> list[str]:
    """Return the text after the correction of each habit, or "" where there is none."""
    content = {**EMPTY_CONTENT, "body": body}
    rendered = render_page(content, kind="procedure", resolver=ReferenceResolver("en"))
    lines, results = body.split("\n"), []
    for issue in find_habits(rendered.document, "en"):
        fix = resolve(issue.fix, issue.line, lines) if issue.fix else None
        results.append("\n".join([*lines[: fix.line - 1], fix.text, *lines[fix.end :]]) if fix else "")
    return results


def test_corrections_of_habits() -> None:
    make_next()

    assert fixed("See [here](page:contact#top) or [call](#a).") == ["See [Contact](page:contact#top) or [call](#a)."]
    assert fixed("See [here](https://example.org).") == [""]
    assert fixed("Rest. DO NOT DRIVE AFTER AN MRI SCAN. Walk.") == ["Rest. Do not drive after an MRI scan. Walk."]
    assert fixed("## One\n\n**Washing**\n\nYou can wash.") == ["## One\n\n### Washing\n\nYou can wash."]
    assert fixed("**Call us:**\n\nNow.\n\n**Do not drive.**\n\nRest.") == []
    assert fixed("::: do\n- Rest.\n:::\n\n::: do\n- Rest.\n:::\n\nWalk.") == ["::: do\n- Rest.\n:::\n\n\nWalk."]
    assert fixed("Rest for a day.\n\nRest for a day.\n\nWalk.") == ["Rest for a day.\n\n\nWalk."]
    assert fixed("Rest.\n\nRest.") == []


def test_a_chance_without_a_source_is_reported_at_its_sentence() -> None:
    make_source()
    chance = "::: chance 2 in 100\nget a rash.\n:::"
    cited = chance.replace("rash.", "rash. [@nice]")

    assert [line for line, _ in habits(f"## Risks\n\nRead this. [@nice]\n\nRest.\n\n{chance}")] == [8]
    assert habits(f"## Risks\n\n{cited}\n\nRest.\n\n{chance}") == []
    assert habits(f"## Risks\n\n{chance}\n\nThat is rare. [@nice]") == []


def test_an_empty_entry_prevents_publishing() -> None:
    make_clinic()
    page = make_page()

    def empty_entries(body: str) -> list[Issue]:
        content = {**page.draft_content(), "body": body}
        resolver = ReferenceResolver(page.language)
        rendered = render_page(content, kind=page.kind, resolver=resolver)
        issues = check_draft(page, content, rendered, resolver)
        return [issue for issue in issues if "entry of a list is empty" in str(issue)]

    def empty_lines(body: str) -> list[int]:
        return [issue.line for issue in empty_entries(body)]

    def fixed(body: str) -> str:
        """Return the text after the correction of its first empty entry."""
        [issue, *_] = empty_entries(body)
        assert issue.fix
        lines = body.split("\n")
        fix = resolve(issue.fix, issue.line, lines)
        assert fix
        return "\n".join([*lines[: fix.line - 1], fix.text, *lines[fix.end :]])

    assert empty_lines("::: checklist\n-\n:::") == [2]
    assert empty_lines("::: checklist\n- Your card\n- \n- Your pills\n:::") == [3]
    assert empty_lines("- Rest\n-\n  - Walk\n") == []
    assert empty_lines("1. Rest\n2.\n3. Walk") == [2]
    assert fixed("Rest.\n\n::: checklist\n- \n:::\n\nWalk.") == "Rest.\n\n\nWalk."
    assert fixed("::: steps\n1. \n:::\n\nWalk.") == "\nWalk."
    assert fixed("::: checklist\n- \n- \n:::") == "::: checklist\n- \n:::"
    assert empty_lines("- **Name:**\n- {clinic.phone}\n- [x](https://example.org)\n- 5") == []
