"""Every screen of the staff in a real browser: the strict policy holds, axe finds nothing, a phone is wide enough."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser

from portal.accounts.models import AuditEvent, User
from procedures.models import (
    ClinicalCode,
    ClinicAnswer,
    ExternalLink,
    Feedback,
    Figure,
    Location,
    Page,
    Series,
    SeriesItem,
)
from procedures.publishing.review import submit_for_review
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES
from tests.admin.upload_helpers import CHOOSE
from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, StaffTab, open_staff_tab
from tests.factories import make_clinic, make_figure, make_page, make_public, make_term, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def superuser(transactional_db: None) -> User:
    """One of everything stands in the database, and somebody who may open all of it."""
    make_clinic()
    figure = make_figure(size=(40, 40))
    series = Series.objects.create(slug="steps", language="en", title="Step by step")
    SeriesItem.objects.create(series=series, figure=figure, heading="One", text="First.")
    make_term()
    ClinicAnswer.objects.create(key="driving", language="en", question="When can I drive?", answer="Tomorrow.")
    Location.objects.create(key="main", phone="+1 303-555-0100", address="1 Main Street")
    ClinicalCode.objects.create(system="icd-10-cm", code="S32.0", subject="small-cut")
    ExternalLink.objects.create(url="https://nice.example/", last_result="answers 200", checked_at=timezone.now())
    page = make_page()
    make_public(page)
    Feedback.objects.create(page=page, was_clear=False, comment="What is a small cut?")
    guide = make_page("first-visit", kind="guide", slug="first-visit")
    guide.items.create(page=page, minutes=4)
    waiting = make_page("big-cut")
    submit_for_review(save_revision(waiting, author=make_user("ed")), actor=make_user("ed"))
    AuditEvent.objects.create(kind="signed-in")
    return User.objects.create(username="boss", first_name="Boss", is_staff=True, is_superuser=True)


def screens(superuser: User) -> list[str]:
    """All addresses under /admin/ that answer to the boss: lists, new, change, delete, history, and our own."""
    client = Client()
    client.force_login(superuser)
    page, waiting = Page.objects.get(subject="small-cut"), Page.objects.get(subject="big-cut")
    wanted = ["/admin/", "/admin/procedures/", "/admin/password_change/", f"{PAGES}outdated/", CHOOSE]
    wanted += ["/admin/procedures/clinicalcode/try/?code=S32.010A&system=icd-10-cm"]
    wanted += [f"{PAGES}reads/", f"{PAGES}{page.pk}/links/", f"{PAGES}{page.pk}/links/sheet/letter/"]
    wanted += [f"{PAGES}{waiting.pk}/review/", f"{PAGES}{page.pk}/withdraw/", f"{PAGES}{waiting.pk}/change/"]
    assert admin.site._registry
    for model in admin.site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        listed = client.get(base)
        wanted.append(base)
        if "cl" not in listed.context:  # a screen of our own in the place of Django's list
            continue
        pk = listed.context["cl"].result_list[0].pk
        wanted += [base, f"{base}add/", *(f"{base}{pk}/{screen}/" for screen in ("change", "delete", "history"))]
    wanted.append(f"/admin/procedures/figure/{Figure.objects.all()[0].pk}/marks/")
    return [path for path in dict.fromkeys(wanted) if client.get(path).status_code == 200]


def walk(tab: StaffTab, superuser: User) -> list[str]:
    tab.sign_in(superuser)
    return screens(superuser)


def test_every_screen_keeps_the_strict_policy_and_fits_a_phone(
    browser: Browser, live_server: Any, superuser: User
) -> None:
    with open_staff_tab(browser, live_server.url, PHONE) as tab:
        tab.open("/admin/login/")
        widths = {}
        for path in walk(tab, superuser):
            tab.open(path)
            widths[path] = tab.page.evaluate("document.documentElement.scrollWidth")
        tab.page.wait_for_timeout(500)

        assert len(widths) > 55
        assert {path: width for path, width in widths.items() if width > 360} == {}
        assert tab.complaints == []


def findings(tab: StaffTab, paths: list[str]) -> dict[str, list[str]]:
    """What axe finds on each of these screens."""
    found: dict[str, list[str]] = {}
    for path in paths:
        tab.open(path)
        tab.page.evaluate(AXE)
        if here := tab.page.evaluate(AXE_FINDINGS):
            found[path] = here
    return found


def test_axe_finds_nothing_on_any_screen(browser: Browser, live_server: Any, superuser: User) -> None:
    with open_staff_tab(browser, live_server.url, DESKTOP, bypass_csp=True, color_scheme="light") as tab:
        assert (
            findings(tab, [path for path in walk(tab, superuser) if not path.endswith(("/history/", "/delete/"))]) == {}
        )


def test_axe_finds_nothing_by_night_and_on_a_phone(browser: Browser, live_server: Any, superuser: User) -> None:
    own = ("/admin/", "/page/", "/review/", "/withdraw/", "/outdated/", "/feedback/")
    with open_staff_tab(browser, live_server.url, PHONE, bypass_csp=True, color_scheme="dark") as tab:
        paths = [path for path in walk(tab, superuser) if path.endswith(own) or path.startswith(PAGES)]
        assert findings(tab, [path for path in paths if not path.endswith(("/history/", "/delete/"))]) == {}
