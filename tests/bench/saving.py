"""Save and publish one page forever, and report each step. Started and killed by tests/bench/kill_saves.py.

Usage: python -m tests.bench.saving PAGE SEED. Prints "saved WORD" and "published WORD" after the database has committed.
"""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


def main(page_id: int, seed: str) -> None:
    """Run until killed."""
    import django

    django.setup()
    from portal.accounts.models import User
    from procedures.enums import Decision
    from procedures.models import Page
    from procedures.publishing.review import record_decision
    from tests.admin.conftest import change_url, page_form
    from tests.bench.staff import signed_in

    client = signed_in(User.objects.get(username="manager"))
    reviewer = User.objects.get(username="reviewer")
    for number in range(100_000):
        page, word = Page.objects.get(pk=page_id), f"w{seed}x{number}"
        body = page.body.rsplit("\n\nLast word: ", 1)[0].rstrip() + f"\n\nLast word: {word}.\n"
        newest = page.revisions.first()
        values = page_form(page, body=body, base_revision=newest.pk if newest else "")
        answer = client.post(change_url(page), values)
        print(f"saved {word}" if answer.status_code == 302 else f"odd {answer.status_code}", flush=True)
        page.refresh_from_db()
        record_decision(page.revisions.latest("number"), reviewer=reviewer, decision=Decision.APPROVED)
        newest = page.revisions.first()
        answer = client.post(change_url(page), page_form(page, base_revision=newest.pk if newest else "", _publish="1"))
        print(f"published {word}" if answer.status_code == 302 else f"odd {answer.status_code}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
