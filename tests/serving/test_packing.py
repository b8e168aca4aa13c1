"""The process that packs: what it gives back, that it ends, and that its end stops nothing."""

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
from tests.served_data import ROOT
from tests.serving.plain import PAGE


def processes() -> set[str]:
    """Children of this process that pack."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {pid for pid in children if "portal.published.compression" in Path(f"/proc/{pid}/cmdline").read_text()}


def test_a_piece_comes_back_packed_by_one_process_of_the_lowest_priority() -> None:
    packer = CompressionWorker()

    packed = [packer(PAGE * number, "br", BEST_QUALITY) for number in (1, 2, 300)]
    (process,) = processes()

    assert [brotli.decompress(one) for one in packed] == [PAGE * number for number in (1, 2, 300)]
    # Relative to this process, which can have a priority of its own.
    lowest = min(19, os.getpriority(os.PRIO_PROCESS, 0) + 19)
    assert os.getpriority(os.PRIO_PROCESS, int(process)) == lowest
    packer.stop()
    assert processes() == set()


def test_nothing_runs_before_there_is_something_to_pack_and_after_a_rest_it_begins_again() -> None:
    packer = CompressionWorker()
    assert processes() == set()
    packer.stop()

    for _ in range(2):
        assert brotli.decompress(packer(PAGE, "br", BEST_QUALITY)) == PAGE
        assert len(processes()) == 1
        packer.stop()


def test_a_killed_process_is_said_and_the_piece_is_packed_here(caplog: pytest.LogCaptureFixture) -> None:
    packer = CompressionWorker()
    packer(PAGE, "br", BEST_QUALITY)
    os.kill(int(processes().pop()), 9)
    time.sleep(0.1)

    assert brotli.decompress(packer(PAGE * 2, "br", BEST_QUALITY)) == PAGE * 2
    assert "packing in this process" in caplog.text
    assert processes() == set()
    packer.stop()
    assert brotli.decompress(packer(PAGE * 3, "br", BEST_QUALITY)) == PAGE * 3
    assert len(processes()) == 1
    packer.stop()


def test_a_process_that_does_not_answer_is_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    packer = CompressionWorker()
    packer(PAGE, "br", BEST_QUALITY)
    monkeypatch.setattr(compression, "TIMEOUT_SECONDS", 0.2)
    os.kill(int(processes().pop()), signal.SIGSTOP)

    assert brotli.decompress(packer(PAGE * 2, "br", BEST_QUALITY)) == PAGE * 2
    assert "packing in this process" in caplog.text
    assert processes() == set()


def test_it_ends_with_the_process_that_asked() -> None:
    code = (
        "import os, sys; from portal.published.compression import PatientPacker; packer = PatientPacker();"
        "packer(b'words ' * 99, 'br', 11); print(packer._process.pid, flush=True); os.kill(os.getpid(), 9)"
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
