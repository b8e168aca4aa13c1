"""Does typing ever block? ``.venv/bin/python -m tests.bench.bench_typing [--keys 400] [--words 1500]``.

Serves the starter content, opens the English page with the closest word count in Chromium as the demo editor, types
40 keys per second into its text while the preview follows, and prints how long each key took to be processed, and every
script task longer than 50 ms (a “long task”). Needs Chromium and an idle machine.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import django
from playwright.sync_api import sync_playwright

django.setup()

from tests.bench.demo import served  # noqa: E402 -- the settings come first
from tests.conftest import FLAGS, chromium  # noqa: E402 -- the settings come first
from tests.served_data import ROOT  # noqa: E402 -- the settings come first

WATCH = """() => {
  window.tasks = []; window.keys = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration))).observe({type: "longtask"});
  document.querySelector("#id_body").addEventListener("keydown", () => {
    const begun = performance.now(); setTimeout(() => window.keys.push(performance.now() - begun)); });
}"""
NEAREST = """
from procedures.models import Page
print(min(Page.objects.in_language("en"), key=lambda page: abs(len(page.body.split()) - {words})).pk)
"""
TEXT = "These words come in one after the other while the preview follows. "


def main() -> None:
    """Type the keys and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=400)
    parser.add_argument("--words", type=int, default=1500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as demo:
        command = [sys.executable, "manage.py", "shell", "-v0", "-c", NEAREST.format(words=options.words)]
        page_id = subprocess.check_output(command, cwd=ROOT, env=demo.environ, text=True).split()[-1]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(whole=True), args=FLAGS)
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            for part in demo.signed_in("editor").split("; "):
                key, _, value = part.partition("=")
                context.add_cookies([{"name": key, "value": value, "url": f"{demo.url}/admin/"}])
            page = context.new_page()
            page.goto(f"{demo.url}/admin/procedures/page/{page_id}/change/")
            page.frame_locator("[data-stage] iframe").locator("article").wait_for()
            words = len(page.locator("#id_body").input_value().split())
            page.evaluate(WATCH)
            page.locator("#id_body").press("Control+Home")
            page.keyboard.type((TEXT * (options.keys // len(TEXT) + 1))[: options.keys], delay=25)
            page.wait_for_timeout(1500)
            keys, tasks = sorted(page.evaluate("window.keys")), page.evaluate("window.tasks")
            browser.close()
    print(
        f"{words} words, {len(keys)} keys: median {statistics.median(keys):.1f} ms, 99 of 100 below "
        f"{keys[int(len(keys) * 0.99)]:.1f} ms, longest {keys[-1]:.1f} ms\n"
        f"tasks longer than 50 ms: {len(tasks)}{', longest ' + format(max(tasks), '.0f') + ' ms' if tasks else ''}"
    )


if __name__ == "__main__":
    main()
