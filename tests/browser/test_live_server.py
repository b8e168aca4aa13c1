"""The live server and the test use one connection to the database in memory, however few tests run."""

from typing import Any

import pytest
from django.db import connection, connections

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only a database in memory has a single connection")
def test_live_server_has_the_connection_of_the_test(live_server: Any) -> None:
    assert live_server.thread.connections_override["default"] is connections["default"]
