"""Dumping and loading makes public only what was public: no unpublished text, and no picture that nobody approved."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from PIL import Image

from procedures.admin.figure_forms import save_figure
from procedures.figures.approval import public_files, unapproved_figures
from procedures.figures.decoding import build_decoded_image
from procedures.figures.renditions import rollback_files, store_image
from procedures.importing.content_files import ContentErrors
from procedures.importing.content_folder import dump_content_folder, load_content_folder
from procedures.models import Figure, FigureApproval, GuideItem, Page, Series, SeriesItem, Source
from procedures.revisions.drafts import save_revision
from tests.database import rolled_back
from tests.factories import make_figure, make_page, make_public, make_user
from tests.importing.conftest import load_folder, tree

pytestmark = pytest.mark.django_db

UNREVIEWED = "You can stop all your pills today."


def unapproved_slugs() -> list[str]:
    return [figure.slug for figure in unapproved_figures(list(Figure.objects.with_texts()))]


def replace_picture(slug: str = "needle") -> Figure:
    """Replace a picture as an editor does, who cannot approve it."""
    figure = Figure.objects.get(slug=slug)
    with rollback_files():
        renditions = store_image(figure, build_decoded_image(Image.new("L", (48, 32), 77)))
        save_figure(figure, renditions, uploaded_by=make_user("ed"))
    return figure


def dump(target: Path) -> list[str]:
    """Dump with the command, and return the lines that it prints."""
    out = io.StringIO()
    call_command("dump_content", target, stdout=out)
    return out.getvalue().splitlines()


def assert_same_after_load(first: Path, second: Path) -> None:
    """Load a dump into the empty database, and dump it again."""
    load_content_folder(first)
    dump_content_folder(second)
    assert tree(first) == tree(second)


def test_loading_a_dump_into_the_same_portal_approves_no_picture_of_staff(folder: Path, tmp_path: Path) -> None:
    load_folder(folder)
    replaced = replace_picture()
    make_figure("knee", uploaded_by=make_user("ed"))
    approvals = FigureApproval.objects.count()
    dump(tmp_path / "dump")

    report = load_content_folder(tmp_path / "dump")

    assert unapproved_slugs() == ["knee", "needle"]
    assert FigureApproval.objects.count() == approvals
    assert replaced.image not in public_files()
    assert report.skipped == ["figure needle: changed by staff, not overwritten"]


def test_loading_a_folder_of_a_picture_that_is_here_already_approves_nothing(folder: Path) -> None:
    load_folder(folder)
    approvals = FigureApproval.objects.count()
    Figure.objects.update(kind="radiograph")
    (folder / "figures/needle.yaml").write_text(
        (folder / "figures/needle.yaml").read_text().replace("kind: fluoroscopy", "kind: radiograph")
    )

    report = load_content_folder(folder)

    assert "figure needle" not in report.updated
    assert FigureApproval.objects.count() == approvals
    assert unapproved_slugs() == ["needle"]


def test_a_picture_whose_kind_staff_changed_is_not_approved_by_a_load(folder: Path) -> None:
    load_folder(folder)
    file = folder / "figures/needle.yaml"
    Figure.objects.update(kind="radiograph", kind_changed_by=make_user("ed"))
    file.write_text(file.read_text().replace("kind: fluoroscopy", "kind: radiograph"))
    load_content_folder(folder)
    file.write_text(file.read_text().replace("title: Needle", "title: A needle"))

    assert load_content_folder(folder).updated == ["figure needle"]
    assert unapproved_slugs() == ["needle"]


def test_a_newer_picture_of_the_product_is_approved(folder: Path) -> None:
    load_folder(folder)
    Image.new("L", (48, 32), 150).save(folder / "figures/needle.png")

    assert load_content_folder(folder).updated == ["figure needle"]
    assert unapproved_slugs() == []


def test_a_picture_that_nobody_approved_stays_unapproved_in_another_portal(folder: Path, tmp_path: Path) -> None:
    with rolled_back():
        load_content_folder(folder)
        make_figure("knee", uploaded_by=make_user("ed"))
        make_page("half-written", lead_figure=Figure.objects.get(slug="knee"))
        series = Series.objects.get()
        SeriesItem.objects.create(
            series=series, order=1, figure=Figure.objects.get(slug="knee"), heading="Knee", text="A knee."
        )
        lines = dump(tmp_path / "first")

    assert "figure knee: no reviewer has approved it, and loading this folder does not approve it" in lines
    assert (tmp_path / "first/figures/knee.yaml").read_text().endswith("approved: false\n")
    assert_same_after_load(tmp_path / "first", tmp_path / "second")
    assert unapproved_slugs() == ["knee"]
    knee = Figure.objects.get(slug="knee")
    assert knee.image not in public_files()
    assert Path(knee.image).stem not in Page.objects.get(subject="small-cut").live_release.html  # type: ignore[union-attr]
    # A second load, of rows that have not changed, is no approval either.
    load_content_folder(tmp_path / "first")
    assert unapproved_slugs() == ["knee"]


def test_while_a_new_picture_awaits_approval_a_dump_holds_the_one_that_patients_see(
    folder: Path, tmp_path: Path
) -> None:
    with rolled_back():
        load_content_folder(folder)
        supplied = Figure.objects.get()
        replaced = replace_picture()
        lines = dump(tmp_path / "first")

    assert lines[0] == "figure needle: the new, unapproved picture is left out; a backup contains it"
    assert_same_after_load(tmp_path / "first", tmp_path / "second")
    assert Figure.objects.get().sha256 == supplied.sha256 != replaced.sha256
    assert "approved" not in (tmp_path / "first/figures/needle.yaml").read_text()
    assert unapproved_slugs() == []


def edit_draft() -> None:
    """Change everything in the drafts of two public pages, without sending them to review."""
    page = Page.objects.get(subject="small-cut")
    page.body += f"\n{UNREVIEWED}\n"
    page.title, page.key_message, page.slug, page.review_months = UNREVIEWED, UNREVIEWED, "new-address", 3
    page.next_page, page.next_label, page.lead_figure = None, UNREVIEWED, make_figure("knee")
    page.save()
    save_revision(page, author=make_user("ed"))
    GuideItem.objects.update(note=UNREVIEWED)


def test_an_unpublished_draft_of_a_public_page_is_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    with rolled_back():
        load_content_folder(folder)
        before = tmp_path / "before"
        dump_content_folder(before)
        edit_draft()
        lines = dump(tmp_path / "first")

    drafts = [line for line in lines if line.startswith("page")]
    assert drafts == [
        "page en first-visit: the unpublished draft is left out; a backup contains it",
        "page en small-cut: the unpublished draft is left out; a backup contains it",
    ]
    for name in ("pages/en/small-cut.md", "guides/en/first-visit.md"):
        assert (tmp_path / "first" / name).read_text() == (before / name).read_text()
    assert_same_after_load(tmp_path / "first", tmp_path / "second")
    for page in Page.objects.published().select_related("live_release"):
        assert UNREVIEWED not in page.live_release.html  # type: ignore[union-attr]


def test_an_approved_page_is_dumped_as_patients_read_it(folder: Path, tmp_path: Path) -> None:
    with rolled_back():
        load_content_folder(folder)
        page = Page.objects.get(subject="small-cut")
        page.title = "A small cut"
        page.save()
        make_public(page)
        Page.objects.filter(pk=page.pk).update(title=UNREVIEWED)
        dump(tmp_path / "first")

    assert_same_after_load(tmp_path / "first", tmp_path / "second")
    release = Page.objects.get(subject="small-cut").live_release
    assert release is not None
    # Approvals belong to people, so the page has to be reviewed again.
    assert (release.title, release.is_starter) == ("A small cut", True)


def test_pages_whose_values_a_load_would_update_are_named(folder: Path, tmp_path: Path) -> None:
    load_folder(folder)
    assert len(dump(tmp_path / "unchanged")) == 1
    Source.objects.update(title="A newer guide")

    assert dump(tmp_path / "changed")[0] == (
        "page en small-cut: patients still read earlier values, but a load publishes the current ones: source nice"
    )


INCOMPLETE: dict[str, dict[str, Any]] = {
    "empty": {"key_message": "", "description": "", "body": "", "lead_figure": None},
    "no key message": {"key_message": ""},
    "no description": {"description": ""},
    "only a button text": {"next_label": "Read on"},
}


def test_every_incomplete_draft_survives_dump_and_load(folder: Path, tmp_path: Path) -> None:
    with rolled_back():
        load_content_folder(folder)
        for number, values in enumerate(INCOMPLETE.values()):
            make_page(f"draft-{number}")
            Page.objects.filter(subject=f"draft-{number}").update(**values)
        make_page("draft-guide", kind="guide", key_message="")
        stored = list(Page.objects.order_by("subject").values("subject", "code", "key_message", "body", "next_label"))
        dump(tmp_path / "first")

    assert_same_after_load(tmp_path / "first", tmp_path / "second")
    assert stored == list(
        Page.objects.order_by("subject").values("subject", "code", "key_message", "body", "next_label")
    )
    assert Page.objects.published().count() == 3


def test_a_public_page_still_needs_every_field(folder: Path) -> None:
    file = folder / "pages/en/contact.md"
    file.write_text(file.read_text().replace("key_message: Call us.", "key_message: ''"))

    with pytest.raises(ContentErrors, match=r"contact\.md:8: key_message: This field cannot be blank"):
        load_content_folder(folder)
