"""A process that serves only the public stays small: staff code is imported on first use."""

import subprocess
import sys

from tests.conftest import ServedSite
from tests.served_data import ROOT

FETCH_SCRIPT = """
import sys
from django.test import Client
browser = Client(headers={"host": "127.0.0.1"})
for path in ("/", "/kyphoplasty/", "/es/search/?q=dolor", "/p/", "/nowhere-at-all/", "/clear/222222/", "/media/figures/x.png"):
    browser.get(path)
loaded = lambda: [name for name in ("procedures.admin", "portal.accounts.urls", "fido2", "segno") if name in sys.modules]
print(*loaded(), sep=",")
browser.get("/admin/login/")
print(*loaded(), sep=",")
"""


def test_serving_the_public_imports_no_staff_code(served_site: ServedSite) -> None:
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", FETCH_SCRIPT]
    done = subprocess.run(command, cwd=ROOT, env=served_site.environ, capture_output=True, text=True, check=True)

    before, after = done.stdout.splitlines()[-2:]
    assert before == ""
    assert {"procedures.admin", "portal.accounts.urls"} <= set(after.split(","))
