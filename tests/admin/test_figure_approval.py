"""However a picture was added, it becomes public only after a second person has viewed and approved it."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from PIL import Image, ImageDraw

from portal.accounts.models import User
from procedures.figures.approval import figure_files
from procedures.figures.decoding import build_decoded_image
from procedures.figures.renditions import replace_renditions, store_image
from procedures.importing.bundles import write_bundle
from procedures.models import Clinic, Figure, Page, Release
from procedures.publishing.publish import rerelease_page, withdraw
from procedures.publishing.schedule import publish_scheduled
from procedures.publishing.site_source import public_urls
from tests.admin.conftest import PAGES, SignIn, change_url, make_staff, page_form, post_form
from tests.admin.test_editor_upload import UPLOAD, sent
from tests.admin.test_figures import sent as figure_form
from tests.admin.upload_helpers import save_upload, start_upload
from tests.factories import BODY, make_clinic, make_figure, make_next, make_page, make_public, make_supplied
from tests.figures.dicom_files import dicom, ramp

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]
STALE_PAGES_URL = f"{PAGES}outdated/"


def make_picture_with_name() -> bytes:
    """Return a picture with a patient's name in its corner."""
    image = Image.linear_gradient("L").resize((240, 160))
    ImageDraw.Draw(image).text((4, 4), "SMITH, JOHN DOB 01/02/1950", fill=255)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


class Site:
    """A small public site with a picture index and four staff users."""

    def __init__(self, sign_in: SignIn) -> None:
        make_clinic()
        make_figure()
        self.following = make_next()
        self.page = make_page(next_page=self.following, body=BODY)
        make_public(self.page)
        index = make_page("pictures", kind="about", body="## All of them\n\nHere they are.\n\n::: pictures\n")
        make_public(index)
        self.editor, self.manager = make_staff("Nina", "Editor"), make_staff("Max", "Manager")
        self.reviewer = make_staff("Rosa", "Reviewer")
        # A manager who can also review and upload pictures.
        self.both = make_staff("Mia", "Manager")
        self.both.groups.add(Group.objects.get(name="Reviewer"))
        self.clients = {user: sign_in(user) for user in (self.editor, self.manager, self.reviewer, self.both)}
        self.known = set(list_stored_files())

    def show(self, slug: str, user: User) -> None:
        """Put the picture into the draft of the public page, and send it for review."""
        self.page.refresh_from_db()
        body = f"{BODY}\n::: figure {slug}\n"
        answer = self.clients[user].post(change_url(self.page), page_form(self.page, body=body, _submit="1"))
        assert answer.status_code == 302

    def try_everything(self, user: User) -> None:
        """Try everything that this user can do to publish something without a reviewer."""
        client, page = self.clients[user], self.page
        newest = page.revisions.values_list("pk", flat=True).first()
        client.post(f"{PAGES}{page.pk}/publish/", {"revision": newest, "now": "1"})
        client.post(
            f"{PAGES}{page.pk}/publish/", {"revision": newest, "later": "1", "day": "2031-01-01", "time": "9:00"}
        )
        client.post(f"{PAGES}{page.pk}/review/", {"revision": newest, "decision": "approved"})
        Clinic.objects.update(phone=f"+1 303-555-01{Release.objects.count() % 90 + 10}")
        client.post(STALE_PAGES_URL, {"page": list(Page.objects.values_list("pk", flat=True))})
        for public in Page.objects.published():
            rerelease_page(public, actor=user)
        publish_scheduled(timezone.now() + timezone.timedelta(days=3650))


def replace_picture(figure: Figure, data: bytes | None = None) -> None:
    """Replace the pixels, as every upload path does."""
    rows = store_image(figure, build_decoded_image(Image.open(io.BytesIO(data or make_picture_with_name()))))
    figure.save()
    replace_renditions(figure, rows)


def list_stored_files() -> list[str]:
    return [f"figures/{name}" for name in default_storage.listdir("figures")[1]]


def get_status(client: Client, address: str) -> int:
    """Return the status, and close the file."""
    answer = client.get(address)
    answer.getvalue()
    return answer.status_code


def find_public_files(names: set[str]) -> dict[str, list[str]]:
    """Map each publicly readable file to the public URLs that serve or reference it."""
    reader, found = Client(), {}
    texts = {
        path: reader.get(path).content.decode() for path in [*public_urls(), "/search/?q=needle", "/search/?q=bone"]
    }
    for name in names:
        places = [path for path, text in texts.items() if name in text]
        if get_status(reader, f"/media/{name}") != 404:
            places.append("its own address")
        if places:
            found[name] = places
    return found


def upload_from_screen(site: Site, user: User) -> str:
    answer = save_upload(site.clients[user], start_upload(site.clients[user], make_picture_with_name()))
    return Figure.objects.get(pk=answer["Location"].split("/")[-3]).slug


