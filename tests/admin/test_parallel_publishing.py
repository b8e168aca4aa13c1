"""Concurrent publishing on the served portal: one text has one release, and no page keeps an old phone number."""

import json
import re
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest

from tests.admin.test_parallel_saves import ask
from tests.browser.test_admin_recovery import PREPARE
from tests.conftest import ServedSite

AT_ONCE = 8
NEW = "303-555-0144"
REMEMBER = """
from django.core.serializers import serialize
from procedures.models import Clinic, ClinicText
print(serialize("json", [*Clinic.objects.all(), *ClinicText.objects.all()]))
"""
RESTORE = """
from django.core.serializers import deserialize
from portal.accounts.models import User
from procedures.models import Clinic, Page
from procedures.publishing.publish import withdraw
for page in Page.objects.filter(subject__startswith="published-", live_release__isnull=False):
    withdraw(page, actor=User.objects.get(username="manager"), reason="Tried out.")
for old in deserialize("json", {rows!r}):
    old.object.save()
"""
APPROVED = """
from procedures.enums import Decision
from procedures.publishing.review import record_decision
revision = page.revisions.get()
record_decision(revision, reviewer=User.objects.get(username="reviewer"), decision=Decision.APPROVED)
print(page.pk, keys[1], revision.pk)
"""
TEXT = (
    "body=Page.objects.get(subject='kyphoplasty', language='en').body,"
    " next_page=Page.objects.get(subject='contact', language='en'), next_label='Ask us')"
)
PAGE = re.sub(r'body="## Morning.*?"\)', lambda _: TEXT, PREPARE)


@pytest.fixture(autouse=True)
def _as_it_was(served_site: ServedSite) -> Iterator[None]:
    """Restore the shared site for other tests: withdraw what was published here, and restore the clinic's details."""
    rows = served_site.shell.run(REMEMBER).splitlines()[-1]
    yield
    served_site.shell.run(RESTORE.format(rows=rows))


def releases_of(site: ServedSite, pk: str) -> int:
    code = f"from procedures.models import Release; print(Release.objects.filter(page={pk}).count())"
    return int(site.shell.run(code))


def test_concurrent_publishing_creates_one_release(served_site: ServedSite) -> None:
    pk, session, revision = served_site.shell.run(PAGE.format(name="published-at-once") + APPROVED).split()[-3:]
    values = {"revision": revision, "what_changed": "", "now": "1"}

    def press(_: int) -> int:
        return ask(served_site, f"/admin/procedures/page/{pk}/publish/", session, values)[0]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(press, range(AT_ONCE)))

    assert statuses == [302] * AT_ONCE
    assert releases_of(served_site, pk) == 1


def test_a_page_published_during_a_phone_change_prints_the_new_phone(served_site: ServedSite) -> None:
    pk, session, revision = served_site.shell.run(PAGE.format(name="published-beside") + APPROVED).split()[-3:]
    address = "/admin/procedures/clinic/1/change/"
    form = ask(served_site, address, session)[1]
    fields = dict(re.findall(r'<input type="(?:text|hidden)" name="([^"]+)"(?: value="([^"]*)")?', form))
    fields.pop("csrfmiddlewaretoken")
    fields |= {"phone": NEW, "texts-TOTAL_FORMS": "0", "texts-INITIAL_FORMS": "0"}
    fields = {
        name: unescape(value)
        for name, value in fields.items()
        if not re.match(r"texts-\d", name) and "__prefix__" not in name
    }

    def save(_: int) -> int:
        """Retry until the confirmed list of pages is current, because the other thread publishes in the meantime."""
        for _attempt in range(5):
            html = ask(served_site, address, session, fields)[1]
            token = re.search(r'name="_update" value="(\w+)"', html)
            if token is None:
                return 302
            if (status := ask(served_site, address, session, {**fields, "_update": token[1]})[0]) == 302:
                return status
        return 0

    def publish(_: int) -> int:
        values = {"revision": revision, "what_changed": "", "now": "1"}
        return ask(served_site, f"/admin/procedures/page/{pk}/publish/", session, values)[0]

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(save, 1), pool.submit(publish, 1)]
        statuses = [one.result() for one in both]
    printed = json.loads(
        served_site.shell.run(
            "import json; from procedures.models import Clinic, Release;"
            f" print(json.dumps([Clinic.objects.get().phone, Release.objects.live().filter(html__contains='{NEW}').count(),"
            " Release.objects.live().count()]))",
        ).splitlines()[-1]
    )

    assert statuses == [302, 302]
    assert printed[0] == NEW
    assert printed[1] == printed[2] > 40
    with urllib.request.urlopen(f"{served_site.url}/kyphoplasty/", timeout=60) as answer:
        assert b"Kyphoplasty" in answer.read()
