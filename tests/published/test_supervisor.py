"""The delay before a dead worker restarts, and startup preparation in a child process."""

import os
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError

from portal.supervisor import MAX_DELAY_SECONDS, restart_delay, run_in_child


def test_two_restarts_are_immediate_and_later_delays_double_up_to_a_limit() -> None:
    delays = [restart_delay(exits) for exits in range(1, 40)]

    assert delays[:4] == [0, 0, 0.25, 0.5]
    assert all(later == 2 * earlier or later == MAX_DELAY_SECONDS for earlier, later in pairwise(delays[2:]))
    assert restart_delay(1_000_000) == MAX_DELAY_SECONDS


def test_run_in_child_reraises_expected_errors_and_reports_all_others(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(error: Exception) -> None:
        raise error

    run_in_child(lambda: (tmp_path / "pid").write_text(str(os.getpid())) and None)

    assert int((tmp_path / "pid").read_text()) != os.getpid()
    with pytest.raises(OperationalError, match="locked"):
        run_in_child(lambda: fail(OperationalError("locked")), OperationalError)
    with pytest.raises(CommandError, match="Startup failed"):
        run_in_child(lambda: fail(ZeroDivisionError("a mistake")), OperationalError)
    assert "ZeroDivisionError: a mistake" in capfd.readouterr().err
    with pytest.raises(CommandError, match="Startup failed"):
        run_in_child(lambda: sys.exit(3))
