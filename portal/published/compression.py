"""Best-quality compression in a separate process with low priority.

A low-priority thread would not do: the scheduler suspends it while it holds the GIL, and all requests of its process
wait (250 ms were measured). The process runs only while there is something to compress.
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
INTEGER_BYTES = 4  # size of a length or quality in the protocol with the worker process
TIMEOUT_SECONDS = 60.0  # for one body
log = logging.getLogger(__name__)


class CompressionWorker:
    """``http_encoding.compress`` in a low-priority process. For use by a single thread.

    If the process dies, compress in this process until the next ``stop()``.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._failed = False

    def __call__(self, raw: bytes, encoding: str, quality: int) -> bytes:
        """Compress a body; the arguments are those of ``http_encoding.compress``."""
        if not self._failed:
            try:
                return self._request(raw, encoding, quality)
            except (OSError, EOFError) as error:
                log.warning("The compression process died (%r); compressing in this process for now", error)
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
        requests, responses = self._process.stdin, self._process.stdout
        if requests is None or responses is None:
            raise EOFError
        # Killing the process ends the blocking read below.
        timeout = threading.Timer(TIMEOUT_SECONDS, self._process.kill)
        timeout.start()
        try:
            header = _encode_int(quality) + _encode_int(len(encoding)) + encoding.encode() + _encode_int(len(raw))
            requests.write(header)
            requests.write(raw)
            requests.flush()
            return _read_exactly(responses, _read_int(responses))
        finally:
            timeout.cancel()

    def stop(self) -> None:
        """Kill the process. The next call starts a new one."""
        self._failed = False
        if self._process is not None:
            with contextlib.suppress(OSError), self._process:
                self._process.kill()
            self._process = None


def _encode_int(value: int) -> bytes:
    return value.to_bytes(INTEGER_BYTES, "big")


def _read_exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _read_int(stream: IO[bytes]) -> int:
    return int.from_bytes(_read_exactly(stream, INTEGER_BYTES), "big")


def main(requests: IO[bytes], responses: IO[bytes]) -> None:
    """Compress bodies until the other side closes the stream."""
    while True:
        try:
            quality, encoding = _read_int(requests), _read_exactly(requests, _read_int(requests)).decode()
            compressed = compress(_read_exactly(requests, _read_int(requests)), encoding, quality)
        except EOFError:
            return
        responses.write(_encode_int(len(compressed)) + compressed)
        responses.flush()


if __name__ == "__main__":
    # The server receives the same signals and then kills this process.
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(19)
    with contextlib.suppress(BrokenPipeError):
        main(sys.stdin.buffer, sys.stdout.buffer)
