"""The processes of ``manage.py serve``, as Linux lists them."""

import contextlib
from pathlib import Path

WORKER = "manage.py\0worker"


def child_pids(pid: int, command: str = "") -> list[int]:
    """Return the IDs of the children of a process whose command line contains ``command``."""
    found = []
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, children.read_text().split()):
                with contextlib.suppress(OSError):
                    if command in Path(f"/proc/{child}/cmdline").read_text():
                        found.append(child)
    return found


def web_pids(pid: int) -> list[int]:
    """Return the IDs of the web processes of ``serve``: a process between them has imported what they share."""
    return [child for fork_server in child_pids(pid, "forkserver") for child in child_pids(fork_server)]


def megabytes(pid: int, *, proportional: bool = False) -> int:
    """Return the resident memory of a process, or (``proportional``) only its share of what several processes share."""
    name = "Pss:" if proportional else "Rss:"
    return int(Path(f"/proc/{pid}/smaps_rollup").read_text().split(name)[1].split()[0]) // 1024
