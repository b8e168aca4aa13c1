"""Measure how fast published pages are served, against the bare server and nginx, in interleaved rounds. Needs wrk.

    .venv/bin/python -m tests.bench.bench_reads [--pages 10000] [--rounds 15] [--seconds 2] [--peer NAME=URL …] [--json FILE]

Creates a data directory with the starter content and synthetic pages of 10 kB, serves it as in production (two web
processes and the worker), and compares it with Granian returning the same bytes (bare.py) and nginx serving the same
bytes as files, if it is installed. Each round runs every target once, in turns, so that other load on the machine
affects all of them; ratios are computed within a round, and their median is printed. A peer (another system's page,
already running) takes part in "hit" and "miss".
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.processes import megabytes, web_pids

ROOT = Path(__file__).resolve().parents[2]
OURS, BARE, NGINX = 8480, 8481, 8482
CONNECTIONS = 16
LUA = """
local paths = {}
for line in io.lines("%(file)s") do paths[#paths + 1] = line end
math.randomseed(7)
request = function() return wrk.format("GET", paths[math.random(#paths)]) end
done = function(s, l, r)
  local e = s.errors
  io.write(string.format("@@%%d %%d %%d %%d\\n", s.requests * 1000000 / s.duration, l:percentile(50), l:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""
NGINX_CONF = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.err warn;
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; keepalive_requests 1000000; default_type "text/html; charset=utf-8";
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; {headers}
    location / {{ try_files $uri/index.html $uri =404; }} }} }}
"""


@dataclass
class Target:
    """One server in one scenario. ``rounds``: requests per second, p50 and p99 in µs, errors."""

    name: str
    url: str
    paths: list[str]
    headers: dict[str, str] = field(default_factory=dict)
    rounds: list[list[int]] = field(default_factory=list)

    def run(self, seconds: int) -> None:
        """Run wrk once."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "paths"
            file.write_text("\n".join(self.paths) + "\n")
            script = Path(folder) / "run.lua"
            script.write_text(LUA % {"file": file})
            headers = [part for name, value in self.headers.items() for part in ("-H", f"{name}: {value}")]
            command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), *headers, self.url]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"@@(\d+) (\d+) (\d+) (\d+)", out)
        assert found, out
        self.rounds.append([int(value) for value in found.groups()])


def prepare(count: int) -> list[str]:
    """Fill the data folder with the starter content and ``count`` pages, and return their paths."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("load_content", if_empty=True, verbosity=0)
    from tests.bench.synthetic import make_pages

    return make_pages(count)


@contextlib.contextmanager
def started(command: list[str], log: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """Run a server for the duration of the block."""
    with log.open("a") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, text=True, cwd=ROOT, env={**os.environ, **environ}
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(url: str, log: Path) -> None:
    """Wait until the server responds."""
    for _ in range(1200):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    sys.exit(f"{url} does not answer:\n{log.read_text()[-2000:]}")


def wait_until_warm(log: Path, pid: int, begun: float) -> None:
    """Wait until the worker has rendered and compressed everything."""
    while "Compressed all public pages" not in log.read_text():
        time.sleep(1)
    print(f"rendered and compressed after {time.monotonic() - begun:.0f} s: {web_megabytes(pid)} MB", flush=True)


def copy_bytes(paths: list[str], folder: Path, encoding: str) -> str:
    """Store the responses of our server for both baselines, and return the header lines for nginx."""
    import http.client

    index, lines = [], ""
    connection = http.client.HTTPConnection("127.0.0.1", OURS)
    for number, path in enumerate(paths):
        connection.request("GET", path, headers={"Accept-Encoding": encoding})
        response = connection.getresponse()
        body = response.read()
        headers = [pair for pair in response.getheaders() if pair[0].lower() not in {"date", "server", "connection"}]
        file = folder / "www" / path.strip("/") / "index.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        index.append([path, headers, str(file.relative_to(folder))])
        if number == 0:
            own = {"content-length", "etag", "last-modified", "content-type"}
            lines = " ".join(f'add_header {name} "{value}";' for name, value in headers if name.lower() not in own)
    (folder / "answers.json").write_text(json.dumps(index))
    return lines


def web_megabytes(pid: int) -> list[int]:
    """Return the resident memory of each web process."""
    return [megabytes(child) for child in web_pids(pid)]


# Publishes a different text each time, as an editor would.
PUBLISH = """
import sys, time
import django; django.setup()
from procedures.models import Page
from tests.factories import make_public
page = Page.objects.published().get(language="en", subject={subject!r})
text = page.body.partition("\\n\\nRound ")[0]
while True:
    begun = time.perf_counter()
    page.body = f"{{text}}\\n\\nRound {{begun}}.\\n"
    page.save()
    make_public(page)
    took = time.perf_counter() - begun
    print(f"published in {{took:.2f}} s", flush=True)
    time.sleep(max(0.0, 1 - took))
