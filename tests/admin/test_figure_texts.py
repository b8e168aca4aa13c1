"""The alternative text and caption of a picture, saved from the writing screen."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client

from portal.accounts.models import User
from procedures.models import Figure, Page
from tests.admin.conftest import PAGES, SignIn, make_staff
from tests.factories import make_clinic, make_figure, make_page, make_public

pytestmark = pytest.mark.django_db
MARKUP = "This field is plain text and would show “**bold**” as typed. Remove the markup."


def url_of(figure: Figure) -> str:
    return f"/admin/procedures/figure/{figure.pk}/texts/en/"


def save(client: Client, figure: Figure, /, **changes: Any) -> Any:
    """Post the texts as shown, with ``changes``."""
    shown = client.get(url_of(figure)).json()
    return client.post(f"{url_of(figure)}save/", {**shown, **changes})


def texts_of(figure: Figure) -> tuple[str, str]:
    text = figure.texts.get(language="en")
    return text.alt, text.caption


def test_texts_are_saved_with_an_entry_in_the_history(nina: Client, editor: User) -> None:
    figure = make_figure()

    answer = save(nina, figure, alt="A thin needle.", caption="The needle in the bone.")

    assert answer.status_code == 200
    assert answer.json() == nina.get(url_of(figure)).json()
    assert texts_of(figure) == ("A thin needle.", "The needle in the bone.")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (editor, str(figure.pk))
    assert entry.get_change_message() == "Changed Alternative text and Caption."


def test_unchanged_texts_leave_no_entry(nina: Client) -> None:
    figure = make_figure()

    assert save(nina, figure).status_code == 200
    assert not LogEntry.objects.exists()


def test_invalid_texts_are_refused_with_the_errors_of_the_model(nina: Client) -> None:
    figure = make_figure()
    before = texts_of(figure)
    cases = {
        "missing": ({"alt": " "}, {"alt": ["Say what the picture shows, for people who cannot see it."]}),
        "markup": ({"caption": "A **bold** word."}, {"caption": [MARKUP]}),
        "too long": (
            {"caption": "x" * 241},
            {"caption": ["Ensure this value has at most 240 characters (it has 241)."]},
        ),
    }

    found = {}
    for name, (changes, _errors) in cases.items():
        answer = save(nina, figure, **changes)
        assert answer.status_code == 400
        found[name] = answer.json()["errors"]

    assert found == {name: errors for name, (_changes, errors) in cases.items()}
    assert texts_of(figure) == before
    assert not LogEntry.objects.exists()


def test_a_phone_number_is_refused_as_in_the_form_of_the_picture(nina: Client) -> None:
    figure = make_figure()

    answer = save(nina, figure, caption="Call 303-555-0100.")

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"caption"}


def test_texts_that_someone_else_changed_are_not_overwritten_unseen(nina: Client) -> None:
    figure = make_figure()
    shown = nina.get(url_of(figure)).json()
    figure.texts.update(caption="Their caption.")

    refused = nina.post(f"{url_of(figure)}save/", {**shown, "alt": "Mine."})
    kept = texts_of(figure)
    again = nina.post(
        f"{url_of(figure)}save/", {"alt": "Mine.", "caption": "Mine.", "version": refused.json()["version"]}
    )

    assert refused.status_code == 409
    assert refused.json()["caption"] == "Their caption."
    assert kept == ("A needle in a bone.", "Their caption.")
    assert again.status_code == 200
    assert texts_of(figure) == ("Mine.", "Mine.")


def test_public_pages_with_the_old_texts_are_counted(nina: Client) -> None:
    make_clinic()
    figure = make_figure()
    make_public(make_page(lead_figure=figure))

    answer = save(nina, figure, alt="A thin needle.")

    # The page, and the one that it leads to.
    (message,) = [str(one) for one in get_messages(answer.wsgi_request)]
    assert message.startswith("2 public pages show outdated details.")


def test_both_permissions_of_the_form_are_needed_and_unknown_pictures_are_reported(
    nina: Client, reviewer: User, sign_in: SignIn
) -> None:
    figure = make_figure()
    shown = nina.get(url_of(figure)).json()
    partial = make_staff("Part")
    partial.user_permissions.set(Permission.objects.filter(codename="change_figuretext"))

    for user in (reviewer, partial):
        assert sign_in(user).get(url_of(figure)).status_code == 403
        assert sign_in(user).post(f"{url_of(figure)}save/", {**shown, "alt": "Mine."}).status_code == 403
    assert nina.get("/admin/procedures/figure/0/texts/en/").status_code == 404
    assert nina.get(url_of(figure).replace("/en/", "/es/")).status_code == 404
    assert nina.post("/admin/procedures/figure/0/texts/en/save/", shown).status_code == 404
    assert texts_of(figure) == ("A needle in a bone.", "The needle is in the bone.")


def test_the_picture_list_names_the_texts_only_for_those_who_may_change_them(
    page: Page, nina: Client, sign_in: SignIn
) -> None:
    writer = make_staff("Writer")
    writer.user_permissions.set(Permission.objects.filter(codename__in=["change_page", "change_figuretext"]))

    def offered(client: Client, language: str) -> list[str]:
        return [row["texts"] for row in client.get(f"{PAGES}choices/?language={language}").json()["pictures"]]

    figure = Figure.objects.get()
    assert offered(nina, "en") == [url_of(figure)]
    assert offered(nina, "es") == [""], "it has no Spanish texts"
    assert offered(sign_in(writer), "en") == [""]
