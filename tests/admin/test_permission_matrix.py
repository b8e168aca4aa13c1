"""Permissions by role, page state, and admin URL. The URLs come from the resolver, the statuses from requests."""

import datetime
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from portal.accounts.models import AuditEvent, User
from procedures.enums import Decision
from procedures.models import (
    Approval,
    ClinicalCode,
    ClinicAnswer,
    ExternalLink,
    Feedback,
    Figure,
    Guide,
    Location,
    Page,
    Release,
    ReleaseEvent,
    Revision,
    Series,
    Source,
)
from procedures.publishing.publish import publish, publish_starter, withdraw
from procedures.publishing.review import record_decision, submit_for_review
from procedures.publishing.schedule import schedule_revision
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import make_staff
from tests.admin.permission_matrix import (
    ACCOUNT_URLS,
    ACTIONS,
    BUNDLE_URLS,
    DJANGO_URLS,
    FIGURE_TEXT_URLS,
    FIGURE_URLS,
    MODELS,
    PAGE_URLS,
    PUBLIC_PAGE_URLS,
    SITE_URLS,
    STAGED_IMAGE_URLS,
    STATES,
    MatrixRequest,
    table,
)
from tests.factories import make_clinic, make_next, make_page, make_public, make_term
from tests.replay import built_once

ROLES = ("Editor", "Reviewer", "Manager", "", None)


def admin_names(resolver: Any = None, prefix: str = "") -> Iterator[str | None]:
    """Yield the name of every URL under /admin/."""
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from admin_names(entry, path)
        elif path.startswith("admin/"):
            yield entry.name


def test_every_admin_url_is_in_the_permission_matrix() -> None:
    # Django's redirect from …/<pk>/ and its catch-all view have no name.
    # tests/browser/test_components.py tests the component page.
    assert {name for name in admin_names() if name} - ACCOUNT_URLS - {"components"} == set(table())


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Disable logging, because hundreds of rejected requests would each log a traceback."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def cookies(db: None) -> list[str]:
    """Session cookies for each role, and an empty one for an anonymous user."""
    found = []
    for role in ROLES:
        client = Client()
        if role is not None:
            client.force_login(make_staff(f"Some{role}", role))
            found.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
        else:
            found.append("")
    return found


@pytest.fixture
@built_once
def other_rows(db: None) -> None:
    """Create one row of every model that has a screen."""
    make_clinic()
    Series.objects.create(slug="steps", language="en", title="Step by step")
    make_term()
    ClinicAnswer.objects.create(key="driving", language="en", question="When can I drive?", answer="Tomorrow.")
    Location.objects.create(key="main", phone="+1 303-555-0100", address="1 Main Street")
    ClinicalCode.objects.create(system="icd-10-cm", code="S32.0", subject="small-cut")
    make_page("first-visit", kind="guide")
    ExternalLink.objects.create(url="https://nice.example/", last_result="answers 200", checked_at=timezone.now())
    Feedback.objects.create(page=make_next(), was_clear=True, received_on=timezone.localdate())
    make_public(make_page("public", next_page=make_next()))


def make_page_in_state(state: str) -> Page:
    """Return a page in the workflow state ``state``."""
    page, writer, doctor, boss = make_page(next_page=make_next()), make_staff("W"), make_staff("D"), make_staff("B")

    def saved(*steps: str, **values: Any) -> Revision:
        Page.objects.filter(pk=page.pk).update(**values)
        revision = save_revision(Page.objects.get(pk=page.pk), author=writer)
        for step in steps:
            if step == "submit":
                submit_for_review(revision, actor=writer)
            else:
                record_decision(revision, reviewer=doctor, decision=Decision(step), comment="So.")
        return revision

    yes = ("submit", Decision.APPROVED)
    if state == "starter":
        publish_starter(saved())
    elif state in {"public", "newer", "withdrawn"}:
        publish(saved(*yes), actor=boss)
        if state == "newer":
            saved(title="Newer")
        if state == "withdrawn":
            withdraw(Page.objects.get(pk=page.pk), actor=boss, reason="Old.")
    elif state == "planned":
        schedule_revision(saved(*yes), actor=boss, at=timezone.now() + datetime.timedelta(days=1))
    else:
        saved(
            *{"draft": (), "waiting": ("submit",), "sent_back": ("submit", Decision.SENT_BACK), "approved": yes}[state]
        )
    return Page.objects.get(pk=page.pk)


def get_status(address: str, wanted: MatrixRequest | tuple[str, dict[str, Any]], cookie: str, page: Page) -> int:
    """Return the status, and roll back all writes."""
    method, data = (wanted.method, wanted.data) if isinstance(wanted, MatrixRequest) else wanted
    client = Client()
    if cookie:
        client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    values = {name: value(page) if callable(value) else value for name, value in data.items()}
    with transaction.atomic():
        answer = getattr(client, method.lower())(address, values)
        transaction.set_rollback(True)
    status = int(answer.status_code)
    if status == 302 and answer["Location"].startswith("/admin/login/"):
        return 0
    return status


CODES = {0: "L", 401: "1", 403: "4", 404: "0"}
SUCCESS = {200, 302, 400, 409}


def get_codes(address: str, wanted: MatrixRequest, cookies: list[str], page: Page) -> str:
    statuses = [get_status(address, wanted, cookie, page) for cookie in cookies]
    return "".join("2" if status in SUCCESS else CODES.get(status, f"<{status}>") for status in statuses)


