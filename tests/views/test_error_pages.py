"""The error page that says whom to call while the database is down."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory

from portal.published.files import PublishedFiles
from procedures.models import Clinic
from procedures.publishing.site_source import content_version
from procedures.views.errors import unavailable
from tests.factories import make_public_page

pytestmark = pytest.mark.django_db


def test_without_the_database_the_error_page_has_the_phone_of_the_published_files(
    tmp_path: Path, settings: Any, rf: RequestFactory, django_assert_num_queries: Any
) -> None:
    settings.DATA_DIR = tmp_path
    make_public_page()
    Client().get("/small-cut/")  # this process has rendered the old number
    Clinic.objects.update(phone="+1 303-555-0199")
    files = PublishedFiles(tmp_path)
    with files.try_lock_for_writing():
        files.write("/", [], b"Home")
        files.record_state({"content_version": content_version()})

    with django_assert_num_queries(0):
        html = unavailable(rf.get("/search/")).content.decode()

    assert "303-555-0199" in html
    assert "303-555-0100" not in html


def test_without_published_files_the_error_page_has_no_phone(tmp_path: Path, settings: Any, rf: RequestFactory) -> None:
    settings.DATA_DIR = tmp_path
    make_public_page()
    Client().get("/small-cut/")

    response = unavailable(rf.get("/es/search/"))

    assert response.status_code == 503
    assert "303-555-0100" not in response.content.decode()
