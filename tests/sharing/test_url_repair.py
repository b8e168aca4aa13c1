"""Repair of damaged URLs over HTTP; no request leads to another site."""

import re
from urllib.parse import quote, unquote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures.models import Clinic, ClinicText, GuideItem, Page, Path
from procedures.publishing.publish import withdraw
from procedures.sharing.url_repair import url_candidates
from tests.factories import make_page, make_public, make_user, store_early_submission, store_late_withdrawal

REVALIDATE = "no-cache"


def get(client: Client, path: str) -> object:
    """GET exactly this path. The host is included so that two leading slashes are kept."""
    return client.get(f"http://testserver{path}")


# LINKS.md §1, where x stands for a whole URL in the table.
DAMAGED = [
    "/lumbar-mri",
    "/lumbar-mri/.",
    "/lumbar-mri.",
    "/lumbar-mri/,",
    "/lumbar-mri/)",
    "/lumbar-mri/%3E",
    "/lumbar-mri/%E2%80%9D",
    "/LUMBAR-MRI/",
    "/Lumbar_MRI/",
    "/lumbar-%20mri/",
    "/lumbar-=mri/",
    "/lumbar=2Dmri/",
    "/lumbar-mri/=",
    "//lumbar-mri/",
    "/lumbar-mri//",
    "/lumbar%E2%80%90mri/",
    "/lumbar%E2%80%93mri/",
    "/lumbar-mri/%0A",
    "/lumbar-mri/%0D%0A",
    "/lumbar-mri/%C2%A0",
    "/lumbar-mri/%E2%80%8B",
    "/lumbar-mri/index.html",
    "/lumbar-mri/&amp;utm_source=y",
    "/%EF%BD%8C%EF%BD%95mbar-mri/",
    "/lumbar-mri/%20for%20you",
    "/lumbar-mri/%C2%BB",
    "/lumbar-mri/*",
    "/(lumbar-mri)",
    "/%22lumbar-mri%22",
    "/lumbar-m",
    "/lumbar-mri/%25",
    "/lumbar-mri/%252",
    "/lumbar-mri/%25E2%258",
    "/lumbar-mri%25E2%2580%259",
    "/lumbar-mri/__;!!AbC!xyz$",
]


def test_a_damaged_url_redirects_once(pages: Page, client: Client, subtests: pytest.Subtests) -> None:
    for path in DAMAGED:
        with subtests.test(path=path):
            answer = get(client, path)

            assert (answer.status_code, answer["Location"], answer["Cache-Control"]) == (
                301,
                "/lumbar-mri/",
                REVALIDATE,
            )
            assert client.get(answer["Location"]).status_code == 200


def test_an_encoded_slash_counts_as_a_slash(pages: Page, client: Client) -> None:
    assert get(client, "/lumbar-mri%2F").status_code == 200
    assert get(client, "/lumbar_mri%2F")["Location"] == "/lumbar-mri/"


def test_no_link_of_a_page_is_relative_because_an_encoded_slash_changes_its_base(pages: Page, client: Client) -> None:
    guide = make_page("first-visit", kind="guide")
    GuideItem.objects.create(guide=guide, page=pages)
    make_public(guide)

    for path, links in (
        ("/lumbar-mri%2F", {"/lumbar-mri/plain.txt", "/lumbar-mri/picture/needle/"}),
        ("/visits/first-visit%2F", {"/visits/first-visit/plain.txt", "/visits/first-visit/booklet/"}),
    ):
        found = re.findall(r'(?:href|src|action)="([^"]*)"', get(client, path).content.decode())
        assert links <= set(found)
        assert [link for link in found if not re.match(r"/(?!/)|#|https?://|tel:|mailto:", link)] == []


@pytest.mark.parametrize("path", ["/es/resonancia", "/ES/Resonancia/.", "//es//resonancia/", "/es/resonancia/)"])
def test_a_damaged_spanish_url_redirects_to_the_spanish_page(pages: Page, client: Client, path: str) -> None:
    assert get(client, path)["Location"] == "/es/resonancia/"