"""
# A text about as long as the requested pages, and the longest text.
PUBLISHED = ("contact", "kyphoplasty")


def rounds(name: str, targets: list[Target], options: argparse.Namespace, results: dict[str, Any]) -> None:
    """Run all targets in turn, and print a table."""
    for target in targets:
        target.run(1)
        target.rounds.clear()
    for number in range(options.rounds):
        # Alternate the order, so that no target always follows the same one.
        for target in targets if number % 2 == 0 else reversed(targets):
            target.run(options.seconds)
    ours = targets[0]
    print(
        f"\n{name}\n| target | req/s | ours / it | p50 ms | p99 ms | p99 ours / its | errors |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    for target in targets:
        speed = [one[0] / other[0] for one, other in zip(ours.rounds, target.rounds, strict=True)]
        slow = [one[2] / other[2] for one, other in zip(ours.rounds, target.rounds, strict=True)]
        middle = [statistics.median(values) for values in zip(*target.rounds, strict=True)]
        row = {"req/s": middle[0], "ratio": statistics.median(speed), "p50": middle[1] / 1000, "p99": middle[2] / 1000,
               "p99 ratio": statistics.median(slow), "errors": sum(one[3] for one in target.rounds)}  # fmt: skip
        results.setdefault(name, {})[target.name] = row
        print(f"| {target.name} | {row['req/s']:.0f} | {row['ratio']:.2f} | {row['p50']:.2f} | {row['p99']:.2f} | {row['p99 ratio']:.2f} | {row['errors']} |",
              flush=True)  # fmt: skip


def publishing(
    subject: str, targets: list[Target], options: argparse.Namespace, log: Path, results: dict[str, Any]
) -> None:
    """Measure the same target idle and during publishing, each time between two idle runs, so that noise affects both."""
    quiet, busy = targets
    quiet.run(options.seconds)
    for _ in range(options.rounds):
        with started([sys.executable, "-c", PUBLISH.format(subject=subject)], log):
            before = log.read_text().count("published in")
            while log.read_text().count("published in") == before:
                time.sleep(0.1)
            busy.run(options.seconds)
        # Work deferred until after the last publish finishes here, so that it affects neither.
        time.sleep(5)
        quiet.run(options.seconds)
    between = [(one[0] + other[0]) / 2 for one, other in itertools.pairwise(quiet.rounds)]
    share = statistics.median(one[0] / other for one, other in zip(busy.rounds, between, strict=True))
    errors = sum(one[3] for one in busy.rounds)
    results[f"publishing {subject}"] = {"share": share, "errors": errors}
    print(f"\nwhile {subject} is published every second: {share:.2f} of the throughput, {errors} errors", flush=True)


def main() -> None:
    """Parse the arguments and run the benchmark in a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=URL")
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--folder", type=Path, help="keep everything here, so that a second run finds its pages rendered"
    )
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed: apt-get install wrk")
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        measure(options.folder.resolve(), options)
        return
    folder = Path(tempfile.mkdtemp(prefix="bench-reads-"))
    try:
        measure(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Run all scenarios, with generated files in ``folder``."""
    (folder / "www").mkdir(exist_ok=True)
    # nginx, if started by root, reads as another user. The data folder stays private.
    folder.chmod(0o755)
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "PORTAL_DATA_DIR": str(folder / "data"),
                   "PORTAL_PUBLIC_URL": f"http://127.0.0.1:{OURS}"}  # fmt: skip
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    index = folder / "paths.json"
    if not index.exists():
        index.write_text(json.dumps(prepare(options.pages)))
    paths = json.loads(index.read_text())
    log = folder / "log"
    python, br = sys.executable, {"Accept-Encoding": "br"}
    results: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        begun = time.monotonic()
        log.unlink(missing_ok=True)
        server = stack.enter_context(started([python, "manage.py", "serve", "--port", str(OURS)], log))
        wait_for(f"http://127.0.0.1:{OURS}/readyz", log)
        print(f"first response after {time.monotonic() - begun:.1f} s", flush=True)
        wait_until_warm(log, server.pid, begun)
        headers = copy_bytes(paths, folder, "br")
        bare = [str(Path(python).parent / "granian"), "--interface", "wsgi", "--workers", "2", "--blocking-threads", "16", "--no-ws",
                "--host", "127.0.0.1", "--port", str(BARE), "--log-level", "error", "tests.bench.bare:application"]  # fmt: skip
        stack.enter_context(started(bare, log, BARE_FOLDER=str(folder)))
        yardsticks = {"bare server": BARE}
        if shutil.which("nginx"):
            conf = folder / "nginx.conf"
            conf.write_text(NGINX_CONF.format(folder=folder, port=NGINX, headers=headers))
            stack.enter_context(started(["nginx", "-p", str(folder), "-c", str(conf)], log))
            yardsticks["nginx, static files"] = NGINX
        else:
            print("nginx is not installed: apt-get install nginx-light")
        for port in yardsticks.values():
            wait_for(f"http://127.0.0.1:{port}{paths[0]}", log)

        def targets(chosen: list[str], **extra: str) -> list[Target]:
            ports = {"ours": OURS, **yardsticks}
            return [Target(name, f"http://127.0.0.1:{port}", chosen, {**br, **extra}) for name, port in ports.items()]

        peers = [
            Target(name, url, ["/" + url.split("/", 3)[3]])
            for name, _, url in (one.partition("=") for one in options.peer)
        ]
        rounds("hit", [*targets(paths[:1]), *peers], options, results)
        tag = urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{OURS}{paths[0]}", headers=br)).headers[
            "ETag"
        ]
        rounds("conditional hit (304)", targets(paths[:1], **{"If-None-Match": tag})[:1], options, results)
        for count in sorted({min(1000, len(paths)), len(paths)}):
            rounds(f"{count} pages at random", targets(paths[:count]), options, results)
        miss = Target("ours", f"http://127.0.0.1:{OURS}", [f"{paths[0]}?miss=1"])
        rounds("miss (rendered by Django)", [miss, *peers], options, results)
        print(f"\nmemory of the web processes: {web_megabytes(server.pid)} MB")
        for subject in PUBLISHED:
            publishing(subject, [targets(paths[:1000])[0] for _ in range(2)], options, log, results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
