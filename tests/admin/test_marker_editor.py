"""The marker editor without JavaScript."""

import re
from typing import Any

import pytest

from portal.accounts.models import User
from procedures.figures.markers import load_markers
from procedures.models import Figure, Marker, MarkerText, Page
from procedures.publishing.publish import rerelease_page
from procedures.publishing.rerelease import find_stale_pages_by_rendering
from tests.admin.conftest import SignIn
from tests.admin.marker_helpers import ROW, make_bilingual_figure, marker_form, markers_url
from tests.factories import make_public

pytestmark = pytest.mark.django_db


def saved(figure: Figure) -> list[tuple[str, str]]:
    """Return the key and English label, in order."""
    return [(found.key, found.texts["en"].label) for found in load_markers(figure)]


def test_a_marker_in_the_empty_row_is_saved_with_its_texts(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()

    answer = sign_in(editor).post(markers_url(figure), marker_form(figure, {"text_en": "A  bone\r\nof the spine."}))

    new = load_markers(figure)[1]
    assert answer.status_code == 302
    assert saved(figure) == [("tip", "Tip"), ("bone", "Bone")]
    assert (new.x, new.y, new.target_x, new.target_y, new.half_size) == (0.8, 0.2, 0.6, 0.4, (0.0, 0.0))
    assert new.texts["en"].text == "A bone of the spine."
    assert new.texts["es"].label == "Hueso"


def test_the_marker_editor_works_without_javascript(editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(markers_url(make_bilingual_figure())).content.decode()

    for name in ("marks-0-x", "marks-0-target_y", "marks-0-label_es", "marks-0-deleted", "marks-1-x", "marks-1-number"):
        assert f'name="{name}"' in html
    assert 'class="marker__rim"' in html


def test_marker_texts_are_escaped_in_the_editor_and_in_its_previews(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()
    changes = {
        "marks__0__label_en": "<script>alert(1)</script>",
        "marks__0__text_es": "</textarea><script>alert(2)</script>",
    }

    answer = sign_in(editor).post(markers_url(figure), marker_form(figure, marks__0__x="", **changes))

    html = answer.content.decode()
    assert answer.status_code == 400
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "&lt;script&gt;alert(2)" in html


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"x": "100.5"}, "Marker 2: Enter a number from 0 to 100."),
        ({"target_y": "-1"}, "Marker 2: Enter a number from 0 to 100."),
        ({"y": "left"}, "Marker 2: Enter a number from 0 to 100."),
        ({"y": "nan"}, "Marker 2: Enter a number from 0 to 100."),
        ({"y": ""}, "Marker 2: Enter a number from 0 to 100."),
        ({"label_es": " "}, "Marker 2: Enter a label in Español."),
        ({"label_en": "a" * 61}, "Marker 2: Ensure this value has at most 60 characters (it has 61)."),
        ({"label_en": "a\x07"}, "Marker 2: The text contains an invisible control character. Type the passage again."),
        ({"shape": "star"}, "Marker 2: Select a valid choice. star is not one of the available choices."),
        ({"shape": "circle", "width": "10"}, "Marker 2: Enter a size greater than 0."),
        ({"shape": "circle", "width": "1", "height": "1"}, "Marker 2: The shape is too small to be seen. Make it wider and taller."),
        ({"shape": "region", "width": "90", "height": "10"}, "Marker 2: The shape extends past the edge of the picture. Make it smaller or move it inward."),
        ({"x": "26", "y": "22"}, "Marker 2: On a phone, this number overlaps number 1. Move one of them."),
    ],
)  # fmt: skip
def test_an_invalid_marker_is_rejected_and_the_input_kept(
    editor: User, sign_in: SignIn, changes: dict[str, str], sentence: str
) -> None:
    figure = make_bilingual_figure()

    answer = sign_in(editor).post(
        markers_url(figure), marker_form(figure, {"text_es": "Muy largo, muy bueno", **changes})
    )

    html = answer.content.decode()
    assert answer.status_code == 400
    assert answer.context["errors"] == [sentence]
    assert "Muy largo, muy bueno" in html
    assert all(f'value="{value}"' in html for name, value in changes.items() if name in {"x", "y", "width"} and value)
    assert saved(figure) == [("tip", "Tip")]


def test_marker_texts_follow_the_rules_for_printed_texts(editor: User, sign_in: SignIn) -> None:
    figure, client = make_bilingual_figure(), sign_in(editor)

    for changes, sentence in (
        ({"text_en": "Call 303-555-0199."}, "contains the phone number “303-555-0199”"),
        ({"text_es": "Si le duele el pecho, llame al 911."}, "This says what to do about warning signs"),
        ({"label_en": "A **bone**"}, "would show “**bone**” as typed"),
    ):
        answer = client.post(markers_url(figure), marker_form(figure, changes))
        assert answer.status_code == 400, changes
        assert [sentence in refused for refused in answer.context["errors"]] == [True], answer.context["errors"]

    assert saved(figure) == [("tip", "Tip")]


