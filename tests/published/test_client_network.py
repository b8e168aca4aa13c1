"""The client network: a household, a clinic or an IPv4 address, which clients cannot forge."""

from typing import Any

import pytest
from django.test import override_settings

from portal import audit
from portal.security import (
    UNREADABLE_NETWORK,
    client_network,
    is_local_client,
    warn_about_unreadable_address,
)


@pytest.mark.parametrize(
    ("remote", "forwarded", "place"),
    [
        ("127.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("127.0.0.1", "203.0.113.1, 192.0.2.9", "192.0.2.9"),
        ("127.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("127.0.0.1", "::ffff:192.0.2.9", "192.0.2.9"),
        ("127.0.0.1", "", ""),
        ("::ffff:127.0.0.1", "", ""),
        ("127.0.0.1", "203.0.113.9:5123", "203.0.113.9"),
        ("127.0.0.1", '"203.0.113.9"', "203.0.113.9"),
        ("127.0.0.1", '192.0.2.9, "203.0.113.9:5123" ', "203.0.113.9"),
        ("127.0.0.1", "[203.0.113.9]", "203.0.113.9"),
        ("127.0.0.1", "[2001:db8::1]", "2001:db8::/64"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::/64"),
        ("127.0.0.1", '"[2001:db8::1]:443"', "2001:db8::/64"),
        ("127.0.0.1", "[::ffff:192.0.2.9]:443", "192.0.2.9"),
        ("127.0.0.1", "fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", "unknown", UNREADABLE_NETWORK),
        ("127.0.0.1", "192.0.2.9,", UNREADABLE_NETWORK),
        ("127.0.0.1", "[2001:db8::1", "2001:db8::/64"),
        ("127.0.0.1", "203.0.113.9:5123:1", UNREADABLE_NETWORK),
        ("93.184.216.34", "_hidden", UNREADABLE_NETWORK),
        ("93.184.216.34", "", "93.184.216.34"),
    ],
)
@override_settings(USE_HTTPS=True)
def test_behind_a_proxy_the_client_is_the_address_that_the_proxy_saw(
    rf: Any, remote: str, forwarded: str, place: str
) -> None:
    assert client_network(rf.get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)) == place


@override_settings(USE_HTTPS=True)
def test_an_unreadable_address_is_logged_once_without_it_and_is_no_origin(
    rf: Any, caplog: pytest.LogCaptureFixture
) -> None:
    warn_about_unreadable_address.cache_clear()

    for forwarded in ("secret-host", "secret-host", "other-host"):
        assert audit.origin_hash(rf.get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)) == ""

    assert caplog.text.count("X-Forwarded-For") == 1
    assert "host" not in caplog.text


@pytest.mark.parametrize(
    ("remote", "place"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("", ""),
    ],
)
def test_without_a_proxy_a_client_cannot_forge_its_address(rf: Any, remote: str, place: str) -> None:
    assert client_network(rf.get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR="192.0.2.9")) == place


@pytest.mark.parametrize(
    ("remote", "is_near"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False), ("", False)],
)
def test_local_clients_are_recognized(rf: Any, remote: str, is_near: bool) -> None:
    assert is_local_client(rf.get("/", REMOTE_ADDR=remote)) is is_near
