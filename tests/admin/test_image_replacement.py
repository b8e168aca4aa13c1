"""Replacing the picture of a figure: markers, releases that keep the old picture, and where a figure is used."""

from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from portal.accounts.models import User
from procedures.models import Figure, Page
from tests.admin.conftest import SignIn, make_staff
from tests.admin.upload_helpers import (
    CHOOSE,
    load_master,
    make_photo,
    rectangle_fields,
    save_upload,
    staged_files,
    start_upload,
)
from tests.factories import BODY, make_clinic, make_figure, make_next, make_page, make_public

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]


def keep(client: Client, figure: Figure) -> str:
    return str(client.post(f"{CHOOSE}?figure={figure.slug}", {"keep": "yes"})["Location"])


def test_cropping_a_figure_transforms_its_markers(nina: Client, django_capture_on_commit_callbacks: Any) -> None:
    figure = make_figure(size=(600, 600))
    old = set(default_storage.listdir("figures")[1])

    with django_capture_on_commit_callbacks(execute=True):
        answer = save_upload(nina, keep(nina, figure), rectangle_fields(cut=(10, 0, 50, 100)))

    figure.refresh_from_db()
    mark = figure.markers.get()
    assert answer.status_code == 302
    assert (figure.width, figure.height) == (300, 600)
    assert [round(part, 6) for part in (mark.x, mark.y, mark.target_x, mark.target_y)] == [0.2, 0.2, 0.8, 0.5]
    assert figure.texts.get().alt == "A needle in a bone."
    assert not old & set(default_storage.listdir("figures")[1]), "nothing shows the old files, so they are gone"


def sign_in_nora(sign_in: SignIn) -> Client:
    return sign_in(make_staff("Nora", "Editor"))


def test_a_black_box_of_someone_else_is_not_undone_by_an_older_picture(nina: Client, sign_in: SignIn) -> None:
    figure = make_figure(size=(600, 600))
    nora = sign_in_nora(sign_in)
    hers, theirs = keep(nora, figure), keep(nina, figure)
    save_upload(nora, hers, rectangle_fields((0, 0, 30, 30)))
    figure.refresh_from_db()
    covered = figure.sha256
    box = rectangle_fields((90, 90, 5, 5), cut=(0, 0, 50, 100))

    refused = save_upload(nina, theirs, box, provenance_note="Typed")
    unchanged = Figure.objects.get(pk=figure.pk).sha256
    again = nina.post(theirs, {**box, "do": "rebase", "kind": "photo", "provenance_note": "Typed"})
    saved = save_upload(nina, theirs, box)

    assert (refused.status_code, unchanged) == (409, covered)
    html = refused.content.decode()
    assert "Someone else changed this picture after you started" in html and "Typed" in html
    assert f"/admin/procedures/figure/files/{figure.image}" in html and "Last uploaded by: Nora" in html
    assert (again.status_code, "Typed" in again.content.decode()) == (200, True)
    assert saved.status_code == 302
    figure.refresh_from_db()
    master = load_master(figure).convert("L")
    assert master.size == (300, 600)
    assert master.crop((10, 10, 170, 170)).getextrema() == (0, 0)


def test_an_upload_over_a_newer_picture_is_refused_and_then_leaves_the_markers_alone(
    nina: Client, sign_in: SignIn
) -> None:
    figure = make_figure(size=(600, 600))
    nora = sign_in_nora(sign_in)
    theirs = start_upload(nina, make_photo((600, 600)), figure=figure.slug)
    save_upload(nora, keep(nora, figure), rectangle_fields(cut=(10, 0, 50, 100)))
    crop = rectangle_fields(cut=(10, 0, 50, 100))
    moved = figure.markers.get().x

    refused = save_upload(nina, theirs, crop)
    nina.post(theirs, {**crop, "do": "rebase", "newer_hash": refused.context["newer"]["hash"]})
    saved = save_upload(nina, theirs, crop)

    assert (refused.status_code, saved.status_code) == (409, 302)
    assert figure.markers.get().x == moved == pytest.approx(0.2)
    assert "Check that each marker still points to the right place" in nina.get(saved["Location"]).content.decode()


