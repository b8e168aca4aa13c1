"""The served portal starts and responds; part of the default run."""

import pytest

from tests.conftest import ServedSite
from tests.views.client import fetch

PAGES = ("/", "/es/", "/kyphoplasty/", "/pictures/", "/glossary/", "/search/?q=cement", "/admin/login/", "/readyz")


@pytest.mark.smoke
def test_served_portal_returns_complete_pages_and_their_files(served_site: ServedSite) -> None:
    answers = {path: fetch(served_site.url, path) for path in PAGES}

    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(PAGES, 200)
    assert [path for path, answer in answers.items() if path != "/readyz" and "</html>" not in answer.text] == []
    assert fetch(served_site.url, "/no-such-page/").status == 404
    page = answers["/kyphoplasty/"].text
    files = {part.split('"')[0] for part in page.split('src="')[1:]}
    assert len(files) > 1
    assert {fetch(served_site.url, file).status for file in files} == {200}
