"""From a staged picture to a figure: crop, cover, check, describe, and save."""

import io
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from PIL import Image

from portal.accounts.models import User
from procedures.enums import FigureKind
from procedures.figures.decoding import build_decoded_image
from procedures.importing.bundles import write_bundle
from procedures.models import Figure, Page
from procedures.publishing.rerelease import find_stale_pages
from procedures.publishing.tasks import figure_approval_tasks
from tests.admin.conftest import SignIn, post_form
from tests.admin.upload_helpers import (
    CHOOSE,
    FIGURE_TEXTS,
    JSON,
    load_master,
    make_photo,
    rectangle_fields,
    save_upload,
    show_result,
    staged_files,
    start_upload,
    stored_files,
)
from tests.factories import make_figure, make_page, make_public, make_supplied, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]


IMPORT_PREVIEW_URL = "/admin/procedures/page/transfer/look/"


# Crop and cover


def test_covered_and_cropped_pixels_are_never_stored(nina: Client) -> None:
    address = start_upload(nina)
    fields = rectangle_fields((0, 0, 12.5, 25), (30, 30, 20, 20), cut=(0, 0, 50, 100))

    answer = save_upload(nina, address, fields)

    image = load_master(Figure.objects.get())
    assert answer.status_code == 302
    assert image.size == (100, 100)
    assert [image.getpixel(at) for at in ((5, 5), (24, 24), (30, 5), (70, 40), (99, 99))] == [0, 0, 60, 0, 200]
    assert staged_files() == []


def test_the_saved_picture_is_the_result_that_the_server_rendered(nina: Client) -> None:
    address = start_upload(nina)
    fields = rectangle_fields((0, 0, 25, 25))

    told = nina.get(f"{address}result.png", fields, headers=JSON).json()
    shown = nina.get(f"{address}result.png", fields)

    wanted = Image.new("L", (200, 100), 200)
    wanted.paste(0, (0, 0, 50, 25))
    assert told == {
        "seen_sha256": build_decoded_image(wanted).sha256,
        "width": 200,
        "height": 100,
        "duplicate": "",
        "covered": [],
    }
    assert shown["Content-Type"] == "image/png"
    assert shown["Cache-Control"].startswith("no-store, private")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (rectangle_fields((90, 0, 20, 10)), "The box extends past the edge of the picture. Draw it inside."),
        (rectangle_fields(("", 0, 20, 10)), "Fill in all four numbers, or leave all four empty."),  # type: ignore[arg-type]
        (rectangle_fields(("nan", 0, 20, 10)), "Enter a number."),  # type: ignore[arg-type]
        (rectangle_fields((-1, 0, 20, 10)), "Ensure this value is greater than or equal to 0."),
        (rectangle_fields((0, 0, 0, 10)), "The box is empty. Draw it larger."),
        (
            rectangle_fields(cut=(0, 0, 10, 10)),
            "The cropped picture would be smaller than 64 pixels. Draw a larger box.",
        ),
        (rectangle_fields() | {"box-TOTAL_FORMS": "many"}, "ManagementForm data is missing"),
        (rectangle_fields(*[(0, 0, 1, 1)] * 51), "Please submit at most 50 forms."),
    ],
)
@pytest.mark.parametrize("do", ["show", "save"])
def test_invalid_boxes_are_reported_at_their_fields(
    nina: Client, fields: dict[str, Any], sentence: str, do: str
) -> None:
    address = start_upload(nina)

    answer = nina.post(address, {**fields, "do": do, "title_en": "Typed"})
    script = nina.get(f"{address}result.png", fields, headers=JSON)

    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert 'value="Typed"' in answer.content.decode()
    assert (script.status_code, list(script.json())) == (400, ["error"])
    assert not Figure.objects.exists()


def test_showing_the_result_keeps_the_input_and_adds_empty_rows(nina: Client) -> None:
    address = start_upload(nina)

    answer = nina.post(
        address, {**rectangle_fields((1, 2, 3, 4)), "do": "show", "alt_es": "Un hueso.", "provenance": "licensed"}
    )

    form, boxes = answer.context["form"], answer.context["redactions_form"].boxes
    assert (form["alt_es"].value(), form["provenance"].value()) == ("Un hueso.", "licensed")
    assert [box["left"].value() for box in boxes] == [1, None, None]
    assert "This field is required" not in answer.content.decode()


