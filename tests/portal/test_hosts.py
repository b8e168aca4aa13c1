"""Which hosts are this machine."""

import pytest

from portal.security.allowed_hosts import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_these_are_this_machine(host: str) -> None:
    assert is_loopback(host)


def test_these_may_be_others(subtests: pytest.Subtests) -> None:
    for host in ["", "testserver", "*", ".localhost.example", "192.168.1.5", "[2001:db8::1]", "clinic"]:
        with subtests.test(host=host):
            assert not is_loopback(host)
