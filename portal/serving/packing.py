"""Packing as small as it gets, in a thread of its own that gives way to everybody else."""

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from portal.serving.bodies import pack

# Readers go first, but packing has to end on a busy machine too. No thread that runs Python for long may have
# this priority: it would be put aside while it holds what all others wait for.
NICE = 10


class PatientPacker:
    """``pack`` at a low priority; the caller waits without holding anything."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pack", initializer=_step_back)

    def __call__(self, raw: bytes, encoding: str, quality: int) -> bytes:
        """As ``bodies.pack``. SystemExit when the process is ending."""
        try:
            packed = self._thread.submit(pack, raw, encoding, quality)
        except RuntimeError:  # the process is ending
            raise SystemExit from None
        return packed.result()


def _step_back() -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
