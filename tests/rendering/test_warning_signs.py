"""``::: warning-signs``: signs by level and timing, from the list of warning signs."""

import re
from html import unescape

import pytest
from django.test import Client

from procedures.models import Clinic
from tests.factories import make_clinic, make_page, make_public, make_sign, make_source
from tests.rendering.helpers import list_issues, parse_html, render

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def signs() -> None:
    """One sign for each level, and one that applies only after a procedure."""
    make_clinic(after_hours_phone="+1 303-555-0101")
    make_source("cdc")
    make_sign("weak-leg", "emergency", en="One leg is newly weak.", en_short="A weak leg", es="Una pierna débil.")
    make_sign("fever", "now", en="You have a fever of 100.4 °F.", es="Tiene fiebre.", sources=["cdc"])
    make_sign("sore", "hours", "after", en="The needle site is sore.", es="Le duele el sitio.")


def cards(html: str) -> list[tuple[str, list[str]]]:
    """Return the title and entries of each card, in order."""
    found = re.findall(
        r'<h3 class="care-card__title">(.*?)</h3>\s*<div class="care-card__body">\s*<ul>(.*?)</ul>', html, re.DOTALL
    )
    plain = [(title, re.findall(r"<li>(.*?)</li>", items, re.DOTALL)) for title, items in found]
    return [(title, [re.sub(r"\xa0<a class=.citation.*?</a>", "", item) for item in items]) for title, items in plain]


def test_signs_are_grouped_by_level_with_what_to_do() -> None:
    html = render("::: warning-signs after").html

    assert cards(html) == [
        ("Call 911 now. Do not drive.", ["One leg is newly weak."]),
        ("Call us now, day or night", ["You have a fever of 100.4\u00a0°F."]),
        ("Call us during office hours", ["The needle site is sore."]),
    ]
    words = " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert "During office hours: +1 303-555-0100" in words
    assert "After hours: +1 303-555-0101" in words
    assert "No answer? Go to an emergency room." in html
    urgent = html.split("care-card--urgent")[1].split("care-card--call")[0]
    assert re.findall(r'href="tel:([^"]*)"', urgent) == ["+13035550100", "+13035550101"]
    parse_html(html)


def test_each_timing_prints_its_signs_and_those_for_both() -> None:
    assert "The needle site is sore." not in render("::: warning-signs before").html
    assert "The needle site is sore." in render("::: warning-signs both").html


def test_one_note_below_each_card_cites_its_main_sources() -> None:
    html = render("::: warning-signs both").html
    urgent = html.split("care-card--urgent")[1].split("</div>")[0]

    assert "<li>You have a fever of 100.4\u00a0°F.</li>" in urgent
    assert re.findall(r'<p class="care-card__sources"><a class="citation" href="#source-1"[^>]*>\[1\]</a></p>', urgent)
    assert html.count('class="citation"') == 1
    assert 'id="source-1"' in html


def test_short_form_has_the_emergency_signs_and_one_line_about_calling() -> None:
    html = render("::: warning-signs both short", kind="about").html

    assert "<li>A weak leg</li>" in html
    words = unescape(" ".join(re.sub(r"<[^>]+>", "", html).split()))
    assert "For other warning signs, call +1 303-555-0100, or +1 303-555-0101 when we're closed." in words
    assert "fever" not in html


def test_clinic_with_one_phone_number_shows_it_once() -> None:
    Clinic.objects.update(after_hours_phone="")
    html = render("::: warning-signs both").html
    words = " ".join(re.sub(r"<[^>]+>", "", html).split())

    line = "For other warning signs, call +1 303-555-0100, day or night."
    assert line in render("A text.").document.front[-1].nodes[-1].text
    assert "when we&#x27;re closed" not in words
    urgent = html.split("care-card--urgent")[1].split("</div>")[0]
    assert 'class="phone-button care-card__phone" href="tel:+13035550100"' in " ".join(urgent.split())


def test_every_topic_and_guide_starts_with_the_emergency_signs() -> None:
    for kind in ("condition", "procedure", "guide", "prevention"):
        html = render("A text.", kind=kind).html
        assert html.index("warning-signs--top") < html.index("page__body"), kind
        assert "<li>A weak leg</li>" in html
    assert "warning-signs" not in render("A text.", kind="about").html


def test_emergency_signs_link_to_the_full_list_if_the_page_has_one() -> None:
    assert 'href="#warning-signs"' in render("::: warning-signs both").html
    assert 'href="#warning-signs"' not in render("A text.").html


def test_emergency_signs_do_not_count_toward_readability() -> None:
    page = render("A text.")

    assert "weak leg" not in page.text
    assert all("weak leg" not in section.text for section in page.sections)
    assert "One leg is newly weak." in render("::: warning-signs both").text


def test_spanish_pages_print_the_spanish_texts() -> None:
    html = render("::: warning-signs both", language="es").html

    assert cards(html)[0] == ("Llame ya al 911. No maneje.", ["Una pierna débil."])


def test_clinic_emergency_number_is_printed() -> None:
    from procedures.models import Clinic

    Clinic.objects.update(emergency_number="112")

    html = render("::: warning-signs both").html

    assert re.search(r'href="tel:112">Call 112</a> now for any of these\. Do\xa0not\xa0drive\.', html)
    assert "Call 112 now. Do not drive." in html
    assert "911" not in html


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("::: warning-signs", "line 1: ::: warning-signs must be followed by names separated by single spaces."),
        (
            "::: warning-signs later",
            "line 1: Write ::: warning-signs before, after or both. You may add short at the end.",
        ),
        (
            "::: warning-signs both long",
            "line 1: Write ::: warning-signs before, after or both. You may add short at the end.",
        ),
        (
            "::: warning-signs both\n\n::: warning-signs after",
            "line 3: A page can contain the full list of warning signs only once. Elsewhere, use ::: warning-signs … short.",
        ),
    ],
)
def test_invalid_option_is_reported_with_line_and_fix(body: str, problem: str) -> None:
    assert list_issues(body) == [problem]


def test_empty_sign_list_is_reported_with_where_to_add_signs() -> None:
    from procedures.models import WarningSign

    WarningSign.objects.all().delete()

    assert list_issues("::: warning-signs both") == [
        "line 1: There are no warning signs in this language yet. Add them under Warning signs."
    ]


def test_plain_text_page_has_the_emergency_signs_below_its_title() -> None:
    release = make_public(make_page(title="A small cut", key_message="It heals by itself."))

    text = Client().get(f"{release.path}plain.txt").content.decode()

    assert text.splitlines()[:9] == [
        "A small cut",
        "",
        "Call 911 now for any of these. Do not drive.",
        "",
        "A weak leg",
        "",
        "For other warning signs, call +1 303-555-0100, or +1 303-555-0101 when",
        "we're closed.",
        "",
    ]
