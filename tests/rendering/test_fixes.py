"""Corrections: each one resolves its issue, changes nothing else, and is offered only for the text it was created for."""

from typing import Any

import pytest

from procedures.models import ClinicAnswer, Page
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.checks import check_draft
from procedures.rendering import Issue, ReferenceResolver
from procedures.rendering.fixes import Fix, delete_lines, resolve, split_sentence
from tests.factories import make_clinic, make_next, make_page, make_public
from tests.replay import built_once

LONG = "We look at the bone of your back and at your legs on the screen in the room next door for a long time"
# Each mistake is inserted into a publishable page, and mapped to the expected text after the correction.
MISTAKES = {
    "no space after ##": ("##Washing", "## Washing"),
    "no-break space after ##": ("##\u00a0Washing", "## Washing"),
    "full-width number signs": ("＃＃ Washing", "## Washing"),
    "the title's sign": ("# Washing", "## Washing"),
    "five signs": ("##### Washing", "### Washing"),
    "a skipped level": ("#### Washing", "### Washing"),
    "text before the signs": ("\u200b## Washing", "## Washing"),
    "a heading in the line": ("Rest. ## Washing", "Rest.\n\n## Washing"),
    "an empty heading": ("Rest.\n##", "Rest."),
    "stray colons": ("Rest.\n\n:::", "Rest.\n"),
    "an unknown block": ("::: nota\nRest.\n:::", "::: note\nRest.\n:::"),
    "a capital letter in a block": ("::: Phones", "::: phones"),
    "two colons": (":: phones", "::: phones"),
    "an invisible character before a block": (":::\u200bphones", ":::phones"),
    "a block without an end": ("::: checklist\n- Rest.\n- Walk.", "::: checklist\n- Rest.\n- Walk.\n:::"),
    "an empty block": ("Rest.\n\n::: note\n:::", "Rest.\n"),
    "words after a block": ("::: note today\nRest.\n:::", "::: note\nRest.\n:::"),
    "an unknown picture": ("::: figure needel", "::: figure needle"),
    "an unknown source": ("Rest. [@nicee]", "Rest. [@nice]"),
    "an unknown page": ("[Call us](page:contcat)", "[Call us](page:contact)"),
    "an unknown answer": ("::: care drivng", "::: care driving"),
    "an unknown clinic value": ("Call {clinic.fone}.", "Call {clinic.phone}."),
    "a clinic value with a capital": ("Call {clinic.Phone}.", "Call {clinic.phone}."),
    "a clinic value without braces": ("Call clinic.phone today.", "Call {clinic.phone} today."),
    "a clinic value in escaped braces": ("Call \\{clinic.phone\\} today.", "Call {clinic.phone} today."),
    "an escaped clinic value": ("Call \\{clinic.emergency\\_number\\}.", "Call {clinic.emergency_number}."),
    "an escaped block": ("Rest.\n\n\\::: phones", "Rest.\n\n::: phones"),
    "the start of an escaped block": ("Rest.\n\n\\::: note", "Rest.\n"),
    "a phone number": ("Call 720-555-0177 today.", "Call {clinic.phone} today."),
    "a phone number in escaped braces": ("Call \\{720-555-0177\\} today.", "Call {clinic.phone} today."),
    "a phone number in two pairs of braces": ("Call { {720-555-0177}} today.", "Call {clinic.phone} today."),
    "an escaped phone number": ("Call \\(720\\) 555\\-0177 today.", "Call {clinic.phone} today."),
    "a link to a phone number": ("Call [our desk](tel:+17205550177).", "Call {clinic.phone}."),
    "an emergency number": ("Dial 911.", "Dial {clinic.emergency_number}."),
    "two pairs of braces": ("Call {{clinic.phone}}.", "Call {clinic.phone}."),
    "a citation in parentheses": ("Rest. (@nice)", "Rest. [@nice]"),
    "a citation with a space": ("Rest. [@ nice]", "Rest. [@nice]"),
    "a citation without @": ("Rest. [nice]", "Rest. [@nice]"),
    "two pairs of brackets": ("Rest. [[@nice]]", "Rest. [@nice]"),
    "a space in a link": ("[Call us] (page:contact)", "[Call us](page:contact)"),
    "open bold": ("**Rest today.", "Rest today."),
    "bold with spaces": ("Rest ** now ** please.", "Rest **now** please."),
    "an open star": ("Rest *today.", "Rest today."),
    "stars between numbers": ("Take 2*3*4 steps.", "Take 2×3×4 steps."),
    "bullets of Word": ("• Rest.\n• Walk.", "- Rest.\n- Walk."),
    "hyphens without a space": ("Do this:\n-Rest.\n-Walk.", "Do this:\n\n- Rest.\n- Walk."),
    "dashes": ("– Rest.\n– Walk.", "- Rest.\n- Walk."),
    "the letter o": ("o Rest\no Walk", "- Rest\n- Walk"),
    "numbers without a space": ("1.Rest.\n2.Walk.", "1. Rest.\n2. Walk."),
    "a list that starts with 3": ("3. Rest.\n4. Walk.", "1. Rest.\n2. Walk."),
    "a list that skips": ("1. Rest.\n3. Walk.\n4. Wash.", "1. Rest.\n2. Walk.\n3. Wash."),
    "a line below a paragraph": ("Rest.\n---", "Rest."),
    "spaces at the start": ("Rest.\n\n    Walk.", "Rest.\n\nWalk."),
    "a code fence": ("```\nRest.\n```", "Rest.\n"),
    "code": ("Rest `now` please.", "Rest “now” please."),
    "a backtick": ("Rest` now.", "Rest’ now."),
    "a backslash": ("Rest \\and walk.", "Rest and walk."),
    "HTML": ("Rest <b>now</b>.", "Rest now."),
    "an entity": ("Rest&nbsp now.", "Rest\u00a0 now."),
    "an invisible character": ("Re\u200bst.", "Rest."),
    "a short row of a table": ("| a | b |\n|---|---|\n| c |", "| a | b |\n|---|---|\n| c |  |"),
    "a prompt": ("Rest.\n\n[Say what to bring.]", "Rest.\n"),
    "a placeholder": ("Rest.\n\n…", "Rest.\n"),
    "a long sentence": (f"{LONG}, but you can talk to us at any time.", f"{LONG}. But you can talk to us at any time."),
}
LEAD = "::: key-points\n- It is short.\n- It is safe to read.\n:::\n\n## What it is\n\nWe look after you. [@nice]\n\n"


