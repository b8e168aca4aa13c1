"""The cost of pressing Publish: ``python -m tests.bench.bench_publish [--rounds 21] [--bytes 10000]``.

Needs its own loaded PORTAL_DATA_DIR. Each round saves and approves a changed text of the English page whose HTML is
closest to this size (by default, the longest one), then sends the manager's POST through the whole stack. Prints the
median, CPU time, and 90th percentile in milliseconds, and the number of queries, for publishing immediately and for
scheduling. Everything is rolled back. Compare numbers only within one run.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    options = parser.parse_args()
    import django

    django.setup()
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from portal.accounts.models import User
    from procedures.enums import Decision
    from procedures.models import Page
    from procedures.publishing.review import record_decision
    from procedures.revisions.drafts import save_revision
    from tests.bench.staff import signed_in

    with transaction.atomic():
        boss = User.objects.create(username="bench-boss", is_staff=True, is_superuser=True)
        doctor = User.objects.create(username="bench-doctor", is_staff=True)
        public = Page.objects.published().in_language("en").select_related("live_release")
        page = min(public, key=lambda one: abs(len(one.live_release.html) - options.bytes), default=None)
        if page is None:
            raise SystemExit("There is no public page. Load some first: manage.py load_content.")
        client = signed_in(boss)
        soon = f"{timezone.localdate().replace(day=1).replace(year=timezone.localdate().year + 1)}"
        for name, more in (("publish now", {"now": "1"}), ("plan", {"later": "1", "day": soon, "time": "09:00"})):
            took, busy, queries = [], [], 0
            for number in range(options.rounds + 2):
                page.refresh_from_db()
                page.key_message = f"Round {number} of {name}."
                page.save()
                revision = save_revision(page, author=doctor)
                record_decision(revision, reviewer=boss, decision=Decision.APPROVED)
                with CaptureQueriesContext(connection) as seen:
                    begun, began = time.perf_counter(), time.process_time()
                    answer = client.post(
                        f"/admin/procedures/page/{page.pk}/publish/", {"revision": revision.pk, **more}
                    )
                    took.append((time.perf_counter() - begun) * 1000)
                    busy.append((time.process_time() - began) * 1000)
                queries = len(seen)
                page.refresh_from_db()
                is_live = page.live_release is not None and page.live_release.revision_id == revision.pk
                if answer.status_code != 302 or is_live != (name == "publish now"):
                    raise SystemExit(f"{name}: answered {answer.status_code} {answer.headers.get('Location', '')}")
            took = sorted(took[2:])
            slow = took[int(len(took) * 0.9)]
            print(
                f"{name}: median {statistics.median(took):.1f} ms, processor {statistics.median(busy[2:]):.1f} ms, "
                f"slowest tenth {slow:.1f} ms, {queries} queries"
            )
        print(f"page: {page.title}, {len(page.body.split())} words, {len(page.live_release.html)} bytes of HTML")
        transaction.set_rollback(True)


if __name__ == "__main__":
    main()
