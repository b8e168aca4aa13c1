"""Messages about a draft are in the language of the staff member, whatever the language of the page."""

import json
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation
from django.utils.translation import trans_real

from procedures.admin.editor import serialize_issues
from procedures.models import Figure
from procedures.publishing.checks import find_authored_sign_advice
from procedures.rendering import Issue
from procedures.rendering.context import IssueCollector
from procedures.rendering.parser import parse
from procedures.triage import TriageDetector
from tests.factories import EMPTY_CONTENT
from tests.rendering.helpers import render

pytestmark = pytest.mark.django_db
# One message from each module, as a translator would translate it.
SPANISH = {
    "line %(line)s: %(message)s": "renglón %(line)s: %(message)s",
    "The %(name)s block is empty.": "El bloque %(name)s está vacío.",
    "The block “%(label)s” is empty. Fill it in, or delete it.": "El bloque «%(label)s» está vacío. Llénelo o bórrelo.",
    "There is no source “%(key)s”.": "No hay ninguna fuente «%(key)s».",
    "%(message)s Did you mean “%(name)s”?": "%(message)s ¿Quiso decir «%(name)s»?",
    "The backslash in “%(text)s” would be shown as typed. Delete it.": "«%(text)s» se mostraría tal cual.",
    "Unknown clinic value {%(name)s}. Did you mean {%(value)s}?": "No hay {%(name)s}. ¿Quiso decir {%(value)s}?",
    "%(field)s is plain text and would show “%(excerpt)s” as typed. Remove the markup.": "%(field)s: «%(excerpt)s».",
    "The title": "El título",
    "This text %(signs)s %(fix)s": "Este texto %(signs)s %(fix)s",
    "says what to do about warning signs (%(names)s). Signs come from one list.": "habla de señales (%(names)s).",
    "Use ::: warning-signs %(timing)s instead.": "Use ::: warning-signs %(timing)s.",
    "::: %(name)s has %(count)s entries. Readers take in at most %(limit)s.": "::: %(name)s: %(count)s, no %(limit)s.",
}
BODY = "[@nicee]\n\na\\d\n\n{clinic.fone}\n\n::: note\n:::\n\n::: do\n" + "- a\n" * 8 + ":::"
ENGLISH_ISSUES = [
    "The title is plain text and would show “**Bold**” as typed. Remove the markup.",
    "line 1: There is no source “nicee”. Did you mean “nice”?",
    "line 3: The backslash in “a\\d” would be shown as typed. Delete it.",
    "line 5: Unknown clinic value {clinic.fone}. Did you mean {clinic.phone}?",
    "line 7: The note block is empty.",
    "line 10: ::: do has 8 entries. Readers take in at most 7.",
]
SPANISH_ISSUES = [
    "El título: «**Bold**».",
    "renglón 1: No hay ninguna fuente «nicee». ¿Quiso decir «nice»?",
    "renglón 3: «a\\d» se mostraría tal cual.",
    "renglón 5: No hay {clinic.fone}. ¿Quiso decir {clinic.phone}?",
    "renglón 7: El bloque note está vacío.",
    "renglón 10: ::: do: 8, no 7.",
]


@pytest.fixture
def spanish(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog: Any = trans_real.translation("es")._catalog
    for message, translated in SPANISH.items():
        # A plural is looked up by its singular and the index of its form.
        singular = message.replace("entries", "entry")
        for key in [(singular, 1), (singular, 2)] if singular != message else [message]:
            monkeypatch.setitem(catalog._catalogs[0], key, translated)


def test_issues_are_in_the_staff_language(clinic_content: Figure, spanish: None) -> None:
    for language in ("en", "es"):  # of the page
        issues = render(BODY, language=language, title="**Bold**").issues

        assert [str(issue) for issue in issues] == ENGLISH_ISSUES, language
        with translation.override("es"):
            assert [str(issue) for issue in issues] == SPANISH_ISSUES, language
            sent = json.loads(json.dumps(serialize_issues(issues, ""), cls=DjangoJSONEncoder))
        assert (sent[4]["line"], sent[4]["sentence"], sent[4]["field"]) == (
            7,
            "El bloque «Conviene saber» está vacío. Llénelo o bórrelo.",
            "",
        ), language


def test_warning_sign_issues_are_in_the_staff_language(spanish: None) -> None:
    content = {**EMPTY_CONTENT, "body": "A weak leg can wait until your visit."}
    document = parse(content["body"]).document
    with translation.override("es"):
        (issue,) = find_authored_sign_advice(content, document, kind="condition", triage=TriageDetector("en"))
        assert str(issue).startswith("renglón 1: Este texto habla de señales (")
    assert str(issue).startswith("line 1: This text says what to do about warning signs (")


def test_identical_messages_are_reported_once() -> None:
    found = IssueCollector()
    for name in ("note", "note", "call"):
        found.add(3, translation.gettext_lazy("The %(name)s block is empty."), name=name)

    assert found.issues == [Issue(3, "The note block is empty."), Issue(3, "The call block is empty.")]
    assert len({*found.issues, Issue(3, "The note block is empty.")}) == 2


def test_percent_sign_in_text_is_not_a_placeholder(clinic_content: Figure) -> None:
    (issue,) = render("Text.", title="40 % of **them** %(name)s").issues

    assert "**them**" in str(issue)
