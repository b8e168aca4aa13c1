"""Query budgets: the number of queries for a path is a literal, with one item of each kind or three."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from procedures import search as search_index
from procedures.models import GuideItem, Location, LocationText, Page
from procedures.publishing.publish import withdraw
from tests.factories import BODY, make_clinic, make_figure, make_page, make_public, make_term, make_user

pytestmark = pytest.mark.django_db

NO_RESULTS_PATH = "/search/?q=xyzzyqwertz"
BUDGETS = {
    "/": 1,
    "/visits/": 1,
    "/small-cut-1/": 1,
    "/visits/first-1/": 1,
    "/glossary/": 1,
    "/pictures/": 1,
    "/places/": 1,
    "/search/?q=cut": 1,
    "/search/": 1,
    NO_RESULTS_PATH: 2,  # nothing found: the topics are shown too
    "/p/": 1,
    "/p/{code}": 1,
    "/p/222223": 1,  # wrong check character
    "/p/222222": 2,  # a valid code that no page has
    "/small-cut-1": 1,  # one redirect
    "/taken-down/": 1,  # 410
    "/no-such-page/": 3,  # the path, the version of the address index, and the clinic
    "/sitemap.xml": 1,
    "/robots.txt": 0,
    "/.well-known/security.txt": 0,
    "/healthz": 0,
}
STATUS = {
    "/p/{code}": 301,
    "/small-cut-1": 301,
    "/p/222222": 404,
    "/p/222223": 404,
    "/no-such-page/": 404,
    "/taken-down/": 410,
}


@pytest.fixture(autouse=True)
def _own_search_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a new search index: events of other tests are rolled back, so theirs would contain rows that do not exist."""
    fresh = {language: search_index.SearchIndex(language) for language in search_index._indexes}
    monkeypatch.setattr(search_index, "_indexes", fresh)


@pytest.fixture(params=[1, 3], ids=["one of each", "three of each"])
def items(request: pytest.FixtureRequest) -> int:
    """The number of items in every list."""
    return int(request.param)


@pytest.fixture
def library(items: int) -> dict[str, str]:
    """A clinic with ``items`` pages, guides, figures, terms, and locations; returns values for the paths."""
    make_clinic()
    figures = []
    for number in range(1, items + 1):
        figures.append(make_figure(f"picture-{number}"))
        make_term(f"word-{number}")
        place = Location.objects.create(key=f"place-{number}", phone="+1 303-555-0100", address="1 Main Street")
        LocationText.objects.create(location=place, language="en", name=f"Place {number}")
    pages = [publish(f"small-cut-{number}", lead_figure=figure) for number, figure in enumerate(figures, start=1)]
    for number in range(1, items + 1):
        publish_guide(f"first-{number}", pages)
    for slug, block in (("glossary", "glossary"), ("pictures", "pictures"), ("places", "locations")):
        publish(slug, kind="about", body=f"{BODY}\n::: {block}\n")
    withdraw(publish("taken-down"), actor=make_user("max"), reason="We no longer do this.")
    return {"code": pages[0].code}


def publish(slug: str, **values: object) -> Page:
    page = make_page(slug, key_message=f"This is {slug}.", **values)
    make_public(page)
    return page


def publish_guide(slug: str, pages: list[Page]) -> Page:
    guide = make_page(slug, kind="guide", key_message=f"This is {slug}.")
    for order, page in enumerate(pages):
        GuideItem.objects.create(guide=guide, page=page, order=order)
    make_public(guide)
    return guide


def queries_of(client: Client, path: str) -> list[str]:
    """Return the statements of a request, without Django's one-time probe of the database."""
    assert connection.features.supports_json_field
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return [query["sql"] for query in captured.captured_queries]


def test_every_path_stays_within_its_query_budget(client: Client, library: dict[str, str]) -> None:
    client.get("/search/?q=cut")  # build the search index
    client.get("/no-such-page/")  # build the address index

    statements = {address: queries_of(client, address.format(**library)) for address in BUDGETS}

    assert {address: len(sent) for address, sent in statements.items()} == BUDGETS


def test_every_path_returns_its_expected_status(client: Client, library: dict[str, str]) -> None:
    statuses = {address: client.get(address.format(**library)).status_code for address in BUDGETS}

    assert statuses == {address: STATUS.get(address, 200) for address in BUDGETS}


def test_lists_show_every_item(client: Client, library: dict[str, str], items: int) -> None:
    pages = {address: client.get(address).text for address in ("/", "/visits/", "/glossary/", "/pictures/", "/places/")}

    for number in range(1, items + 1):
        assert f'href="/small-cut-{number}/"' in pages["/"]
        assert f'href="/visits/first-{number}/"' in pages["/visits/"]
        assert f'id="term-word-{number}"' in pages["/glossary/"]
        assert f'id="fig-picture-{number}' in pages["/pictures/"]
        assert f'id="place-place-{number}"' in pages["/places/"]
        assert f"{client.get(f'/small-cut-{number}/').status_code} {number}" == f"200 {number}"


def test_empty_portal_needs_one_more_query_for_the_clinic(client: Client) -> None:
    make_clinic()

    counts = {path: len(queries_of(client, path)) for path in ("/", "/visits/", "/sitemap.xml")}

    # Without pages, the clinic is not loaded along with them.
    assert counts == {"/": 2, "/visits/": 2, "/sitemap.xml": 1}
