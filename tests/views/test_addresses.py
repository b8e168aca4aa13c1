"""Damaged URLs, short codes, and 404 pages that help."""

import json
import subprocess
import sys
from urllib.parse import quote

import pytest

from procedures.sharing.short_codes import CODE_ALPHABET
from tests.conftest import ServedSite
from tests.served_data import ROOT
from tests.views.client import fetch
from tests.views.crawl import Document, Site, element_text


@pytest.fixture(scope="session")
def codes(served_site: ServedSite) -> dict[str, str]:
    """The subject of every public page by its short code. Other tests write drafts on the same portal."""
    done = subprocess.run(
        [sys.executable, "manage.py", "dumpdata", "procedures.page"],
        cwd=ROOT,
        env=served_site.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    pages = [row["fields"] for row in json.loads(done.stdout)]
    return {page["code"]: page["subject"] for page in pages if page["live_release"]}


@pytest.fixture(scope="session")
def code(codes: dict[str, str]) -> str:
    """The code of the page on kyphoplasty."""
    return next(code for code, subject in codes.items() if subject == "kyphoplasty")


@pytest.mark.parametrize("spelling", ["{}", "{}/", "lower", "{0[0]}{0[1]}-{0[2]}{0[3]}-{0[4]}{0[5]}", "spaced"])
def test_short_code_is_accepted_in_any_spelling(site: Site, code: str, spelling: str) -> None:
    forms = {"lower": code.lower(), "spaced": "%20".join(code)}
    typed = forms.get(spelling) or spelling.format(code)

    answer = fetch(site.url, f"/p/{typed}")

    assert (answer.status, answer.header("location")) == (301, "/kyphoplasty/")


def test_code_entered_in_the_form_redirects_to_its_page(site: Site, code: str) -> None:
    answer = fetch(site.url, f"/p/?code=+{code[:3]}+{code[3:].lower()}+")

    assert (answer.status, answer.header("location")) == (301, "/kyphoplasty/")


def test_every_code_redirects_once(site: Site, codes: dict[str, str]) -> None:
    targets = {code: fetch(site.url, f"/p/{code}").header("location") for code in codes}

    assert [code for code, target in targets.items() if target not in site.pages] == []
    assert len(set(targets.values())) == len(codes) >= 15


def test_short_codes_do_not_reveal_the_page(codes: dict[str, str]) -> None:
    assert [code for code in codes if len(code) != 6 or set(code) - set(CODE_ALPHABET)] == []


def test_one_wrong_character_never_opens_another_page(site: Site, code: str) -> None:
    for place in range(6):
        wrong = (
            code[:place]
            + CODE_ALPHABET[(CODE_ALPHABET.index(code[place]) + 1) % len(CODE_ALPHABET)]
            + code[place + 1 :]
        )
        assert (wrong, fetch(site.url, f"/p/{wrong}").status) == (wrong, 404)


def test_invalid_code_keeps_the_input_and_shows_advice(site: Site, subtests: pytest.Subtests) -> None:
    for typed in ["222222", "A", "<b>", "kyphoplasty", "%00", "%ff", "O" * 200, "../admin"]:
        with subtests.test(typed=typed):
            answer = fetch(site.url, f"/p/?code={quote(typed, safe='%')}")
            page = Document.read("/p/", answer)
            field = page.one("input", id="code")

            assert answer.status == 404
            assert field.get("aria-invalid") == "true"
            assert [element_text(e) for e in page.of_class("field__error")] != []
            assert "code-error" in field.get("aria-describedby", "").split()
            assert "tel:3035550100" in {a.get("href") for a in page.one("main").iter("a")}


def test_damaged_url_redirects_once(site: Site, subtests: pytest.Subtests) -> None:
    for written in [
        "/kyphoplasty",
        "/Kyphoplasty/",
        "/KYPHOPLASTY",
        "/kyphoplasty/.",
        "/kyphoplasty/),",
        "/kyphoplasty/%3E",
        "/kyphoplasty/index.html",
        "//kyphoplasty//",
        "/kyphoplasty%20",
        "/kyphopla",
        "/kyphoplasty/%0D%0A",
        "/kyphoplasty/&utm_source=mail",
    ]:
        with subtests.test(written=written):
            answer = fetch(site.url, written)

            assert (answer.status, answer.header("location")) == (301, "/kyphoplasty/")


def test_tracking_parameter_is_ignored(site: Site) -> None:
    answer = fetch(site.url, "/kyphoplasty/?utm_source=mail&fbclid=x")

    assert (answer.status, answer.body) == (200, site.pages["/kyphoplasty/"].answer.body)


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/%2f%2fevil.example", "/\\evil.example", "/https://evil.example/"]
)
def test_no_url_redirects_to_another_host(site: Site, path: str) -> None:
    answer = fetch(site.url, path)

    assert answer.status == 404
    assert answer.header("location") == ""


def test_404_page_offers_search_phone_and_home_link(site: Site) -> None:
    answer = fetch(site.url, "/no-such-page/")
    page = Document.read("/no-such-page/", answer)
    main = page.one("main")

    assert (answer.status, answer.header("cache-control")) == (404, "no-store")
    assert [element_text(h) for h in page.elements("h1")] == ["We can’t find that page"]
    assert {"tel:3035550100", "/", "/es/"} <= {a.get("href") for a in main.iter("a")}
    assert page.one("form", role="search").get("action") == "/search/"
    assert "no-such-page" not in element_text(main)
    assert not page.is_for_search_engines
    assert page.parse_errors == ()


def test_invalid_urls_return_404(site: Site, subtests: pytest.Subtests) -> None:
    for path in ["/%00", "/%ff%fe", "/" + "a" * 4000, "/%E2%80%AE", "/%ed%a0%80", "/.git/config", "/.env"]:
        with subtests.test(path=path):
            assert fetch(site.url, path).status == 404


@pytest.mark.parametrize(
    "path",
    ["/media/../portal.sqlite3", "/media/..%2fsecret-key", "/media/figures/..%2f..%2fsecret-key", "/media/figures/"],
)
def test_only_pictures_are_served_from_the_data_folder(site: Site, path: str) -> None:
    assert fetch(site.url, path).status == 404
