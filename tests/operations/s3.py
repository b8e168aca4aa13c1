"""A real S3 server on this machine (moto), and a proxy that can be slow, refuse, or stop responding."""

import http.client
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.served_data import free_port

KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "only-for-tests", "AWS_EC2_METADATA_DISABLED": "true"}


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Yield the URL of a server with one empty bucket, ``pictures``."""
    port = free_port()
    log = folder / "s3.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **KEYS},
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                request = urllib.request.Request(f"{address}/pictures", method="PUT")
                urllib.request.urlopen(request, timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


class FaultyProxy(ThreadingHTTPServer):
    """Forwards requests to ``upstream`` while ``fault`` is None, and records every request in ``requests``."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fault: str | None = None
        self.requests: list[str] = []
        self.host = upstream.removeprefix("http://")
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """A connection to the proxy."""

    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def __getattr__(self, name: str) -> Any:
        """Handle every HTTP method in the same way."""
        if name.startswith("do_"):
            return self._respond
        raise AttributeError(name)

    def _respond(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        fault = self.server.fault
        if fault == "slow":
            time.sleep(3)
        if fault in {"slow", "closed"}:
            self.close_connection = True
        elif fault == "unavailable":
            self._send(503, [], b"")
        else:
            self._relay(body)

    def _relay(self, body: bytes | None) -> None:
        upstream = http.client.HTTPConnection(self.server.host, timeout=20)
        upstream.request(self.command, self.path, body, dict(self.headers))
        response = upstream.getresponse()
        data = response.read()
        own = {"transfer-encoding", "connection", "server", "date"} | ({"content-length"} if data else set())
        self._send(response.status, [pair for pair in response.getheaders() if pair[0].lower() not in own], data)
        upstream.close()

    def _send(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if data or not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        """Ignore clients that gave up."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True