def test_a_label_is_required_only_in_languages_of_the_figure(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()
    figure.texts.filter(language="es").delete()

    sign_in(editor).post(markers_url(figure), marker_form(figure, {"label_es": ""}))

    assert saved(figure) == [("tip", "Tip"), ("bone", "Bone")]


def test_markers_are_ordered_by_their_number_fields(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()

    sign_in(editor).post(markers_url(figure), marker_form(figure, {"number": "1"}, marks__0__number="2"))

    assert saved(figure) == [("bone", "Bone"), ("tip", "Tip")]
    assert list(figure.markers.values_list("order", flat=True)) == [0, 1]


def test_a_checked_marker_is_deleted_even_if_invalid(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()

    sign_in(editor).post(markers_url(figure), marker_form(figure, marks__0__deleted="on", marks__0__x="left"))

    assert saved(figure) == []
    assert not MarkerText.objects.exists()


def test_saving_unchanged_markers_changes_no_row(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()
    Marker.objects.update(x=1 / 3)
    before = Marker.objects.values().get(), list(MarkerText.objects.order_by("pk").values())

    answer = sign_in(editor).post(markers_url(figure), marker_form(figure), follow=True)

    assert (Marker.objects.values().get(), list(MarkerText.objects.order_by("pk").values())) == before
    assert "No changes to save." in answer.content.decode()


def test_two_markers_with_the_same_label_get_different_keys(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()

    sign_in(editor).post(markers_url(figure), marker_form(figure, {}, {"y": "80"}, {"y": "60", "label_en": "¿?"}))

    assert [key for key, _ in saved(figure)] == ["tip", "bone", "bone-2", "hueso"]


def test_markers_saved_by_someone_else_are_not_overwritten_unseen(editor: User, sign_in: SignIn) -> None:
    figure, client = make_bilingual_figure(), sign_in(editor)
    late = marker_form(figure, {"label_en": "Late word"})
    client.post(markers_url(figure), marker_form(figure, {"label_en": "Early word"}))

    answer = client.post(markers_url(figure), late)
    again = {**late, "version": answer.context["version"]}

    assert answer.status_code == 409
    assert "Late word" in answer.content.decode()
    assert saved(figure)[1] == ("early-word", "Early word")
    assert client.post(markers_url(figure), again).status_code == 302
    assert saved(figure)[1] == ("late-word", "Late word")


@pytest.mark.parametrize("total", ["", "x", "999", None])
def test_an_incomplete_form_deletes_nothing(editor: User, sign_in: SignIn, total: str | None) -> None:
    figure = make_bilingual_figure()
    values = {name: value for name, value in marker_form(figure, marks__total=total).items() if value is not None}

    answer = sign_in(editor).post(markers_url(figure), values)

    assert answer.status_code == 400
    assert saved(figure) == [("tip", "Tip")]


def test_too_many_markers_are_rejected(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()
    rows = [{"x": str(5 + 15 * (n % 6)), "y": str(10 + 20 * (n // 6))} for n in range(20)]

    answer = sign_in(editor).post(markers_url(figure), marker_form(figure, *rows))

    assert answer.context["errors"][0] == "A picture can have at most 20 markers. Delete some of them."


def test_a_reviewer_cannot_edit_markers(reviewer: User, sign_in: SignIn) -> None:
    figure, client = make_bilingual_figure(), sign_in(reviewer)

    assert client.get(markers_url(figure)).status_code == 403
    assert client.post(markers_url(figure), marker_form(figure, {})).status_code == 403
    assert client.get(f"/admin/procedures/figure/{figure.pk}/change/").status_code == 200
    assert saved(figure) == [("tip", "Tip")]


def test_an_unknown_figure_is_a_404(editor: User, sign_in: SignIn) -> None:
    assert sign_in(editor).get("/admin/procedures/figure/999/marks/").status_code == 404


def test_the_figure_form_links_to_its_markers(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()

    html = sign_in(editor).get(f"/admin/procedures/figure/{figure.pk}/change/").content.decode()

    assert f'href="{markers_url(figure)}"' in html


def test_marker_changes_are_in_the_history_of_the_figure(editor: User, sign_in: SignIn) -> None:
    figure, client = make_bilingual_figure(), sign_in(editor)

    client.post(markers_url(figure), marker_form(figure, {}, marks__0__x="25", marks__0__label_en="Point"))

    html = client.get(f"/admin/procedures/figure/{figure.pk}/history/").content.decode()
    assert "Markers. Bone: new; Point: number moved, text changed (en)." in html


@pytest.mark.parametrize(
    "change", [{"marks__0__x": "25"}, {"marks__0__label_en": "End"}, {"marks__0__shape": "arrow"}, {"marks__0__deleted": "on"}]
)  # fmt: skip
def test_changed_markers_make_their_pages_stale(
    page: Page, editor: User, manager: User, sign_in: SignIn, change: dict[str, str]
) -> None:
    make_public(page)
    figure = page.lead_figure
    assert figure is not None
    assert find_stale_pages_by_rendering() == []

    answer = sign_in(editor).post(markers_url(figure), marker_form(figure, **change), follow=True)

    (found,) = (row for row in find_stale_pages_by_rendering() if row.page.pk == page.pk)
    assert found.changed == [("figure", "needle")]
    assert "outdated details" in answer.content.decode()
    page.refresh_from_db()
    rerelease_page(page, actor=manager)
    page.refresh_from_db()
    assert [row for row in find_stale_pages_by_rendering() if row.page.pk == page.pk] == []


def test_marker_texts_in_another_language_do_not_make_a_page_stale(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    figure = page.lead_figure
    assert figure is not None

    sign_in(editor).post(markers_url(figure), marker_form(figure, marks__0__label_es="Punta"))

    assert MarkerText.objects.filter(language="es").exists()
    assert find_stale_pages_by_rendering() == []


def live(client: Any, figure: Figure, **changes: Any) -> Any:
    return client.post(
        "/admin/procedures/figure/marks/live/", marker_form(figure, {"label_en": "Fresh word"}, **changes)
    )


def test_the_marker_preview_is_the_public_rendering_of_the_input(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()

    data = live(sign_in(editor), figure).json()

    assert list(data["pages"]) == ["en", "es"]
    assert ">Fresh word</li>" in data["pages"]["en"]
    assert ">Hueso</li>" in data["pages"]["es"]
    # The marker without a text has no explanation.
    assert re.findall(r"<strong>(.*?)</strong>\s*(.*?)</li>", data["pages"]["en"]) == [
        ("Tip.", "The end of the needle.")
    ]
    assert data["pages"]["en"].count('class="marker"') == 2
    assert saved(figure) == [("tip", "Tip")]


def test_the_marker_preview_lists_errors_and_warnings(editor: User, sign_in: SignIn) -> None:
    notes = live(
        sign_in(editor), make_bilingual_figure(), marks__0__label_en="", marks__1__x="30", marks__1__y="32"
    ).json()["notes"]

    assert [(note["mark"], note["sentence"]) for note in notes] == [
        (0, "Enter a label in English."),
        (
            1,
            "On a phone, this number is close to number 1. Leave more space, so that people with unsteady hands can tap it.",
        ),
    ]


def test_the_marker_preview_requires_permission_to_change_figures(reviewer: User, sign_in: SignIn, client: Any) -> None:
    figure = make_bilingual_figure()

    assert live(sign_in(reviewer), figure).status_code == 403
    assert live(client, figure).status_code == 401
    assert ROW["label_en"] == "Bone"


def test_the_marker_preview_of_a_deleted_figure_is_a_404(manager: User, sign_in: SignIn) -> None:
    values = marker_form(make_bilingual_figure()) | {"figure": "99999"}
    answer = sign_in(manager).post("/admin/procedures/figure/marks/live/", values)

    assert (answer.status_code, answer.json()["error"]) == (404, "This picture was deleted.")


def test_a_missing_file_is_reported_and_markers_can_still_be_edited(editor: User, sign_in: SignIn) -> None:
    figure, client = make_bilingual_figure(), sign_in(editor)
    figure.renditions.filter(format="jpeg").update(file="figures/lost.jpeg")

    html = client.get(markers_url(figure)).content.decode()
    saving = client.post(markers_url(figure), marker_form(figure, {}))

    assert "The file figures/lost.jpeg is missing, so its contrast cannot be measured." in html
    assert saving.status_code == 302


def test_a_new_marker_does_not_take_the_key_of_a_later_existing_one(editor: User, sign_in: SignIn) -> None:
    figure = make_bilingual_figure()
    (old,) = load_markers(figure)

    sign_in(editor).post(
        markers_url(figure), marker_form(figure, {"number": "1", "label_en": old.key}, marks__0__number="2")
    )

    new, kept = load_markers(figure)
    assert kept.key == old.key
    assert new.key == f"{old.key}-2"
