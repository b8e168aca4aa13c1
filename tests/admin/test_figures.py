"""Figures in the admin: texts, deletion protection, and the list."""

import re
from typing import Any

import pytest

from portal.accounts.models import User
from procedures.models import Figure, Page, Series, SeriesItem
from tests.admin.conftest import SignIn, post_form
from tests.factories import make_clinic, make_figure, make_page, make_public

FIGURES = "/admin/procedures/figure/"


def sent(figure: Figure | None = None, **changes: Any) -> dict[str, Any]:
    """Return the POST data of the form, with texts in one language."""
    text = figure.texts.get() if figure else None
    values = {
        "slug": "bone",
        "kind": "photo",
        "provenance": "simulated",
        "provenance_note": "",
        "deidentified": "on",
        "seen_picture": figure.sha256 if figure else "",
        "texts-TOTAL_FORMS": 1,
        "texts-INITIAL_FORMS": 1 if text else 0,
        "texts-0-id": text.pk if text else "",
        "texts-0-figure": figure.pk if figure else "",
        "texts-0-language": "en",
        "texts-0-title": "Bone",
        "texts-0-alt": "A bone.",
        "texts-0-caption": "A bone of the spine.",
        "texts-0-description": "First.\r\n\r\nSecond.",
    }
    return {**values, **changes}


def errors(answer: Any) -> list[str]:
    """Return all form errors in order."""
    context = answer.context
    rows = ([row] if isinstance(row, str) else row for row in context["errors"])
    return [sentence for row in rows for sentence in row]


def test_figure_texts_can_be_edited(editor: User, sign_in: SignIn) -> None:
    figure = make_figure(size=(40, 40))

    answer = post_form(sign_in(editor), f"{FIGURES}{figure.pk}/change/", sent(figure))

    assert answer.status_code == 302
    # Paragraphs are separated by empty lines; browsers send CRLF.
    assert figure.texts.get().description == "First.\n\nSecond."


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"deidentified": ""},
            "Look closely at the picture. Check this box when no name, date, or number is visible in it.",
        ),
        ({"provenance": "clinic"}, "Enter where the patient's written consent is filed, without a name."),
        ({"texts-0-alt": ""}, "This field is required."),
        ({"texts-0-DELETE": "on"}, "Please submit at least 1 form."),
    ],
)
def test_an_incomplete_figure_reports_what_is_missing(
    editor: User, sign_in: SignIn, changes: dict[str, Any], sentence: str
) -> None:
    figure = make_figure(size=(40, 40))

    answer = post_form(sign_in(editor), f"{FIGURES}{figure.pk}/change/", sent(figure, **changes))

    assert answer.status_code == 200
    assert errors(answer) == [sentence]
    assert figure.markers.get().texts.count() == 1


def test_a_picture_replaced_meanwhile_is_not_confirmed_unseen(editor: User, sign_in: SignIn) -> None:
    figure = make_figure(size=(40, 40))
    before = sent(figure, kind="drawing")
    Figure.objects.filter(pk=figure.pk).update(sha256="f" * 64)

    answer = post_form(sign_in(editor), f"{FIGURES}{figure.pk}/change/", before)

    assert "Someone replaced this picture while you were editing." in errors(answer)[0]
    assert f'value="{"f" * 64}"' in answer.text
    assert not re.search(r'name="deidentified"[^>]*checked', answer.text)
    figure.refresh_from_db()
    assert figure.kind != "drawing"


def test_the_slug_of_a_figure_is_read_only(editor: User, sign_in: SignIn) -> None:
    figure = make_figure(size=(40, 40))

    post_form(sign_in(editor), f"{FIGURES}{figure.pk}/change/", sent(figure, slug="renamed"))

    figure.refresh_from_db()
    assert figure.slug == "needle"


def delete(client: Any, figure: Figure) -> Any:
    client.post(f"{FIGURES}{figure.pk}/delete/", {"post": "yes"})
    return client.get(f"{FIGURES}{figure.pk}/delete/")


