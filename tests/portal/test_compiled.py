"""Prepared queries return what their querysets return, with the values of each call."""

from typing import Any

import pytest

from portal.prepared_queries import prepared_query
from procedures.models import Page
from procedures.models.page import PageQuerySet
from tests.factories import make_clinic, make_page, make_public

pytestmark = pytest.mark.django_db


@prepared_query("\0language", 30_001)
def cards(language: str, order: int) -> PageQuerySet:
    return Page.objects.for_cards(language).filter(order__lte=order)


@prepared_query("\0language")
def first(language: str) -> Any:
    return Page.objects.for_cards(language).values_list("title", "clinic", "live_release__published_at")[:1]


def values(page: Page) -> list[dict[str, Any]]:
    return [{k: v for k, v in vars(one).items() if k != "_state"} for one in (page, page.live_release)]


def test_fetch_instances_returns_the_same_as_the_queryset(django_assert_num_queries: Any) -> None:
    make_clinic()
    make_public(make_page())

    for language, order, count in (("en", 100, 2), ("es", 100, 0), ("en", 0, 0), ("en", 100, 2)):
        with django_assert_num_queries(1):
            found = [values(page) for page in cards.fetch_instances(language, order)]
        wanted = Page.objects.for_cards(language).filter(order__lte=order)
        assert found == [values(page) for page in wanted]
        assert len(found) == count


def test_fetch_tuples_returns_the_same_values_and_types_as_the_queryset() -> None:
    make_clinic()
    make_public(make_page())

    rows = first.fetch_tuples("en")

    assert rows == list(Page.objects.for_cards("en").values_list("title", "clinic", "live_release__published_at")[:1])
    assert isinstance(rows[0][1], dict)
    assert first.fetch_tuples("es") == []


def test_sql_in_a_value_is_not_executed() -> None:
    make_clinic()
    make_public(make_page())

    assert cards.fetch_instances("en' OR '1'='1", 100) == []


@pytest.mark.parametrize("given", [(), ("en",), ("en", 1, 2)])
def test_the_number_of_values_must_match_the_placeholders(given: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        cards.fetch_instances(*given)
