"""Sitemap, robots.txt, security.txt, health check."""

import datetime
from xml.etree import ElementTree

import pytest
from django.test import Client

from portal import get_version
from tests.views.client import fetch
from tests.views.crawl import Site
from tests.views.test_crawl import alternates

SITEMAP_NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"


def entries(site: Site) -> list[ElementTree.Element]:
    answer = fetch(site.url, "/sitemap.xml")
    assert answer.kind == "application/xml"
    # Our own XML, without declared entities.
    return ElementTree.fromstring(answer.body).findall(f"{SITEMAP_NAMESPACE}url")


def test_sitemap_lists_exactly_the_pages_for_search_engines(site: Site) -> None:
    addresses = [entry.findtext(f"{SITEMAP_NAMESPACE}loc") for entry in entries(site)]

    assert sorted(filter(None, addresses)) == sorted(site.address(page.path) for page in site.listed)


def test_sitemap_has_the_last_change_of_each_page(site: Site) -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    days = [
        datetime.date.fromisoformat(day)
        for entry in entries(site)
        if (day := entry.findtext(f"{SITEMAP_NAMESPACE}lastmod"))
    ]

    assert {day for day in days if not today - datetime.timedelta(days=1) <= day <= today} == set()
    assert len(days) >= len(site.articles)


def test_sitemap_lists_the_same_translations_as_the_pages(site: Site) -> None:
    translated = 0
    for entry in entries(site):
        path = (entry.findtext(f"{SITEMAP_NAMESPACE}loc") or "").removeprefix(site.url)
        named = {link.attrib["hreflang"]: link.attrib["href"] for link in entry.findall(f"{XHTML}link")}
        if len(named) > 1:
            translated += 1
            assert (path, named) == (path, alternates(site.pages[path]))
    assert translated > 10


def test_robots_txt_disallows_what_is_not_a_page_in_every_language(site: Site) -> None:
    answer = fetch(site.url, "/robots.txt")

    assert answer.header("content-type") == "text/plain; charset=utf-8"
    assert answer.text.splitlines() == [
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /search/",
        "Disallow: /p/",
        "Disallow: /clear/",
        "Disallow: /es/search/",
        "Disallow: /es/p/",
        "Disallow: /es/clear/",
        f"Sitemap: {site.url}/sitemap.xml",
    ]


def test_security_contact_follows_rfc_9116(site: Site) -> None:
    answer = fetch(site.url, "/.well-known/security.txt")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    expires = datetime.datetime.fromisoformat(fields.pop("Expires"))
    left = expires - datetime.datetime.now(tz=datetime.UTC)

    assert answer.header("content-type") == "text/plain; charset=utf-8"
    assert fields == {
        "Contact": f"{site.url}/contact/",
        "Preferred-Languages": "en, es",
        "Canonical": f"{site.url}/.well-known/security.txt",
    }
    assert datetime.timedelta(days=300) < left <= datetime.timedelta(days=366)


def test_health_check_returns_one_line(site: Site) -> None:
    assert [fetch(site.url, path).text for path in ("/healthz", "/readyz")] == [f"ok {get_version()}\n", "ready\n"]


@pytest.mark.django_db
def test_site_files_are_found_with_a_slash_at_the_end(client: Client) -> None:
    for path in ("/robots.txt", "/sitemap.xml", "/.well-known/security.txt"):
        answers = [client.get(address) for address in (path, f"{path}/")]
        assert [answer.status_code for answer in answers] == [answers[0].status_code] * 2
        assert answers[0].content == answers[1].content
