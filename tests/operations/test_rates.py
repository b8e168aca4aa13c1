"""Searches of one place: a waiting room may, a program that reads the site out waits; nobody else is touched."""

from collections.abc import Iterator

import pytest
from django.test import Client, override_settings

from portal.security.rate_limit import MAX_TRACKED_NETWORKS, TokenBucket
from procedures.views import search
from tests.factories import make_clinic


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[None]:
    """Three searches at once, behind a proxy."""
    make_clinic()
    monkeypatch.setattr(search, "SEARCH_RATE_LIMIT", TokenBucket(burst=3, per_second=0.001))
    with override_settings(USE_HTTPS=True):
        yield


def statuses(path: str, *places: str) -> list[int]:
    return [Client().get(path, headers={"X-Forwarded-For": place}).status_code for place in places]


@pytest.mark.parametrize(
    ("path", "sentence"), [("/search/?q=pain", "Wait ten seconds"), ("/es/search/?q=dolor", "Espere diez")]
)
def test_who_searches_too_often_is_told_how_long_to_wait(three: None, path: str, sentence: str) -> None:
    reader = Client(headers={"X-Forwarded-For": "203.0.113.5"})

    answers = [reader.get(path) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert sentence in answers[-1].content.decode()
    assert answers[-1].headers["Retry-After"] == "10"
    assert answers[-1].headers["Cache-Control"] == "no-store"
    assert reader.get("/").status_code != 429, "pages stay open"


def test_others_are_not_touched_and_nobody_chooses_their_place(three: None) -> None:
    first = "203.0.113.5"

    assert statuses("/search/?q=a", first, first, first, first, "203.0.113.6") == [200, 200, 200, 429, 200]
    assert statuses("/search/?q=a", f"198.51.100.1, {first}", f"198.51.100.2, {first}") == [429, 429]


def test_a_household_is_one_place(three: None) -> None:
    found = statuses("/search/?q=a", *(f"2001:db8:0:1::{number}" for number in range(1, 5)), "2001:db8:0:2::1")

    assert found == [200, 200, 200, 429, 200]


def test_a_proxy_that_tells_nothing_shuts_nobody_out(three: None) -> None:
    assert statuses("/search/?q=a", *["not an address"] * 6) == [200] * 6


def test_what_was_used_comes_back_with_time() -> None:
    rate = TokenBucket(burst=2, per_second=1)

    assert [rate.consume("a", now) for now in (0, 0, 0, 1.1, 1.2, 9, 9, 9)] == [
        True, True, False, True, False, True, True, False,
    ]  # fmt: skip


def test_any_number_of_places_takes_bounded_memory() -> None:
    rate = TokenBucket(burst=1, per_second=1)
    for number in range(MAX_TRACKED_NETWORKS + 50):
        rate.consume(str(number), 0)

    assert len(rate._buckets) == MAX_TRACKED_NETWORKS
