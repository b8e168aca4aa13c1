"""A new page: its address follows the title, and a title that exists or is missing is no dead end."""

from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures.models import Autosave, Page
from tests.admin.conftest import PAGES, SignIn, change_url, page_form
from tests.factories import make_page, make_public

ADD = f"{PAGES}add/"
PREVIEW = f"{PAGES}preview/"


def new_form(page: Page, **changes: Any) -> dict[str, Any]:
    """Return the form of a new page with the text of ``page``, whose address fields are empty."""
    return page_form(page, **{"page": "", "version": "", "slug": "", "subject": "", **changes})


def errors_of(answer: Any) -> dict[str, list[str]]:
    return {name: list(errors) for name, errors in answer.context["adminform"].form.errors.items()}


@pytest.mark.parametrize(
    ("title", "address"),
    [
        ("About your bone test", "about-your-bone-test"),
        ("Small cut", "small-cut-2"),
        ("¿Qué es esto?", "que-es-esto"),
        ("Search", "search-2"),
        ("手術", "page"),
        (
            "A very long title of a page that goes on and on until it is cut",
            "a-very-long-title-of-a-page-that-goes-on-and-on-un",
        ),
    ],
)
def test_the_address_is_made_from_the_title(page: Page, nina: Client, title: str, address: str) -> None:
    answer = nina.post(ADD, new_form(page, title=title))

    made = Page.objects.exclude(pk=page.pk).get(title=title)
    assert answer["Location"] == change_url(made)
    assert (made.title, made.slug, made.subject) == (title, address, address)


def test_each_page_with_the_same_title_gets_its_own_address(page: Page, nina: Client) -> None:
    for words in ("One.", "Two."):
        nina.post(ADD, new_form(page, body=words))

    assert sorted(Page.objects.filter(title=page.title).values_list("slug", "subject")) == [
        (f"small-cut{number}", f"small-cut{number}") for number in ("", "-2", "-3")
    ]


def test_an_address_that_was_ever_public_is_not_free(page: Page, nina: Client) -> None:
    make_public(page)
    Page.objects.filter(pk=page.pk).update(slug="other", subject="other")

    nina.post(ADD, new_form(page))

    assert Page.objects.exclude(pk=page.pk).get(title=page.title).slug == "small-cut-2"


def test_the_title_of_a_page_in_another_language_does_not_make_a_translation(page: Page, nina: Client) -> None:
    nina.post(ADD, new_form(page, language="es", next_page="", lead_figure=""))

    assert Page.objects.get(language="es").subject == "small-cut-2"


def test_typed_addresses_are_kept(page: Page, nina: Client) -> None:
    nina.post(ADD, new_form(page, slug="corte", subject="small-cut", language="es", next_page="", lead_figure=""))

    made = Page.objects.get(language="es")
    assert (made.slug, made.subject) == ("corte", "small-cut")


def test_a_typed_name_that_is_taken_is_reported_at_its_field(page: Page, nina: Client) -> None:
    answer = nina.post(ADD, new_form(page, title="Other", subject="small-cut"))

    assert errors_of(answer) == {"subject": ["The page “Small cut” already has this name. Choose another one."]}
    assert answer.context["start_panel"] == "settings"


def test_a_form_sent_twice_creates_one_page(page: Page, nina: Client) -> None:
    values = new_form(page, title="Ice at home", client_id="one")

    answers = [nina.post(ADD, values) for _ in range(2)]
    nina.post(f"{PAGES}autosave/", {**values, "typed": "1"})
    answers.append(nina.post(ADD, values))

    made = Page.objects.get(title="Ice at home")
    assert [answer["Location"] for answer in answers] == [change_url(made)] * 3
    assert made.revisions.count() == 1
    assert not Autosave.objects.exists()


def test_another_text_with_the_same_title_is_another_page(
    page: Page, nina: Client, manager: User, sign_in: SignIn
) -> None:
    values = new_form(page, title="Ice at home")
    nina.post(ADD, values)
    sign_in(manager).post(ADD, values)

    assert sorted(Page.objects.filter(title="Ice at home").values_list("slug", flat=True)) == [
        "ice-at-home",
        "ice-at-home-2",
    ]


def test_without_a_title_there_is_one_error_with_the_focus_in_the_title(page: Page, nina: Client) -> None:
    answer = nina.post(ADD, new_form(page, title=" "))

    html = answer.content.decode()
    assert errors_of(answer) == {"title": ["Add a title."]}
    assert html.count("Add a title.") == 2  # in the summary and at the field
    assert " autofocus" in html[html.index('name="title"') :].partition(">")[0]
    assert answer.context["start_panel"] == ""


def test_the_preview_names_a_page_with_the_same_title(page: Page, nina: Client) -> None:
    spanish = make_page("corte", title="Small cut", language="es", slug="corte")

    data = nina.post(PREVIEW, new_form(page, title=" small CUT ")).json()
    own = nina.post(PREVIEW, page_form(page)).json()
    twin = make_page("twin", title="Small Cut", slug="small-cut-2")
    saved = nina.post(PREVIEW, page_form(twin)).json()

    assert data["same_title"] == {"title": "Small cut", "url": change_url(page)}
    assert data["address"] == "small-cut-2"
    assert {problem["field"] for problem in data["problems"]} & {"title", "slug", "subject"} == set()
    assert own["same_title"] is None
    assert saved["same_title"] == data["same_title"]
    assert nina.post(PREVIEW, new_form(page, title="", language="es")).json()["same_title"] is None
    assert spanish.title == page.title
