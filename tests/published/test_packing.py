"""The compression process: its results, its end, and its failure."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import brotli
import pytest

from portal.published import compression
from portal.published.compression import CompressionWorker
from portal.published.http_encoding import BEST_QUALITY
from tests.published.plain import PAGE
from tests.served_data import ROOT


def processes() -> set[str]:
    """Return the compression processes among the children of this process."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {pid for pid in children if "portal.published.compression" in Path(f"/proc/{pid}/cmdline").read_text()}


def test_bodies_are_compressed_by_one_process_with_the_lowest_priority() -> None:
    worker = CompressionWorker()

    compressed = [worker(PAGE * number, "br", BEST_QUALITY) for number in (1, 2, 300)]
    (process,) = processes()

    assert [brotli.decompress(one) for one in compressed] == [PAGE * number for number in (1, 2, 300)]
    # Relative to this process, which can have a priority of its own.
    lowest = min(19, os.getpriority(os.PRIO_PROCESS, 0) + 19)
    assert os.getpriority(os.PRIO_PROCESS, int(process)) == lowest
    worker.stop()
    assert processes() == set()


def test_the_process_starts_on_demand_and_again_after_a_stop() -> None:
    worker = CompressionWorker()
    assert processes() == set()
    worker.stop()

    for _ in range(2):
        assert brotli.decompress(worker(PAGE, "br", BEST_QUALITY)) == PAGE
        assert len(processes()) == 1
        worker.stop()


def test_a_killed_process_is_logged_and_the_body_compressed_in_this_process(caplog: pytest.LogCaptureFixture) -> None:
    worker = CompressionWorker()
    worker(PAGE, "br", BEST_QUALITY)
    os.kill(int(processes().pop()), 9)
    time.sleep(0.1)

    assert brotli.decompress(worker(PAGE * 2, "br", BEST_QUALITY)) == PAGE * 2
    assert "compressing in this process" in caplog.text
    assert processes() == set()
    worker.stop()
    assert brotli.decompress(worker(PAGE * 3, "br", BEST_QUALITY)) == PAGE * 3
    assert len(processes()) == 1
    worker.stop()


def test_a_process_that_does_not_respond_is_killed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = CompressionWorker()
    worker(PAGE, "br", BEST_QUALITY)
    monkeypatch.setattr(compression, "TIMEOUT_SECONDS", 0.2)
    os.kill(int(processes().pop()), signal.SIGSTOP)

    assert brotli.decompress(worker(PAGE * 2, "br", BEST_QUALITY)) == PAGE * 2
    assert "compressing in this process" in caplog.text
    assert processes() == set()


def test_it_exits_with_its_parent_process() -> None:
    code = (
        "import os, sys; from portal.published.compression import CompressionWorker; worker = CompressionWorker();"
        "worker(b'words ' * 99, 'br', 11); print(worker._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=30
    )
    stat = Path(f"/proc/{int(done.stdout)}/stat")

    until, is_there = time.monotonic() + 10, True
    while is_there:
        assert time.monotonic() < until
        time.sleep(0.02)
        with contextlib.suppress(OSError):
            is_there = "Z" not in stat.read_text().rpartition(")")[2]
            continue
        is_there = False
