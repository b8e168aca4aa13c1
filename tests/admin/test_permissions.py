"""What no role can do, and the query counts of lists. test_permission_matrix.py tests who can open which screen."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission

from portal.accounts.models import User
from procedures.models import Page
from procedures.roles import ROLE_PERMISSIONS, create_roles
from tests.admin.conftest import PAGES, SignIn, change_url, make_staff, page_form, publish_copy
from tests.admin.upload_helpers import CHOOSE
from tests.factories import make_figure, make_public


@pytest.mark.parametrize("button", ["_publish"])
def test_hidden_actions_are_forbidden(page: Page, editor: User, sign_in: SignIn, button: str) -> None:
    answer = sign_in(editor).post(change_url(page), page_form(page, title="Forged", **{button: "1"}))

    page.refresh_from_db()
    assert answer.status_code == 403
    assert page.title == "Small cut"


@pytest.mark.parametrize("name", ["revision", "approval", "release", "releaseevent"])
def test_history_is_read_only(page: Page, name: str, sign_in: SignIn, admin_user: User) -> None:
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


def test_an_old_release_is_shown_as_patients_read_it(page: Page, editor: User, sign_in: SignIn) -> None:
    first = make_public(page)
    page.title = "Newer title"
    make_public(page)

    html = sign_in(editor).get(f"{PAGES}releases/{first.pk}/").content.decode()

    before_status, after_status = first.html.split("<!--status-->")
    text, after_tools = after_status.split("<!--tools-->")
    # The URL of the large picture is relative to the page's path, which differs from the path of this screen.
    assert 'href="picture/needle/"' in after_tools
    after_tools = after_tools.replace('href="picture/', f'href="{first.path}picture/')
    assert [part for part in (before_status, text, after_tools) if part not in html] == []
    assert "Newer title" not in html
    assert '<meta name="robots" content="noindex">' in html


def test_releases_are_searchable_by_page(page: Page, editor: User, sign_in: SignIn) -> None:
    release = make_public(page)

    rows = sign_in(editor).get(f"/admin/procedures/release/?page__id__exact={page.pk}").context["cl"].result_list

    assert list(rows) == [release]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", ["page", "revision", "release", "releaseevent", "approval"])
def test_history_lists_need_a_fixed_number_of_queries(
    page: Page, editor: User, sign_in: SignIn, name: str, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        publish_copy(page, number)
    client = sign_in(editor)

    with django_assert_max_num_queries(14):
        assert client.get(f"/admin/procedures/{name}/").status_code == 200


def test_every_editable_model_is_registered() -> None:
    admin.autodiscover()
    screens = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "procedures"}

    assert screens == set(
        "page guide figure series glossaryterm source clinicanswer warningsign clinic location clinicalcode "
        "revision approval release releaseevent externallink feedback".split()
    )


@pytest.mark.django_db
def test_a_new_picture_needs_another_permission_than_a_replacement(sign_in: SignIn) -> None:
    make_figure("needle")
    statuses = {}
    for name in ("add_figure", "change_figure", "view_figure"):
        user = make_staff(name)
        user.user_permissions.add(Permission.objects.get(codename=name))
        client = sign_in(user)
        statuses[name] = (client.get(CHOOSE).status_code, client.get(f"{CHOOSE}?figure=needle").status_code)

    assert statuses == {"add_figure": (200, 403), "change_figure": (403, 200), "view_figure": (403, 403)}


@pytest.mark.django_db
def test_a_migration_restores_the_roles_and_leaves_other_groups_alone() -> None:
    publish, view = (Permission.objects.get(codename=name) for name in ("publish_page", "view_page"))
    own, editors = Group.objects.create(name="Own"), Group.objects.get_or_create(name="Editor")[0]
    own.permissions.add(publish)
    editors.permissions.add(publish)
    editors.permissions.remove(view)
    Group.objects.filter(name="Manager").delete()

    create_roles(using="default")

    found = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
    assert found == {**{name: set(names) for name, names in ROLE_PERMISSIONS.items()}, "Own": {"publish_page"}}
