"""Change lists: search that ignores accents and case, exact titles first, and any filters."""

import datetime

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import AuditEvent, User
from procedures.models import ClinicAnswer, Feedback, Figure, FigureText, Page, Revision, Source
from tests.admin.conftest import SignIn, post_form
from tests.factories import make_clinic, make_page, make_public, make_term
from tests.replay import built_once

pytestmark = pytest.mark.django_db


@built_once
def make_site() -> None:
    make_clinic(time_zone="America/Denver")
    make_public(make_page("aaa-before-kyphoplasty"))


@pytest.fixture
def root(sign_in: SignIn) -> Client:
    """A superuser client on a small site."""
    make_site()
    client = sign_in(User.objects.create_superuser("root", "root@clinic.example", "x"))
    client.get("/admin/")
    return client


def found(client: Client, model: type[models.Model], **query: str) -> list[object]:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return list(client.get(address, query).context["cl"].result_list)


def test_every_search_ignores_accents_case_and_invisible_characters(root: Client) -> None:
    page = make_page("recovery", title="Recuperación después")
    guide = make_page("guide", title="Guía de recuperación", kind="guide")
    term = make_term("rec", term="recuperación")
    source = Source.objects.create(key="rec", organisation="Sociedad", title="La recuperación")
    care = ClinicAnswer.objects.create(language="es", key="rec", question="¿Y la recuperación?", answer="Sí.")
    FigureText.objects.filter(language="en").update(title="La recuperación")
    feedback = Feedback.objects.create(page=page, was_clear=True, comment="La recuperación no fue clara.")
    event = AuditEvent.objects.create(kind="signed_in", detail="recuperación")
    person = User.objects.create(username="maria", first_name="María Recuperación", is_staff=True)
    rows = {Page: page, type(term): term, Source: source, ClinicAnswer: care, Feedback: feedback}
    rows |= {AuditEvent: event, User: person, Figure: Figure.objects.get()}

    for typed in ("RECUPERACIÓN", "recuperacion", "recuperacio\u0301n", "Recupera\u00adción", '"recuperación"'):
        for model, row in rows.items():
            listed = found(root, model, q=typed)
            assert listed == [row], (model, typed)
    guides = reverse("admin:procedures_guide_changelist")
    assert [row.pk for row in root.get(guides, {"q": "GUIA"}).context["cl"].result_list] == [guide.pk]
    assert found(root, Page, q="recuperación zebra") == []


def test_search_treats_all_hyphens_and_none_alike(root: Client) -> None:
    page = make_page("xray", title="X-ray pictures")
    guide = make_page("guide", title="Your X\u2011ray visit", kind="guide")
    term = make_term("x", term="X\u2013ray")
    guides = reverse("admin:procedures_guide_changelist")
    for typed in ("X-ray", "x\u2011ray", "X\u2010RAY", "x\u2212ray", "xray", "x ray"):
        assert page in found(root, Page, q=typed), typed
        assert found(root, type(term), q=typed) == [term], typed
        assert [row.pk for row in root.get(guides, {"q": typed}).context["cl"].result_list] == [guide.pk], typed
    assert found(root, Page, q="-x-zebra") == []


def test_search_treats_all_apostrophes_alike(root: Client) -> None:
    term = make_term("sleep", term="Can´t sleep")
    for typed in ("can't", "CAN’T", "can´t", "can`t", "can\u02bct", "can\uff07t"):
        assert found(root, type(term), q=typed) == [term], typed


def test_an_exact_title_match_comes_first(root: Client) -> None:
    make_page("one", title="Another page on kyphoplasty", order=1)
    make_page("two", title="Kyphoplasty and you", order=2)
    make_page("three", title="Kyphoplasty", order=900)
    make_page("four", title="Bones", body="Kyphoplasty helps.", order=0)

    titles = [page.title for page in found(root, Page, q="KYPHOPLASTY")]

    assert titles[:2] == ["Kyphoplasty", "Kyphoplasty and you"]
    assert titles.index("Another page on kyphoplasty") < titles.index("Bones")
    chosen = root.get(reverse("admin:procedures_page_changelist")).context["cl"].list_display.index("title")
    column = [page.title for page in found(root, Page, q="kyphoplasty", o=str(chosen))]
    assert column == sorted(column), "a column that was chosen orders the list"