def upload_from_editor(site: Site, user: User) -> str:
    upload = SimpleUploadedFile("photo.png", make_picture_with_name(), content_type="image/png")
    answer = site.clients[user].post(UPLOAD, sent(picture=upload))
    assert answer.status_code == 201, answer.content
    done = save_upload(site.clients[user], answer.json()["next"])
    return Figure.objects.get(pk=done["Location"].split("/")[-3]).slug


def replace_from_screen(site: Site, user: User) -> str:
    answer = save_upload(
        site.clients[user], start_upload(site.clients[user], make_picture_with_name(), figure="needle")
    )
    assert answer.status_code == 302
    return "needle"


def upload_dicom_frame(site: Site, user: User) -> str:
    client = site.clients[user]
    frames = start_upload(client, dicom(ramp(), WindowCenter=32, WindowWidth=64))
    check = (
        client.post(frames, {"frame": "1", "center": "32", "width": "8"})["Location"] if "frames" in frames else frames
    )
    answer = save_upload(client, check)
    return Figure.objects.get(pk=answer["Location"].split("/")[-3]).slug


def make_bundle() -> bytes:
    """Return a bundle from another portal that contains the public page with a new picture."""
    figure = make_figure("from-afar", size=(200, 200))
    replace_picture(figure)
    page = make_page("afar", lead_figure=figure, next_page=Page.objects.get(subject="contact"))
    stream = io.BytesIO()
    make_supplied(figure)
    write_bundle([page], stream)
    page.delete()
    figure.delete()
    return stream.getvalue()


def import_bundle_on_screen(site: Site, user: User) -> str:
    client = site.clients[user]
    file = SimpleUploadedFile("pages.zip", make_bundle(), content_type="application/zip")
    plan = client.post(f"{PAGES}transfer/look/", {"bundle": file})
    if plan.status_code == 200:
        ((slug, *_),) = plan.context["images"]
        for address in re.findall(r'<img src="([^"]+)"', plan.content.decode()):
            assert client.get(address).status_code == 200
        values = {"token": plan.context["token"], "page": "en afar", "picture": slug}
        assert client.post(f"{PAGES}transfer/look/", values).status_code == 302
    return "from-afar" if Figure.objects.filter(slug="from-afar").exists() else ""


def import_bundle_on_command_line(site: Site, user: User) -> str:
    file = Path(default_storage.path("")).parent / "pages.zip"
    file.write_bytes(make_bundle())
    call_command("import_bundle", str(file), verbosity=0)
    file.unlink()
    return "from-afar"


UPLOAD_PATHS: list[Callable[[Site, User], str]] = [
    upload_from_screen,
    upload_from_editor,
    replace_from_screen,
    upload_dicom_frame,
    import_bundle_on_screen,
    import_bundle_on_command_line,
]


@pytest.mark.slow
@pytest.mark.parametrize("upload", UPLOAD_PATHS, ids=lambda upload: upload.__name__)
def test_a_picture_is_private_until_a_second_person_approves_it(upload: Any, sign_in: SignIn) -> None:
    site = Site(sign_in)
    slug = upload(site, site.editor) or upload(site, site.manager)
    secret = set(list_stored_files()) - site.known
    assert secret, "the picture came in"

    # Each user alone, then one after another; before and after a page shows the picture.
    for user in (site.editor, site.manager):
        site.try_everything(user)
        assert find_public_files(secret) == {}, f"after {user}, on no page"
    for user in (site.editor, site.manager, site.editor):
        site.show(slug, user)
        site.try_everything(user)
        site.try_everything(site.manager)
        assert find_public_files(secret) == {}, f"after {user}, on a draft"
    # Patients can still read the page, with the clinic's new number.
    assert Clinic.objects.get().phone in Client().get(site.page.live_release.path).content.decode()

    review = f"{PAGES}{site.page.pk}/review/"
    screen = site.clients[site.reviewer].get(review)
    shown = re.findall(r'name="picture" value="([0-9a-f]{64})"', screen.content.decode())
    large = re.findall(r'class="image-inspector__image" src="([^"]+)"', screen.content.decode())
    assert len(shown) == 1
    assert [get_status(site.clients[site.reviewer], address) for address in large] == [200]
    decision = {"revision": site.page.revisions.first().pk, "decision": "approved", "comment": "Fine with me."}
    unseen = site.clients[site.reviewer].post(review, decision)
    assert (unseen.status_code, "Fine with me." in unseen.content.decode()) == (409, True)
    assert find_public_files(secret) == {}
    assert site.clients[site.reviewer].post(review, {**decision, "picture": shown}).status_code == 302
    assert find_public_files(secret) == {}, "approved, not published"

    answer = site.clients[site.manager].post(
        f"{PAGES}{site.page.pk}/publish/", {"revision": decision["revision"], "now": "1"}
    )
    assert answer.status_code == 302, answer.context and answer.context.get("refused")
    assert set(find_public_files(secret)) == set(figure_files(Figure.objects.get(slug=slug))), "all of it is open now"

    site.page.refresh_from_db()
    withdraw(site.page, actor=site.manager, reason="It was wrong.")
    assert find_public_files(secret) == {}, "withdrawn"