@pytest.fixture
@built_once
def draft(db: None) -> Page:
    """A page that is ready to be published, and the rows that its text may reference."""
    make_clinic()
    make_public(make_next())
    ClinicAnswer.objects.create(key="driving", language="en", question="When can I drive?", answer="Tomorrow.")
    return make_page(next_page=make_next())


def find_issues(page: Page, body: str) -> list[Issue]:
    content: dict[str, Any] = {**page.draft_content(), "body": body}
    resolver = ReferenceResolver(page.language)
    return check_draft(page, content, render_draft(page, content, resolver=resolver), resolver)


def correct(body: str, issue: Issue) -> str:
    """Return the text after the correction of one issue."""
    lines = body.split("\n")
    fix = resolve(issue.fix, issue.line, lines) if issue.fix else None
    if fix is None:
        return body
    assert "\n".join(lines[fix.line - 1 : fix.end]) == fix.old
    return "\n".join([*lines[: fix.line - 1], *fix.text.split("\n"), *lines[fix.end :]])


@pytest.mark.slow
def test_every_mistake_has_a_correction_that_removes_it(draft: Page) -> None:
    assert find_issues(draft, LEAD) == []

    wrong = {}
    for name, (mistake, wanted) in MISTAKES.items():
        body = LEAD + mistake
        found = find_issues(draft, body)
        fixed = [correct(body, issue) for issue in found]
        changed = [text for text in fixed if text != body]
        left = find_issues(draft, changed[0]) if changed else found
        if not changed or changed[0] != LEAD + wanted or left:
            wrong[name] = (
                [str(issue) for issue in found],
                [text.removeprefix(LEAD) for text in changed],
                list(map(str, left)),
            )

    assert wrong == {}


def test_key_points_are_inserted_at_the_top_with_placeholders(draft: Page) -> None:
    body = "## What it is\n\nWe look after you. [@nice]\n"
    (issue,) = (issue for issue in find_issues(draft, body) if issue.field == "body")

    fixed = correct(body, issue)

    assert fixed == f"::: key-points\n- …\n- …\n:::\n\n{body}"
    assert [str(issue) for issue in find_issues(draft, fixed)] == [
        f"line {line}: Replace “…” with your own words, or delete the line." for line in (2, 3)
    ]


def test_correction_of_nonexistent_lines_is_not_offered() -> None:
    assert resolve(Fix("Delete", delete_lines, 3, 4), 0, ["one", "two"]) is None
    assert resolve(Fix("Delete", delete_lines), 0, ["one"]) is None
    assert resolve(Fix("Nothing", lambda text: text), 1, ["one"]) is None


def test_a_sentence_is_split_only_where_a_clause_begins() -> None:
    pattern = r",\s+(?=(?:but|so)\b)|;\s+"
    fix = split_sentence("We look at the bone, but you can talk to us.", pattern)

    assert fix is not None
    assert fix.change("We look at the bone, but you can talk to us.") == "We look at the bone. But you can talk to us."
    assert split_sentence("Bring your card, your pills, and your list of questions for us.", pattern) is None
    assert split_sentence("Rest, but not too long today.", pattern) is None
    assert split_sentence("We look at the bone, but you can talk to us.", None) is None


def test_handwritten_signs_get_a_button_that_inserts_the_list(draft: Page) -> None:
    text = "Call us at once if you cannot control your bladder."
    body = f"{LEAD}## When to call\n\n{text}\n"
    issue = next(issue for issue in find_issues(draft, body) if issue.fix)

    fixed = correct(body, issue)

    assert fixed == f"{LEAD}## When to call\n\n::: warning-signs both\n\n{text}\n"
    assert issue.plain_message.endswith("Delete it, and insert the warning signs instead.")
    (left,) = (issue for issue in find_issues(draft, fixed) if "Signs come from one list" in str(issue))
    assert left.fix is None
    assert left.plain_message.endswith("Delete it; the page already prints the warning signs.")
