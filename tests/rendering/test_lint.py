"""Lint reports markup that does not do what its author meant, with its line and a fix; ordinary text passes."""

import re

import pytest
from django.core.exceptions import ValidationError

from procedures.markup import find_markup_error
from procedures.models import ClinicAnswer, Figure, FigureText, GlossaryTerm, SeriesItem, Source
from procedures.models.reference import WarningSignText
from tests.factories import make_term
from tests.rendering.helpers import list_issues, render

pytestmark = pytest.mark.django_db

# Typed text, and the beginning of the expected message.
HEADINGS = [
    ("##\u00a0Risks", "line 1: The space after ## is a special one"),
    ("a\n\n###\u2009Risks", "line 3: The space after ### is a special one"),
    ("##Risks", "line 1: Put a space after ##"),
    ("#Risks", "line 1: Put a space after # "),
    ("＃＃ Risks", "line 1: “＃＃” contains a full-width ＃."),
    ("\u00a0## Risks", "line 1: The characters before ## keep this line from being a heading."),
    ("## Risks##", "line 1: Delete the # signs after the heading."),
    ("## Risks ## {#risks}", "line 1: Delete the # signs after the heading."),
    ("####### Deep", "line 1: A heading can have at most four # signs: ####."),
    ("One. ## Two", "line 1: “One. ## Two” is not a heading."),
    ("a\n\nRest today.\n-", "line 4: The line “-” turns the text above it into a heading."),
    ("Rest today.\n---", "line 2: The line “---” turns the text above it into a heading."),
    ("Rest\ntoday.\n===", "line 3: The line “===” turns the text above it into a heading."),
    ("———", "line 1: “———” would be shown as typed."),
]
EMPHASIS = [
    ("a\nDo **not lift.", "line 2: Close the bold: add ** after its last word"),
    ("Do *not lift.", "line 1: Close the emphasis: add *"),
    ("Do __not lift.", "line 1: Close the bold: add __"),
    ("Do _not lift.", "line 1: Close the emphasis: add _"),
    ("Do not** lift.", "line 1: The ** in “not**” does not close anything."),
    ("Do ** not ** lift.", "line 1: Delete the spaces inside **"),
    ("Do * not* lift.", "line 1: Delete the space after *"),
    ("Do **not\n\nlift** it.", "line 3: The ** in “lift**” does not close anything."),
    ("un__do__ing", "line 1: Underscores inside a word are shown as typed"),
    ("**Note:**text", "line 1: Close the bold"),
    ("***Do** not lift.", "line 1: Close the emphasis: add *"),
    ("**Do not lift. **", "line 1: Close the bold"),
    ("~~old~~ new", "line 1: “~~old~~” would be shown as typed"),
    ("*Open here\n\nand close* here.", "line 1: Close the emphasis: add *"),
    ("Take *two** pills.", "line 1: The * in “…two…*” is unmatched."),
    ("Take ***two* pills.", "line 1: "),
    ("a\n2*3*4 mm", "line 2: “2*3” would lose its asterisk. For multiplication, type ×"),
    ("Cut 10*10*10 cm.", "line 1: “0*1” would lose its asterisk."),
    ("2**3**4", "line 1: “2**3” would lose its asterisk."),
    ("CO~2~ and H~2~O", "line 1: “CO~2~” would be shown as typed"),
    ("m^2^", "line 1: “m^2^” would be shown as typed"),
    ("a ^2^", "line 1: “^2^” would be shown as typed"),
    ("++ins++", "line 1: “++ins++” would be shown as typed"),
    ("Use ++more care++.", "line 1: “++more care++” would be shown as typed"),
    ("[b]bold[/b]", "line 1: "),
    ("[url=x]here", "line 1: “[url=x]here” would be shown as typed"),
    ("'''bold'''", "line 1: “'''bold'''” would be shown as typed"),
    ("''thin'' words", "line 1: “''thin''” would be shown as typed"),
    ("== Head ==", "line 1: “== Head ==” would be shown as typed"),
    ("a\n= Head =", "line 2: “= Head =” would be shown as typed"),
    ("10^6 cells", "line 1: “10^6” would be shown as typed"),
    ("| a |\n|---|\n| **b |", "line 3: Close the bold"),
    ("## A **b", "line 1: Close the bold"),
]
VALUES = [
    ("a\n\nCall {clinic.Phone}.", "line 3: Unknown clinic value {clinic.Phone}. Did you mean {clinic.phone}?"),
    (
        "{ clinic.phone }",
        "line 1: Remove the spaces from “{ clinic.phone }” and use one pair of braces: {clinic.phone}.",
    ),
    (
        "{{ clinic.hours }}",
        "line 1: Remove the spaces from “{ clinic.hours }” and use one pair of braces: {clinic.hours}.",
    ),
    ("{clinic phone}", "line 1: Unknown clinic value {clinic phone}. Did you mean {clinic.phone}?"),
    ("{CLINIC_HOURS}", "line 1: Unknown clinic value {CLINIC_HOURS}. Did you mean {clinic.hours}?"),
    ("{phone}", "line 1: Unknown clinic value {phone}. Did you mean {clinic.phone}?"),
    ("{clinic.emergency}", "line 1: Unknown clinic value {clinic.emergency}."),
    ("{clinic.fax}", "line 1: Unknown clinic value {clinic.fax}. The clinic's values are {clinic.name}, "),
    ("{{clinic.phone}}", "line 1: Use one pair of braces around a clinic value"),
    ("{clinic.phone now", "line 1: Close the brace"),
    ("{clinic.phone)", "line 1: Close the brace"),
    ("clinic.phone}", "line 1: “clinic.phone” would be shown as typed. Put it in braces"),
    ("｛clinic.hours｝", "line 1: “clinic.hours” would be shown as typed."),
    ("## Risks {#Risks}", "line 1: “{#Risks}” is not a section address."),
    ("## Risks {#the risks}", "line 1: “{#the risks}” is not a section address."),
    ("## Risks {#risks", "line 1: Close the brace"),
    ("Text {#risks}", "line 1: “{#risks}” is not a section address."),
]
CITATIONS = [
    ("a\nFact [@ nice].", "line 2: “[@ nice]” is not a citation. Write [@nice]."),
    ("Fact [ @nice].", "line 1: “[ @nice]” is not a citation. Write [@nice]."),
    ("Fact (@nice).", "line 1: “(@nice)” is not a citation. Write [@nice]."),
    ("Fact [@nice", "line 1: “[@nice” is not a citation. Write [@nice]."),
    ("Fact @[nice].", "line 1: “@[nice]” is not a citation. Write [@nice]."),
    ("Fact [@Nice].", "line 1: “[@Nice]” is not a citation. Write [@nice]."),
    ("Fact [nice].", "line 1: “[nice]” is not a citation. Write [@nice]."),
    ("Fact [@nice, @josr].", "line 1: “[@nice, @josr]” is not a citation. Write [@nice; @josr]."),
    ("Fact @josr.", "line 1: “@josr” is not a citation. Write [@josr]."),
    ("Fact [[@nice]].", "line 1: Use one pair of brackets around a citation"),
    ("Fact [@unknown].", "line 1: There is no source “unknown”."),
    ("Fact [^1].", "line 1: Footnotes such as “[^1]” do not work here."),
]
LINKS = [
    ("a\n[Words] (https://example.org)", "line 2: “[Words] (https://example.org)” is not a link."),
    ("[Words](https://example.org", "line 1: Close the link"),
    ("(Words)[https://example.org]", "line 1: “(Words)[https://example.org]” is not a link."),
    ("[Words](page: recovery)", "line 1: “page: recovery” is not an address."),
    ("[Words](pages:recovery)", "line 1: The link “pages:recovery” must start with https://"),
    ("[Words](page:nowhere)", "line 1: There is no page on “nowhere” in this language."),
    ("a  \nb\\\n[Words](page:nowhere)", "line 3: There is no page on “nowhere” in this language."),
    ("[Words](#nowhere)", "line 1: There is no section #nowhere on this page."),
    ("See http://example.org now.", "line 1: “http://example.org” is not a link."),
    ("<https://example.org>", "line 1: “<https://example.org>” is not a link."),
    ("See page:recovery.", "line 1: “page:recovery” is not a link."),
    ("[Words][there]", "line 1: “[Words][there]” is not a link."),
    ("[](page:recovery)", "line 1: A link needs words that readers can see"),
    ("![Words](x.png)", "line 1: Add a picture with a block"),
    ("![Words](x.png", "line 1: Add a picture with a block"),
]
LISTS = [
    ("-Rest", "line 1: This line is not a list entry. Start each entry"),
    ("-\u00a0Rest", "line 1: This line is not a list entry. Start each entry"),
    ("a\n• Rest\n• Walk", "line 2: This line is not a list entry. Start each entry"),
    ("– Rest\n– Walk", "line 1: This line is not a list entry. Start each entry"),
    ("1)Rest", "line 1: This line is not a list entry. Put an empty line"),
    ("1.Rest", "line 1: This line is not a list entry. Put an empty line"),
    ("Do this:\n2. Rest\n3. Walk", "line 2: This line is not a list entry. Put an empty line"),
    ("a) Rest\nb) Walk", "line 1: This line is not a list entry. Put an empty line"),
    ("1- Rest\n2- Walk", "line 1: This line is not a list entry. Put an empty line"),
    ("(1) Rest\n(2) Walk", "line 1: This line is not a list entry. Put an empty line"),
    ("o one\no two", "line 1: This line is not a list entry. Start each entry"),
    ("Do this:\no uno\no dos", "line 2: This line is not a list entry. Start each entry"),
    ("§ one", "line 1: This line is not a list entry. Start each entry"),
    ("\uf0b7 one", "line 1: This line is not a list entry. Start each entry"),
    ("a\n\uf0a7one", "line 2: This line is not a list entry. Start each entry"),
    ("Ø one\nØ two", "line 1: This line is not a list entry. Start each entry"),
    ("► one", "line 1: This line is not a list entry. Start each entry"),
    ("① one", "line 1: This line is not a list entry. Start each entry"),
    ("i. one\nii. two", "line 1: This line is not a list entry. Put an empty line"),
    ("I) one\nII) two\nIII) three", "line 1: This line is not a list entry. Put an empty line"),
    ("1 . one", "line 1: This line is not a list entry. Put an empty line"),
    ("a\n2 ) two", "line 2: This line is not a list entry. Put an empty line"),
    ("1.- Descanse\n2.- Camine", "line 1: This line is not a list entry. Put an empty line"),
    ("3. Rest\n4. Walk", "line 1: This line starts a numbered list with 3."),
    ("2019. A good year.", "line 1: This line starts a numbered list with 2019."),
    ("1. Rest\n3. Walk", "line 2: Patients would see 2 here, not 3"),
    ("- [ ] Rest", "line 1: Checkboxes such as [ ] do not work here."),
]
TABLES = [
    ("| a | b |\n| c | d |", "line 1: These | characters do not form a table."),
    ("a | b\nc | d", "line 1: These | characters do not form a table."),
    ("| a | b |\n|---|\n| c | d |", "line 1: These | characters do not form a table."),
    ("| a | b |\n|---|---|\n| c |", "line 3: This table row has 1 cell, but the header row has 2."),
    ("| a | b |\n|---|---|\n| c | d | e |", "line 3: This table row has 3 cells, but the header row has 2."),
    ("| a | b |\n|---|---|\n| c | d |\nAnd then.", "line 4: This table row has 1 cell, but the header row has 2."),
]
BLOCKS = [
    ("::note\nRest.", "line 1: “::note” is not a block."),
    ("a ::: note", "line 1: “:::” does not begin a block here."),
    ("：：：note", "line 1: “：：：note” does not begin a block here."),
    ("    ::: note", "line 1: Four spaces or a tab at the start turn this line into code."),
    ("a\n\n\tRest.", "line 3: Four spaces or a tab at the start turn this line into code."),
    ("```\nRest.\n```", "line 1: ``` turns the lines below it into code."),
    ("Take `two` pills.", "line 1: Backticks (`) turn the text between them into code."),
    ("The patient`s arm.", "line 1: The ` in “patient`s” would be shown as typed."),
    ("> 3 days of pain", "line 1: A > at the start of a line makes a quotation."),
]
OTHER_SIGNS = [
    ("Do <b>not</b> lift.", "line 1: HTML such as “<b>not</b>” would be shown as typed."),
    ("<john@x.org>", "line 1: The < and > in “<john@x.org>” would be shown as typed."),
    ("<mailto:a.b@x.org>", "line 1: The < and >"),
    ("Call <303-555-0100>.", "line 1: The < and >"),
    ("a \uf0e0 b", "line 1: The character U+F0E0 exists in only one font"),
    ("One<br>two", "line 1: HTML such as “One<br>two” would be shown as typed."),
    ("<!-- later -->", "line 1: HTML such as “<!--” would be shown as typed."),
    ("5&nbsp mg", "line 1: “5&nbsp” would be shown as typed."),
    ("C:\\temp", "line 1: The backslash in “C:\\temp” would be shown as typed."),
    ("re\u00adst", "line 1: This line contains an invisible character (soft hyphen, U+00AD)."),
    ("a\n\nre\u200bst", "line 3: This line contains an invisible character (zero width space, U+200B)."),
    ("\ufeffRest", "line 1: This line contains an invisible character (zero width no-break space, U+FEFF)."),
    ("a\u202eb", "line 1: This line contains an invisible character (right-to-left override, U+202E)."),
    ("one\ttwo", "line 1: A tab is shown as a space."),
]
ESCAPED = [
    ("Call \\{clinic.phone\\}.", "line 1: “clinic.phone” would be shown as typed."),
    ("a\n\nCall \\{clinic.emergency\\_number\\}.", "line 3: “clinic.emergency_number” would be shown as typed."),
    ("- Call \\{ clinic.after\\_hours\\_phone \\}", "line 1: “clinic.after_hours_phone” would be shown as typed."),
    ("\\::: warning-signs both", "line 1: “::: warning-signs both” would be shown as typed."),
    ("Rest.\n\\:::", "line 2: “:::” would be shown as typed."),
    ("\\:\\:\\: note", "line 1: “::: note” would be shown as typed."),
]
MARKUP_IN_BLOCKS = [
    "::: note\n## Rest\n:::",
    "::: note\n",
    "::: note loud\nRest.\n:::",
    "::: figure",
    "::: figure needle needle",
    "::: compare needle",
    "::: steps\n- Rest.\n:::",
    "::: checklist\n1. Rest.\n:::",
    "::: do\n" + "- Rest.\n" * 8 + ":::",
    "::: choices\n### Rest\n:::",
    "::: chance many\nRest.\n:::",
    "::: scale\n- Rest.\n:::",
    "::: warning-signs never",
    "::: unheard-of",
    ":::: note\nRest.\n::::",
    "## Rest\n\n#### Walk",
    "## Rest {#rest .folded}\n\n### Walk {#walk .folded}",
    "Call 303-555-0100.",
    "Dial 911.",
]
CODE = re.compile(r":::|##|\*\*|[{}`\\|<>@_#]|page:|https://…|\]\(")
ORDINARY = r"""5 * 3 = 15
A_B
e.g. -5
-5 degrees
{
}
{1, 2}
It costs $5.
price*¶¶*Prices change.
5-year results
**price***¶¶*Prices change.
| a* |¶|---|¶| b |¶¶*Not for all.
un*do*ing
about ~5 mm
~5 or ~6 days
C++ and ++
5'2'' tall
[I]t said so
2.º piso
1.º de mayo
3.er piso
1.ª cita
2.ª dosis
a¶2.ª dosis
Vive en el¶3.er piso
Es la¶10.ª vez
11.vo día
1.ra vez y 2.da vez
2.os años
1.5 mg
2.x of it
we use¶3.x now
Puede ir a pie¶o en coche.
Pan o¶o leche.
la ley¶o no
I. Smith wrote
vi. Luego
§5 of the law
Name: ____
a < b > c
under <5 mm
Q&A at AT&T
&amp; &nbsp; are signs
write to a_b@example.org
#1 on the list
+1 800-555-0100
—Hola
the form [in blue] (see page 3)
Follow us (@spineclinic).
either/or
Mon | Tue
\*star\* and 2 \\ 3
**bold**, *em*, __bold__, _em_
[a](https://example.org/b_c_d)
[https://example.org](https://example.org)
Fact. [@nice; @josr]
{clinic.phone}
[a](page:recovery)
we met in¶2019. Then it
- a¶- b
* a¶* b
1. a¶1. b
1. a¶¶text¶¶2. b
> quoted
100.4 °F, 38 °C, ½, 10 %
10:30, 8–10 am, 24/7, 1-2-3
a – b — c -- d
👩‍⚕️ nurse ☎️
5 mm
(a) or (b)
T12–L1, L3 & L4
**¿Duele?** Sí.
## Risks {#risks}
::: note¶x¶:::
| a | b |¶|---|--:|¶| c | d |
a¶¶---¶¶b"""