def test_only_staff_see_an_unapproved_picture(sign_in: SignIn) -> None:
    site = Site(sign_in)
    upload_from_screen(site, site.editor)
    figure = Figure.objects.exclude(slug="needle").get()
    site.page.refresh_from_db()
    client, outsider = site.clients[site.editor], sign_in(make_staff("Ines"))

    preview = client.post(f"{PAGES}preview/", page_form(site.page, body=f"::: figure {figure.slug}"))

    html = preview.json()["html"]
    for name in {row.file for row in figure.renditions.all() if row.file in html}:
        address = f"/admin/procedures/figure/files/{name}"
        assert address in html
        assert f"/media/{name}" not in html
        answer = client.get(address)
        answer.getvalue()
        assert (answer.status_code, answer["Cache-Control"][:17]) == (200, "no-store, private")
        assert Client().get(address).status_code == 302
        assert outsider.get(address).status_code == 403


def test_a_reviewer_sees_the_page_of_a_new_picture_but_cannot_approve_their_own(sign_in: SignIn) -> None:
    site = Site(sign_in)
    replace_from_screen(site, site.both)
    review = f"{PAGES}{site.page.pk}/review/"
    mine, others = site.clients[site.both], site.clients[site.reviewer]

    assert review in others.get("/admin/").content.decode()
    assert review not in mine.get("/admin/").content.decode()
    shown = re.findall(r'name="picture" value="([0-9a-f]{64})"', mine.get(review).content.decode())
    decision = {"revision": site.page.revisions.first().pk, "decision": "approved", "picture": shown}
    refused = mine.post(review, decision)
    assert (refused.status_code, "You uploaded the picture" in refused.content.decode()) == (403, True)
    assert others.post(review, decision).status_code == 302


def test_a_page_with_an_unapproved_picture_cannot_be_exported(sign_in: SignIn, tmp_path: Path) -> None:
    site = Site(sign_in)
    replace_from_screen(site, site.editor)

    answer = site.clients[site.manager].post(f"{PAGES}transfer/bundle.zip", {"pages": [site.page.pk]})

    assert answer.status_code == 409
    assert "A reviewer has not approved these pictures yet: “needle”" in answer.content.decode()
    with pytest.raises(CommandError, match="“needle”"):
        call_command("export_bundle", str(tmp_path / "pages.zip"), "en/small-cut")
    assert not (tmp_path / "pages.zip").exists()


def test_changing_the_source_of_a_public_picture_needs_a_review_that_shows_both(sign_in: SignIn) -> None:
    site = Site(sign_in)
    figure = Figure.objects.get(slug="needle")
    address = f"/admin/procedures/figure/{figure.pk}/change/"
    values = figure_form(figure, provenance="licensed")

    answer = post_form(site.clients[site.editor], address, values, follow=True)

    assert "Public pages keep the old source until another person approves" in answer.content.decode()
    assert Figure.objects.get(slug="needle").provenance_changed_by == site.editor
    html = site.clients[site.reviewer].get(f"{PAGES}{site.page.pk}/review/").content.decode()
    screen = " ".join(re.sub(r"<[^>]*>", "", html).split())
    words = (
        "Source of the picture: was “Simulated from a model; no patient”, now “Licensed from someone else”, changed by"
    )
    assert words in screen


def test_changing_the_kind_of_a_public_picture_needs_a_review_that_shows_both(sign_in: SignIn) -> None:
    site = Site(sign_in)
    Figure.objects.filter(slug="needle").update(kind="fluoroscopy")
    review = f"{PAGES}{site.page.pk}/review/"
    others, manager = site.clients[site.reviewer], site.clients[site.manager]

    def decided() -> int:
        shown = re.findall(r'name="picture" value="([0-9a-f]{64})"', others.get(review).content.decode())
        decision = {"revision": site.page.revisions.first().pk, "decision": "approved", "picture": shown}
        return int(others.post(review, decision).status_code)

    def public() -> list[str]:
        manager.post(STALE_PAGES_URL, {"page": list(Page.objects.values_list("pk", flat=True))})
        text = Client().get(Page.objects.get(pk=site.page.pk).live_release.path).content.decode()
        return [words for words in ("look dark", "look white") if words in text]

    assert (decided(), public()) == (302, ["look dark"])
    address = f"/admin/procedures/figure/{Figure.objects.get(slug='needle').pk}/change/"
    values = figure_form(Figure.objects.get(slug="needle"), kind="radiograph")

    answer = post_form(site.clients[site.editor], address, values, follow=True)

    assert "Public pages keep the old kind until another person approves" in answer.content.decode()
    assert Figure.objects.get(slug="needle").kind_changed_by == site.editor
    assert post_form(manager, address, values).status_code == 302, "a later save of something else"
    site.try_everything(site.manager)
    assert public() == ["look dark"]
    screen = " ".join(re.sub(r"<[^>]*>", "", others.get(review).content.decode()).split())
    assert "Kind of picture: was “Fluoroscopy, or another X-ray on which bone looks dark”, now “Radiograph," in screen
    assert (decided(), public()) == (302, ["look white"])
