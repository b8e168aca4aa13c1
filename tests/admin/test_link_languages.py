"""The next page and the reading list lead to pages in the page's own language."""

import re
from typing import Any

import pytest
from django.test import Client

from procedures.models import Guide, Page
from tests.admin.conftest import PAGES, change_url, page_form
from tests.factories import make_page, make_translation

pytestmark = pytest.mark.django_db
GUIDES = "/admin/procedures/guide/"
MESSAGE = "Choose a page in the same language as this page."


def offered(answer: Any, name: str) -> set[str]:
    """Return the titles in a select field."""
    select = re.search(rf'<select name="{name}".*?</select>', answer.content.decode(), re.DOTALL)
    assert select
    return set(re.findall(r"<option value=\"\d+\"[^>]*>([^<]*)<", select[0]))


def test_the_next_page_is_offered_and_accepted_in_the_same_language_only(page: Page, nina: Client) -> None:
    spanish = make_translation(page)
    assert offered(nina.get(change_url(page)), "next_page") == {"Small cut (en)", "Contact (en)"}
    assert offered(nina.get(change_url(spanish)), "next_page") == {"Un corte chico (es)"}

    answer = nina.post(change_url(page), page_form(page, next_page=spanish.pk, body="Typed words."))

    assert answer.context["adminform"].form.errors["next_page"] == [MESSAGE]
    assert "Typed words." in answer.content.decode()
    assert Page.objects.get(pk=page.pk).next_page == page.next_page


def test_a_new_page_offers_the_language_that_was_chosen(page: Page, nina: Client) -> None:
    make_translation(page)
    assert offered(nina.get(f"{PAGES}add/?language=es"), "next_page") == {"Un corte chico (es)"}
    new = page_form(page, subject="new", slug="new", page="", version="", language="es")

    answer = nina.post(f"{PAGES}add/", new)

    assert answer.context["adminform"].form.errors["next_page"] == [MESSAGE]
    assert offered(answer, "next_page") == {"Un corte chico (es)"}
    assert nina.post(f"{PAGES}add/", {**new, "next_page": ""}).status_code == 302


def test_a_choice_in_another_language_from_before_becomes_its_translation(page: Page, nina: Client) -> None:
    spanish = make_translation(page)
    other = make_page("other", next_page=spanish)

    html = nina.get(change_url(other)).content.decode()

    assert f'<option value="{page.pk}" selected>' in html
    nina.post(change_url(other), page_form(other, next_page=page.pk))
    assert Page.objects.get(pk=other.pk).next_page == page


def test_a_reading_list_has_pages_in_the_language_of_the_guide(page: Page, nina: Client) -> None:
    spanish = make_translation(page)
    guide = make_page("first-visit", kind="guide")
    guide.items.create(page=page)
    url = f"{GUIDES}{guide.pk}/change/"
    shown = nina.get(url)
    assert offered(shown, "items-0-page") == offered(shown, "items-__prefix__-page")
    assert "Un corte chico (es)" not in offered(shown, "items-0-page")
    values = page_form(guide, **{"items-TOTAL_FORMS": 2, "items-INITIAL_FORMS": 1})
    values |= {"items-0-id": guide.items.get().pk, "items-0-guide": guide.pk, "items-0-page": page.pk}
    values |= {"items-1-guide": guide.pk, "items-1-page": spanish.pk, "items-1-note": "Typed words."}
    values |= {f"items-{number}-{name}": 3 for number in (0, 1) for name in ("order", "minutes")}

    answer = nina.post(url, values)

    (rows,) = answer.context["inline_admin_formsets"]
    assert rows.formset.forms[1].errors["page"] == [MESSAGE]
    assert "Typed words." in answer.content.decode()
    assert [item.page for item in guide.items.all()] == [page]
    assert nina.post(url, {**values, "items-1-page": guide.pk}).status_code == 302


def test_the_reading_list_of_a_new_guide_follows_its_language(page: Page, nina: Client) -> None:
    spanish = make_translation(page)
    assert offered(nina.get(f"{GUIDES}add/?language=es"), "items-__prefix__-page") == {"Un corte chico (es)"}
    values = page_form(page, subject="visita", slug="visita", page="", version="", language="es", next_page="")
    values |= {"items-TOTAL_FORMS": 1, "items-INITIAL_FORMS": 0, "items-0-order": 0, "items-0-minutes": 3}

    assert nina.post(f"{GUIDES}add/", {**values, "items-0-page": page.pk}).status_code == 200
    assert nina.post(f"{GUIDES}add/", {**values, "items-0-page": spanish.pk}).status_code == 302

    assert [item.page for item in Guide.objects.get(subject="visita").items.all()] == [spanish]
