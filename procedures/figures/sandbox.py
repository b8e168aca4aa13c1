"""Run a decoder or OCR program on an untrusted image, in a separate process with resource limits.

Codecs and OCR engines are large C programs. A crash, an endless loop, or a huge allocation ends only that process,
which has no settings, secrets, or database connection. This file contains both sides: ``run_sandboxed`` starts the file
itself as a script, which sets the limits before the program imports anything.
"""

import os
import resource
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

MAX_FILE_BYTES = 1024**2
# The whole environment. Each thread of a linear algebra library would reserve address space, so allow one.
SANDBOX_ENVIRONMENT: Mapping[str, str] = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def run_sandboxed(
    program: Path,
    data: bytes,
    *,
    memory_bytes: int,
    cpu_seconds: int,
    timeout_seconds: int,
    max_file_bytes: int = MAX_FILE_BYTES,
    output: int = subprocess.DEVNULL,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``program`` with ``data`` on stdin. Raises subprocess.TimeoutExpired after ``timeout_seconds``.

    ``cpu_seconds`` also ends a program whose parent has died. ``output`` applies to both stdout and stderr.
    """
    limits = (memory_bytes, cpu_seconds, max_file_bytes)
    return subprocess.run(  # noqa: S603 -- our own programs; untrusted data goes to stdin only
        [sys.executable, "-I", __file__, *map(str, limits), str(program)],
        input=data,
        stdout=output,
        stderr=output,
        cwd="/",
        env=SANDBOX_ENVIRONMENT,
        timeout=timeout_seconds,
        check=False,
    )


def set_limits(memory_bytes: int, cpu_seconds: int, max_file_bytes: int) -> None:
    """Limit address space, CPU time and file size, and forbid core dumps, which would contain the image."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)


if __name__ == "__main__":
    set_limits(*map(int, sys.argv[1:4]))
    runpy.run_path(sys.argv[4], run_name="__main__")
