"""The cost of an upload: turning a large photograph into a figure, compared with only the same Pillow work.

    .venv/bin/python -m tests.bench.bench_upload [--rounds 9] [--width 4000] [--height 3000]

Each round creates a new picture, so that no file exists yet, and runs both variants in alternating order:

- ours: the editor's upload with the check screen: file, decoding, staging, showing the result, fsync, database
- alone: the same decoding in draft mode, resizing, and encoding, sequentially and in memory

Prints the medians, their ratio (limit: 1.3), and the peak memory (limit: 300 MB, VmHWM on Linux) of a separate Granian
worker that receives over HTTP one picture from the editor and one from the upload screens, with a crop and a black box.
Exits with 1 if a limit is exceeded.
"""

import argparse
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from tests.processes import web_pids

ROOT = Path(__file__).resolve().parents[2]
MAX_RATIO, MAX_MEGABYTES = 1.3, 300
CHOOSE = "/admin/procedures/figure/intake/"
UPLOAD = "/admin/procedures/figure/upload/"


def photograph(width: int, height: int, number: int) -> bytes:
    """Return a JPEG with as much detail as a noisy X-ray, different for each number."""
    noise = Image.effect_noise((width, height), 30)
    shades = [Image.linear_gradient("L").rotate(90 * turn).resize((width, height)) for turn in (0, 1, number % 2 + 2)]
    image = Image.merge("RGB", [Image.blend(shade, noise, 0.3) for shade in shades])
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=88, comment=str(number))
    return stream.getvalue()


def words(number: int) -> dict[str, str]:
    """Return the form fields of the upload other than the file."""
    said = {"title": f"Bench {number}", "alt": "A bone.", "caption": "A bone of the spine.", "language": "en"}
    return {**said, "kind": "photo", "provenance": "simulated", "provenance_note": "", "deidentified": "on"}


def in_english(number: int) -> dict[str, str]:
    """Return the same fields with the names used by the check screen."""
    return {f"{name}_en" if name in {"title", "alt", "caption"} else name: text for name, text in words(number).items()}


def somebody() -> Any:
    """Return a Django client signed in as a superuser."""
    from portal.accounts.models import User
    from tests.bench.staff import signed_in

    user, _ = User.objects.get_or_create(username="bench", defaults={"is_staff": True, "is_superuser": True})
    return signed_in(user)


