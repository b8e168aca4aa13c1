"""Working on a draft does not change a byte of the public pages."""

import datetime
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from procedures.importing.bundles import import_bundle, write_bundle
from procedures.models import Page
from procedures.publishing.review import latest_approved_revision
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url, page_form
from tests.admin.test_editor_upload import UPLOAD, sent
from tests.admin.upload_helpers import save_upload
from tests.factories import make_page, make_public, make_translation

PUBLIC_PATHS = [
    "/",
    "/es/",
    "/visits/",
    "/es/visits/",
    "/search/?q=cut",
    "/sitemap.xml",
    "/robots.txt",
    "/p/",
    "/nowhere/",
]
PUBLIC_PATHS += ["/connect/guides.json", "/another-cut/"]


def public() -> dict[str, tuple[int, bytes]]:
    """Return the response to every public URL for an anonymous visitor."""
    live = [page.live_release.path for page in Page.objects.published() if page.live_release]
    paths = [*PUBLIC_PATHS, *live, *(f"{path}plain.txt" for path in live)]
    answers = {path: Client().get(path) for path in paths}
    return {path: (answer.status_code, answer.content) for path, answer in answers.items()}


@pytest.mark.slow
def test_draft_actions_do_not_change_public_pages(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    first = make_public(page).revision
    spanish = make_translation(page)
    make_public(spanish)
    make_public(make_page("first-visit", kind="about"))
    nina, rosa, max_ = (sign_in(user) for user in (editor, reviewer, manager))
    stream = io.BytesIO()
    write_bundle([page], stream)
    later = timezone.localdate() + datetime.timedelta(days=9)

    def now() -> Page:
        return Page.objects.get(pk=page.pk)

    def shown(one: Page = page) -> int:
        found = one.revisions.values_list("pk", flat=True).first()
        assert found
        return found

    def save(**values: Any) -> Any:
        return nina.post(change_url(page), page_form(now(), **values))

    def decide(decision: str) -> Any:
        values = {
            "revision": shown(),
            "decision": decision,
            "comment": "So.",
            "quote-1": "It is short.",
            "at-1": "Is it?",
        }
        return rosa.post(f"{PAGES}{page.pk}/review/", values)

    def plan(**values: str) -> Any:
        approved = latest_approved_revision(now())
        values |= {"revision": str(approved.pk if approved else 0)}
        return max_.post(f"{PAGES}{page.pk}/publish/", values)

    def bundle() -> Any:
        return max_.post(f"{PAGES}transfer/look/", {"bundle": SimpleUploadedFile("b.zip", stream.getvalue())})

    es = f"{PAGES}{spanish.pk}/translation/"
    acts: dict[str, Callable[[], Any]] = {
        "preview": lambda: nina.post(f"{PAGES}preview/", page_form(now(), title="SECRET")),
        "save": lambda: save(title="SECRET", body="## SECRET\n\nSECRET words.\n"),
        "save another address": lambda: save(slug="another-cut"),
        "save another type and position": lambda: save(kind="about", order=1),
        "save and send": lambda: save(_submit="1", note="SECRET"),
        "a forged publish": lambda: save(_publish="1"),
        "a new page": lambda: nina.post(f"{PAGES}add/", page_form(now(), subject="x", slug="x", page="", version="")),
        "a new picture": lambda: save_upload(nina, nina.post(UPLOAD, sent()).json()["next"]),
        "look at the review": lambda: rosa.get(f"{PAGES}{page.pk}/review/"),
        "send back": lambda: decide("sent_back"),
        "approve": lambda: decide("approved"),
        "plan": lambda: plan(later="1", day=f"{later}", time="09:00", what_changed="SECRET"),
        "plan refused": lambda: plan(later="1", day="2020-01-01", time="09:00"),
        "cancel": lambda: plan(cancel="1"),
        "compare": lambda: nina.get(f"{PAGES}{page.pk}/compare/"),
        "history": lambda: nina.get(f"{PAGES}{page.pk}/versions/"),
        "restore": lambda: nina.post(f"{PAGES}{page.pk}/restore/", {"revision": first.pk, "version": now().draft_version}),
        "see a revision": lambda: nina.get(f"{PAGES}revisions/{shown()}/"),
        "what was read": lambda: nina.get(f"{PAGES}{page.pk}/reading/", {"day": f"{later}", "time": "09:00"}),
        "translation follows": lambda: nina.post(es, {"follows": "1", "source": first.pk}),
        "translation checked": lambda: rosa.post(es, {"check": "1", "revision": shown(spanish), "translator": "Ana"}),
        "delete": lambda: max_.post(f"{PAGES}{page.pk}/delete/", {"post": "yes"}),
        "bundle out": lambda: b"".join(max_.post(f"{PAGES}transfer/bundle.zip", {"pages": [page.pk]}).streaming_content),
        "bundle looked at": bundle,
        "bundle in": lambda: import_bundle(stream, actor=manager, check=False),
        "a table of the log": lambda: b"".join(max_.get("/admin/procedures/releaseevent/table.csv").streaming_content),
        "home": lambda: max_.get("/admin/"),
        "save after an import": lambda: save(title="SECRET again"),
    }  # fmt: skip
    before = public()
    assert before["/small-cut/"][0] == 200

    changed, statuses = {}, {}
    for name, act in acts.items():
        answer = act()
        statuses[name] = getattr(answer, "status_code", 200)
        after = public()
        changed |= {f"{name}: {path}": path for path in before if after[path] != before[path]}

    assert changed == {}
    assert {name: code for name, code in statuses.items() if code not in {200, 201, 302}} == {
        "a forged publish": 403,
        "plan refused": 409,
        "delete": 403,
    }
    # The content that could have leaked does exist.
    assert now().title == "SECRET again"
    assert save_revision(now(), author=None).content["title"] == "SECRET again"