def test_an_unseen_result_is_not_saved(nina: Client) -> None:
    address = start_upload(nina)
    seen = show_result(nina, address, rectangle_fields())

    answer = save_upload(nina, address, rectangle_fields((0, 0, 50, 50)), seen_sha256=seen)

    assert answer.status_code == 409
    assert "The picture has changed since you viewed it." in answer.content.decode()
    assert answer.context["form"]["deidentified"].value() is False
    assert answer.context["form"]["title_en"].value() == "Bone"
    assert not Figure.objects.exists()


def test_one_request_with_a_computed_hash_saves_nothing(nina: Client) -> None:
    address = start_upload(nina)
    computed = build_decoded_image(Image.open(io.BytesIO(make_photo())).convert("L")).sha256
    fields = {
        **rectangle_fields(),
        **FIGURE_TEXTS,
        "kind": "photo",
        "provenance": "simulated",
        "deidentified": "on",
        "do": "save",
    }

    blind = nina.post(address, {**fields, "seen_sha256": computed})
    assert (blind.status_code, blind.context["seen_sha256"]) == (409, computed), "the hash itself was right"
    # Neither the page, nor a JSON request, nor a HEAD request counts as showing the pixels.
    nina.get(address)
    nina.get(f"{address}result.png", rectangle_fields(), headers=JSON)
    nina.head(f"{address}result.png", rectangle_fields())
    nina.get(f"{address}picture.png")
    assert nina.post(address, {**fields, "seen_sha256": computed}).status_code == 409
    assert not Figure.objects.exists()

    nina.get(f"{address}result.png", rectangle_fields())
    assert nina.post(address, {**fields, "seen_sha256": computed}).status_code == 302


def test_only_the_result_that_was_shown_last_is_saved(nina: Client) -> None:
    address = start_upload(nina)
    first = show_result(nina, address, rectangle_fields())
    show_result(nina, address, rectangle_fields((0, 0, 50, 50)))

    assert save_upload(nina, address, rectangle_fields(), seen_sha256=first).status_code == 302, (
        "the helper shows it again"
    )
    address = start_upload(nina, make_photo((220, 100)))
    first = show_result(nina, address, rectangle_fields())
    show_result(nina, address, rectangle_fields((0, 0, 50, 50)))
    values = {**rectangle_fields(), **FIGURE_TEXTS, "kind": "photo", "provenance": "simulated", "deidentified": "on"}
    assert nina.post(address, {**values, "do": "save", "seen_sha256": first}).status_code == 409


def test_a_result_shown_to_another_user_does_not_count(nina: Client, manager: User, sign_in: SignIn) -> None:
    max_ = sign_in(manager)
    show_result(max_, start_upload(max_), rectangle_fields())
    address = start_upload(nina)
    values = {**rectangle_fields(), **FIGURE_TEXTS, "kind": "photo", "provenance": "simulated", "deidentified": "on"}

    answer = nina.post(address, {**values, "do": "save", "seen_sha256": nina.get(address).context["seen_sha256"]})

    assert answer.status_code == 409


def test_the_picture_is_shown_at_full_size(nina: Client) -> None:
    html = nina.get(start_upload(nina, make_photo((1600, 900)))).content.decode()

    assert re.search(r'<img data-result-image\s+src="[^"]+result\.png"\s+width="1600"\s+height="900"', html)
    css = (Path(settings.BASE_DIR) / "static/admin_portal/image_import/image_import.css").read_text()
    css = " ".join(css.split())
    assert (
        ".image-check__result .stored-image img { max-inline-size: none; inline-size: auto; block-size: auto; }" in css
    )


# The kind of picture


