"""A separate portal with the starter content and the demo accounts, as started by ``serve --demo``."""

import contextlib
import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.served_data import ROOT, free_port, wait_until_ready


@dataclass(frozen=True)
class Demo:
    """URL, process ID, log, passwords by account, and the environment for commands on the same data."""

    url: str
    pid: int
    log: Path
    passwords: dict[str, str]
    environ: dict[str, str]

    def signed_in(self, name: str) -> str:
        """Sign in, and return the Cookie header of the session."""
        jar, url = http.cookiejar.CookieJar(), self.url
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        with opener.open(f"{url}/admin/", timeout=30) as answer:
            address, html = answer.geturl(), answer.read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
        assert token
        form = {"csrfmiddlewaretoken": token[1], "username": name, "login": name, "password": self.passwords[name]}
        request = urllib.request.Request(address, urllib.parse.urlencode(form).encode(), {"Referer": address})
        opener.open(request, timeout=30).close()
        with opener.open(f"{url}/admin/", timeout=30) as answer:
            assert answer.geturl() == f"{url}/admin/", f"{name} is not signed in: {answer.geturl()}"
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Demo]:
    """Serve the demo with data and log in ``folder`` for the duration of the block."""
    log, port = folder / "log", free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL"))}
    environ |= {"PORTAL_DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port), "--demo"]
    with log.open("w") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, text=True, env=environ, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url, server, log)
        passwords = dict(re.findall(r"^account (\w+): (\S+)", log.read_text(), re.MULTILINE))
        yield Demo(url, server.pid, log, passwords, environ)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)
