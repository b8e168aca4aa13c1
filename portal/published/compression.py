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

from portal.published.http_encoding import compress

PROJECT_ROOT = Path(__file__).resolve().parents[2]
INTEGER_BYTES = 4  # bytes of a length or a quality
TIMEOUT_SECONDS = 60.0  # seconds for one piece
log = logging.getLogger(__name__)


class CompressionWorker:
    """``bodies.pack``, without haste. For one thread, which waits without holding anything."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._failed = False

    def __call__(self, raw: bytes, encoding: str, quality: int) -> bytes:
        """As ``bodies.pack``."""
        if not self._failed:
            try:
                return self._request(raw, encoding, quality)
            except (OSError, EOFError) as error:
                log.warning("packing in this process for now: the one beside it ended (%r)", error)
                self.stop()
                self._failed = True
        return compress(raw, encoding, quality)

    def _request(self, raw: bytes, encoding: str, quality: int) -> bytes:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "portal.published.compression"],
                cwd=PROJECT_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        to, answer = self._process.stdin, self._process.stdout
        if to is None or answer is None:
            raise EOFError
        # Ending it ends our wait, too.
        watch = threading.Timer(TIMEOUT_SECONDS, self._process.kill)
        watch.start()
        try:
            to.write(_encode_int(quality) + _encode_int(len(encoding)) + encoding.encode() + _encode_int(len(raw)))
            to.write(raw)
            to.flush()
            return _read_exactly(answer, _read_int(answer))
        finally:
            watch.cancel()

    def stop(self) -> None:
        """End the process; the next piece starts another."""
        self._failed = False
        if self._process is not None:
            with contextlib.suppress(OSError), self._process:
                self._process.kill()
            self._process = None


def _encode_int(value: int) -> bytes:
    return value.to_bytes(INTEGER_BYTES, "big")


def _read_exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found


def _read_int(stream: IO[bytes]) -> int:
    return int.from_bytes(_read_exactly(stream, INTEGER_BYTES), "big")


def main(requests: IO[bytes], responses: IO[bytes]) -> None:
    """Pack piece after piece, until the other side ends."""
    while True:
        try:
            quality, encoding = _read_int(requests), _read_exactly(requests, _read_int(requests)).decode()
            packed = compress(_read_exactly(requests, _read_int(requests)), encoding, quality)
        except EOFError:
            return
        responses.write(_encode_int(len(packed)) + packed)
        responses.flush()


if __name__ == "__main__":
    # A stop is for the server, which then ends this one.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(19)
    with contextlib.suppress(BrokenPipeError):
        main(sys.stdin.buffer, sys.stdout.buffer)
