"""Memory of the web processes and the worker after each kind of work.

    python -m tests.bench.bench_memory

Prints the memory of every process of ``serve --demo`` after it started, after readers opened published pages, after a staff
user signed in, after they opened five kinds of screens, and after searches. Two numbers in MB: resident (RSS), and
the proportional share of shared memory (PSS).
"""

import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from tests.bench.demo import Demo, served
from tests.processes import WORKER, child_pids, megabytes, web_pids

PAGES = ["/", "/kyphoplasty/", "/es/", "/contact/", "/visits/"]
SCREENS = [
    "/admin/",
    "/admin/procedures/page/",
    "/admin/procedures/page/1/change/",
    "/admin/procedures/figure/",
    "/admin/procedures/clinic/1/change/",
]
# Requests are distributed randomly, so this many are needed to reach every process.
REPEATS = 40


def get(url: str, cookie: str = "") -> None:
    """Request a URL; an error status is accepted."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": cookie}), timeout=60).close()
    except urllib.error.HTTPError as error:
        error.close()


def print_memory(step: str, demo: Demo) -> None:
    """Print the memory of the web processes, the worker, and ``serve`` itself."""
    found = {
        "web": web_pids(demo.pid),
        "fork server": child_pids(demo.pid, "forkserver"),
        "worker": child_pids(demo.pid, WORKER),
        "serve": [demo.pid],
    }
    sizes = {
        name: [f"{megabytes(pid)}/{megabytes(pid, proportional=True)}" for pid in pids] for name, pids in found.items()
    }
    print(f"{step:28}", *(f"{name} {' '.join(size)}" for name, size in sizes.items()), sep="  ", flush=True)


def main() -> None:
    """Do each kind of work and print the memory after it."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as demo:
        print_memory("started", demo)
        for path in PAGES * REPEATS:
            get(demo.url + path)
        print_memory("published pages", demo)
        cookie = demo.signed_in("manager")
        for _ in range(REPEATS):
            get(f"{demo.url}/admin/", cookie)
        print_memory("signed in", demo)
        for path in SCREENS * REPEATS:
            get(demo.url + path, cookie)
        print_memory("five screens", demo)
        for number in range(REPEATS):
            get(f"{demo.url}/search/?q=cemnt+{number}")
        print_memory("searches", demo)


if __name__ == "__main__":
    main()
