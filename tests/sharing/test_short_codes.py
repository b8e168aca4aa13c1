"""Short codes: a mistyped code never leads to another page."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from procedures.models import Page
from procedures.publishing.publish import withdraw
from procedures.sharing.short_codes import (
    CODE_ALPHABET,
    CODE_LENGTH,
    generate_code,
    is_valid_code,
    make_code,
    normalize_code,
    spaced_code,
)
from tests.factories import make_clinic, make_figure, make_page, make_public, make_user
from tests.replay import built_once

SIGNS = st.text(alphabet=CODE_ALPHABET, min_size=CODE_LENGTH - 1, max_size=CODE_LENGTH - 1)
CODES = SIGNS.map(make_code).filter(bool)


def test_the_alphabet_cannot_be_misread_and_spells_no_word() -> None:
    assert not set(CODE_ALPHABET) & set("01OILUAEIOU")
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET)


@given(code=CODES)
def test_every_single_wrong_character_is_detected(code: str) -> None:
    wrong = [
        code[:at] + sign + code[at + 1 :] for at in range(CODE_LENGTH) for sign in CODE_ALPHABET if sign != code[at]
    ]

    assert is_valid_code(code)
    assert not any(is_valid_code(other) for other in wrong)


@given(code=CODES)
def test_every_transposition_is_detected(code: str) -> None:
    for first in range(CODE_LENGTH):
        for second in range(first + 1, CODE_LENGTH):
            signs = list(code)
            signs[first], signs[second] = signs[second], signs[first]
            swapped = "".join(signs)
            assert swapped == code or not is_valid_code(swapped)


@given(code=CODES, at=st.integers(0, CODE_LENGTH - 1))
def test_a_missing_or_doubled_character_is_detected(code: str, at: int) -> None:
    assert not is_valid_code(code[:at] + code[at + 1 :])
    assert not is_valid_code(code[:at] + code[at] + code[at:])


@given(typed=st.text(max_size=20))
def test_no_input_raises(typed: str) -> None:
    normalized = normalize_code(typed)

    assert not is_valid_code(normalized) or make_code(normalized[:-1]) == normalized


@given(code=CODES)
def test_lowercase_letters_spaces_and_dashes_are_accepted(code: str) -> None:
    typed = f" {code[:2].lower()} - {code[2:4]}\u2013{code[4:].lower()}. "

    assert normalize_code(typed) == code
    assert normalize_code(spaced_code(code)) == code


@pytest.mark.django_db
def test_generated_codes_are_valid_and_unique() -> None:
    codes = {generate_code() for _ in range(50)}

    assert len(codes) == 50
    assert all(is_valid_code(code) for code in codes)


@pytest.fixture
@built_once
def page(db: None) -> Page:
    """A public page with a code."""
    make_clinic()
    make_figure(size=(48, 48))
    page = make_page(code=make_code("K7M4P"))
    make_public(page)
    return page


def test_a_code_redirects_to_its_page(page: Page, client: Client) -> None:
    for address in (
        f"/p/{page.code}",
        f"/p/{page.code.lower()}/",
        f"/es/p/{page.code}",
        f"/p/?code={page.code[:3]}+{page.code[3:]}",
    ):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (301, "/small-cut/"), address


def test_a_mistyped_code_gets_an_error_page_that_shows_it_again(page: Page, client: Client) -> None:
    answer = client.get("/p/K7M4<b>")

    html = answer.content.decode()
    assert answer.status_code == 404
    assert "Please check the code" in html
    assert 'value="K7M4&lt;b&gt;"' in html


def test_an_unused_code_and_the_code_of_a_draft_are_both_404(page: Page, client: Client) -> None:
    draft = make_page("draft")

    assert client.get(f"/p/{draft.code}").status_code == 404
    assert client.get(f"/p/{make_code('22222')}").status_code == 404


def test_the_code_of_a_withdrawn_page_shows_the_reason(page: Page, client: Client) -> None:
    withdraw(Page.objects.get(pk=page.pk), actor=make_user("max"), reason="Old.")

    answer = client.get(client.get(f"/p/{page.code}")["Location"])

    assert answer.status_code == 410
    assert b"Old." in answer.content


def test_the_empty_form_shows_no_error(page: Page, client: Client) -> None:
    answer = client.get("/p/")

    assert answer.status_code == 200
    assert b"could not find this code" not in answer.content
