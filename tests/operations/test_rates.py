"""Rate limits of the search: enough for a waiting room, too little to copy the site."""

from collections.abc import Iterator

import pytest
from django.test import Client, override_settings

from portal.security.rate_limit import MAX_TRACKED_NETWORKS, TokenBucket
from procedures.views import pages
from tests.factories import make_clinic


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[None]:
    """Three searches at once, behind a proxy."""
    make_clinic()
    monkeypatch.setattr(pages, "SEARCH_RATE_LIMIT", TokenBucket(burst=3, per_second=0.001))
    with override_settings(USE_HTTPS=True):
        yield


def statuses(path: str, *places: str) -> list[int]:
    return [Client().get(path, headers={"X-Forwarded-For": place}).status_code for place in places]


@pytest.mark.parametrize(
    ("path", "sentence"), [("/search/?q=pain", "Wait ten seconds"), ("/es/search/?q=dolor", "Espere diez")]
)
def test_a_client_that_searches_too_often_gets_retry_after(three: None, path: str, sentence: str) -> None:
    reader = Client(headers={"X-Forwarded-For": "203.0.113.5"})

    answers = [reader.get(path) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert sentence in answers[-1].content.decode()
    assert answers[-1].headers["Retry-After"] == "10"
    assert answers[-1].headers["Cache-Control"] == "no-store"
    assert reader.get("/").status_code != 429, "pages stay open"


def test_other_clients_are_not_limited_and_addresses_cannot_be_forged(three: None) -> None:
    first = "203.0.113.5"

    assert statuses("/search/?q=a", first, first, first, first, "203.0.113.6") == [200, 200, 200, 429, 200]
    assert statuses("/search/?q=a", f"198.51.100.1, {first}", f"198.51.100.2, {first}") == [429, 429]


def test_an_ipv6_network_is_one_client(three: None) -> None:
    found = statuses("/search/?q=a", *(f"2001:db8:0:1::{number}" for number in range(1, 5)), "2001:db8:0:2::1")

    assert found == [200, 200, 200, 429, 200]


def test_without_forwarded_addresses_nobody_is_limited(three: None) -> None:
    assert statuses("/search/?q=a", *["not an address"] * 6) == [200] * 6


def test_tokens_are_refilled_over_time() -> None:
    rate = TokenBucket(burst=2, per_second=1)

    assert [rate.consume("a", now) for now in (0, 0, 0, 1.1, 1.2, 9, 9, 9)] == [
        True, True, False, True, False, True, True, False,
    ]  # fmt: skip


def test_memory_is_bounded_for_any_number_of_networks() -> None:
    rate = TokenBucket(burst=1, per_second=1)
    for number in range(MAX_TRACKED_NETWORKS + 50):
        rate.consume(str(number), 0)

    assert len(rate._buckets) == MAX_TRACKED_NETWORKS
