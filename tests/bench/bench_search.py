"""How long a search takes on 1,000 pages: ``python -m tests.bench.bench_search`` with its own loaded PORTAL_DATA_DIR.

Copies the public pages of the database until there are 1,000, runs ten queries through the whole stack, twenty times
each, prints the median and the 90th percentile in milliseconds, and removes the copies. Compare only within one run.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

QUESTIONS = ["cement", "kyphoplasty", "kyfoplasty", "blood thinner", "when can I drive", "ostoporosis", "pain", "911",
             "balloon tamp", "qqqq"]  # fmt: skip


def copies(count: int) -> None:
    """Copy public pages to new paths until there are ``count``."""
    from procedures.models import Page, Release, Revision
    from procedures.sharing.short_codes import generate_code

    live = list(Page.objects.published().in_language("en").select_related("live_release__revision"))
    for number in range(count - len(live)):
        page = live[number % len(live)]
        release, revision = page.live_release, page.live_release.revision
        page.pk, page.subject, page.code, page.live_release = None, f"copy-{number}", generate_code(), None
        page._state.adding = True
        page.save()
        revision = Revision.objects.create(page=page, number=1, content=revision.content)
        values = {f.name: getattr(release, f.name) for f in Release._meta.concrete_fields if f.name != "id"}
        path = f"/copy-{number}/"
        page.live_release = Release.objects.create(**{**values, "page": page, "revision": revision, "path": path})
        page.save()
        live[number % len(live)] = Page.objects.select_related("live_release__revision").get(pk=page.pk)


def main() -> None:
    """Run the benchmark and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    import django

    django.setup()
    from django.db import transaction
    from django.test import Client

    client = Client(HTTP_HOST="localhost")
    with transaction.atomic():
        copies(options.pages)
        begun = time.perf_counter()
        client.get("/search/?q=first")
        print(f"first search, with building the index: {time.perf_counter() - begun:.2f} s")
        times = []
        for _ in range(options.rounds):
            for question in QUESTIONS:
                begun = time.perf_counter()
                client.get("/search/", {"q": question})
                times.append(1000 * (time.perf_counter() - begun))
        times.sort()
        print(
            f"{options.pages} pages: median {statistics.median(times):.1f} ms, nine of ten below {times[-len(times) // 10]:.1f} ms"
        )
        transaction.set_rollback(True)


if __name__ == "__main__":
    main()