@pytest.mark.parametrize("figure", ["", "needle"])
def test_the_kind_of_picture_is_required_and_never_preselected(nina: Client, figure: str) -> None:
    make_figure(kind="ct")
    address = start_upload(nina, make_photo((300, 200)), figure=figure)

    html = nina.get(address).content.decode()
    answer = save_upload(nina, address, kind=None)

    assert html.count('name="kind"') == len(FigureKind)
    assert not re.search(r'name="kind"[^>]* checked', html)
    assert answer.status_code == 400
    assert "Choose the kind of picture." in answer.content.decode()
    assert save_upload(nina, address, kind="radiograph").status_code == 302
    assert Figure.objects.get(slug=figure or "bone").kind == "radiograph"


def test_a_picture_that_is_cropped_again_keeps_its_kind(nina: Client) -> None:
    make_figure(kind="ct")
    address = nina.post(f"{CHOOSE}?figure=needle", {"keep": "yes"})["Location"]

    assert nina.get(address).context["form"]["kind"].value() == "ct"


def test_a_later_change_of_kind_needs_another_person_to_approve(nina: Client, page: Page) -> None:
    figure = Figure.objects.get()
    make_public(page)
    address = f"/admin/procedures/figure/{figure.pk}/change/"
    text = figure.texts.get()
    values = {"kind": "radiograph", "provenance": "simulated", "provenance_note": "", "deidentified": "on",
              "seen_picture": figure.sha256,
              "texts-TOTAL_FORMS": 1, "texts-INITIAL_FORMS": 1, "texts-0-id": text.pk, "texts-0-figure": figure.pk,
              "texts-0-language": "en", "texts-0-title": text.title, "texts-0-alt": text.alt,
              "texts-0-caption": text.caption, "texts-0-description": ""}  # fmt: skip

    post_form(nina, address, values, follow=True)

    figure.refresh_from_db()
    assert figure.kind == "radiograph"
    assert find_stale_pages() == [], "public pages go on saying what was approved"
    assert page in [item.page for item in figure_approval_tasks(make_user("rita")).tasks]


# Saving


def test_a_saved_picture_has_texts_renditions_and_an_uploader(nina: Client, editor: User) -> None:
    answer = save_upload(
        nina, start_upload(nina), title_es="Hueso", alt_es="Un hueso.", caption_es="Un hueso de la columna."
    )

    figure = Figure.objects.get()
    assert answer["Location"] == f"/admin/procedures/figure/{figure.pk}/change/"
    assert (figure.slug, figure.uploaded_by, figure.provenance) == ("bone", editor, "simulated")
    assert {text.language: text.alt for text in figure.texts.all()} == {"en": "A bone.", "es": "Un hueso."}
    assert {row.format for row in figure.renditions.all()} == {"avif", "webp", "jpeg"}
    assert "Picture saved." in nina.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"deidentified": None}, ["Look closely at the picture. Check this box when no name, date, or number is visible in it."]),
        ({"provenance": None}, ["This field is required."]),
        ({"kind": None}, ["Choose the kind of picture."]),
        ({"provenance": "clinic"}, ["Enter where the patient&#x27;s written consent is filed, without a name."]),
        ({"alt_en": ""}, ["Say what the picture shows, for people who cannot see it."]),
        ({"alt_en": "x" * 126}, ["Ensure this value has at most 125 characters (it has 126)."]),
        ({"title_es": "Hueso"}, ["Say what the picture shows, for people who cannot see it.", "Write one or two short"]),
        ({"title_en": "", "alt_en": "", "caption_en": ""}, ["Give the picture a title."]),
        ({"caption_en": "Call 303-555-0199."}, ["contains the phone number “303-555-0199”"]),
        ({"caption_en": "If your chest hurts, call 911."}, ["This says what to do about warning signs"]),
    ],
)  # fmt: skip
def test_an_incomplete_picture_reports_what_is_missing_and_keeps_the_input(
    nina: Client, changes: dict[str, Any], sentences: list[str]
) -> None:
    address = start_upload(nina)

    answer = save_upload(nina, address, rectangle_fields((5, 5, 10, 10)), **changes)

    html = answer.content.decode()
    assert answer.status_code == 400
    assert [sentence for sentence in sentences if sentence not in html] == []
    assert answer.context["redactions_form"].boxes[0]["left"].value() == 5
    assert not Figure.objects.exists()
    assert nina.get(address).status_code == 200


