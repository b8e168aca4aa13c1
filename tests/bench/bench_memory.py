"""Memory of the web processes and the worker after each kind of work.

    python -m tests.bench.bench_memory

Prints the resident memory (VmRSS of Linux, in MB) of every process of ``serve --demo`` after it started, after readers got
published pages, after a search, and after a member of staff opened five kinds of screens.
"""

import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from tests.bench.demo import Demo, served

PAGES = ["/", "/kyphoplasty/", "/es/", "/contact/", "/visits/"]
SCREENS = [
    "/admin/",
    "/admin/procedures/page/",
    "/admin/procedures/page/1/change/",
    "/admin/procedures/figure/",
    "/admin/procedures/clinic/1/change/",
]
# Requests are spread over the processes at random: this many reach each of them.
REPEATS = 40


def get(url: str, cookie: str = "") -> None:
    """Get an address; a response with an error status counts as well."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": cookie}), timeout=60).close()
    except urllib.error.HTTPError as error:
        error.close()


def resident_megabytes(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) // 1024


def print_memory(step: str, demo: Demo) -> None:
    """Print the memory of the children of ``serve``: the web processes and the worker."""
    sizes: dict[str, list[int]] = {"web": [], "worker": []}
    for children in Path(f"/proc/{demo.pid}/task").glob("*/children"):
        for pid in map(int, children.read_text().split()):
            command = Path(f"/proc/{pid}/cmdline").read_text()
            if "spawn_main" in command or "manage.py\0worker" in command:
                sizes["web" if "spawn_main" in command else "worker"].append(resident_megabytes(pid))
    print(f"{step:28} web {sizes['web']}  worker {sizes['worker']}  MB", flush=True)


def main() -> None:
    """Do each kind of work and print the memory after it."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as demo:
        print_memory("started", demo)
        for path in PAGES * REPEATS:
            get(demo.url + path)
        print_memory("published pages", demo)
        for number in range(REPEATS):
            get(f"{demo.url}/search/?q=cemnt+{number}")
        print_memory("searches", demo)
        cookie = demo.signed_in("manager")
        for path in SCREENS * REPEATS:
            get(demo.url + path, cookie)
        print_memory("staff", demo)


if __name__ == "__main__":
    main()
