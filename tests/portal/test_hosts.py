"""Loopback hosts, and errors in plain text."""

import pytest
from django.test import Client

from portal.security import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_loopback_hosts(host: str) -> None:
    assert is_loopback(host)


def test_other_hosts_are_not_loopback(subtests: pytest.Subtests) -> None:
    for host in ["", "testserver", "*", ".localhost.example", "192.168.1.5", "[2001:db8::1]", "clinic"]:
        with subtests.test(host=host):
            assert not is_loopback(host)


@pytest.mark.django_db
def test_plain_text_errors_are_never_cached(client: Client) -> None:
    foreign = client.get("/", headers={"host": "elsewhere.example"})
    large = client.post("/admin/login/", {"username": "x" * 70_000})

    assert (foreign.status_code, foreign.text) == (400, "400: this request was not understood.\n")
    assert (large.status_code, large.text) == (413, "413: the request body is too large.\n")
    assert foreign["Cache-Control"] == large["Cache-Control"] == "no-store"