def test_a_doubled_slash_inside_a_url_redirects_once(pages: Page, client: Client) -> None:
    guide = make_page("first-visit", kind="guide")
    GuideItem.objects.create(guide=guide, page=pages)
    make_public(guide)

    assert get(client, "/visits//first-visit/")["Location"] == "/visits/first-visit/"


@pytest.mark.parametrize("query", ["utm_source=y&fbclid=1", "x=%0a", "gclid=//evil.example", ""])
def test_a_tracking_parameter_does_not_hide_the_page(pages: Page, client: Client, query: str) -> None:
    assert client.get(f"/lumbar-mri/?{query}").status_code == 200


def test_head_responds_like_get(pages: Page, client: Client) -> None:
    assert client.head("/lumbar-mri/").status_code == 200
    assert client.head("/lumbar_mri")["Location"] == "/lumbar-mri/"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_public_urls_accept_no_post(pages: Page, client: Client, method: str) -> None:
    assert getattr(client, method)("/lumbar-mri/").status_code == 405


HOSTILE = [
    "//evil.example",
    "//evil.example/",
    "///evil.example/lumbar-mri/",
    "//evil.example/%2e%2e",
    "/%5Cevil.example",
    "/%5C%5Cevil.example/",
    "/%09/evil.example",
    "/%2F%2Fevil.example",
    "/https:%2F%2Fevil.example",
    "/https://evil.example/",
    "/lumbar-mri/%0d%0aLocation:%20https://evil.example",
    "/lumbar-mri/%0d%0aSet-Cookie:%20a=b",
    "/lumbar-mri/@evil.example",
    "/.evil.example",
    "/%00",
    "/lumbar-mri/%00",
    "/..%2F..%2Fetc%2Fpasswd",
    "/%FF%FE",
    "/" + "a" * 5000,
    "/" + "%F0%9F%A6%B4" * 200,
]


def test_no_url_redirects_to_another_site(pages: Page, client: Client, subtests: pytest.Subtests) -> None:
    for path in HOSTILE:
        with subtests.test(path=path):
            answer = get(client, path)

            assert answer.status_code in {301, 404}
            assert answer.headers.get("Location", "/") in {"/", "/lumbar-mri/"}
            assert "evil.example" not in str(answer.headers)
            assert "Set-Cookie" not in answer.headers
            assert not answer.cookies


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "testserver@evil.example", "a b"])
def test_another_host_is_rejected_and_never_echoed(pages: Page, client: Client, host: str) -> None:
    answer = client.get("/lumbar_mri", headers={"host": host})

    assert answer.status_code == 400
    assert "evil" not in answer.content.decode() + str(answer.headers)


@given(path=st.text(max_size=60))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_url_returns_a_page_a_redirect_or_a_404(pages: Page, client: Client, path: str) -> None:
    answer = get(client, "/x" + quote(path))

    assert answer.status_code in {200, 301, 404}
    assert answer.headers.get("Location", "/") in {"/", "/lumbar-mri/", "/es/resonancia/", "/contact/"}


def test_a_truncated_url_redirects_if_only_one_page_ever_started_with_it(pages: Page, client: Client) -> None:
    assert client.get("/lumbar")["Location"] == "/lumbar-mri/"
    assert client.get("/lumba").status_code == 404, "five letters are too few"


def test_a_truncated_url_never_chooses_between_two_pages(pages: Page, client: Client) -> None:
    make_public(make_page("lumbar-puncture"))

    answer = client.get("/lumbar-")

    html = answer.content.decode()
    assert answer.status_code == 404
    assert '<a href="/lumbar-mri/">' in html
    assert '<a href="/lumbar-puncture/">' in html


def test_a_truncated_url_of_a_withdrawn_page_does_not_open_another(pages: Page, client: Client) -> None:
    make_public(make_page("lumbar-puncture"))
    withdraw(Page.objects.get(subject="lumbar-puncture"), actor=make_user("max"), reason="Old.")

    answer = client.get("/lumbar-")

    assert answer.status_code == 404
    assert '<a href="/lumbar-mri/">' in answer.content.decode()