def get_url(name: str, page: Page) -> str:
    """Return the URL of a screen for this page."""
    release = page.releases.first() or Release.objects.order_by("pk").first()
    revision = page.revisions.first()
    arguments = {"revision_page": revision, "release_page": release}.get(name, page)
    fixed = {"page_preview", "page_review_autosave"}
    return reverse(f"admin:procedures_{name}", args=[] if name in fixed else [arguments.pk])  # type: ignore[union-attr]


# Each state takes seconds, so only one of them is in the fast tier.
FAST_STATES = {"public"}


@pytest.mark.parametrize(
    "state", [state if state in FAST_STATES else pytest.param(state, marks=pytest.mark.slow) for state in STATES]
)
def test_permissions_hold_in_every_state_of_a_page(state: str, other_rows: None, cookies: list[str]) -> None:
    page = make_page_in_state(state)
    screens = {
        **PAGE_URLS,
        **{
            f"page_{screen}": asks
            for screen, asks in MODELS["page"].items()
            if screen in {"change", "delete", "history"}
        },
    }

    wrong = {
        f"{wanted.method} {name} {wanted.data}": (got, wanted.who)
        for name, asks in screens.items()
        for wanted in asks
        if (got := get_codes(get_url(name, page), wanted, cookies, page)) != wanted.who
    }

    assert wrong == {}


def row_of(model: str) -> Any:
    classes: dict[str, Any] = {
        "figure": Figure, "series": Series, "source": Source, "clinicanswer": ClinicAnswer, "location": Location,
        "clinicalcode": ClinicalCode, "revision": Revision, "approval": Approval, "release": Release,
        "releaseevent": ReleaseEvent, "page": Page, "guide": Guide,
    }  # fmt: skip
    found = classes.get(model) or ContentType.objects.get(app_label="procedures", model=model).model_class()
    rows = found.objects.filter(kind="guide") if model == "guide" else found.objects.all()
    return rows.first()


@pytest.mark.slow
def test_permissions_hold_on_every_other_screen(other_rows: None, cookies: list[str]) -> None:
    page = make_page_in_state("public")
    wrong = {}
    for model, own in MODELS.items():
        for screen, asks in own.items():
            args = [] if screen in {"changelist", "add"} else [row_of(model).pk]
            for wanted in asks:
                got = get_codes(reverse(f"admin:procedures_{model}_{screen}", args=args), wanted, cookies, page)
                if got != wanted.who:
                    wrong[f"{wanted.method} {model} {screen}"] = got, wanted.who
    places: dict[str, list[Any]] = {
        **{name: [Figure.objects.values_list("pk", flat=True)[0]] for name in FIGURE_URLS},
        **{name: [Figure.objects.values_list("pk", flat=True)[0], "en"] for name in FIGURE_TEXT_URLS},
        **{name: ["0" * 32] for name in STAGED_IMAGE_URLS},
        **{name: ["0" * 64, "0" * 64] for name in BUNDLE_URLS},
        "figure_file": [f"figures/{'0' * 20}.png"],
        **{name: [page.pk, "a4"] if name == "page_letter" else [page.pk] for name in PUBLIC_PAGE_URLS},
    }
    asked = {**SITE_URLS, **FIGURE_URLS, **FIGURE_TEXT_URLS, **STAGED_IMAGE_URLS, **BUNDLE_URLS, **PUBLIC_PAGE_URLS}
    for name, asks in asked.items():
        for wanted in asks:
            got = get_codes(reverse(f"admin:procedures_{name}", args=places.get(name)), wanted, cookies, page)
            if got != wanted.who:
                wrong[f"{wanted.method} {name}"] = got, wanted.who

    assert wrong == {}


@pytest.mark.slow
def test_permissions_hold_on_django_and_account_screens(other_rows: None, cookies: list[str]) -> None:
    page, somebody = make_page_in_state("public"), User.objects.first()
    assert somebody is not None
    arguments: dict[str, list[Any]] = {
        "app_list": ["procedures"],
        "view_on_site": [ContentType.objects.get_for_model(Page).pk, page.pk],
        **{
            name: [somebody.pk]
            for name in DJANGO_URLS
            if name.startswith("staff_user_") and not name.endswith(("changelist", "add"))
        },
        **{
            name: [AuditEvent.objects.create(kind="logged_in", user=somebody).pk]
            for name in DJANGO_URLS
            if name.startswith("staff_auditevent_") and not name.endswith(("changelist", "add"))
        },
        "auth_user_password_change": [somebody.pk],
    }

    wrong = {
        name: (got, wanted.who)
        for name, asks in DJANGO_URLS.items()
        for wanted in asks
        if (got := get_codes(reverse(f"admin:{name}", args=arguments.get(name)), wanted, cookies, page)) != wanted.who
    }

    assert wrong == {}


@pytest.mark.parametrize("state", STATES)
def test_available_actions_depend_on_the_state(state: str, other_rows: None, cookies: list[str]) -> None:
    page, seat = make_page_in_state(state), dict(zip(("editor", "reviewer", "manager"), cookies, strict=False))

    got = {
        act: get_status(get_url(name, page), ("POST", data), seat[who], page)
        for act, (name, who, data, _) in ACTIONS.items()
    }

    assert got == {act: int(row[3].split()[STATES.index(state)]) for act, row in ACTIONS.items()}
