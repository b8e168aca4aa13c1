"""Changes are shown without markup to people who never see any."""

from procedures.revisions.diff import diff_for_reading, to_reading_text

TEXTS = {
    "## Pain {#pain}": "Heading: Pain",
    "#### When\n": "Small heading: When\n",
    "- Rest.\n  - Walk.\n": "• Rest.\n  • Walk.\n",
    "Take **two** pills and _rest_.": "Take two pills and rest.",
    "See [our page](page:about).": "See our page (→ about).",
    "It helps. [@nice; @josr]": "It helps. (nice; josr)",
    "Call {clinic.phone}.": "Call (the clinic’s phone number).",
    "::: warning-signs both\n": "[Warning signs: both]\n",
    "::: checklist\n- Your card\n:::\n": "[Checklist]\n• Your card\n\n",
    "| Day | Dose |\n|---|---|\n| Mon | 5 mg |": "Day – Dose\nMon – 5 mg",
    "2 \\* 3 and \\{a\\} and \\## b": "2 * 3 and {a} and ## b",
    "5 * 3 and A_B_C": "5 * 3 and A_B_C",
    "> Rest.": "Rest.",
    "> 3 days, 10 < 20": "3 days, 10 < 20",
}


def test_markup_is_replaced_by_words() -> None:
    assert {text: found for text, wanted in TEXTS.items() if (found := to_reading_text(text)) != wanted} == {}


def test_changes_are_shown_without_markup() -> None:
    assert diff_for_reading("## Pain\n\nRest.\n", "## Pain\n\nRest **now**.\n") == [
        ("=", "Heading: Pain\n\nRest"),
        ("+", " now"),
        ("=", ".\n"),
    ]


def test_a_change_of_markup_alone_is_shown() -> None:
    assert [sign for sign, _ in diff_for_reading("Rest now.", "Rest **now**.")] != ["="]
    assert diff_for_reading("Rest.", "Rest.") == [("=", "Rest.")]