def test_a_picture_whose_figure_was_deleted_can_be_saved_as_a_new_one(nina: Client) -> None:
    figure = make_figure(size=(600, 600))
    address = keep(nina, figure)
    typed = {"provenance_note": "Typed", "kind": "photo", "do": "save"}
    figure.delete()

    refused = nina.post(address, {**rectangle_fields((0, 0, 9, 9)), **typed})
    saved = save_upload(nina, address)

    assert refused.status_code == 409
    assert "Someone else deleted this picture" in refused.content.decode() and "Typed" in refused.content.decode()
    assert (saved.status_code, Figure.objects.count()) == (302, 1)


def test_a_marker_outside_the_crop_is_reported(nina: Client) -> None:
    figure = make_figure(size=(600, 600))

    answer = save_upload(nina, keep(nina, figure), rectangle_fields(cut=(60, 0, 40, 100)))

    mark = figure.markers.get()
    assert (mark.x, mark.target_x) == (0, 0)
    assert "because the crop cut them off: tip" in nina.get(answer["Location"]).content.decode()


def test_releases_keep_the_picture_they_were_published_with(
    nina: Client, django_capture_on_commit_callbacks: Any
) -> None:
    make_clinic()
    figure = make_figure()
    page = make_page(body=BODY + "\n::: figure needle\n", next_page=make_next())
    release = make_public(page)
    shown = {name for name in default_storage.listdir("figures")[1] if name in release.html}

    with django_capture_on_commit_callbacks(execute=True):
        answer = save_upload(nina, keep(nina, figure), rectangle_fields((0, 0, 50, 50)))

    release.refresh_from_db()
    figure.refresh_from_db()
    assert shown
    assert shown <= set(default_storage.listdir("figures")[1])
    assert all(name in release.html for name in shown)
    assert load_master(figure).getpixel((10, 10)) == 0
    assert "Patients see the old one until a reviewer approves" in nina.get(answer["Location"]).content.decode()


def test_a_figure_with_a_drawing_can_be_covered_but_not_cropped(nina: Client) -> None:
    figure = make_figure(size=(600, 600), drawing=f"figures/{'a' * 20}.svg")
    address = keep(nina, figure)

    cut = save_upload(nina, address, rectangle_fields(cut=(10, 10, 50, 50)))
    covered = save_upload(nina, address, rectangle_fields((10, 10, 50, 50)))

    assert (cut.status_code, covered.status_code) == (400, 302)
    assert "has a drawing with the same markers" in cut.content.decode()


def test_a_picture_can_be_replaced_by_another_file(nina: Client) -> None:
    figure = make_figure()

    save_upload(nina, start_upload(nina, figure="needle"))

    figure.refresh_from_db()
    assert (figure.width, figure.height, figure.slug) == (200, 100, "needle")
    assert Figure.objects.count() == 1


def test_every_new_result_must_be_seen_before_saving(nina: Client) -> None:
    answer = nina.get(keep(nina, make_figure()))

    assert answer.context["form"]["deidentified"].value() is False


def test_replacing_a_picture_requires_permission_to_change_figures(reviewer: User, sign_in: SignIn) -> None:
    make_figure()

    assert sign_in(reviewer).post(f"{CHOOSE}?figure=needle", {"keep": "yes"}).status_code == 403


def test_a_missing_master_file_is_reported(nina: Client) -> None:
    figure = make_figure()
    default_storage.delete(figure.image)

    answer = nina.post(f"{CHOOSE}?figure=needle", {"keep": "yes"})

    assert answer.status_code == 400
    assert "Upload the picture again." in answer.content.decode()
    assert staged_files() == []


def test_the_figure_lists_where_it_is_used(page: Page, nina: Client) -> None:
    make_public(page)
    figure = page.lead_figure
    assert figure is not None
    guide = make_page("visit", kind="guide", slug="visit", title="First visit")

    html = nina.get(f"/admin/procedures/figure/{figure.pk}/change/").content.decode()

    assert f'<a href="/admin/procedures/page/{page.pk}/change/">Patients see it on “Small cut”.</a>' in html
    assert '<a href="/small-cut/">/small-cut/</a>' in html
    assert f'<a href="/admin/procedures/guide/{guide.pk}/change/">The draft of “First visit” shows it.</a>' in html


def test_deleting_a_figure_deletes_its_files(
    manager: User, sign_in: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    figure = make_figure()
    client = sign_in(manager)

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/admin/procedures/figure/{figure.pk}/delete/", {"post": "yes"})

    assert not Figure.objects.exists()
    assert default_storage.listdir("figures")[1] == []
