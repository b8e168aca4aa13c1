"""From a file to a figure: choose, cut and cover, look, answer for it, save."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client, override_settings
from PIL import Image

from portal.staff.models import User
from procedures.figures.intake import picture
from procedures.models import Figure, Page
from tests.admin.conftest import SignIn
from tests.admin.intake import CHOOSE, begun, looked, photograph, rectangles, saved, sent_file, stored, waiting
from tests.factories import BODY, make_clinic, make_figure, make_next, make_page, make_public

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path) -> Iterator[None]:
    with override_settings(DATA_DIR=tmp_path, MEDIA_ROOT=tmp_path / "media"):
        yield


@pytest.fixture
def nina(editor: User, sign_in: SignIn) -> Client:
    return sign_in(editor)


def master_of(figure: Figure) -> Image.Image:
    with default_storage.open(figure.image) as stream:
        image = Image.open(stream)
        image.load()
    return image


# Choosing


def test_a_chosen_picture_waits_and_is_shown_to_whoever_brought_it(nina: Client) -> None:
    address = begun(nina)

    page = nina.get(address)
    shown = nina.get(f"{address}picture.png")
    assert page.status_code == 200
    assert page.context["original"] == (200, 100)
    assert shown["Content-Type"] == "image/png"
    assert shown["Cache-Control"].startswith("no-store, private")
    assert not Figure.objects.exists()


def test_nobody_else_gets_what_waits(nina: Client, manager: User, sign_in: SignIn) -> None:
    address = begun(nina)
    other, stranger = sign_in(manager), Client()

    for path in (address, f"{address}picture.png", f"{address}result.png", f"{address}frames/", f"{address}frame.png"):
        assert other.get(path).status_code == 404
        assert stranger.get(path).status_code == 302
    other.post(f"{address}cancel/")
    assert nina.get(address).status_code == 200


def test_who_may_not_bring_in_pictures_is_refused(reviewer: User, visitor: User, sign_in: SignIn) -> None:
    for user in (reviewer, visitor):
        client = sign_in(user)
        assert client.get(CHOOSE).status_code == 403
        assert client.post(CHOOSE, {"picture": sent_file(photograph())}).status_code == 403
    assert waiting() == []


def test_what_waits_is_private_on_the_disk_and_never_among_the_pictures(nina: Client) -> None:
    address = begun(nina)

    folder = Path(settings.DATA_DIR) / "waiting"
    assert [file.stat().st_mode & 0o077 for file in (folder, *folder.iterdir())] == [0, 0]
    assert not (Path(settings.DATA_DIR) / "media").exists()
    assert Client().get(f"/media/waiting/{address.split('/')[-2]}/picture.png").status_code == 404


def test_a_script_is_told_where_to_go_on(nina: Client) -> None:
    answer = nina.post(CHOOSE, {"picture": sent_file(photograph())}, headers=JSON)

    assert answer.status_code == 201
    assert nina.get(answer.json()["next"]).status_code == 200


def test_a_refused_file_leaves_nothing_and_is_told_in_a_sentence(nina: Client) -> None:
    plain = nina.post(CHOOSE, {"picture": sent_file(b"<svg onload='x'/>")})
    script = nina.post(CHOOSE, {"picture": sent_file(b"<svg onload='x'/>")}, headers=JSON)
    nothing = nina.post(CHOOSE, {})

    assert [plain.status_code, script.status_code, nothing.status_code] == [400, 400, 400]
    assert "This is not a JPEG, PNG or WebP picture." in plain.content.decode()
    assert script.json()["error"].startswith("This is not a JPEG, PNG or WebP picture.")
    assert "Choose a picture." in nothing.content.decode()
    assert stored() == {}


def test_what_is_too_large_is_refused_before_it_is_read(nina: Client) -> None:
    answer = nina.post(CHOOSE, {"picture": sent_file(photograph())}, headers={"Content-Length": str(2**30)})

    assert answer.status_code == 413
    assert "larger than 250 MB" in answer.content.decode()


def test_an_upload_from_another_site_is_refused(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    assert client.post(CHOOSE, {"picture": sent_file(photograph())}).status_code == 403
    assert waiting() == []


def test_uploads_are_counted(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procedures.admin.intake.MOST_UPLOADS", 1)
    begun(nina)

    assert nina.post(CHOOSE, {"picture": sent_file(photograph())}).status_code == 429


def test_new_figures_begin_here(nina: Client) -> None:
    assert nina.get("/admin/procedures/figure/add/")["Location"] == CHOOSE


# Waiting


def test_what_nobody_looked_at_for_an_hour_is_gone(nina: Client) -> None:
    address = begun(nina)
    (folder,) = (Path(settings.DATA_DIR) / "waiting").iterdir()
    os.utime(folder, (time.time() - 3500,) * 2)
    assert nina.get(address).status_code == 200, "looking keeps it"
    assert time.time() - folder.stat().st_mtime < 60
    os.utime(folder, (time.time() - 3700,) * 2)

    answer = nina.get(address)
    call_command("sweep_media", waiting=True)

    assert answer.status_code == 404
    assert "A picture waits for an hour" in answer.content.decode()
    assert waiting() == []


def test_the_oldest_goes_when_one_person_has_too_many(nina: Client) -> None:
    addresses = [begun(nina) for _ in range(6)]

    assert [nina.get(address).status_code for address in addresses] == [404, 200, 200, 200, 200, 200]


def test_cancelling_and_saving_leave_nothing_behind(nina: Client) -> None:
    first = begun(nina)
    nina.post(f"{first}cancel/")
    assert waiting() == []

    assert saved(nina, begun(nina)).status_code == 302
    assert waiting() == []


@pytest.mark.parametrize("token", ["../../etc", "0" * 32, "x", "0" * 31 + "/"])
def test_other_tokens_lead_nowhere(nina: Client, token: str) -> None:
    assert nina.get(f"{CHOOSE}{token}/").status_code in {302, 404}


# Cut and cover


def test_what_was_covered_or_cut_off_is_nowhere_in_what_is_stored(nina: Client) -> None:
    address = begun(nina)
    fields = rectangles((0, 0, 12.5, 25), (30, 30, 20, 20), cut=(0, 0, 50, 100))

    answer = saved(nina, address, fields)

    image = master_of(Figure.objects.get())
    assert answer.status_code == 302
    assert image.size == (100, 100)
    assert [image.getpixel(at) for at in ((5, 5), (24, 24), (30, 5), (70, 40), (99, 99))] == [0, 0, 60, 0, 200]
    assert waiting() == []


def test_the_result_is_what_the_server_made(nina: Client) -> None:
    address = begun(nina)
    fields = rectangles((0, 0, 25, 25))

    told = nina.get(f"{address}result.png", fields, headers=JSON).json()
    shown = nina.get(f"{address}result.png", fields)

    wanted = Image.new("L", (200, 100), 200)
    wanted.paste(0, (0, 0, 50, 25))
    assert told == {"looked": picture(wanted).sha256, "width": 200, "height": 100, "duplicate": ""}
    assert shown["Content-Type"] == "image/png"
    assert shown["Cache-Control"].startswith("no-store, private")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (rectangles((90, 0, 20, 10)), "The box reaches over the edge of the picture. Draw it inside."),
        (rectangles(("", 0, 20, 10)), "Fill in all four numbers, or none."),  # type: ignore[arg-type]
        (rectangles(("nan", 0, 20, 10)), "Enter a number."),  # type: ignore[arg-type]
        (rectangles((-1, 0, 20, 10)), "Ensure this value is greater than or equal to 0."),
        (rectangles((0, 0, 0, 10)), "The box is empty. Draw it larger."),
        (rectangles(cut=(0, 0, 10, 10)), "Less than 64 pixels would be left. Draw the box larger."),
        (rectangles() | {"box-TOTAL_FORMS": "many"}, "ManagementForm data is missing"),
        (rectangles(*[(0, 0, 1, 1)] * 51), "Please submit at most 50 forms."),
    ],
)
@pytest.mark.parametrize("do", ["show", "save"])
def test_rectangles_that_do_not_fit_are_told_where_they_stand(
    nina: Client, fields: dict[str, Any], sentence: str, do: str
) -> None:
    address = begun(nina)

    answer = nina.post(address, {**fields, "do": do, "title_en": "Typed"})
    script = nina.get(f"{address}result.png", fields, headers=JSON)

    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert 'value="Typed"' in answer.content.decode()
    assert (script.status_code, list(script.json())) == (400, ["error"])
    assert not Figure.objects.exists()


def test_showing_the_result_keeps_all_that_was_typed_and_adds_empty_rows(nina: Client) -> None:
    address = begun(nina)

    answer = nina.post(
        address, {**rectangles((1, 2, 3, 4)), "do": "show", "alt_es": "Un hueso.", "provenance": "licensed"}
    )

    form, boxes = answer.context["form"], answer.context["rectangles"].boxes
    assert (form["alt_es"].value(), form["provenance"].value()) == ("Un hueso.", "licensed")
    assert [box["left"].value() for box in boxes] == [1, None, None]
    assert "This field is required" not in answer.content.decode()


def test_what_nobody_has_seen_is_not_saved(nina: Client) -> None:
    address = begun(nina)
    seen = looked(nina, address, rectangles())

    answer = saved(nina, address, rectangles((0, 0, 50, 50)), looked=seen)

    assert answer.status_code == 409
    assert "The picture has changed since it was shown." in answer.content.decode()
    assert answer.context["form"]["nothing_visible"].value() is False
    assert answer.context["form"]["title_en"].value() == "Bone"
    assert not Figure.objects.exists()


# Saving


def test_a_saved_picture_has_its_words_its_sizes_and_its_author(nina: Client, editor: User) -> None:
    answer = saved(nina, begun(nina), title_es="Hueso", alt_es="Un hueso.", caption_es="Un hueso de la columna.")

    figure = Figure.objects.get()
    assert answer["Location"] == f"/admin/procedures/figure/{figure.pk}/change/"
    assert (figure.slug, figure.uploaded_by, figure.provenance) == ("bone", editor, "simulated")
    assert {text.language: text.alt for text in figure.texts.all()} == {"en": "A bone.", "es": "Un hueso."}
    assert {row.format for row in figure.renditions.all()} == {"avif", "webp", "jpeg"}
    assert "::: figure bone" in nina.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"nothing_visible": None}, ["Look closely at the picture. Tick this when no name, date or number is visible in it."]),
        ({"provenance": None}, ["This field is required."]),
        ({"provenance": "clinic"}, ["Write where the patient&#x27;s written consent is filed. No name."]),
        ({"alt_en": ""}, ["Say what the picture shows, for people who cannot see it."]),
        ({"alt_en": "x" * 126}, ["Ensure this value has at most 125 characters (it has 126)."]),
        ({"title_es": "Hueso"}, ["Say what the picture shows, for people who cannot see it.", "Write one or two short"]),
        ({"title_en": "", "alt_en": "", "caption_en": ""}, ["Give the picture a title."]),
    ],
)  # fmt: skip
def test_an_incomplete_picture_says_what_is_missing_and_loses_nothing(
    nina: Client, changes: dict[str, Any], sentences: list[str]
) -> None:
    address = begun(nina)

    answer = saved(nina, address, rectangles((5, 5, 10, 10)), **changes)

    html = answer.content.decode()
    assert answer.status_code == 400
    assert [sentence for sentence in sentences if sentence not in html] == []
    assert answer.context["rectangles"].boxes[0]["left"].value() == 5
    assert not Figure.objects.exists()
    assert nina.get(address).status_code == 200


def test_the_same_picture_again_names_the_figure_that_has_it(nina: Client) -> None:
    saved(nina, begun(nina))
    address = begun(nina)

    told = nina.get(f"{address}result.png", headers=JSON).json()
    refused = saved(nina, address)
    second = saved(nina, address, again="on")

    first = Figure.objects.get(slug="bone")
    assert told["duplicate"] == "bone"
    assert refused.status_code == 400
    assert f'href="/admin/procedures/figure/{first.pk}/change/"' in refused.content.decode()
    assert second.status_code == 302
    assert set(Figure.objects.values_list("slug", flat=True)) == {"bone", "bone-2"}


def test_a_save_that_fails_leaves_no_file(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = begun(nina)

    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no room on the disk")

    monkeypatch.setattr("procedures.admin.figure_forms.replace_renditions", broken)
    with pytest.raises(OSError, match="no room"):
        saved(nina, address)

    assert [name for name in stored() if not name.startswith("waiting/")] == []
    assert not Figure.objects.exists()


# Another picture for a figure that is there


def keep(client: Client, figure: Figure) -> str:
    return str(client.post(f"{CHOOSE}?figure={figure.slug}", {"keep": "yes"})["Location"])


def test_a_figure_is_cut_and_its_marks_go_along(nina: Client, django_capture_on_commit_callbacks: Any) -> None:
    figure = make_figure()
    old = set(default_storage.listdir("figures")[1])

    with django_capture_on_commit_callbacks(execute=True):
        answer = saved(nina, keep(nina, figure), rectangles(cut=(10, 0, 50, 100)))

    figure.refresh_from_db()
    mark = figure.markers.get()
    assert answer.status_code == 302
    assert (figure.width, figure.height) == (300, 600)
    assert [round(part, 6) for part in (mark.x, mark.y, mark.target_x, mark.target_y)] == [0.2, 0.2, 0.8, 0.5]
    assert figure.texts.get().alt == "A needle in a bone."
    assert not old & set(default_storage.listdir("figures")[1]), "nothing shows the old files, so they are gone"


def test_a_mark_that_is_cut_off_is_named(nina: Client) -> None:
    figure = make_figure()

    answer = saved(nina, keep(nina, figure), rectangles(cut=(60, 0, 40, 100)))

    mark = figure.markers.get()
    assert (mark.x, mark.target_x) == (0, 0)
    assert "they stand at the edge now: tip" in nina.get(answer["Location"]).content.decode()


def test_releases_keep_the_picture_that_they_were_made_with(
    nina: Client, django_capture_on_commit_callbacks: Any
) -> None:
    make_clinic()
    figure = make_figure()
    page = make_page(body=BODY + "\n::: figure needle\n", next_page=make_next())
    release = make_public(page)
    shown = {name for name in default_storage.listdir("figures")[1] if name in release.html}

    with django_capture_on_commit_callbacks(execute=True):
        answer = saved(nina, keep(nina, figure), rectangles((0, 0, 50, 50)))

    release.refresh_from_db()
    figure.refresh_from_db()
    assert shown
    assert shown <= set(default_storage.listdir("figures")[1])
    assert all(name in release.html for name in shown)
    assert master_of(figure).getpixel((10, 10)) == 0
    assert "the old values" in nina.get(answer["Location"]).content.decode()


def test_a_figure_with_a_drawing_is_covered_but_not_cut(nina: Client) -> None:
    figure = make_figure(drawing=f"figures/{'a' * 20}.svg")
    address = keep(nina, figure)

    cut = saved(nina, address, rectangles(cut=(10, 10, 50, 50)))
    covered = saved(nina, address, rectangles((10, 10, 50, 50)))

    assert (cut.status_code, covered.status_code) == (400, 302)
    assert "has a drawing with the same marks" in cut.content.decode()


def test_another_file_takes_the_place_of_a_picture(nina: Client) -> None:
    figure = make_figure()

    saved(nina, begun(nina, figure="needle"))

    figure.refresh_from_db()
    assert (figure.width, figure.height, figure.slug) == (200, 100, "needle")
    assert Figure.objects.count() == 1


def test_a_look_is_needed_for_each_new_version(nina: Client) -> None:
    answer = nina.get(keep(nina, make_figure()))

    assert answer.context["form"]["nothing_visible"].value() is False


def test_another_picture_needs_the_right_to_change_figures(reviewer: User, sign_in: SignIn) -> None:
    make_figure()

    assert sign_in(reviewer).post(f"{CHOOSE}?figure=needle", {"keep": "yes"}).status_code == 403


def test_a_figure_that_went_away_meanwhile_is_told(nina: Client) -> None:
    figure = make_figure()
    address = keep(nina, figure)
    figure.delete()

    assert nina.get(address).status_code == 404
    assert waiting() == []


def test_a_lost_master_is_told(nina: Client) -> None:
    figure = make_figure()
    default_storage.delete(figure.image)

    answer = nina.post(f"{CHOOSE}?figure=needle", {"keep": "yes"})

    assert answer.status_code == 400
    assert "Bring the picture in again." in answer.content.decode()
    assert waiting() == []


def test_the_figure_says_where_it_is_used(page: Page, nina: Client) -> None:
    make_public(page)
    figure = page.lead_figure
    assert figure is not None
    guide = make_page("visit", kind="guide", slug="visit", title="First visit")

    html = nina.get(f"/admin/procedures/figure/{figure.pk}/change/").content.decode()

    assert f'<a href="/admin/procedures/page/{page.pk}/change/">Patients see it on “Small cut”.</a>' in html
    assert '<a href="/small-cut/">/small-cut/</a>' in html
    assert f'<a href="/admin/procedures/guide/{guide.pk}/change/">The draft of “First visit” shows it.</a>' in html


def test_files_of_a_deleted_figure_go_with_it(
    manager: User, sign_in: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    figure = make_figure()
    client = sign_in(manager)

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/admin/procedures/figure/{figure.pk}/delete/", {"post": "yes"})

    assert not Figure.objects.exists()
    assert default_storage.listdir("figures")[1] == []
