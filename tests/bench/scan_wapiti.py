"""Scan a fresh portal on this machine with wapiti (https://wapiti-scanner.github.io), signed out and as each role.

    pip install wapiti3   (in a separate environment)
    .venv/bin/python -m tests.bench.scan_wapiti --wapiti /path/to/wapiti --reports DIR [--minutes 4]

Writes one JSON report per visitor to DIR and exits with 1 if wapiti found anything. Modules that contact servers on the
internet (ssrf, xxe, log4shell, cms, wapp) are left out, so only this machine is contacted.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tests.bench.demo import served

MODULES = (
    "crlf,cookieflags,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,shellshock,sql,upload,xss"
)
ATTEMPTS = 3
MIN_ADDRESSES = 50
RESPONSE_SECONDS = 30
# Use an in-memory folder if there is one, so that the disk does not slow wapiti down.
MEMORY = Path("/dev/shm")  # noqa: S108 -- only folders with random names are created in it
VISITORS = ("nobody", "editor", "reviewer", "manager")


class IncompleteScanError(Exception):
    """wapiti did not complete a scan, so it says nothing about the portal."""


def scan(wapiti: str, url: str, visitor: str, cookie: str, reports: Path, minutes: float) -> list[str]:
    """Return the findings of wapiti, one line each.

    On a busy machine, a scan may reach few addresses before its time is up, or wapiti's own database may be locked. Such a
    scan says nothing about the portal, so it is repeated with more time.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return scan_once(wapiti, url, visitor, cookie, reports, minutes * attempt)
        except IncompleteScanError as error:
            print(f"{visitor}: attempt {attempt} of {ATTEMPTS}: {error}", flush=True)
    sys.exit(f"{visitor}: no attempt was complete")


def scan_once(wapiti: str, url: str, visitor: str, cookie: str, reports: Path, minutes: float) -> list[str]:
    """Return the findings of one attempt.

    Raises:
        IncompleteScanError: if wapiti ended early or reached too few addresses.
    """
    report = reports / f"{visitor}.json"
    report.unlink(missing_ok=True)
    start = f"{url}/admin/" if cookie else f"{url}/"
    command = [
        wapiti, "-u", start, "--scope", "folder", "-m", MODULES, "-f", "json", "-o", str(report),
        # The lists in the admin have too many filters to crawl all, so crawling gets two fifths of the time.
        "--max-scan-time", str(int(minutes * 24)), "--max-attack-time", str(max(2, int(minutes * 36 / 15))),
        # A response that takes longer than this counts as a finding, so a busy machine must not cause one.
        "-t", str(RESPONSE_SECONDS), "--tasks", "1", "--flush-session", "--no-bugreport", "-x", f"{url}/admin/logout/", "-v", "0",
    ]  # fmt: skip
    if cookie:
        command += ["-H", f"Cookie: {cookie}"]
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as session:
        try:
            done = subprocess.run(
                [*command, "--store-session", session], capture_output=True, text=True, timeout=120 + minutes * 240
            )
        except subprocess.TimeoutExpired as error:
            raise IncompleteScanError(f"wapiti did not end within {error.timeout:.0f} seconds") from error
    if done.returncode:
        raise IncompleteScanError(f"wapiti ended with {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    found = json.loads(report.read_text())
    seen = found["infos"]["crawled_pages_nbr"]
    print(f"{visitor}: {seen} URLs", flush=True)
    if seen < MIN_ADDRESSES:
        raise IncompleteScanError(f"wapiti reached only {seen} URLs")
    entries = [
        (kind, entry)
        for part in ("vulnerabilities", "anomalies")
        for kind, entries in found[part].items()
        for entry in entries
    ]
    return [
        f"{visitor}: {kind}: {entry['method']} {entry['path']}: {entry['info']}"
        for kind, entry in entries
        if not expected(url, cookie, kind, entry["path"])
    ]


def expected(url: str, cookie: str, kind: str, path: str) -> bool:
    """Return whether a finding is a false positive. Each one is verified; none is dismissed by its name alone.

    wapiti reports missing CSRF protection if a form responds the same way to an invalid token. That is also true of forms
    that the visitor is not allowed to submit at all. And this scan runs without TLS, so no cookie can be Secure.
    """
    if kind == "Secure Flag cookie":
        return url.startswith("http://")
    if kind != "Cross Site Request Forgery":
        return False
    wrong = urllib.parse.urlencode({"csrfmiddlewaretoken": "a" * 64}).encode()
    request = urllib.request.Request(url + path, wrong, {"Cookie": cookie})
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        return error.code == 403
    return False


def main() -> int:
    """Serve the portal, scan it, and report the findings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--wapiti", default="wapiti")
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("visitors", nargs="*", default=VISITORS)
    chosen = parser.parse_args()
    # Stopping the scan stops the portal and wapiti as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen.reports.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        with served(Path(folder)) as demo:
            # Before the first scan: its attacks on the login page slow down later sign-ins.
            cookies = {name: demo.signed_in(name) if name in demo.passwords else "" for name in chosen.visitors}
            for visitor, cookie in cookies.items():
                found = scan(chosen.wapiti, demo.url, visitor, cookie, chosen.reports, chosen.minutes)
                print(f"{visitor}: {len(found)} findings")
                lines += found
        failed = demo.log.read_text().count("responded with 500")
    print("\n".join(lines))
    print(f"500 responses: {failed}")
    return 1 if lines or failed else 0


if __name__ == "__main__":
    sys.exit(main())
