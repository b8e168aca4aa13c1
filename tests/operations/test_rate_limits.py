"""Rate limits of the search: high enough for a waiting room, too low to copy the site."""

from collections.abc import Iterator

import pytest
from django.test import Client, override_settings

from portal.security import KEY_LIFETIME_SECONDS, TokenBucket
from procedures.views import pages
from tests.factories import make_clinic


@pytest.fixture
def burst_of_three(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[None]:
    """Allow a burst of three searches, behind a proxy."""
    make_clinic()
    monkeypatch.setattr(pages, "SEARCH_RATE_LIMIT", TokenBucket(burst=3, per_second=0.001))
    with override_settings(USE_HTTPS=True):
        yield


def statuses(path: str, *places: str) -> list[int]:
    return [Client().get(path, headers={"X-Forwarded-For": place}).status_code for place in places]


@pytest.mark.parametrize(
    ("path", "sentence"), [("/search/?q=pain", "Wait 10 seconds"), ("/es/search/?q=dolor", "Espere diez")]
)
def test_a_client_that_searches_too_often_gets_retry_after(burst_of_three: None, path: str, sentence: str) -> None:
    reader = Client(headers={"X-Forwarded-For": "203.0.113.5"})

    answers = [reader.get(path) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert sentence in answers[-1].content.decode()
    assert answers[-1].headers["Retry-After"] == "10"
    assert answers[-1].headers["Cache-Control"] == "no-store"
    assert reader.get("/").status_code != 429, "pages are not rate-limited"


def test_other_clients_are_not_limited_and_addresses_cannot_be_forged(burst_of_three: None) -> None:
    first = "203.0.113.5"

    assert statuses("/search/?q=a", first, first, first, first, "203.0.113.6") == [200, 200, 200, 429, 200]
    assert statuses("/search/?q=a", f"198.51.100.1, {first}", f"198.51.100.2, {first}") == [429, 429]


def test_an_ipv6_network_is_one_client(burst_of_three: None) -> None:
    found = statuses("/search/?q=a", *(f"2001:db8:0:1::{number}" for number in range(1, 5)), "2001:db8:0:2::1")

    assert found == [200, 200, 200, 429, 200]


def test_a_port_or_quotes_around_the_address_do_not_lift_the_limit(burst_of_three: None) -> None:
    found = statuses("/search/?q=a", *(f"203.0.113.5:{port}" for port in range(5001, 5004)), '"203.0.113.5"')

    assert found == [200, 200, 200, 429]


def test_clients_with_an_unreadable_forwarded_address_share_one_limit(burst_of_three: None) -> None:
    assert statuses("/search/?q=a", "one", "two", "three", "four", "203.0.113.6") == [200, 200, 200, 429, 200]


def test_clients_without_a_forwarded_address_are_not_limited(burst_of_three: None) -> None:
    assert statuses("/search/?q=a", *[""] * 6) == [200] * 6


def test_tokens_are_refilled_over_time() -> None:
    now = [0.0]
    limit = TokenBucket(burst=2, per_second=1, clock=lambda: now[0])
    taken = []
    for now[0] in (0, 0, 0, 1.1, 1.2, 9, 9, 9):
        taken.append(limit.consume("a"))

    assert taken == [True, True, False, True, False, True, True, False]
    assert limit.consume("b"), "each key has a bucket of its own"


def test_memory_is_bounded_for_any_number_of_networks() -> None:
    limit = TokenBucket(burst=1, per_second=0, max_keys=50)
    for number in range(500):
        limit.consume(str(number))

    assert len(limit._buckets) == 50
    assert not limit.consume("499"), "the latest are remembered"
    assert limit.consume("0")


def test_networks_are_hashed_with_a_secret_that_is_discarded_after_a_day() -> None:
    now = [0.0]
    limit = TokenBucket(burst=1, per_second=0, clock=lambda: now[0])
    limit.consume("192.0.2.1")
    secret, hashes = limit._secret, set(limit._buckets)

    now[0] = KEY_LIFETIME_SECONDS + 1
    assert limit.consume("192.0.2.1"), "a new day"

    assert not b"".join(hashes).count(b"192")
    assert limit._secret != secret
    assert not hashes & set(limit._buckets)