def test_pages_are_listed_by_language_and_title_with_the_date_of_the_last_change(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_page("zebra", title="Zebra", order=0)
    make_page("zebra", title="Cebra", language="es", order=0)
    make_page("apple", title="Apple", order=900)
    page = Page.objects.get(subject="aaa-before-kyphoplasty")
    changed = datetime.datetime(2026, 3, 2, 3, 30, tzinfo=datetime.UTC)
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: changed)
        Revision.objects.create(page=page, number=99, content=page.draft_content())

    response = root.get(reverse("admin:procedures_page_changelist"))

    rows = [(page.language, page.title) for page in response.context["cl"].result_list]
    assert rows == sorted(rows)
    assert response.text.count("aria-sort") == 1
    assert "March 1, 2026" in response.text, "it is still the day before in Denver"


def test_a_row_with_a_title_in_two_languages_is_listed_once(root: Client) -> None:
    figure = FigureText.objects.get().figure
    FigureText.objects.create(figure=figure, language="es", title="Needle", alt="x", caption="Needle.")

    assert found(root, type(figure), q="needle") == [figure]


INVALID_VALUES = ["-1", "0", "9999", "10000", "9" * 25, "abc", "2026-02-30", "10000-01-01", "", "٣", "\x00", "0,1,2"]


@pytest.mark.slow
def test_invalid_filters_in_a_url_are_reported_and_break_no_list(root: Client) -> None:
    root.raise_request_exception = False
    broken, said = [], set()
    for model in admin.site._registry:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        names = [f.name for f in model._meta.fields if isinstance(f, models.DateField | models.PositiveIntegerField)]
        for lookup in [f"{name}__{how}" for name in names[:2] for how in ("year", "range", "in")]:
            for value in INVALID_VALUES:
                answer = root.get(address, {lookup: value})
                if answer.status_code >= 500:
                    broken.append((address, lookup, value))
                if (
                    model not in said
                    and answer.status_code == 302
                    and "filter in the URL is not valid" in root.get(answer["Location"]).content.decode()
                ):
                    said.add(model)
    assert broken == []
    for name in ("page", "guide"):
        address = reverse(f"admin:procedures_{name}_changelist")
        for value in ("abc", "2026-02-30", "10000-01-01", "\x00"):
            answer = root.get(address, {"live_release__next_review_on__lte": value})
            assert answer.status_code == 302, (name, value)
            assert "filter in the URL is not valid" in root.get(answer["Location"]).content.decode()
    assert said >= {Page, Feedback, AuditEvent}


def test_unknown_row_ids_do_not_cause_server_errors(root: Client) -> None:
    keys = ["abc", "9" * 30, "9" * 5000, "\0", "٣"]
    request = root.get("/admin/").wsgi_request
    for model, model_admin in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for action in model_admin.get_actions(request):
            answer = root.post(address, {"action": action, "_selected_action": keys, "post": "yes"})
            assert answer.status_code in {200, 302}, (model, action)
    person = User.objects.get(username="root")
    odd = ["9" * 30, "-9" + "9" * 30]
    assert root.post("/admin/procedures/page/transfer/bundle.zip", {"pages": odd}).status_code == 400
    assert post_form(
        root, f"/admin/staff/user/{person.pk}/change/", {"username": "root", "groups": odd}
    ).status_code in {200, 409}
    assert root.post("/admin/account/sessions/end/", {"session": "9" * 5000}).status_code == 302


def test_the_log_reports_an_invalid_day(root: Client) -> None:
    address = reverse("admin:procedures_releaseevent_changelist")
    for day in ("0001-01-01", "9999-12-31", "1999-12-31", "2101-01-01"):
        assert "Choose a date from 2000 to 2100." in root.get(address, {"first": day}).content.decode(), day
    table = reverse("admin:procedures_releaseevent_csv")
    assert root.get(table, {"created_at__year": "10000"}).status_code in {200, 302}
