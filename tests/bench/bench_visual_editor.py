"""Opening and typing in the visual editor: ``.venv/bin/python -m tests.bench.bench_visual_editor [--keys 400] [--words 2500]``.

Serves the starter content, opens the English page with the closest word count in Chromium as the demo editor, and
types 40 keys per second into the middle of its text while preview and autosave follow. Prints the time from the arrival of
the page until the text is editable; the CPU time per key, including layout, painting, preview, and autosave, which other
load hardly affects; the script time per key; and each task longer than 50 ms. Needs Chromium. ``--url`` with ``--cookie`` measures a server that is already running.
"""

import argparse
import bisect
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import django
from playwright.sync_api import sync_playwright

django.setup()

from tests.bench.bench_typing import NEAREST, TEXT  # noqa: E402 -- the settings come first
from tests.bench.demo import served  # noqa: E402 -- the settings come first
from tests.conftest import FLAGS, chromium  # noqa: E402 -- the settings come first
from tests.served_data import ROOT  # noqa: E402 -- the settings come first

OPENING = """document.addEventListener("editor:ready", () => {
  const [page] = performance.getEntriesByType("navigation");
  window.opened = [performance.now() - page.responseEnd, performance.now()];
});"""
WATCH = """() => {
  window.tasks = []; window.keys = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration))).observe({type: "longtask"});
  document.querySelector("[data-visual-text]").addEventListener("keydown", () => {
    const begun = performance.now(); setTimeout(() => window.keys.push(performance.now() - begun)); });
}"""
HALFWAY = """() => {
  const { visualEditor } = document.querySelector("[data-editor]");
  visualEditor.goToLine(Math.round(document.querySelector("#id_body").value.split("\\n").length / 2));
}"""


def cpu_by_key(trace: bytes) -> list[float]:
    """Return the CPU time of the page's thread from each key to the next in milliseconds, sorted."""
    events = json.loads(trace)["traceEvents"]
    keys = [
        event
        for event in events
        if event["name"] == "EventDispatch" and event["args"].get("data", {}).get("type") == "keydown"
    ]
    thread = (keys[0]["pid"], keys[0]["tid"])
    starts = sorted(event["ts"] for event in keys)
    times = [0.0] * len(starts)
    for event in events:
        if event["name"].endswith("RunTask") and "tdur" in event and (event["pid"], event["tid"]) == thread:
            index = bisect.bisect_right(starts, event["ts"] + event["dur"]) - 1
            if index >= 0:
                times[index] += event["tdur"] / 1000
    # The last key has no successor.
    return sorted(times[:-1])


def percentile(values: list[float]) -> str:
    return f"median {statistics.median(values):.1f} ms, 99 of 100 below {values[int(len(values) * 0.99)]:.1f} ms"


@contextlib.contextmanager
def target(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield the address of the form and the Cookie header."""
    if options.url:
        yield options.url, options.cookie
        return
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as demo:
        command = [sys.executable, "manage.py", "shell", "-v0", "-c", NEAREST.format(words=options.words)]
        page_id = subprocess.check_output(command, cwd=ROOT, env=demo.environ, text=True).split()[-1]
        yield f"{demo.url}/admin/procedures/page/{page_id}/change/", demo.signed_in("editor")


def main() -> None:
    """Open the page, type the keys, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=400)
    parser.add_argument("--words", type=int, default=2500)
    parser.add_argument("--url", default="")
    parser.add_argument("--cookie", default="")
    options = parser.parse_args()
    with target(options) as (url, cookies), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        for part in cookies.split("; "):
            key, _, value = part.partition("=")
            context.add_cookies([{"name": key, "value": value, "url": f"{url.split('/admin/')[0]}/admin/"}])
        context.add_init_script(OPENING)
        page = context.new_page()
        opened = []
        for _ in range(3):
            page.goto(url)
            page.locator("[data-visual-text] .ProseMirror").wait_for()
            page.frame_locator("[data-stage] iframe").locator("article").wait_for()
            opened.append(page.evaluate("window.opened"))
        words = len(page.locator("#id_body").input_value().split())
        page.evaluate(HALFWAY)
        page.evaluate(WATCH)
        browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
        page.keyboard.type((TEXT * (options.keys // len(TEXT) + 1))[: options.keys], delay=25)
        page.wait_for_timeout(1500)
        cpu = cpu_by_key(browser.stop_tracing())
        keys, tasks = sorted(page.evaluate("window.keys")), page.evaluate("window.tasks")
        browser.close()
    shown = ", ".join(f"{after:.0f} ms ({whole:.0f} ms after the click)" for after, whole in opened)
    print(
        f"{words} words; editable after {shown}\n"
        f"{len(keys)} keys: processor {percentile(cpu)}; clock {percentile(keys)}\n"
        f"tasks longer than 50 ms: {len(tasks)}{', longest ' + format(max(tasks), '.0f') + ' ms' if tasks else ''}"
    )


if __name__ == "__main__":
    main()
