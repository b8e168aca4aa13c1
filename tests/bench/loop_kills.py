"""Kill the server, or only its worker process, while it publishes and writes files, each time at a different moment.

    .venv/bin/python -m tests.bench.loop_kills [--turns 50] [--worker]

Each turn sends SIGKILL to every process some time after a change was committed, and starts the server again on the
same data; with ``--worker``, only to the worker, which the server restarts. The server must respond immediately, show the
last change, and serve only complete pages.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from portal.supervisor import HEALTHY_SECONDS
from tests.published.server import Readers, Server, assert_pages_are_served, publish


def main() -> None:
    """Run and print the results. Exit with 1 if anything is lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--worker", action="store_true", help="kill only the worker process")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        server = Server(data, site_url="http://127.0.0.1:8000").start()
        try:
            for turn in range(options.turns):
                name = f"Clinic Number {turn}"
                seen = publish(server, name)
                # A worker that dies young is restarted after longer and longer waits, so let it grow up first.
                time.sleep(random.uniform(0, 4) + (HEALTHY_SECONDS if options.worker else 0))
                begun = time.monotonic()
                if options.worker:
                    os.kill(server.worker_pid(), signal.SIGKILL)
                else:
                    server.kill()
                    begun = time.monotonic()
                    server.start(ready=False)
                first = time.monotonic() - begun
                assert_pages_are_served(server)
                while name not in server.eventually("/kyphoplasty/", 200).text:
                    if time.monotonic() - begun > 60:
                        sys.exit(f"turn {turn}: the last change is lost")
                    time.sleep(0.05)
                with Readers(server.port) as readers:
                    time.sleep(0.2)
                if readers.failures or readers.torn:
                    sys.exit(f"turn {turn}: {readers.failures} {readers.torn}")
                print(f"turn {turn}: shown after {seen:.2f} s; killed; first response after {first:.1f} s", flush=True)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
