"""The processes of ``manage.py serve``, as Linux lists them, and a shell beside them."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.served_data import ROOT

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


# Forks for each program, so that each starts with the caches and connections of a new process.
SHELL = """
import contextlib, io, json, os, sys, traceback
for line in sys.stdin:
    if os.fork():
        if os.wait()[1]:
            print(json.dumps(["", "The program ended early."]), flush=True)
        continue
    output, error = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(output):
            exec(json.loads(line), {})
    except BaseException:
        error = traceback.format_exc()
    print(json.dumps([output.getvalue(), error]), flush=True)
    os._exit(0)
"""


class Shell:
    """A process that runs programs with the portal's settings; to import the portal takes more than a second."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, code: str) -> str:
        """Run a program, and return what it prints."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(code) + "\n")
        self.process.stdin.flush()
        output, error = json.loads(self.process.stdout.readline())
        assert error == ""
        return str(output).strip()


@contextmanager
def open_shell(environ: dict[str, str]) -> Iterator[Shell]:
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-v", "0", "-c", SHELL]
    with subprocess.Popen(
        command, env=environ, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield Shell(process)
        assert process.stdin
        process.stdin.close()
