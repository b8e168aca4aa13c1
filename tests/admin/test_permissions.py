"""Who may open and send what, asked of the server for every screen."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from portal.staff.models import User
from procedures.models import Page, Release, Revision
from tests.admin.conftest import PAGES, SignIn, form_of, typed
from tests.factories import make_public

ROLES = ("editor", "reviewer", "manager", "visitor")
# What each role gets, in the order of ROLES: 2 answered, 4 forbidden.
SCREENS: dict[str, tuple[str, str]] = {
    "list": ("GET", "2224"),
    "form": ("GET", "2224"),
    "new form": ("GET", "2424"),
    "save": ("POST", "2424"),
    "review": ("GET", "4244"),
    "decide": ("POST", "4244"),
    "withdraw": ("GET", "4424"),
    "take down": ("POST", "4424"),
    "outdated": ("GET", "2224"),
    "renew": ("POST", "4424"),
    "revision": ("GET", "2224"),
    "release": ("GET", "2224"),
}


def address_of(screen: str, page: Page) -> tuple[str, dict[str, Any]]:
    revision, release = Revision.objects.filter(page=page).latest("number"), Release.objects.get(page=page)
    own = f"{PAGES}{page.pk}/"
    return {
        "list": (PAGES, {}),
        "form": (form_of(page), {}),
        "new form": (f"{PAGES}add/", {}),
        "save": (form_of(page), typed(page)),
        "review": (f"{own}review/", {}),
        "decide": (f"{own}review/", {"revision": revision.pk, "decision": "approved"}),
        "withdraw": (f"{own}withdraw/", {}),
        "take down": (f"{own}withdraw/", {"reason": "Old."}),
        "outdated": (f"{PAGES}outdated/", {}),
        "renew": (f"{PAGES}outdated/", {"page": [page.pk]}),
        "revision": (f"{PAGES}revisions/{revision.pk}/", {}),
        "release": (f"{PAGES}releases/{release.pk}/", {}),
    }[screen]


@pytest.mark.parametrize("screen", SCREENS)
def test_each_role_opens_its_own_screens_only(
    page: Page, screen: str, sign_in: SignIn, request: pytest.FixtureRequest
) -> None:
    make_public(page)
    method, wanted = SCREENS[screen]

    got = ""
    for role in ROLES:
        page.refresh_from_db()
        address, values = address_of(screen, page)
        client = sign_in(request.getfixturevalue(role))
        answer = client.post(address, values) if method == "POST" else client.get(address)
        got += "4" if answer.status_code == 403 else "2"
        assert answer.status_code in {200, 302, 403}

    assert got == wanted


@pytest.mark.parametrize("screen", SCREENS)
def test_strangers_are_led_to_the_sign_in(page: Page, screen: str) -> None:
    make_public(page)
    address, _ = address_of(screen, page)

    answer = Client().get(address)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/?next=/admin/procedures/page/")


@pytest.mark.parametrize("button", ["_publish"])
def test_a_button_that_is_not_shown_does_not_work(page: Page, editor: User, sign_in: SignIn, button: str) -> None:
    answer = sign_in(editor).post(form_of(page), typed(page, title="Forged", **{button: "1"}))

    page.refresh_from_db()
    assert answer.status_code == 403
    assert page.title == "Small cut"


@pytest.mark.parametrize("name", ["revision", "approval", "release", "releaseevent"])
def test_history_is_read_and_never_changed(page: Page, name: str, sign_in: SignIn, admin_user: User) -> None:
    make_public(page)
    client, base = sign_in(admin_user), f"/admin/procedures/{name}/"
    row = client.get(base).context["cl"].result_list[0]

    statuses = {
        "list": client.get(base).status_code,
        "row": client.get(f"{base}{row.pk}/change/").status_code,
        "add": client.get(f"{base}add/").status_code,
        "change": client.post(f"{base}{row.pk}/change/", {}).status_code,
        "delete": client.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code,
    }

    assert statuses == {"list": 200, "row": 200, "add": 403, "change": 403, "delete": 403}


def test_an_old_version_is_shown_as_it_was_read(page: Page, editor: User, sign_in: SignIn) -> None:
    first = make_public(page)
    page.title = "Newer title"
    make_public(page)

    html = sign_in(editor).get(f"{PAGES}releases/{first.pk}/").content.decode()

    assert first.html in html
    assert "Newer title" not in html
    assert '<meta name="robots" content="noindex">' in html


def test_released_versions_are_found_by_page(page: Page, editor: User, sign_in: SignIn) -> None:
    release = make_public(page)

    rows = sign_in(editor).get(f"/admin/procedures/release/?page__id__exact={page.pk}").context["cl"].result_list

    assert list(rows) == [release]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", ["page", "revision", "release", "releaseevent", "approval"])
def test_lists_cost_the_same_for_any_number(
    page: Page, editor: User, sign_in: SignIn, name: str, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        page.pk, page.subject, page.slug, page.code = None, f"page-{number}", f"page-{number}", f"C{number}"
        page._state.adding = True
        page.live_release = None
        page.save()
        make_public(page)
    client = sign_in(editor)

    with django_assert_max_num_queries(14):
        assert client.get(f"/admin/procedures/{name}/").status_code == 200


def test_every_model_a_clinic_edits_has_its_screen() -> None:
    screens = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "procedures"}

    assert screens == set(
        "page guide figure series term source careinstruction clinic location clinicalcode "
        "revision approval release releaseevent outsidelink feedback".split()
    )
