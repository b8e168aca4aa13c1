"""Detection of loopback hosts."""

import pytest

from portal.security import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_loopback_hosts(host: str) -> None:
    assert is_loopback(host)


def test_other_hosts_are_not_loopback(subtests: pytest.Subtests) -> None:
    for host in ["", "testserver", "*", ".localhost.example", "192.168.1.5", "[2001:db8::1]", "clinic"]:
        with subtests.test(host=host):
            assert not is_loopback(host)
