"""The whole server is killed while it publishes, renders and writes snapshots: 30 times, at another moment each.

    .venv/bin/python tests/bench/loop_kills.py [--turns 30]

Each time every process gets SIGKILL some time after a change was committed, and the server starts again on what is there.
It has to answer at once, show the last change, and every page has to be whole. Four minutes.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.published.server import Readers, Server, all_answered, publish


def main() -> None:
    """Run and print; ends with 1 when something is lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        server = Server(data, site_url="http://127.0.0.1:8000").start()
        try:
            for turn in range(options.turns):
                name = f"Clinic Number {turn}"
                seen = publish(server, name)
                time.sleep(random.uniform(0, 4))
                server.kill()
                begun = time.monotonic()
                server.start(ready=False)
                first = time.monotonic() - begun
                all_answered(server)
                while name not in server.eventually("/kyphoplasty/", 200).text:
                    if time.monotonic() - begun > 60:
                        sys.exit(f"turn {turn}: the last change is lost")
                    time.sleep(0.05)
                with Readers(server.port) as readers:
                    time.sleep(0.2)
                if readers.failures or readers.torn:
                    sys.exit(f"turn {turn}: {readers.failures} {readers.torn}")
                print(f"turn {turn}: shown after {seen:.2f} s; killed; first answer after {first:.1f} s", flush=True)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
