"""The delay before a dead worker restarts."""

from itertools import pairwise

from portal.supervisor import MAX_DELAY_SECONDS, restart_delay


def test_two_restarts_are_immediate_and_later_delays_double_up_to_a_limit() -> None:
    delays = [restart_delay(exits) for exits in range(1, 40)]

    assert delays[:4] == [0, 0, 0.25, 0.5]
    assert all(later == 2 * earlier or later == MAX_DELAY_SECONDS for earlier, later in pairwise(delays[2:]))
    assert restart_delay(1_000_000) == MAX_DELAY_SECONDS
