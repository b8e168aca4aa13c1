"""Supervision of the server's processes: Granian's workers, which answer requests, and the worker process."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from granian.server.mp import MPServer

logger = logging.getLogger("portal.supervisor")

# A worker that ran this long was healthy; if it dies, it restarts immediately.
HEALTHY_SECONDS = 10.0
IMMEDIATE_RESTARTS = 2
FIRST_DELAY_SECONDS = 0.25
MAX_DELAY_SECONDS = 30.0
# The timer must never fire before the worker is due.
TIMER_MARGIN_SECONDS = 0.05


def restart_delay(early_exits: int) -> float:
    """Return the seconds to wait before restarting a worker that exited soon after its start ``early_exits`` times.

    The first two restarts are immediate; from then on the delay doubles, up to ``MAX_DELAY_SECONDS``.
    """
    if early_exits <= IMMEDIATE_RESTARTS:
        return 0.0
    # The exponent is bounded, because a worker that dies all night would overflow the float.
    return min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(early_exits - IMMEDIATE_RESTARTS - 1, 16))


class SupervisedServer(MPServer):
    """Granian server that restarts crashing workers with a growing delay.

    Granian itself exits when a worker dies twice within seconds. Its main loop calls ``_respawn_workers`` when workers
    have exited. For a worker that must wait, a timer wakes the main loop when the delay is over, so that other workers
    do not wait and a stop signal takes effect at once.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By worker index: consecutive early exits; the monotonic time at which a dead worker may restart.
        self._early_exits: dict[int, int] = {}
        self._due_at: dict[int, float] = {}

    def _respawn_workers(self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        if delay:  # a restart on SIGHUP, not a crash
            super()._respawn_workers(workers, spawn_target, target_loader, delay=delay)
            return
        # ``workers`` can miss a worker that dies while Granian reads and empties its list.
        due = [worker.idx for worker in self.wrks if not worker.inner.is_alive() and self._is_due(worker)]
        if due:
            super()._respawn_workers(due, spawn_target, target_loader)
        # Granian exits when a worker listed here dies within 5.5 seconds of its start.
        self.respawned_wrks.clear()
        if self.interrupt_children:  # appended in the meantime; its wake-up may have been lost
            self.main_loop_interrupt.set()

    def _is_due(self, worker: Any) -> bool:
        """Return whether a dead worker may restart now. If not, start a timer that wakes the main loop when it may."""
        now, index = time.monotonic(), worker.idx
        if index in self._due_at:
            if now < self._due_at[index]:
                return False
            del self._due_at[index]
            return True
        healthy = now - worker.birth >= HEALTHY_SECONDS
        exits = self._early_exits[index] = 1 if healthy else self._early_exits.get(index, 0) + 1
        delay = restart_delay(exits)
        if not delay:
            logger.error("Worker %d exited unexpectedly. Restarting it.", index + 1)
            return True
        logger.error(
            "Worker %d exited unexpectedly, %d times in a row. Restarting it in %g s.", index + 1, exits, delay
        )
        self._due_at[index] = now + delay
        timer = threading.Timer(delay + TIMER_MARGIN_SECONDS, self._wake, [index])
        timer.daemon = True
        timer.start()
        return False

    def _wake(self, index: int) -> None:
        self.interrupt_children.append(index)
        self.main_loop_interrupt.set()


@contextmanager
def supervised_worker(stop_timeout: float) -> Iterator[None]:
    """Run ``manage.py worker`` for the length of the block, and again, with a growing delay, whenever it ends."""
    stop = threading.Event()
    process: subprocess.Popen[bytes] | None = None

    def start() -> subprocess.Popen[bytes]:
        # In a session of its own, so that Ctrl-C reaches only this process, which then stops the worker.
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]
        return subprocess.Popen(command, start_new_session=True)  # noqa: S603 -- no part of it is input

    def supervise() -> None:
        nonlocal process
        early_exits = 0
        while not stop.is_set():
            started, process = time.monotonic(), start()
            process.wait()
            early_exits = 1 if time.monotonic() - started >= HEALTHY_SECONDS else early_exits + 1
            if not stop.is_set():
                delay = restart_delay(early_exits)
                logger.error("The worker process exited unexpectedly. Restarting it in %g s.", delay)
                stop.wait(delay)

    thread = threading.Thread(target=supervise, name="worker-supervisor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        if process is not None:
            process.terminate()
        thread.join(stop_timeout)
        if thread.is_alive() and process is not None:
            process.kill()
