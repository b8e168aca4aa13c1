"""“Was this clear?”: no cookie and no name, same-origin only, rate limited, and deleted after the retention period."""

import datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.security import TokenBucket
from procedures import feedback
from procedures.models import Clinic, Feedback, Page
from procedures.publishing.publish import withdraw
from tests.factories import make_page, make_public, make_public_page, make_translation, make_user
from tests.views.client import Response
from tests.views.crawl import Document

SAME_ORIGIN_HEADERS = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def page(db: None) -> Page:
    return make_public_page()


@pytest.fixture(autouse=True)
def _fresh_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "CLIENT_RATE_LIMIT", TokenBucket(burst=6, per_second=6 / 3600))
    monkeypatch.setattr(feedback, "TOTAL_RATE_LIMIT", TokenBucket(burst=120, per_second=120 / 3600))


def form_url(page: Page) -> str:
    return f"{'/es' if page.language == 'es' else ''}/clear/{page.code}/"


def send(client: Client, page: Page, headers: dict[str, str] | None = None, **typed: str) -> HttpResponse:
    values = {"clear": "no", "section": "", "comment": "", "website": "", **typed}
    return client.post(form_url(page), values, headers=SAME_ORIGIN_HEADERS if headers is None else headers)  # type: ignore[return-value]


def document(response: Any) -> Document:
    return Document.read("/", Response(response.status_code, (), response.content))


def test_a_page_links_to_its_feedback_form(client: Client, page: Page) -> None:
    assert f'<a href="{form_url(page)}">Was this clear?</a></p>' in client.get("/small-cut/").text
    assert form_url(page) not in client.get("/small-cut/booklet/").text


def test_the_form_is_in_the_language_of_the_page(client: Client, page: Page) -> None:
    spanish = make_translation(page)
    make_public(spanish)

    english, translated = document(client.get(form_url(page))), document(client.get(form_url(spanish)))

    assert (english.language, english.title) == ("en", "Was this clear? Small cut – Test Spine Clinic")
    assert (translated.language, translated.title) == ("es", "¿Le quedó claro? Un corte chico – Test Spine Clinic")
    # A code has a form only in its own language.
    assert client.get(f"/es/clear/{page.code}/").headers["Location"] == form_url(page)


def test_only_the_answer_its_section_and_date_are_stored(client: Client, page: Page) -> None:
    response = send(client, page, clear="no", section="when-to-call", comment="  What is\n cement? ")

    assert (response.status_code, response["Location"]) == (303, f"{form_url(page)}thanks/")
    answer = Feedback.objects.get()
    assert (answer.page, answer.section, answer.was_clear) == (page, "when-to-call", False)
    assert (answer.comment, answer.received_on, answer.is_read) == ("What is cement?", timezone.localdate(), False)
    assert {field.name for field in Feedback._meta.fields} == {
        "id", "page", "section", "was_clear", "comment", "received_on", "is_read",
    }  # fmt: skip
    assert "Thank you" in client.get(response["Location"]).text


def test_a_comment_is_optional(client: Client, page: Page) -> None:
    assert send(client, page, clear="yes").status_code == 303
    assert Feedback.objects.get().was_clear


def test_the_link_preselects_an_existing_section_only(client: Client, page: Page) -> None:
    def chosen(part: str) -> list[str | None]:
        form = document(client.get(form_url(page), {"part": part}))
        return [option.get("value") for option in form.elements("option") if "selected" in option.attrib]

    assert chosen("when-to-call") == ["when-to-call"]
    assert chosen("nowhere") == []
    send(client, page, section="nowhere")
    assert Feedback.objects.get().section == ""


