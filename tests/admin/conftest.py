"""Fixtures: staff with the roles of procedures/roles.py.

Nina is an editor, Rosa a reviewer, Max a manager, and Ines has no role.
"""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from portal.accounts.models import User
from procedures.models import Clinic, ClinicAnswer, Page
from procedures.roles import ROLE_PERMISSIONS
from tests.factories import make_draft, make_public
from tests.rate_limits import reset_upload_limits

PAGES = "/admin/procedures/page/"
APPS = ("procedures", "staff")
SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    reset_upload_limits()


def make_staff(name: str, role: str = "", **values: Any) -> User:
    """Create a staff user with one role."""
    # The factories use the names "ed" and "max".
    user = User.objects.create(username=f"{name.lower()}.clinic", first_name=name, is_staff=True, **values)
    if role:
        group, _ = Group.objects.get_or_create(name=role)
        # Browser tests truncate the tables, including the groups.
        names = ROLE_PERMISSIONS[role]
        group.permissions.set(Permission.objects.filter(codename__in=names, content_type__app_label__in=APPS))
        user.groups.add(group)
    return user


@pytest.fixture
def editor(db: None) -> User:
    return make_staff("Nina", "Editor")


@pytest.fixture
def reviewer(db: None) -> User:
    return make_staff("Rosa", "Reviewer")


@pytest.fixture
def manager(db: None) -> User:
    return make_staff("Max", "Manager")


@pytest.fixture
def visitor(db: None) -> User:
    """A staff user without a role."""
    return make_staff("Ines")


@pytest.fixture
def sign_in() -> SignIn:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def nina(editor: User, sign_in: SignIn) -> Client:
    """The editor, signed in."""
    return sign_in(editor)


@pytest.fixture
def page(db: None) -> Page:
    """A draft that is ready to be published."""
    return make_draft()


@pytest.fixture
def denver(page: Page) -> Page:
    """The page of a clinic in Denver."""
    Clinic.objects.update(time_zone="America/Denver")
    return page


def publish_copy(page: Page, number: int) -> None:
    """Copy ``page`` to a new row, and make it public."""
    page.pk, page.subject, page.slug, page.code = None, f"page-{number}", f"page-{number}", f"C{number}"
    page._state.adding = True
    page.live_release = None
    page.save()
    make_public(page)


def page_form(page: Page, /, **changes: Any) -> dict[str, Any]:
    """Return the POST data of the form of ``page``, with ``changes`` applied."""
    names = "slug title key_message description body next_label review_months order subject language kind".split()
    values: dict[str, Any] = {name: getattr(page, name) for name in names}
    values |= {"lead_figure": page.lead_figure_id or "", "next_page": page.next_page_id or ""}
    values |= {"version": page.draft_version, "page": page.pk or "", "note": "", "what_changed": ""}
    return {**values, **changes}


def post_form(client: Client, address: str, values: dict[str, Any], **options: Any) -> Any:
    """Open a form that more than one person can edit, then post it."""
    return client.post(address, {"snapshot": client.get(address).context.get("snapshot", ""), **values}, **options)


def change_url(page: Page) -> str:
    """Return the URL of the page's form."""
    return f"{PAGES}{page.pk}/change/"


def make_picture_file(
    name: str = "photo.jpg", *, kind: str = "JPEG", size: tuple[int, int] = (60, 40)
) -> SimpleUploadedFile:
    """Return a small gray picture as a browser uploads it."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize(size).save(stream, kind)
    return SimpleUploadedFile(name, stream.getvalue(), content_type="image/jpeg")


@pytest.fixture
def clinic_answer(page: Page) -> ClinicAnswer:
    """A clinic answer on a public page."""
    row = ClinicAnswer.objects.create(key="driving", language="en", question="When can I drive?", answer="Tomorrow.")
    page.body += "\n::: care driving\n"
    page.save()
    make_public(page)
    return row


def clinic_answer_form(**changes: Any) -> dict[str, Any]:
    return {"order": 0, "question": "When can I drive?", "answer": "Tomorrow.", **changes}