def ours(client: Any, data: bytes, number: int) -> None:
    """Upload through the portal, from the first request to the last response."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from tests.rate_limits import reset_upload_limits

    reset_upload_limits()  # uploads are rate-limited
    answer = client.post(UPLOAD, {"picture": SimpleUploadedFile("x.jpg", data)})
    address = answer.json()["next"]
    looked = client.get(f"{address}result.png", headers={"Accept": "application/json"}).json()["seen_sha256"]
    client.get(f"{address}result.png")
    answer = client.post(address, {**in_english(number), "seen_sha256": looked, "do": "save"})
    if answer.status_code != 302:
        raise RuntimeError(answer.content.decode())


def alone(data: bytes) -> None:
    """Do only Pillow's part of the work."""
    from procedures.figures.decoding import MAX_WIDTH
    from procedures.figures.renditions import ENCODER_OPTIONS, rendition_widths

    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
        image.draft(None, (MAX_WIDTH, MAX_WIDTH * image.height // image.width))
        image.load()
        original = ImageOps.exif_transpose(image).convert("RGB")
    if original.width > MAX_WIDTH:
        size = (MAX_WIDTH, round(original.height * MAX_WIDTH / original.width))
        original = original.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    original.save(io.BytesIO(), "PNG", compress_level=4)
    smaller = original
    for width in reversed(rendition_widths(original.width)):
        if width < smaller.width:
            size = (width, round(original.height * width / original.width))
            smaller = smaller.resize(size, Image.Resampling.LANCZOS)
        for name, options in ENCODER_OPTIONS.items():
            smaller.save(io.BytesIO(), name.upper(), **options)


def seconds(work: Callable[..., None], *values: object) -> float:
    """Return the wall time of one run."""
    begun = time.perf_counter()
    work(*values)
    return time.perf_counter() - begun


def set_up(folder: str) -> None:
    """Set up the portal with an empty database in ``folder``."""
    os.environ |= {
        "PORTAL_DATA_DIR": folder,
        "PORTAL_TEXT_DETECTION": "false",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from portal.storage.static_files import collect_static_files

    collect_static_files()


def peak_megabytes(pid: int) -> float:
    """Return the peak memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def worker_of(pid: int) -> int:
    """Return the process ID of the only web process."""
    (found,) = web_pids(pid)
    return found


class Browser:
    """A staff user's HTTP client."""

    def __init__(self, url: str) -> None:
        from django.conf import settings

        self.url, self.token = url, "b" * 32
        session = somebody().cookies[settings.SESSION_COOKIE_NAME].value
        self.cookies = f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={self.token}"

    def post(self, path: str, fields: dict[str, str], picture: bytes | None = None) -> dict[str, Any]:
        """Post a form, and return the JSON response, or an empty dict for an HTML page."""
        edge = "edge0123456789"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in {**fields, "csrfmiddlewaretoken": self.token}.items()
        ]
        if picture is not None:
            head = f'--{edge}\r\nContent-Disposition: form-data; name="picture"; filename="x.jpg"\r\n\r\n'
            parts.append(head.encode() + picture + b"\r\n")
        body = b"".join(parts) + f"--{edge}--\r\n".encode()
        return self._ask(path, body, {"Content-Type": f"multipart/form-data; boundary={edge}"})

    def get(self, path: str) -> dict[str, Any]:
        """Request JSON."""
        return self._ask(path, None, {})

    def look(self, path: str) -> None:
        """Load a picture."""
        self._ask(path, None, {"Accept": "image/png"})

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
        headers = {"Accept": "application/json", **headers, "Cookie": self.cookies}
        request = urllib.request.Request(self.url + path, body, headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            said = answer.read()
            found: dict[str, Any] = json.loads(said) if answer.headers["Content-Type"] == "application/json" else {}
            return found


def by_screens(browser: Browser, data: bytes) -> None:
    """Upload, cover, crop, and save through the screens."""
    check(browser, browser.post(CHOOSE, {}, data)["next"], 2)


def check(browser: Browser, address: str, number: int) -> None:
    """View the result and save it."""
    sides = ("left", "top", "width", "height")
    fields = {"box-TOTAL_FORMS": "1", "box-INITIAL_FORMS": "0"}
    fields |= {f"box-0-{side}": str(value) for side, value in zip(sides, (1, 1, 30, 8), strict=True)}
    fields |= {f"cut-{side}": str(value) for side, value in zip(sides, (2, 2, 96, 96), strict=True)}
    result = f"{address}result.png?{urllib.parse.urlencode(fields)}"
    looked = browser.get(result)["seen_sha256"]
    browser.look(result)
    browser.post(address, {**in_english(number), **fields, "seen_sha256": looked, "do": "save"})


def memory(data: bytes) -> tuple[float, float, float]:
    """Return a worker's peak memory in MB: before, after the editor's upload, and after the screens."""
    from procedures.models import Figure

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", port, "--blocking-threads", "16"]
    server = subprocess.Popen([*command, "--log-level", "error", "portal.wsgi:application"], cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{url}/healthz", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        browser = Browser(url)
        worker = worker_of(server.pid)
        before = peak_megabytes(worker)
        there = Figure.objects.count()
        check(browser, browser.post(UPLOAD, {}, data)["next"], 1)
        after = peak_megabytes(worker)
        # A different picture, because a duplicate would be rejected.
        by_screens(browser, photograph(4000, 3000, 98))
        if Figure.objects.count() != there + 2:
            raise RuntimeError("A picture was not saved.")
        return before, after, peak_megabytes(worker)
    finally:
        server.terminate()
        server.wait()


def compare(rounds: int, width: int, height: int) -> int:
    """Measure both variants in turn, then the memory."""
    client = somebody()
    times: dict[str, list[float]] = {"ours": [], "alone": []}
    for number in range(-1, rounds):
        data = photograph(width, height, number + 1)
        ways = {
            "ours": lambda data=data, number=number: ours(client, data, number),
            "alone": lambda data=data: alone(data),
        }
        for name in sorted(ways, reverse=bool(number % 2)):
            taken = seconds(ways[name])
            if number >= 0:  # the first round warms up
                times[name].append(taken)
    middle = {name: statistics.median(taken) for name, taken in times.items()}
    ratio = middle["ours"] / middle["alone"]
    before, peak, screens = memory(photograph(width, height, 99))
    print(
        f"{width} × {height} JPEG of {len(data) / 1e6:.1f} MB, {rounds} alternating rounds, {os.cpu_count()} cores\n"
        f"ours   {middle['ours']:.3f} s (from {min(times['ours']):.3f} to {max(times['ours']):.3f})\n"
        f"alone  {middle['alone']:.3f} s (from {min(times['alone']):.3f} to {max(times['alone']):.3f})\n"
        f"ratio  {ratio:.2f} (limit {MAX_RATIO})\n"
        f"memory of a worker over HTTP: {before:.0f} MB before, {peak:.0f} MB at the peak of the upload, "
        f"{screens:.0f} MB after the screens (limit {MAX_MEGABYTES} MB)"
    )
    return int(ratio > MAX_RATIO or screens > MAX_MEGABYTES)


def main() -> int:
    """Parse the arguments and run the benchmark."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--width", type=int, default=4000)
    arguments.add_argument("--height", type=int, default=3000)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(folder)
        return compare(given.rounds, given.width, given.height)


if __name__ == "__main__":
    sys.exit(main())