def test_no_response_sets_a_cookie(client: Client, page: Page) -> None:
    answers = [
        client.get(form_url(page)),
        send(client, page),
        send(client, page, clear=""),
        send(client, page, headers={}),
    ]
    answers.append(client.get(f"{form_url(page)}thanks/"))

    assert [answer.status_code for answer in answers] == [200, 303, 400, 403, 200]
    assert [answer.cookies for answer in answers] == [{}] * 5
    assert client.cookies == {}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Origin": "http://testserver\u2100"},
        {"Origin": "testserver"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:81"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "none"},
    ],
)
def test_a_cross_origin_post_is_rejected(client: Client, page: Page, headers: dict[str, str]) -> None:
    response = send(client, page, headers=headers)

    assert response.status_code == 403
    assert "was not sent from our site" in response.text
    assert not Feedback.objects.exists()


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://testserver"}, {"Origin": "http://127.0.0.1:8000"}, SAME_ORIGIN_HEADERS]
)
def test_a_same_origin_post_is_accepted_with_and_without_fetch_metadata(
    client: Client, page: Page, headers: dict[str, str]
) -> None:
    assert send(client, page, headers=headers).status_code == 303


def test_a_filled_honeypot_is_thanked_and_not_stored(client: Client, page: Page) -> None:
    assert send(client, page, website="https://spam.example").status_code == 303
    assert not Feedback.objects.exists()
    trap = document(client.get(form_url(page))).one("input", name="website")
    assert (trap.get("tabindex"), trap.get("autocomplete")) == ("-1", "off")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"clear": ""}, "Please choose Yes or No."),
        ({"clear": "maybe"}, "Please choose Yes or No."),
        (
            {"comment": "a" * 301},
            "Your comment is too long: 301 characters. Please shorten it to 300 characters or fewer.",
        ),
        ({"comment": "a\x01b"}, "Your comment has characters that we cannot read."),
        ({"comment": "I was born on 03/04/1948"}, "seems to include a phone number, a date, or an email address"),
        ({"comment": "born 1948-04-03"}, "seems to include a phone number"),
        ({"comment": "mail me: ann@example.org"}, "seems to include a phone number"),
        ({"comment": "call 303-555-0100"}, "seems to include a phone number"),
        ({"comment": "my number is 12345678"}, "seems to include a phone number"),
    ],
)
def test_an_invalid_answer_is_explained_and_stays_in_the_form(
    client: Client, page: Page, typed: dict[str, str], sentence: str
) -> None:
    values = {"section": "when-to-call", "comment": "Words.", **typed}
    response = send(client, page, **values)
    form = document(response)

    assert response.status_code == 400
    assert sentence in response.text
    assert (form.one("textarea").text or "").strip() == values["comment"].replace("\x01", "\ufffd") or "\x01" in values[
        "comment"
    ]
    assert [o.get("value") for o in form.elements("option") if "selected" in o.attrib] == ["when-to-call"]
    assert not Feedback.objects.exists()


@pytest.mark.parametrize(
    "words", ["Kyphoplasty takes 30 to 60 minutes?", "Page 2 of 14, 8 am", "T12 and L1–L3 in 2026", "¿1 de 100?"]
)
def test_harmless_numbers_are_accepted(client: Client, page: Page, words: str) -> None:
    assert send(client, page, comment=words).status_code == 303


def test_errors_are_translated_on_spanish_pages(client: Client, page: Page) -> None:
    spanish = make_translation(page)
    make_public(spanish)

    assert "Elija Sí o No" in send(client, spanish, clear="").text
    assert "Parece que su comentario tiene" in send(client, spanish, comment="a@b.org").text
    assert "no llegó desde nuestra página" in send(client, spanish, headers={}).text


def test_redisplayed_input_is_escaped(client: Client, page: Page) -> None:
    assert "</textarea><script>" not in send(client, page, clear="", comment="</textarea><script>x</script>").text


def test_an_oversized_body_is_rejected_before_parsing(client: Client, page: Page) -> None:
    response = send(client, page, comment="a" * 9000)

    assert response.status_code == 413
    assert "write only one line" in response.text


def test_only_public_pages_have_a_form(client: Client, page: Page) -> None:
    draft = make_page("draft")
    withdraw(Page.objects.get(pk=page.pk), actor=make_user("max"), reason="Old.")

    for asked, status in ((draft, 404), (page, 410)):
        assert client.get(form_url(asked)).status_code == status
        assert send(client, asked).status_code == 404
    assert client.get("/clear/nonsense/").status_code == 404
    assert not Feedback.objects.exists()


