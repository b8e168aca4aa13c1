"""Redirects in a browser that caches everything RFC 9111 allows: pages that move and return do not loop."""

import re
from dataclasses import dataclass, field

import pytest
from django.http import HttpResponse
from django.test import Client

from procedures.models import Page
from tests.factories import make_clinic, make_figure, make_page, make_public
from tests.replay import built_once

# Statuses that a cache may store without explicit freshness (RFC 9110 §15.1).
HEURISTIC = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}


@dataclass
class Browser:
    """A browser with a stopped clock: a response that is fresh for a second is fresh forever."""

    client: Client
    stored: dict[str, HttpResponse] = field(default_factory=dict)

    def get(self, path: str) -> HttpResponse:
        if path in self.stored:
            return self.stored[path]
        answer = self.client.get(path)
        if self._may_reuse(answer):
            self.stored[path] = answer
        return answer

    @staticmethod
    def _may_reuse(answer: HttpResponse) -> bool:
        directives = dict(re.findall(r"([a-z-]+)(?:=\"?(\d+))?", answer.headers.get("Cache-Control", "").lower()))
        if directives.keys() & {"no-store", "no-cache"}:
            return False
        ages = [directives[name] for name in ("s-maxage", "max-age") if name in directives]
        if ages:
            return int(ages[0] or 0) > 0
        return "Expires" in answer.headers or answer.status_code in HEURISTIC

    def open(self, path: str) -> tuple[int, str]:
        """Follow redirects, and return the final status and path."""
        for _ in range(6):
            answer = self.get(path)
            if "Location" not in answer.headers:
                return answer.status_code, path
            path = answer["Location"]
        return 310, path  # stands for the browser error “too many redirects”


@pytest.fixture
@built_once
def page(db: None) -> Page:
    make_clinic()
    make_figure(size=(48, 48))
    page = make_page("alpha-page")
    make_public(page)
    return page


def rename(page: Page, slug: str) -> None:
    page.refresh_from_db()
    page.slug = slug
    page.save()
    make_public(page)


def test_a_page_that_moves_and_returns_is_found_at_both_urls(page: Page, client: Client) -> None:
    browser = Browser(client)
    for slug in ("beta-page", "alpha-page", "beta-page", "gamma-page", "alpha-page"):
        rename(page, slug)
        for path in ("/alpha-page/", "/beta-page/", "/gamma-page/"):
            if page.paths.filter(path=path).exists():
                assert browser.open(path) == (200, f"/{slug}/")


def test_every_link_to_a_page_that_moves_and_returns_works(page: Page, client: Client) -> None:
    browser = Browser(client)
    ways = ["/alpha-page", "/Alpha_Page/.", "/alpha-pgae/", "/alphapage", "/es/alpha-page/", "/en/alpha-page/"]
    ways += [f"/p/{page.code}", f"/p/{page.code.lower()}", f"/p/?code={page.code}"]
    for slug in ("alpha-page", "beta-page", "alpha-page"):
        rename(page, slug)
        for way in ways:
            assert browser.open(way) == (200, f"/{slug}/"), way
        for form in ("plain.txt", "booklet/"):
            assert browser.open(f"/alpha-page/{form}") == (200, f"/{slug}/{form}")
            assert browser.open(f"/Alpha_Page/{form}") == (200, f"/{slug}/{form}")


def test_redirects_to_list_pages_are_not_cached_wrongly(page: Page, client: Client) -> None:
    browser = Browser(client)
    assert browser.open("/visits") == (200, "/visits/")
    assert browser.open("/es") == (200, "/es/")
    assert browser.stored == {}


def test_a_missing_page_that_appears_later_is_found(page: Page, client: Client) -> None:
    browser = Browser(client)
    assert browser.open("/zebra-fish/")[0] == 404

    make_public(make_page("zebra-fish"))

    assert browser.open("/zebra-fish/") == (200, "/zebra-fish/")