def test_unparsed_markup_is_reported_with_line_and_fix(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    for cases in [HEADINGS, EMPHASIS, VALUES, CITATIONS, LINKS, LISTS, TABLES, BLOCKS, OTHER_SIGNS]:
        with subtests.test(cases=cases):
            found = {typed: list_issues(typed) for typed, _ in cases}

            missed = {
                typed: (wanted, found[typed])
                for typed, wanted in cases
                if not any(sentence.startswith(wanted) for sentence in found[typed])
            }
            assert missed == {}


def test_ordinary_text_raises_no_issue(clinic_content: Figure) -> None:
    texts = [line.replace("¶", "\n") for line in ORDINARY.split("\n")]

    assert {text: found for text in texts if (found := list_issues(text))} == {}


def test_markup_in_plain_text_fields_is_reported(clinic_content: Figure) -> None:
    for field, name in {
        "title": "title", "key_message": "key message", "next_label": "label of the next step", "description": "description",
    }.items():  # fmt: skip
        assert list_issues("Rest.", **{field: "Do **not** lift"}) == [
            f"The {name} is plain text and would show “**not**” as typed. Remove the markup."
        ], field


def test_markup_in_plain_text_of_rows_is_reported(clinic_content: Figure) -> None:
    make_term("canal", definition="A [@nice] tube.")
    ClinicAnswer.objects.filter(key="driving").update(answer="Call {clinic.phone} first.")
    SeriesItem.objects.update(text="See [this](page:recovery).")
    FigureText.objects.filter(figure=clinic_content).update(caption="The <i>needle</i>.")
    Source.objects.filter(key="nice").update(title="A `guide`")

    found = list_issues("The canal. [@nice]\n\n::: care driving\n\n::: series stages")

    assert [sentence.split(" is plain text")[0] for sentence in found] == [
        "The entry of the source “nice”",
        "The glossary entry “canal”",
        "line 3: The clinic's answer “driving”",
        "line 5: The text of the series “stages”",
        "line 5: The text of the picture “needle”",
    ]


def test_row_with_markup_in_plain_text_is_rejected(subtests: pytest.Subtests) -> None:
    for text in [
        "Do **not** lift.",
        "Do *not* lift.",
        "Do _not_ lift.",
        "A `word`.",
        "Call {clinic.phone}.",
        "Call {clinic.Phone",
        "Fact. [@nice]",
        "[a](https://example.org)",
        "::: note",
        "## Rest",
        "- one\n- two",
        "<b>Rest</b>",
        "a&nbsp;b",
        "see page:recovery",
        "a [^1]",
        "clinic.phone",
        "re\u202est",
        "~~old~~",
    ]:
        with subtests.test(text=text):
            term = GlossaryTerm(key="a", language="en", term="a", definition=text)

            with pytest.raises(Exception, match="as typed|invisible"):
                term.full_clean()


@pytest.mark.parametrize("name", ["text", "short"])
def test_warning_sign_with_markup_is_rejected(name: str) -> None:
    sign_text = WarningSignText(language="en", **{"text": "A weak leg.", "short": "weak leg", name: "A **weak** leg."})

    with pytest.raises(ValidationError, match="as typed"):
        sign_text.clean_fields(exclude=["sign"])


def test_plain_text_with_ordinary_symbols_is_accepted() -> None:
    texts = ["5 * 3", "A_B", "{", "1. The needle", "Call 911 (24/7)", "https://example.org/a_b", "a@b.org", "“Q&A” <5 mm",
             "snake_case_word", "Name: ____", "We are #1", "@spineclinic"]  # fmt: skip

    assert {text: found for text in texts if (found := find_markup_error(text))} == {}


def test_number_of_reported_issues_is_limited() -> None:
    assert 20 < len(list_issues("**a\n\n" * 500)) < 100


def test_plain_messages_name_no_markup(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    cases = [*HEADINGS, *EMPHASIS, *VALUES, *CITATIONS, *LINKS, *LISTS, *TABLES, *BLOCKS, *OTHER_SIGNS, *ESCAPED]
    texts = [typed for typed, _ in cases] + MARKUP_IN_BLOCKS
    for typed in texts:
        for issue in render(typed).issues:
            # Quotation marks enclose what the author typed.
            words = re.sub(r"“[^”]*”", "", issue.plain_message)
            label = re.sub(r"“[^”]*”", "", str(issue.fix.label)) if issue.fix else ""
            with subtests.test(typed=typed, message=issue.plain_message, label=label):
                assert not CODE.search(words)
                assert not CODE.search(label)


def test_markup_that_the_visual_editor_escaped_is_reported(clinic_content: Figure, subtests: pytest.Subtests) -> None:
    for typed, wanted in ESCAPED:
        with subtests.test(typed=typed):
            found = [str(issue) for issue in render(typed).issues]

            assert len(found) == 1
            assert found[0].startswith(wanted)


def test_data_about_a_patient_are_reported(clinic_content: Figure) -> None:
    found = {
        text: [str(issue.message) for issue in render(text).issues if "information about a patient" in str(issue)]
        for text in ("John, DOB 03/04/1951.", "MRN: 1234567", "He has SSN 123-45-6789.", "Medical record number 55512.")
    }
    quiet = [
        "Bring your date of birth.",
        "- **Date of birth:**",
        "Write your MRN here.",
        "Call 800-222-1222.",
        "In 2019, 12-34 of 100.",
    ]

    assert {text for text, issues in found.items() if len(issues) != 1} == set()
    assert [text for text in quiet for issue in render(text).issues if "about a patient" in str(issue)] == []
