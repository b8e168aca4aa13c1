"""How long a preview takes on the server: ``python -m tests.bench.bench_preview`` with its own loaded PORTAL_DATA_DIR.

Posts the English page whose text has the number of words nearest to 1,500, changed slightly each time, as the editor
does. Prints the median, the 90th percentile, and the median CPU time, which other load affects less, in milliseconds.
Compare numbers only within one run on an idle machine.
"""

import argparse
import os
import statistics
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

WORDS = 1500
FIELDS = "slug title key_message description body next_label review_months order subject language kind".split()


def main() -> None:
    """Run the benchmark and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    import django

    django.setup()
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext

    from portal.accounts.models import User
    from procedures.models import Page
    from tests.bench.staff import signed_in

    page = min(Page.objects.in_language("en"), key=lambda row: abs(len(row.body.split()) - WORDS))
    typed = {name: getattr(page, name) for name in FIELDS}
    typed |= {"page": page.pk, "lead_figure": page.lead_figure_id or "", "next_page": page.next_page_id or ""}
    with transaction.atomic():
        client = signed_in(User.objects.create(username="bench", is_staff=True, is_superuser=True))
        times, busy = [], []
        for number in range(options.rounds + 3):
            typed["body"] = f"{page.body}\nOne more line, number {number}.\n"
            begun, began = time.perf_counter(), time.process_time()
            with CaptureQueriesContext(connection) as queries:
                answer = client.post("/admin/procedures/page/preview/", typed)
            times.append(1000 * (time.perf_counter() - begun))
            busy.append(1000 * (time.process_time() - began))
            if answer.status_code != 200:
                sys.exit(f"The preview answered {answer.status_code}.")
        transaction.set_rollback(True)
    times = sorted(times[3:])
    print(
        f"{page.subject}, {len(page.body.split())} words, {len(queries)} queries: median {statistics.median(times):.0f} ms, "
        f"nine of ten below {times[-len(times) // 10]:.0f} ms, processor {statistics.median(busy[3:]):.0f} ms"
    )


if __name__ == "__main__":
    main()