def test_a_figure_in_use_cannot_be_deleted_and_its_pages_are_listed(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    figure = page.lead_figure
    assert figure is not None
    series = Series.objects.create(slug="steps", language="en", title="Step by step")
    SeriesItem.objects.create(series=series, figure=figure, heading="One", text="First.")

    html = delete(sign_in(manager), figure).content.decode()

    assert Figure.objects.filter(pk=figure.pk).exists()
    assert "The draft of “Small cut” shows it." in html
    assert "The series “steps (en)” shows it." in html
    assert "Patients see it on “Small cut”." in html


@pytest.mark.parametrize(
    ("line", "used"),
    [
        ("::: figure spare", True),
        ("::: compare needle spare", True),
        ("::: figure spare-wheel", False),
        ("A spare figure.", False),
    ],
)
def test_a_figure_used_in_a_draft_cannot_be_deleted(
    page: Page, manager: User, sign_in: SignIn, line: str, used: bool
) -> None:
    spare = make_figure("spare", size=(40, 40))
    page.body += f"\n{line}\n"
    page.save()

    sign_in(manager).post(f"{FIGURES}{spare.pk}/delete/", {"post": "yes"})

    assert Figure.objects.filter(pk=spare.pk).exists() is used


def test_figures_in_use_cannot_be_deleted_in_bulk(page: Page, manager: User, sign_in: SignIn) -> None:
    spare = make_figure("spare", size=(40, 40))
    values = {"action": "delete_selected", "_selected_action": [page.lead_figure_id, spare.pk], "post": "yes"}

    answer = sign_in(manager).post(FIGURES, values)

    assert "The draft of “Small cut” shows it." in answer.content.decode()
    assert Figure.objects.count() == 2


def test_the_form_shows_the_figure_as_patients_see_it(editor: User, sign_in: SignIn) -> None:
    figure = make_figure(size=(40, 40))

    html = sign_in(editor).get(f"{FIGURES}{figure.pk}/change/").content.decode()

    assert 'sandbox="allow-same-origin"' in html
    assert "&lt;figure class=&quot;figure&quot;" in html


@pytest.mark.parametrize("count", [1, 3])
def test_the_figure_list_needs_a_fixed_number_of_queries(
    editor: User, sign_in: SignIn, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        make_figure(f"bone-{number}", size=(40, 40))
    client = sign_in(editor)

    with django_assert_max_num_queries(12):
        client.get(FIGURES)


def test_the_list_shows_the_public_pages_that_use_a_picture(editor: User, sign_in: SignIn) -> None:
    make_clinic()
    figure = make_figure("shown", size=(48, 48))
    make_figure("unused", size=(48, 48))
    for number in range(3):
        make_public(make_page(f"page-{number}", title=f"Page {number}", lead_figure=figure))
    client = sign_in(editor)

    def listed(used: str) -> set[str]:
        rows = client.get("/admin/procedures/figure/", {"used": used}).context["cl"].result_list
        return {row.slug for row in rows}

    assert re.search(r"Page 0( · Page 1)? and \d more", client.get("/admin/procedures/figure/").text)
    assert "shown" in listed("yes") and "unused" not in listed("yes")
    assert "unused" in listed("no") and "shown" not in listed("no")


def test_texts_in_the_language_of_a_public_page_cannot_be_deleted(editor: User, sign_in: SignIn) -> None:
    make_clinic()
    figure = make_figure()
    make_public(make_page(lead_figure=figure))
    figure.texts.create(language="es", title="Aguja", alt="Una aguja.", caption="La aguja.")
    client, address = sign_in(editor), f"{FIGURES}{figure.pk}/change/"

    def post(deleted: str) -> Any:
        first, second = (figure.texts.get(language=code) for code in ("en", "es"))
        values: dict[str, Any] = {}
        for number, text in enumerate((first, second)):
            row = {"id": text.pk, "figure": figure.pk, "language": text.language, "title": text.title, "alt": text.alt}
            row |= {
                "caption": text.caption,
                "description": "",
                **({"DELETE": "on"} if text.language == deleted else {}),
            }
            values |= {f"texts-{number}-{name}": value for name, value in row.items()}
        counts = {"texts-TOTAL_FORMS": 2, "texts-INITIAL_FORMS": 2, "seen_picture": figure.sha256}
        return post_form(
            client, address, {"kind": "photo", "provenance": "simulated", "deidentified": "on", **values, **counts}
        )

    answer = post("en")

    assert errors(answer) == [
        "Patients see this picture on pages in English. Change its texts instead of deleting them."
    ]
    assert post("es").status_code == 302
    assert list(figure.texts.values_list("language", flat=True)) == ["en"]