def test_a_withdrawal_that_becomes_visible_after_a_later_submission_is_not_missed(pages: Page, client: Client) -> None:
    make_public(make_page("lumbar-puncture"))
    store_early_submission(pages)
    assert '<a href="/lumbar-puncture/">' in client.get("/lumbar-").content.decode()

    store_late_withdrawal(Page.objects.get(subject="lumbar-puncture"))

    assert '<a href="/lumbar-puncture/">' not in client.get("/lumbar-").content.decode()


def make_guide(subject: str, page: Page) -> None:
    guide = make_page(subject, kind="guide")
    GuideItem.objects.create(guide=guide, page=page)
    make_public(guide)


def test_a_guide_whose_address_was_cut_off_is_not_taken_for_a_topic(pages: Page, client: Client) -> None:
    make_guide("lumbar-mri-visit", pages)

    for path in ("/visits/lumbar-mri-", "/visits/lumbar-mri", "/visits/lumbar-mri%E2%80%90", "/en/visits/lumbar-mri-"):
        assert (path, get(client, path).headers.get("Location")) == (path, "/visits/lumbar-mri-visit/")
    answer = get(client, "/visits/lumbar-mri/")
    assert answer.status_code == 404, "complete, and either of them"
    assert '<a href="/lumbar-mri/">' in answer.content.decode()
    assert '<a href="/visits/lumbar-mri-visit/">' in answer.content.decode()
    for path in ("/lumbar-mri-", "/lumbar-mri", "/Lumbar-MRI/"):
        assert (path, get(client, path).headers.get("Location")) == (path, "/lumbar-mri/")


def test_a_cut_off_guide_that_could_be_two_or_is_short_is_not_taken_for_a_topic(pages: Page, client: Client) -> None:
    make_guide("lumbar-mri-visit", pages)
    make_guide("lumbar-mri-consult", pages)
    make_public(make_page("mri"))
    make_guide("mri-visit", pages)

    for path in ("/visits/lumbar-mri-", "/visits/lumbar-mri", "/visits/mri-", "/visits/mri"):
        assert (path, get(client, path).status_code) == (path, 404)
        assert 'href="/visits/' in get(client, path).content.decode().split("<main")[1]


def test_a_hyphen_behind_a_whole_address_that_continues_on_another_page_offers_both(
    pages: Page, client: Client
) -> None:
    assert get(client, "/lumbar-mri-")["Location"] == "/lumbar-mri/"
    make_public(make_page("lumbar-mri-results"))

    for path in ("/lumbar-mri-", "/lumbar-mri-%0A", "/lumbar-mri%E2%80%91", "/lumbar-mri-/", "/Lumbar-MRI-&utm=1"):
        answer = get(client, path)
        assert (path, answer.status_code) == (path, 404)
        assert '<a href="/lumbar-mri/">' in answer.content.decode()
        assert '<a href="/lumbar-mri-results/">' in answer.content.decode()
    assert get(client, "/lumbar-mri/-")["Location"] == "/lumbar-mri/"
    assert get(client, "/lumbar-mri-/plain.txt")["Location"] == "/lumbar-mri/plain.txt"


def test_a_place_for_a_line_break_cuts_nothing_off(pages: Page, client: Client) -> None:
    make_public(make_page("lumbar-mri-results"))

    assert get(client, "/lumbar-mri%3Cwbr%3E-results/")["Location"] == "/lumbar-mri-results/"
    assert get(client, f"/p/{pages.code[:3]}%3Cwbr%20/%3E{pages.code[3:]}")["Location"] == "/lumbar-mri/"


def test_a_cut_off_address_with_a_word_that_is_often_added_is_not_taken_for_another(
    pages: Page, client: Client
) -> None:
    make_public(make_page("your-lumbar-mri-results"))

    assert get(client, "/your-lumbar-mri")["Location"] == "/your-lumbar-mri-results/"
    assert get(client, "/the-lumbar-mri")["Location"] == "/lumbar-mri/"


def test_a_url_that_matches_two_pages_suggests_both(pages: Page, client: Client) -> None:
    make_public(make_page("bone-scan"))

    for path in ("/lumbar-mri%20or%20bone-scan", "/lumbar-mri/%20or%20bone-scna/", "/lumbar-mri-or-bone-scan/"):
        answer = client.get(path)
        html = answer.content.decode()
        assert answer.status_code == 404, path
        assert '<a href="/lumbar-mri/">' in html
        assert '<a href="/bone-scan/">' in html