def test_other_methods_are_not_allowed(client: Client, page: Page) -> None:
    response = client.put(form_url(page))

    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, POST")


def test_the_form_needs_one_query_and_a_submission_two(client: Client, page: Page) -> None:
    with CaptureQueriesContext(connection) as asked:
        client.get(form_url(page))
    with CaptureQueriesContext(connection) as answered:
        send(client, page)

    assert len(asked) == 1
    assert sum(q["sql"].startswith(("SELECT", "INSERT")) for q in answered.captured_queries) == 2


def test_answers_are_rate_limited_by_client_and_input_is_redisplayed(page: Page) -> None:
    client = Client(REMOTE_ADDR="192.0.2.1")
    statuses = [send(client, page, comment="Word.").status_code for _ in range(7)]
    last = send(client, page, comment="Kept.")

    assert statuses == [303] * 6 + [429]
    assert "try again in an hour" in last.text
    assert "Kept." in last.text
    assert Feedback.objects.count() == 6


@override_settings(USE_HTTPS=True, SECURE_SSL_REDIRECT=False)
def test_behind_a_proxy_only_the_last_forwarded_address_counts(client: Client, page: Page) -> None:
    def from_(forwarded: str) -> int:
        return send(client, page, headers={**SAME_ORIGIN_HEADERS, "X-Forwarded-For": forwarded}).status_code

    assert [from_(f"10.0.0.{n}, 192.0.2.1") for n in range(7)] == [303] * 6 + [429]
    assert from_("192.0.2.2") == 303


def test_the_total_limit_applies_to_all_clients_and_to_unknown_ones(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "TOTAL_RATE_LIMIT", TokenBucket(burst=5, per_second=0))
    known, unknown = (rf.post("/", REMOTE_ADDR=address) for address in ("192.0.2.1", ""))

    assert [feedback.is_rate_limited(known) for _ in range(4)] == [False] * 4
    assert [feedback.is_rate_limited(unknown) for _ in range(2)] == [False, True]


def test_unknown_clients_have_no_individual_limit(rf: RequestFactory) -> None:
    assert [feedback.is_rate_limited(rf.post("/", REMOTE_ADDR="")) for _ in range(9)] == [False] * 9


def test_readers_behind_a_local_proxy_without_https_do_not_share_a_limit(client: Client, page: Page) -> None:
    # Every connection comes from this machine, as with the limit on searches.
    assert [send(client, page).status_code for _ in range(9)] == [303] * 9


@override_settings(USE_HTTPS=True, SECURE_SSL_REDIRECT=False)
def test_unreadable_addresses_behind_a_proxy_share_one_limit(client: Client, page: Page) -> None:
    def from_(forwarded: str) -> int:
        return send(client, page, headers={**SAME_ORIGIN_HEADERS, "X-Forwarded-For": forwarded}).status_code

    assert [from_(f"unknown-{number}") for number in range(7)] == [303] * 6 + [429]
    assert [from_("") for _ in range(9)] == [303] * 9, "the proxy sends no address, so there is nothing to count"


def test_answers_are_purged_after_the_retention_period(page: Page, settings: Any) -> None:
    today = timezone.localdate()
    for days in (0, 180, 181, 400):
        Feedback.objects.create(page=page, was_clear=True, received_on=today - datetime.timedelta(days=days))

    call_command("purge_feedback", verbosity=0)
    assert sorted((today - a.received_on).days for a in Feedback.objects.all()) == [0, 180]
    settings.FEEDBACK_DAYS = 1
    call_command("purge_feedback", verbosity=0)
    assert sorted((today - a.received_on).days for a in Feedback.objects.all()) == [0]


def test_the_date_of_an_answer_is_in_the_clinic_time_zone(client: Client, page: Page, monkeypatch: Any) -> None:
    Clinic.objects.update(time_zone="Pacific/Kiritimati")
    monkeypatch.setattr(timezone, "now", lambda: datetime.datetime(2026, 3, 8, 20, tzinfo=datetime.UTC))

    send(client, page, clear="yes")

    assert Feedback.objects.get().received_on == datetime.date(2026, 3, 9)