def test_texts_of_a_new_picture_are_stored_in_nfc(nina: Client) -> None:
    save_upload(nina, start_upload(nina), title_en="Cafe\u0301")

    assert Figure.objects.get().texts.get().title == "Café"


def test_a_duplicate_picture_is_rejected_with_the_existing_figure(nina: Client) -> None:
    save_upload(nina, start_upload(nina))
    address = start_upload(nina)

    told = nina.get(f"{address}result.png", headers=JSON).json()
    refused = save_upload(nina, address)
    second = save_upload(nina, address, allow_duplicate="on")

    first = Figure.objects.get(slug="bone")
    assert told["duplicate"] == "bone"
    assert refused.status_code == 400
    assert f'href="/admin/procedures/figure/{first.pk}/change/"' in refused.content.decode()
    assert second.status_code == 302
    assert set(Figure.objects.values_list("slug", flat=True)) == {"bone", "bone-2"}


def test_a_failed_save_leaves_no_file(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = start_upload(nina)

    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no room on the disk")

    monkeypatch.setattr("procedures.admin.figure_forms.replace_renditions", broken)
    with pytest.raises(OSError, match="no room"):
        save_upload(nina, address)

    assert [name for name in stored_files() if not name.startswith("waiting/")] == []
    assert not Figure.objects.exists()


# Import from a bundle


def test_new_pictures_of_a_bundle_must_be_seen_before_the_import(page: Page, manager: User, sign_in: SignIn) -> None:
    figure, stream = make_figure("balloon", size=(700, 650)), io.BytesIO()
    other = make_page("second", lead_figure=make_supplied(figure))
    write_bundle([other], stream)
    other.delete()
    figure.delete()
    max_ = sign_in(manager)
    plan = max_.post(IMPORT_PREVIEW_URL, {"bundle": SimpleUploadedFile("b.zip", stream.getvalue())})
    ((slug, _, size, _),) = plan.context["images"]
    values = {"token": plan.context["token"], "page": "en second", "picture": slug}
    assert (slug, size) == ("balloon", (700, 650))

    blind = max_.post(IMPORT_PREVIEW_URL, values)
    assert blind.status_code == 400
    assert "Look at these pictures, then check the box for each one: balloon." in blind.content.decode()
    shown = re.search(r'<img src="([^"]+)"\s+width="700"\s+height="650"', blind.content.decode())
    assert shown
    assert max_.get(shown[1])["Content-Type"] == "image/png"
    assert max_.post(IMPORT_PREVIEW_URL, {**values, "picture": ""}).status_code == 400, "shown, but not answered for"
    assert not Figure.objects.filter(slug="balloon").exists()

    assert max_.post(IMPORT_PREVIEW_URL, values).status_code == 302
    assert Figure.objects.filter(slug="balloon").exists()
    assert not list((Path(settings.DATA_DIR) / "bundles").iterdir())


def test_a_staged_bundle_expires_after_a_day(page: Page, manager: User, sign_in: SignIn) -> None:
    stream = io.BytesIO()
    write_bundle([page], stream)
    max_, folder = sign_in(manager), Path(settings.DATA_DIR) / "bundles"
    plan = max_.post(IMPORT_PREVIEW_URL, {"bundle": SimpleUploadedFile("b.zip", stream.getvalue())})
    for entry in folder.iterdir():
        os.utime(entry, (time.time() - 25 * 3600,) * 2)

    answer = max_.post(IMPORT_PREVIEW_URL, {"token": plan.context["token"], "page": "en small-cut"})
    call_command("delete_unused_media", staged=True)

    assert answer.status_code == 409
    assert "The file is no longer available. Choose it again." in answer.content.decode()
    assert list(folder.iterdir()) == []


def test_a_refused_picture_starts_with_a_list_of_links_to_the_fields(nina: Client) -> None:
    address = start_upload(nina)

    answer = save_upload(nina, address, alt_en="")
    html = answer.content.decode()
    summary = html[html.index('class="error-summary"') : html.index("</ul>", html.index('class="error-summary"'))]

    assert answer.status_code == 400
    assert 'href="#id_alt_en"' in summary
    assert 'id="id_alt_en"' in html
    assert html.index('class="error-summary"') < html.index('id="id_alt_en"')
