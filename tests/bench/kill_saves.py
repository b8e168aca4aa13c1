"""Kill a process during save and publish: ``python -m tests.bench.kill_saves [--kills 50]``. Needs no setup.

A process repeatedly saves and publishes one page and reports each step. It is killed with SIGKILL at a random moment.
Afterward, everything must be consistent: everything reported as saved exists, the draft equals its newest revision, and
the live release is complete. Uses SQLite, or the empty database in DATABASE_URL.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
WORKER = "tests.bench.saving"


def torn(page_id: int, told: list[str]) -> list[str]:
    """Return a description of what is inconsistent after a kill, or an empty string."""
    from django.db import connection

    from procedures.models import Page, Path, ReleaseEvent
    from procedures.publishing.publish import hash_release

    connection.close()
    page = Page.objects.select_related("live_release__revision").get(pk=page_id)
    revisions = list(page.revisions.order_by("number"))
    live, newest = page.live_release, revisions[-1]
    texts = {revision.content["body"].rsplit("Last word: ", 1)[-1].strip(" .\n") for revision in revisions}
    wrong = []
    if newest.content != page.draft_content():
        wrong.append("the draft is not its newest revision")
    if [revision.number for revision in revisions] != list(range(1, len(revisions) + 1)):
        wrong.append("a revision number is missing or double")
    wrong += [f"lost: {line}" for line in told if line.startswith("saved ") and line.split()[1] not in texts]
    wrong += [line for line in told if line.startswith("odd ")]
    if live is None:
        return [*wrong, "nothing is live"]
    if live.sha256 != hash_release(live):
        wrong.append("the live release is not what its hash says")
    if live.number != page.releases.count() or not live.dependencies.exists():
        wrong.append("a release is half written")
    if Path.objects.filter(page=page, is_canonical=True, path=live.path).count() != 1:
        wrong.append("the address does not lead to the live release")
    if ReleaseEvent.objects.filter(release=live).count() != 1:
        wrong.append("the log does not tell of the live release once")
    published = [line.split()[1] for line in told if line.startswith("published ")]
    if published and f"Last word: {published[-1]}" not in live.html and published[-1] not in texts:
        wrong.append("a release that was told is not there")
    return wrong


def main() -> None:
    """Run and print the results. Exit with 1 if anything was inconsistent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PORTAL_DATA_DIR"] = folder
        wrong = kill_repeatedly(options.kills)
    sys.exit(1 if wrong else 0)


def kill_repeatedly(kills: int) -> list[str]:
    """Load the starter content, kill the process ``kills`` times, and return what was inconsistent."""
    import django
    from django.core.management import call_command

    django.setup()
    from procedures.models import Page
    from tests.factories import make_user

    call_command("migrate", verbosity=0)
    call_command("load_content", verbosity=0)
    make_user("manager", is_superuser=True)
    make_user("reviewer")
    page_id = Page.objects.published().get(subject="recovery", language="en").pk
    told_in_all, wrong, dice = 0, [], random.Random(5)
    for number in range(kills):
        # The previous kill may have left the draft unpublished; the next run continues from there.
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", WORKER, str(page_id), str(number)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(dice.uniform(0, 0.6))
        process.kill()
        told = [
            line.strip() for line in (first + process.stdout.read()).splitlines(keepends=True) if line.endswith("\n")
        ]
        process.wait()
        told_in_all += len(told)
        if not told:
            wrong.append(f"kill {number + 1}: the process reported nothing")
        wrong += [f"kill {number + 1}: {sentence}" for sentence in torn(page_id, told)]
    print(f"{kills} kills, {told_in_all} steps reported, inconsistencies: {len(wrong)}", *wrong, sep="\n")
    return wrong


if __name__ == "__main__":
    main()
