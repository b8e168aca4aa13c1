"""Baseline for bench_reads.py: Granian serving the same bytes and headers without the portal's code."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["BARE_FOLDER"])
ANSWERS = {
    path: ([(name, value) for name, value in headers], (FOLDER / file).read_bytes())
    for path, headers, file in json.loads((FOLDER / "answers.json").read_text())
}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return the stored response with status 200."""
    headers, body = ANSWERS[environ["PATH_INFO"]]
    start_response("200 OK", headers)
    return [body]