def test_a_misspelled_url_redirects_to_its_page(pages: Page, client: Client) -> None:
    for path in ("/lubmar-mri/", "/1umbar-mri/", "/lumbarmri", "/en/lumbar-mri/", "/visits/lumbar-mri/", "/lumbr-mri"):
        assert (client.get(path).status_code, client.get(path).headers.get("Location")) == (301, "/lumbar-mri/"), path
    for path in ("/es/lumbar-mri/", "/lumbar-mri/es/", "/resonancia/", "/es/resonnacia/", "/es/resonancía"):
        assert client.get(path)["Location"] == "/es/resonancia/", path


def test_other_formats_of_a_page_are_found_from_a_damaged_url(pages: Page, client: Client) -> None:
    for path in ("/lumbar_mri/plain.txt", "/Lumbar-MRI/plain.txt", "/lubmar-mri/plain.txt"):
        assert client.get(path)["Location"] == "/lumbar-mri/plain.txt", path
    for path in ("/lumbar-mri/Booklet/", "/LUMBAR-MRI/BOOKLET", "/lumbar-mri/booklet).", "/lumbar mri/booklet/"):
        assert client.get(path)["Location"] == "/lumbar-mri/booklet/", path
    assert client.get("/lumbar-mri/Plain.TXT")["Location"] == "/lumbar-mri/plain.txt"
    assert client.get("/lubmar-mri/booklet/")["Location"] == "/lumbar-mri/booklet/"
    assert client.get("/zebra-fish/plain.txt").status_code == client.get("/zebra-fish/booklet/").status_code == 404


def test_a_page_with_many_old_urls_counts_once(pages: Page, client: Client) -> None:
    Path.objects.bulk_create(
        Path(path=f"/lumbar-mri-{number}/", page=pages, is_canonical=False) for number in range(12)
    )

    assert client.get("/lumbar")["Location"] == "/lumbar-mri/"


def test_pattern_characters_in_a_url_match_nothing(pages: Page, client: Client) -> None:
    for path in ("/lumbar%25", "/%25%25%25%25%25%25%25", "/______", "/l_mbar-mri/"):
        assert client.get(path).status_code in {301, 404}
    assert client.get("/%25%25%25%25%25%25%25").status_code == 404


def test_a_page_that_was_never_public_returns_404(pages: Page, client: Client) -> None:
    make_page("not-yet-public")

    answer = client.get("/not-yet-public/")

    assert answer.status_code == 404
    assert b"Not yet" not in answer.content
    assert answer["Cache-Control"] == "no-store"


def test_candidates_are_short_unique_and_absolute(subtests: pytest.Subtests) -> None:
    for raw in [unquote(path) for path in (*DAMAGED, *HOSTILE)]:
        with subtests.test(raw=raw):
            found = url_candidates(raw)

            assert found[0] == raw[:300] or "\0" in raw
            assert len(found) == len(set(found)) <= 7
            assert all(name.startswith("/") and name.endswith("/") and "//" not in name for name in found[1:])


@given(raw=st.text(max_size=100))
def test_candidates_never_raise(raw: str) -> None:
    assert url_candidates(f"/{raw}")
    assert not any("\0" in name for name in url_candidates(f"/{raw}=00\0{raw}"))


def test_a_withdrawn_page_at_an_address_in_the_other_language_is_all_in_its_own(pages: Page, client: Client) -> None:
    ClinicText.objects.filter(language="es").delete()
    ClinicText.objects.create(clinic=Clinic.objects.get(), language="es", hours="De lunes a viernes")
    for page in Page.objects.filter(subject="lumbar-mri"):
        withdraw(page, actor=make_user("max"), reason="Old.")

    for path, language, hours in (
        ("/en/resonancia/", "es", "De lunes a viernes"),
        ("/es/lumbar-mri", "en", "Monday"),
        ("/en/lumbar-mri/", "en", "Monday"),
    ):
        answer = get(client, path)
        footer = answer.content.decode().split("<footer")[1]
        assert (path, answer.status_code, answer["Content-Language"]) == (path, 410, language)
        assert hours in footer
        assert ("lunes" in footer) == (language == "es")
