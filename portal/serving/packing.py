"""Packing as small as it gets, in a process of its own that gives way to everybody else.

A thread cannot give way: with a low priority it is put aside now and then while it holds Python's lock, and every
reader of its process waits for it (a quarter of a second was seen). The process lives while there is something to pack.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from portal.serving.bodies import pack

ROOT = Path(__file__).resolve().parents[2]
NUMBER = 4  # bytes of a length or a quality
PATIENCE = 60.0  # seconds for one piece
log = logging.getLogger(__name__)


class PatientPacker:
    """``bodies.pack``, without haste. For one thread, which waits without holding anything."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._failed = False

    def __call__(self, raw: bytes, encoding: str, quality: int) -> bytes:
        """As ``bodies.pack``."""
        if not self._failed:
            try:
                return self._ask(raw, encoding, quality)
            except (OSError, EOFError) as error:
                log.warning("packing in this process for now: the one beside it ended (%r)", error)
                self.rest()
                self._failed = True
        return pack(raw, encoding, quality)

    def _ask(self, raw: bytes, encoding: str, quality: int) -> bytes:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "portal.serving.packing"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        to, answer = self._process.stdin, self._process.stdout
        if to is None or answer is None:
            raise EOFError
        # Ending it ends our wait, too.
        watch = threading.Timer(PATIENCE, self._process.kill)
        watch.start()
        try:
            to.write(_number(quality) + _number(len(encoding)) + encoding.encode() + _number(len(raw)))
            to.write(raw)
            to.flush()
            return _read(answer, _read_number(answer))
        finally:
            watch.cancel()

    def rest(self) -> None:
        """End the process; the next piece starts another."""
        self._failed = False
        if self._process is not None:
            with contextlib.suppress(OSError), self._process:
                self._process.kill()
            self._process = None


def _number(value: int) -> bytes:
    return value.to_bytes(NUMBER, "big")


def _read(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found


def _read_number(stream: IO[bytes]) -> int:
    return int.from_bytes(_read(stream, NUMBER), "big")


def main(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Pack piece after piece, until the other side ends."""
    while True:
        try:
            quality, encoding = _read_number(asked), _read(asked, _read_number(asked)).decode()
            packed = pack(_read(asked, _read_number(asked)), encoding, quality)
        except EOFError:
            return
        answers.write(_number(len(packed)) + packed)
        answers.flush()


if __name__ == "__main__":
    # A stop is for the server, which then ends this one.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(19)
    with contextlib.suppress(BrokenPipeError):
        main(sys.stdin.buffer, sys.stdout.buffer)
