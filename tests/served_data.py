"""The data folder that a first start leaves, built once for each state of the code and copied for each session.

A first start stores every picture in every size and renders every page: about a minute of a processor. A start on a copy
of its data folder takes a few seconds.
"""

import fcntl
import hashlib
import json
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Everything a first start reads.
SOURCES = ("portal", "procedures", "templates", "static", "content", "manage.py")
START_SECONDS = 600  # on a machine that is busy; a process that ends is noticed at once
# Switching between two branches must not build the data each time.
MAX_TEMPLATES = 3


def free_port() -> int:
    """A port on the loopback interface that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[str], log: Path) -> None:
    """Wait until ``/readyz`` answers; fail with the server's log."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"serve did not get ready:\n{log.read_text()}")


@contextmanager
def serve(environ: dict[str, str], log: Path) -> Iterator[str]:
    """Run ``manage.py serve --demo`` until the block ends; yields its URL once it is ready."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port), "--demo"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, text=True, env=environ, cwd=ROOT
        )  # fmt: skip
    try:
        wait_until_ready(url, process, log)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def wait_until_published(log: Path) -> None:
    """Wait until the worker has rendered all pages: until then, those of an earlier start have its port in their addresses."""
    until = time.monotonic() + 300
    while "Compressed all public pages" not in log.read_text():
        assert time.monotonic() < until, log.read_text()[-2000:]
        time.sleep(0.1)


def start_once(environ: dict[str, str], log: Path) -> float:
    """Start the server, stop it as soon as it is ready, and return the CPU seconds that this took."""
    before = child_cpu_seconds()
    with serve(environ, log):
        pass
    return child_cpu_seconds() - before


def child_cpu_seconds() -> float:
    """CPU time of all ended child processes. Unlike elapsed time, it hardly depends on what else the machine does."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def fingerprint(sources: tuple[str, ...] = SOURCES, suffix: str = "") -> str:
    """A hash of Python, its packages, and files of this project; by default of everything that a first start reads."""
    digest = hashlib.sha256(sys.version.encode())
    for package in sorted(f"{found.name}=={found.version}" for found in metadata.distributions()):
        digest.update(package.encode() + b"\n")
    for source in sources:
        path = ROOT / source
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and file.suffix != ".pyc" and file.name.endswith(suffix):
                digest.update(f"\n{file.relative_to(ROOT)} {file.stat().st_size}\n".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:20]


def copy_first_start(cache: Path, data: Path, environ: dict[str, str]) -> float:
    """Fill ``data`` with what a first start writes; returns the CPU seconds of that start.

    The cache folder can be shared by any number of processes: one builds, the others wait for it.
    """
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        template = cache / fingerprint()
        if not template.exists():
            building = cache / "building"
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            folder = building / "data"
            seconds = start_once({**environ, "PORTAL_DATA_DIR": str(folder)}, building / "log")
            (building / "start.json").write_text(json.dumps({"cpu_seconds": seconds}))
            remove_old_templates(cache)
            building.rename(template)
        shutil.copytree(template / "data", data, dirs_exist_ok=True)
        return float(json.loads((template / "start.json").read_text())["cpu_seconds"])


def remove_old_templates(cache: Path) -> None:
    """Make room for one more template: the oldest go."""
    templates = sorted(cache.glob("*/start.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in templates[MAX_TEMPLATES - 1 :]:
        if file.parent.name != "building":
            shutil.rmtree(file.parent)
