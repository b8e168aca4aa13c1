"""Kill a process while it saves and publishes: ``python -m tests.bench.kill_publish [--rounds 50]``. Needs no setup.

Each round starts a process that continuously saves, approves, schedules, publishes, and withdraws one page in its own
data folder, kills it with SIGKILL at a random moment, and checks that what is left is consistent. Exits with 1 at the
first inconsistency.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

WORK = """
import datetime, itertools
from django.utils import timezone
from tests.factories import approve, make_publisher, make_user
from procedures.models import Page
from procedures.revisions.drafts import save_revision
from procedures.publishing.publish import publish, withdraw
from procedures.publishing.schedule import publish_scheduled, schedule_revision
boss = make_publisher()
print("ready", flush=True)
for number in itertools.count():
    page = Page.objects.get(subject="small-cut")
    page.title = f"Round {number} {timezone.now()}"[:90]
    page.save()
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)
    if number % 3 == 0:
        schedule_revision(revision, actor=boss, at=timezone.now() + datetime.timedelta(hours=1), what_changed=page.title)
        publish_scheduled(timezone.now() + datetime.timedelta(hours=2))
    else:
        publish(revision, actor=boss, what_changed=page.title)
    if number % 5 == 0:
        withdraw(Page.objects.get(pk=page.pk), actor=boss, reason="Old.")
"""
PREPARE = """
from tests.factories import make_clinic, make_next, make_page
make_clinic()
make_page(next_page=make_next())
"""
LOOK = """
from procedures.enums import EventKind
from procedures.models import Page, Release, ReleaseEvent, Revision
from procedures.models.page import hash_content
from procedures.publishing.publish import hash_release
page = Page.objects.select_related("live_release__revision").get(subject="small-cut")
for release in page.releases.all():
    assert hash_release(release) == release.sha256, "a torn release"
    assert release.events.filter(kind=EventKind.PUBLISHED).count() == 1, "a release without its event"
    assert release.dependencies.exists() and release.approval.content_hash == release.revision.content_hash
for revision in page.revisions.all():
    assert hash_content(revision.content) == revision.content_hash, "a torn revision"
last = page.events.filter(kind__in=[EventKind.PUBLISHED, EventKind.WITHDRAWN]).first()
if last is not None:
    wanted = last.release if last.kind == EventKind.PUBLISHED else None
    assert page.live_release == wanted, "the live pointer and the log do not agree"
assert (page.publish_at is None) == (page.scheduled_revision is None) == (page.scheduled_change == "")
print(page.revisions.count(), page.releases.count())
"""


def run(code: str, environ: dict[str, str], arguments: Sequence[str] = ()) -> "subprocess.Popen[str]":
    """Run code in Python with Django set up."""
    command = [sys.executable, "-c", f"import django; django.setup()\n{code}", *arguments]
    return subprocess.Popen(command, env=environ, cwd=ROOT, text=True, stdout=subprocess.PIPE)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as data:
        environ = {**os.environ, "PORTAL_DATA_DIR": data, "DJANGO_SETTINGS_MODULE": "portal.settings"}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=environ, cwd=ROOT, check=True)
        if run(PREPARE, environ).wait():
            raise SystemExit("The page could not be made.")
        seen = ""
        for number in range(rounds):
            worker = run(WORK, environ)
            assert worker.stdout and worker.stdout.readline() == "ready\n"
            time.sleep(random.uniform(0.02, 1.0))
            worker.kill()
            worker.wait()
            look = run(LOOK, environ)
            seen, _ = look.communicate()
            if look.returncode:
                raise SystemExit(f"round {number + 1}: torn")
        revisions, releases = seen.split()
        print(f"{rounds} kills, no inconsistent state; {revisions} revisions and {releases} releases checked")


if __name__ == "__main__":
    main()
