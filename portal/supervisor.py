"""Supervision of the server's processes: Granian's web processes, which handle requests, and the worker process."""

import contextlib
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from granian.server.mp import MPServer

logger = logging.getLogger("portal.supervisor")

# Preloads nothing but the modules of the web processes.
multiprocessing.set_forkserver_preload(["portal.preload"])
FORK_SERVER_ATTEMPTS = 5
# A process that ran this long was healthy; if it dies, it restarts immediately.
HEALTHY_SECONDS = 10.0
IMMEDIATE_RESTARTS = 2
FIRST_DELAY_SECONDS = 0.25
MAX_DELAY_SECONDS = 30.0
# The timer must never fire before the process is due.
TIMER_MARGIN_SECONDS = 0.05
PARENT_CHECK_SECONDS = 1.0


def restart_delay(early_exits: int) -> float:
    """Return the seconds to wait before restarting a process that exited soon after its start ``early_exits`` times.

    The first two restarts are immediate; from then on the delay doubles, up to ``MAX_DELAY_SECONDS``.
    """
    if early_exits <= IMMEDIATE_RESTARTS:
        return 0.0
    # The exponent is bounded, because a process that keeps dying all night would overflow the float.
    return min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(early_exits - IMMEDIATE_RESTARTS - 1, 16))


class WebProcess(ForkServerProcess):
    """A web process, forked from Python's fork server. Python restarts the fork server if it was killed."""

    def start(self) -> None:
        attempts = FORK_SERVER_ATTEMPTS
        while True:
            try:
                return super().start()
            except (ConnectionError, EOFError):
                # The fork server was killed a moment ago, and Python has not noticed yet.
                attempts -= 1
                if not attempts:
                    raise
                time.sleep(PARENT_CHECK_SECONDS)


def run_web_process(server_pid: int, target: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Run a web process that stops if the server or the fork server is killed."""
    # Ctrl-C reaches this process, too, and Granian's worker hangs if the server's SIGTERM follows.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent and is_running(server_pid):
            time.sleep(PARENT_CHECK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
    target(*args)


def is_running(pid: int) -> bool:
    """Return whether there is a process with this ID."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class SupervisedServer(MPServer):
    """Granian server that restarts crashed web processes, its workers, with exponential backoff.

    Granian itself exits when a worker dies twice within seconds. Its main loop calls ``_respawn_workers`` when workers
    have exited. For a worker that must wait, a timer wakes the main loop when the delay is over, so that other workers
    do not wait and a stop signal takes effect at once.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By worker index: consecutive early exits; the monotonic time at which a dead worker may restart.
        self._early_exits: dict[int, int] = {}
        self._due_at: dict[int, float] = {}

    def _spawn_worker(self, *args: Any, **kwargs: Any) -> Any:
        """Return a worker that is forked from a process that imports ``portal.preload`` and does nothing else.

        A fork of this process would copy locks that its threads hold at that moment, and Granian itself only forks or
        spawns.
        """
        worker = super()._spawn_worker(*args, **kwargs)
        old: Any = worker.inner
        inherited = (os.getpid(), old._target, old._args)  # noqa: SLF001 -- Granian's process, which is not started
        worker.inner = WebProcess(name=old.name, target=run_web_process, args=inherited)
        return worker

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
            logger.error("Web process %d exited unexpectedly. Restarting it.", index + 1)
            return True
        logger.error(
            "Web process %d exited unexpectedly, %d times in a row. Restarting it in %g s.", index + 1, exits, delay
        )
        self._due_at[index] = now + delay
        timer = threading.Timer(delay + TIMER_MARGIN_SECONDS, self._wake, [index])
        timer.daemon = True
        timer.start()
        return False

    def _wake(self, index: int) -> None:
        self.interrupt_children.append(index)
        self.main_loop_interrupt.set()


def run_in_child(function: Callable[[], None], *expected: type[Exception]) -> None:
    """Run a function in a forked child, so that its memory is freed afterward. This process must have no other threads.

    Re-raise the child's exception if it is one of ``expected``; raise CommandError for anything else, which the child
    prints. A signal that ends this process also ends the child.
    """

    def run() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends this process
        try:
            function()
        except expected as error:
            sender.send(error)

    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=run)
    before = signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    error: Exception | None = None
    process.start()
    try:
        sender.close()
        with contextlib.suppress(EOFError):
            error = receiver.recv()
        process.join()
    finally:
        process.terminate()
        signal.signal(signal.SIGTERM, before)
    if error:
        raise error
    if process.exitcode:
        raise CommandError("Startup failed. See the error above.")


@contextmanager
def supervised_worker(stop_timeout: float) -> Iterator[None]:
    """Run ``manage.py worker`` during the block, restarting it with exponential backoff whenever it exits."""
    stop = threading.Event()
    process: subprocess.Popen[bytes] | None = None

    def start() -> subprocess.Popen[bytes]:
        # In its own session, so that Ctrl-C reaches only this process, which then stops the worker.
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]
        return subprocess.Popen(command, start_new_session=True)  # noqa: S603 -- no part of it is input

    def supervise() -> None:
        nonlocal process
        early_exits = 0
        while not stop.is_set():
            started, process = time.monotonic(), start()
            if stop.is_set():
                process.terminate()
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
