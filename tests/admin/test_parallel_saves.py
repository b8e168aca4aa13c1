"""Fifty concurrent saves of a page on the served portal: one succeeds, the others are conflicts, no text is lost."""

import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from html import unescape

from tests.browser.test_admin_recovery import PREPARE
from tests.conftest import ServedSite

ATTEMPTS = 50


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Return redirects instead of following them."""

    def redirect_request(self, *_: object) -> None:
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def ask(site: ServedSite, path: str, session: str, data: dict[str, str] | None = None) -> tuple[int, str]:
    token = "t" * 32
    request = urllib.request.Request(site.url + path)
    request.add_header("Cookie", f"sessionid={session}; csrftoken={token}")
    body = urllib.parse.urlencode({**data, "csrfmiddlewaretoken": token}).encode() if data is not None else None
    try:
        with OPENER.open(request, body, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_each_of_fifty_concurrent_saves_is_stored_or_reported(served_site: ServedSite) -> None:
    pk, nina, _ = served_site.shell.run(PREPARE.format(name="fifty-at-once")).split()[-3:]
    path = f"/admin/procedures/page/{pk}/change/"
    opened = served_site.shell.run(
        f"from procedures.models import Page; p = Page.objects.get(pk={pk}); print(p.draft_version, p.revisions.get().pk,"
        " p.lead_figure_id)",
    ).split()
    values = {
        "version": opened[0], "base_revision": opened[1], "lead_figure": opened[2], "page": pk, "title": "Walk again",
        "key_message": "Walk.", "description": "How to walk.", "slug": "fifty-at-once", "subject": "fifty-at-once",
        "language": "en", "kind": "recovery", "order": "100", "review_months": "12", "next_label": "", "next_page": "",
        "note": "", "_continue": "1",
    }  # fmt: skip

    def save(number: int) -> tuple[int, str]:
        body = f"Only the words of number {number:02d} here.\n"
        for _ in range(30):
            status, html = ask(served_site, path, nina, {**values, "body": body})
            # All database connections are in use, so nothing is stored and the user retries.
            if status != 503:
                break
            time.sleep(0.5)
        return status, html

    with ThreadPoolExecutor(ATTEMPTS) as pool:
        answers = list(pool.map(save, range(ATTEMPTS)))
    stored = served_site.shell.run(
        f"from procedures.models import Page; p = Page.objects.get(pk={pk});"
        " print(p.draft_version, *[r.content['body'].strip()[-8:-6] for r in p.revisions.order_by('number')], sep=',')",
    ).split(",")

    statuses = [status for status, _ in answers]
    assert sorted(set(statuses)) == [302, 409]
    assert statuses.count(302) + statuses.count(409) == ATTEMPTS
    # All were opened at the same version, so exactly one can be first.
    assert statuses.count(302) == 1
    assert stored == [str(int(opened[0]) + 1), stored[1], f"{statuses.index(302):02d}"]
    for number, (status, html) in enumerate(answers):
        if status == 409:
            assert f"number {number:02d} here." in unescape(html)
