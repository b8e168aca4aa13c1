"""Measure the time from a publish to its first byte on the public page, on SQLite or, with DATABASE_URL, PostgreSQL.

    .venv/bin/python -m tests.bench.bench_visible [--turns 30]

Serves the starter content with two web processes and the worker. Another process publishes a page of 11 kB, and this one
requests it every 5 ms.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.published.server import running
from tests.served_data import ROOT
from tests.views.client import fetch

# Prints the text, the start time, and the time of the commit.
PUBLISH = """
import sys, time
from procedures.models import Page
from tests.factories import make_public
page = Page.objects.published().get(language="en", subject="contact")
text = page.body
for turn in range({turns}):
    time.sleep(1.5)
    page.body = f"{{text}}\\n\\nRound {{turn}} of many.\\n"
    page.save()
    begun = time.time()
    make_public(page)
    print(f"Round {{turn}} of many.", begun, time.time(), sep="\\t", flush=True)
"""


def main() -> None:
    """Serve the site, publish repeatedly, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=30)
    turns = parser.parse_args().turns
    given = {name: os.environ[name] for name in ("DATABASE_URL",) if name in os.environ}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        with running(data, site_url="http://127.0.0.1:8000", environ=given) as server:
            server.wait_for("Compressed all public pages", seconds=600)
            command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", PUBLISH.format(turns=turns)]
            publisher = subprocess.Popen(command, env=server.environ, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            visible, published = [], []
            for turn in range(turns):
                while f"Round {turn} of many." not in fetch(server.url, "/contact/").text:
                    time.sleep(0.005)
                seen = time.time()
                assert publisher.stdout is not None
                _, begun, committed = publisher.stdout.readline().split("\t")
                visible.append(max(0.0, seen - float(committed)))
                published.append(float(committed) - float(begun))
            publisher.wait()
    print(f"publish: median {statistics.median(published) * 1000:.0f} ms")
    print(
        f"from the commit to the page: median {statistics.median(visible) * 1000:.0f} ms, most {max(visible) * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
