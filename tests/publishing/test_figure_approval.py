"""No picture is public before a second person has approved it; the approval applies to its pixels."""

import hashlib
import importlib
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from PIL import Image

from portal.append_only import create_triggers
from procedures.admin.figure_forms import save_figure
from procedures.enums import Decision
from procedures.figures.approval import (
    FigureVersion,
    approval_for_release,
    approved_figures,
    build_snapshot,
    figure_files,
    figure_from_snapshot,
    figure_hash,
    lock_and_check_unchanged,
    public_figures,
    public_files,
    unapproved_figures,
)
from procedures.figures.decoding import build_decoded_image
from procedures.figures.renditions import replace_renditions, store_image
from procedures.models import (
    Clinic,
    Figure,
    FigureApproval,
    MarkerText,
    Page,
    ReleaseDependency,
    Rendition,
    Series,
    SeriesItem,
)
from procedures.publishing import publish as publishing
from procedures.publishing.publish import PublishError, publish, publish_starter, rerelease_page, withdraw
from procedures.publishing.rerelease import find_stale_pages
from procedures.publishing.review import ReviewError, UnseenFiguresError, record_decision
from procedures.publishing.tasks import figure_approval_tasks
from procedures.rendering import ReferenceResolver, render_page
from procedures.rendering.references import Dependency
from procedures.revisions.drafts import save_revision
from tests.database import history_unprotected
from tests.factories import (
    BODY,
    approve,
    make_clinic,
    make_figure,
    make_next,
    make_page,
    make_public,
    make_supplied,
    make_translation,
    make_user,
)
from tests.replay import built_once

pytestmark = pytest.mark.django_db
NOT_APPROVED = "The picture “needle” is not approved. A reviewer must look at it and approve this text first."


@pytest.fixture
@built_once
def page() -> Page:
    """A public page with a picture that was approved with it."""
    make_clinic()
    page = make_page(next_page=make_next(), body=f"{BODY}\nCall {{clinic.phone}}.\n")
    make_public(page)
    return page


def replace(figure: Figure) -> list[str]:
    """Replace the pixels as an upload does. Return the names of the new files."""
    rows = store_image(figure, build_decoded_image(Image.radial_gradient("L").resize((300, 300))))
    figure.uploaded_by = make_user("una")
    figure.save()
    replace_renditions(figure, rows)
    return figure_files(Figure.objects.get(pk=figure.pk))


def needle() -> Figure:
    return Figure.objects.get(slug="needle")


def html_of(page: Page) -> str:
    page.refresh_from_db()
    assert page.live_release is not None
    return page.live_release.html


def index() -> Page:
    page = make_page("pictures", kind="about", body="## All\n\nHere they are.\n\n::: pictures\n", lead_figure=None)
    page.lead_figure = None
    page.save()
    make_public(page)
    return page


def test_a_page_with_a_replaced_picture_is_rereleased_with_the_previous_one(page: Page) -> None:
    before = set(figure_files(needle()))
    after = set(replace(needle()))
    # Saving the phone number rereleases the page.
    Clinic.objects.update(phone="+1 303-555-0177")

    assert "303-555-0177" in html_of(page)
    assert before <= public_files()
    assert not after & public_files()
    assert not any(name in html_of(page) for name in after)
    assert rerelease_page(page, actor=make_user()) is None, "it is not out of date because of a picture that waits"
    assert page not in [row.page for row in find_stale_pages()]


def test_publishing_rejects_a_picture_replaced_after_its_approval(page: Page) -> None:
    page.body += "\nOne more sentence for you.\n"
    page.save()
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)
    replace(needle())

    with pytest.raises(PublishError) as raised:
        publish(revision, actor=make_user("max"))

    assert [str(problem) for problem in raised.value.issues] == [NOT_APPROVED]
    approve(revision)
    publish(revision, actor=make_user("max"))
    assert set(figure_files(needle())) <= public_files()


def test_approving_the_live_text_adds_its_new_picture_with_the_next_rerelease(page: Page) -> None:
    after = set(replace(needle()))
    assert [item.page for item in figure_approval_tasks(make_user("rita")).tasks] == [
        Page.objects.get(subject="contact"),
        page,
    ]
    assert figure_approval_tasks(make_user("una")).tasks == [], "not for the person who uploaded it"

    approve(page.revisions.first())

    assert not after & public_files()
    assert [row.page for row in find_stale_pages() if row.page == page] == [page]
    rerelease_page(page, actor=make_user())
    assert after <= public_files()


def test_users_cannot_approve_their_own_picture_unless_the_setting_allows_it(page: Page, settings) -> None:  # type: ignore[no-untyped-def]
    replace(needle())
    revision = page.revisions.first()
    seen = [figure_hash(needle())]

    with pytest.raises(ReviewError, match="You uploaded the picture “needle”. Another person must approve"):
        record_decision(revision, reviewer=make_user("una"), decision=Decision.APPROVED, seen_figure_hashes=seen)

    settings.REQUIRE_PEER_REVIEW = False
    record_decision(revision, reviewer=make_user("una"), decision=Decision.APPROVED, seen_figure_hashes=seen)
    assert FigureApproval.objects.first().figure_hash == seen[0]


def test_a_changed_kind_is_public_only_after_someone_else_approved_it(page: Page, settings) -> None:  # type: ignore[no-untyped-def]
    changer = make_user("una")
    for kind, words in (("fluoroscopy", "look dark"), ("radiograph", "look white"), ("photo", "")):
        Figure.objects.update(kind=kind, kind_changed_by=changer)
        before = html_of(page)
        # Saving the phone number rereleases the page.
        Clinic.objects.update(phone=f"+1 303-555-01{len(kind)}7")
        rerelease_page(page, actor=make_user())

        assert [side in html_of(page) for side in ("look dark", "look white")] == [
            side in before for side in ("look dark", "look white")
        ], f"{kind}: it is not approved yet"
        assert page in [item.page for item in figure_approval_tasks(make_user("rita")).tasks]
        assert figure_approval_tasks(changer).tasks == [], "not for the person who changed the kind"
        seen = [figure_hash(needle())]
        with pytest.raises(ReviewError, match="You changed the kind of the picture “needle”. Another person"):
            record_decision(
                page.revisions.first(), reviewer=changer, decision=Decision.APPROVED, seen_figure_hashes=seen
            )

        approve(page.revisions.first())
        rerelease_page(page, actor=make_user())

        assert not words or words in html_of(page), kind
        assert ("look dark" in html_of(page), "look white" in html_of(page)) == (
            kind == "fluoroscopy",
            kind == "radiograph",
        )
    Figure.objects.update(kind="fluoroscopy")
    assert page in [item.page for item in figure_approval_tasks(make_user("rita")).tasks], (
        "another kind has been approved since"
    )


def test_a_picture_saved_while_its_page_is_published_is_not_released(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(ReferenceResolver):
        def are_figures_unchanged(self, dependencies: Iterable[Dependency]) -> bool:
            replace(needle())
            return super().are_figures_unchanged(dependencies)

    monkeypatch.setattr(publishing, "ReferenceResolver", Slow)
    approve(page.revisions.first())

    with pytest.raises(PublishError, match="A picture on this page was replaced while the page was being published"):
        publish(page.revisions.first(), actor=make_user("max"))

    assert page.releases.count() == 1


def test_an_approval_needs_every_new_picture_on_the_screen(page: Page) -> None:
    stale = figure_hash(needle())
    replace(needle())

    for seen in ([], [stale], ["x"]):
        with pytest.raises(UnseenFiguresError, match="a new or changed picture that you have not seen"):
            record_decision(
                page.revisions.first(), reviewer=make_user("rita"), decision=Decision.APPROVED, seen_figure_hashes=seen
            )
    assert not public_files() & set(figure_files(needle())) - set(FigureApproval.objects.last().files)
    record_decision(
        page.revisions.first(), reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="Not this one."
    )


def test_approving_a_text_again_covers_a_picture_replaced_since(page: Page) -> None:
    revision = page.revisions.first()
    first = approve(revision)
    replace(needle())

    second = approve(revision)

    assert second != first
    assert unapproved_figures([needle()]) == []


def test_an_approval_covers_the_new_pictures_of_the_text_and_no_others(page: Page) -> None:
    own, elsewhere = make_figure("own", size=(64, 64)), make_figure("elsewhere", size=(72, 72))
    pictures = index()
    replace(needle())
    # The index shows the needle as patients see it now, so the new one is not on the reviewer's screen.
    pictures.body += "\n## One more\n\n::: figure own\n"
    pictures.save()

    record_decision(
        save_revision(pictures, author=make_user("ed")),
        reviewer=make_user("rita"),
        decision=Decision.APPROVED,
        seen_figure_hashes=[figure_hash(own)],
    )

    assert unapproved_figures([own, elsewhere, needle()]) == [elsewhere, needle()]


def test_sending_a_text_back_voids_the_approval_of_its_new_pictures(page: Page) -> None:
    replace(needle())
    revision = page.revisions.first()
    approve(revision)

    record_decision(
        revision, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="There is a name in the corner."
    )

    rerelease_page(page, actor=make_user())
    assert not set(figure_files(needle())) & public_files() - set(FigureApproval.objects.last().files)
    assert "needle" not in {
        slug for slug, one in public_figures().items() if one.approval.figure_hash == figure_hash(needle())
    }


def test_a_picture_that_was_replaced_needs_a_new_approval_when_it_returns(page: Page) -> None:
    before = needle()
    old_files, kept = set(figure_files(before)), [Rendition(**values) for values in before.renditions.values()]
    replace(needle())
    make_public(page)
    rerelease_page(Page.objects.get(subject="contact"), actor=make_user())
    assert not old_files & public_files()

    before.save()
    replace_renditions(before, kept)

    assert set(figure_files(needle())) == old_files
    assert unapproved_figures([needle()]) == [needle()]
    rerelease_page(page, actor=make_user())
    assert not old_files & public_files()
    approve(page.revisions.first())
    assert unapproved_figures([needle()]) == []


def test_a_withdrawal_ends_the_approval_of_the_pictures_that_no_other_page_shows(page: Page) -> None:
    for shown in Page.objects.published():
        assert unapproved_figures([needle()]) == []
        withdraw(shown, actor=make_user("max"), reason="There is a name in the corner.")

    assert unapproved_figures([needle()]) == [needle()]
    approve(page.revisions.first())
    assert unapproved_figures([needle()]) == []


def test_sending_the_public_text_back_does_not_hide_its_pictures(page: Page) -> None:
    approval = FigureApproval.objects.get().approval
    record_decision(approval.revision, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="Shorter.")

    assert FigureApproval.objects.with_state().get().is_void
    assert unapproved_figures([needle()]) == []
    assert set(figure_files(needle())) <= public_files()


def test_the_index_shows_the_newest_of_two_public_pictures_of_a_figure(page: Page) -> None:
    replace(needle())
    make_public(make_page("other", next_page=make_next()))

    assert public_figures()["needle"].approval.figure_hash == figure_hash(needle())
    assert len({row.figure_hash for row in FigureApproval.objects.public()}) == 2


def test_the_picture_index_shows_only_pictures_of_other_public_pages(page: Page) -> None:
    unused = make_supplied(make_figure("unused", size=(64, 64)))
    pictures = index()

    assert "fig-needle" in html_of(pictures)
    assert "unused" not in html_of(pictures)
    assert not set(figure_files(unused)) & public_files()
    dependencies = ReleaseDependency.objects.filter(release=pictures.live_release)
    assert {(row.kind, row.key) for row in dependencies if row.figure_id} == {("indexed", "needle")}


def test_withdrawing_closes_the_files_and_removes_them_from_the_index(page: Page) -> None:
    other = make_page("other", next_page=make_next(), lead_figure=make_figure("other", size=(64, 64)))
    make_public(other)
    pictures = index()
    name = figure_files(Figure.objects.get(slug="other"))[-1]
    assert (Client().get("/pictures/").content.decode().count("fig-other") > 0, name in public_files()) == (True, True)

    withdraw(other, actor=make_user(), reason="It was wrong.")

    assert name not in public_files()
    assert "fig-other" not in html_of(pictures)
    assert "fig-needle" in html_of(pictures)
    assert Client().get(f"/media/{name}").status_code == 404


def test_withdrawing_the_last_page_with_pictures_empties_the_index(page: Page) -> None:
    pictures, shown = index(), []

    for one in (page, make_next()):
        withdraw(one, actor=make_user(), reason="It was wrong.")
        shown.append("fig-needle" in html_of(pictures))

    assert shown == [True, False]


def test_a_picture_stays_public_while_a_page_in_another_language_shows_it(page: Page) -> None:
    figure = make_figure("shared", size=(64, 64))
    figure.texts.create(language="es", title="Hueso", alt="Un hueso.", caption="Un hueso de la espalda.")
    for marker in figure.markers.all():
        marker.texts.create(language="es", label="Punta", text="La punta.")
    english = make_page("shared", kind="about", body="## It\n\n::: figure shared\n", lead_figure=figure)
    spanish = make_translation(
        english, body="## Qué es\n\nEs un corte chico. Te vamos a cuidar.\n\n::: figure shared\n"
    )
    for one in (english, spanish):
        make_public(one)

    withdraw(english, actor=make_user(), reason="It was wrong.")
    assert set(figure_files(figure)) <= public_files()
    withdraw(spanish, actor=make_user(), reason="It was wrong.")
    assert not set(figure_files(figure)) & public_files()


def test_the_picture_index_is_rereleased_once_with_its_pages() -> None:
    make_clinic()
    # The index sorts first by primary key.
    body = "## All\n\nHere they are. Call {clinic.phone}.\n\n::: pictures\n"
    pictures = make_page("pictures", kind="about", body=body)
    pictures.lead_figure = None
    pictures.save()
    make_public(make_page(next_page=make_next()))
    make_public(pictures)
    before = pictures.releases.count()
    needle().texts.update(caption="Another caption for it.")

    Clinic.objects.update(phone="+1 303-555-0177")

    assert pictures.releases.count() == before + 1
    assert "Another caption for it." in html_of(pictures)
    assert "303-555-0177" in html_of(pictures)


def test_a_series_omits_a_stage_until_its_picture_is_approved(page: Page) -> None:
    series = Series.objects.create(slug="stages", language="en", title="In pictures")
    SeriesItem.objects.create(series=series, order=0, figure=needle(), heading="The needle", text="It goes in.")
    page.body += "\n::: series stages\n"
    page.save()
    make_public(page)
    new = make_figure("late", size=(64, 64))
    SeriesItem.objects.create(series=series, order=1, figure=new, heading="Late", text="It comes late.")
    # Saving the phone number rereleases the page.
    Clinic.objects.update(phone="+1 303-555-0188")

    assert ("303-555-0188" in html_of(page), "It comes late" in html_of(page)) == (True, False)
    assert not set(figure_files(new)) & public_files()
    assert "late" in str(figure_approval_tasks(make_user("rita")).tasks)
    live = Page.objects.get(pk=page.pk).live_release
    assert publish(page.revisions.first(), actor=make_user("max")) == live, "this text is public already"
    assert not set(figure_files(new)) & public_files()
    approve(page.revisions.first())
    assert page in [row.page for row in find_stale_pages()]
    rerelease_page(page, actor=make_user())
    assert "It comes late" in html_of(page)
    assert set(figure_files(new)) <= public_files()


def test_a_supplied_picture_is_public_with_its_starter_text_and_its_replacement_is_not() -> None:
    make_clinic()
    figure = make_supplied(make_figure())
    page = make_page("starter", kind="about", lead_figure=figure)
    publish_starter(save_revision(page, author=None))
    supplied = set(figure_files(figure))
    assert supplied <= public_files()

    after = set(replace(figure))
    Clinic.objects.update(phone="+1 303-555-0177")
    rerelease_page(page, actor=make_user())
    page.title = "Another title"
    page.save()
    publish_starter(save_revision(page, author=None))

    assert supplied <= public_files()
    assert not after & public_files()


def test_previews_show_the_current_picture_and_releases_the_approved_one(page: Page) -> None:
    after = replace(needle())

    def shown(pictures: FigureVersion) -> str:
        return str(render_page(page.draft_content(), kind=page.kind, resolver=ReferenceResolver("en", pictures)).html)

    assert any(name in shown(FigureVersion.CURRENT) for name in after)
    assert not any(name in shown(FigureVersion.PUBLIC) for name in after)
    assert "needle" not in shown(FigureVersion.APPROVED)


def test_new_sizes_of_the_same_pixels_need_no_new_approval(page: Page) -> None:
    figure = needle()
    rows = list(figure.renditions.all())
    for row in rows:
        row.pk, row.file = None, row.file.replace("figures/", "figures/0")[:120]
        row._state.adding = True
    replace_renditions(figure, rows)

    assert rerelease_page(page, actor=make_user()) is not None

    assert {row.file for row in rows} <= public_files()


def current(figure: Figure) -> Figure:
    """Return the figure as stored, with what rendering needs."""
    return Figure.objects.prefetch_related("texts", "markers__texts", "renditions").get(pk=figure.pk)


def shown(figure: Figure, version: FigureVersion) -> dict[str, tuple[str, bool]]:
    """Return the hash of the image that a release may show, and whether it is the current one."""
    found = approved_figures([current(figure)], version)
    return {slug: (one.figure.sha256, one.is_current) for slug, one in found.items()}


def test_an_approval_covers_pixels_drawings_kind_and_source_but_no_texts() -> None:
    figure = make_figure()
    approved = figure_hash(figure)

    for name in ("sha256", "drawing", "drawing_dark", "kind", "provenance"):
        changed = current(figure)
        setattr(changed, name, "photo")
        assert figure_hash(changed) != approved, name
    for name in ("slug", "provenance_note", "image"):
        changed = current(figure)
        setattr(changed, name, "other")
        assert figure_hash(changed) == approved, name


def test_a_supplied_picture_that_was_replaced_before_its_first_release_is_still_shown() -> None:
    figure = make_supplied(make_figure())
    supplied = figure.sha256
    assert shown(figure, FigureVersion.APPROVED) == {"needle": (supplied, True)}

    replace(figure)

    assert shown(figure, FigureVersion.PUBLIC) == {"needle": (supplied, False)}
    assert shown(figure, FigureVersion.APPROVED) == {}


def test_an_approved_picture_that_was_replaced_before_its_first_release_is_not_shown() -> None:
    make_clinic()
    figure = make_figure()
    approve(save_revision(make_page(lead_figure=figure), author=make_user("ed")))
    assert shown(figure, FigureVersion.APPROVED) == {"needle": (figure.sha256, True)}

    replace(figure)

    assert (shown(figure, FigureVersion.PUBLIC), shown(figure, FigureVersion.APPROVED)) == ({}, {})


def test_a_snapshot_restores_the_figure_as_it_was() -> None:
    figure = make_figure()
    figure.texts.create(language="es", title="Aguja", alt="Una aguja.", caption="La aguja.")
    snapshot = build_snapshot(current(figure))

    restored = figure_from_snapshot(figure.pk, snapshot)

    assert build_snapshot(restored) == snapshot
    assert (restored.pk, restored.sha256, [text.language for text in restored.texts.all()]) == (
        figure.pk,
        figure.sha256,
        ["en", "es"],
    )
    assert [(marker.key, marker.texts.all()[0].label) for marker in restored.markers.all()] == [("tip", "Tip")]
    assert figure_files(restored) == figure_files(current(figure))


def test_a_release_references_a_new_row_only_for_changed_texts_markers_or_renditions(page: Page) -> None:
    def row_for_release() -> FigureApproval:
        return approval_for_release(approved_figures([current(needle())], FigureVersion.PUBLIC)["needle"])

    first = row_for_release()
    assert first == FigureApproval.objects.get(figure__slug="needle", approval__isnull=False)
    # Neither text detection nor new rows with the same values change anything visible.
    Figure.objects.update(text_detection={"regions": []})
    replace_renditions(needle(), [_copy(row) for row in needle().renditions.all()])
    assert row_for_release() == first

    MarkerText.objects.update(text="The tip of the needle.")

    second = row_for_release()
    assert second != first
    assert (second.approval, second.figure_hash) == (first.approval, first.figure_hash)
    assert row_for_release() == second
    replace(needle())
    assert row_for_release() == first, "the one that patients see"


def _copy(row: Rendition) -> Rendition:
    return Rendition(
        **{
            field.attname: getattr(row, field.attname)
            for field in Rendition._meta.concrete_fields
            if field.name != "id"
        }
    )


def test_figures_count_as_unchanged_while_image_and_files_are_the_same(page: Page) -> None:
    before = [current(needle())]
    with transaction.atomic():
        assert lock_and_check_unchanged(before)
        assert lock_and_check_unchanged([])

    Rendition.objects.filter(figure=needle()).first().delete()
    with transaction.atomic():
        assert not lock_and_check_unchanged(before)
    before = [current(needle())]
    Figure.objects.update(kind="photo")
    with transaction.atomic():
        assert not lock_and_check_unchanged(before)


def test_publishing_a_text_without_a_picture_removes_it_from_the_index(page: Page) -> None:
    figure = make_figure("other", size=(64, 64))
    other = make_page("other", kind="about", body="## It\n\n::: figure other\n", lead_figure=figure)
    make_public(other)
    pictures = index()
    assert "fig-other" in html_of(pictures)

    other.body, other.lead_figure = "## It\n\nNo picture any more.\n", needle()
    other.save()
    make_public(other)

    assert ("fig-other" in html_of(pictures), "fig-needle" in html_of(pictures)) == (False, True)
    assert not set(figure_files(figure)) & public_files()


def test_a_rerelease_without_a_picture_removes_it_from_the_index(page: Page) -> None:
    series = Series.objects.create(slug="stages", language="en", title="In pictures")
    for order, figure in enumerate((needle(), make_figure("late", size=(64, 64)))):
        SeriesItem.objects.create(series=series, order=order, figure=figure, heading="A stage", text="It goes in.")
    page.body += "\n::: series stages\n"
    page.save()
    make_public(page)
    pictures = index()
    assert "fig-late" in html_of(pictures)

    SeriesItem.objects.filter(figure__slug="late").delete()
    assert rerelease_page(page, actor=make_user())

    assert ("fig-late" in html_of(pictures), "fig-needle" in html_of(pictures)) == (False, True)


def test_a_changed_source_is_public_only_after_someone_else_approved_it(page: Page) -> None:
    simulated = "does not show a real patient"
    assert simulated in html_of(page)
    changer = make_user("una")
    Figure.objects.update(provenance="licensed", provenance_changed_by=changer)
    Clinic.objects.update(phone="+1 303-555-0177")
    rerelease_page(page, actor=make_user())
    assert simulated in html_of(page), "it is not approved yet"
    assert page in [item.page for item in figure_approval_tasks(make_user("rita")).tasks]
    assert figure_approval_tasks(changer).tasks == []
    with pytest.raises(ReviewError, match="You changed the source of the picture “needle”. Another person"):
        record_decision(
            page.revisions.first(),
            reviewer=changer,
            decision=Decision.APPROVED,
            seen_figure_hashes=[figure_hash(needle())],
        )

    approve(page.revisions.first())
    rerelease_page(page, actor=make_user())

    assert simulated not in html_of(page)


def test_a_new_picture_does_not_hide_who_changed_the_kind_and_the_source() -> None:
    una, bea = make_user("una"), make_user("bea")
    figure = make_supplied(make_figure())
    Figure.objects.update(
        kind="ct", kind_changed_by=una, provenance="licensed", provenance_changed_by=una, uploaded_by=una
    )

    save_figure(current(figure), [], uploaded_by=bea)
    assert set(current(figure).author_ids) == {bea.pk, una.pk}

    make_supplied(current(figure))
    save_figure(current(figure), [], uploaded_by=bea)
    assert set(current(figure).author_ids) == {bea.pk, None}


def test_approvals_from_before_the_source_was_covered_stay_valid(page: Page) -> None:
    def old_hash(figure: Any) -> str:
        parts = (figure["sha256"], figure["drawing"], figure["drawing_dark"], figure["kind"])
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    other = make_supplied(make_figure("other"))
    changed = make_supplied(make_figure("changed"))
    Figure.objects.filter(pk=changed.pk).update(provenance="licensed")
    foreign = "f" * 64
    with history_unprotected():
        for row in FigureApproval.objects.all():
            models.QuerySet(FigureApproval).filter(pk=row.pk).update(figure_hash=old_hash(row.snapshot["figure"]))
        models.QuerySet(FigureApproval).filter(figure=other).update(figure_hash=foreign)
    figures = list(Figure.objects.with_texts())
    assert unapproved_figures(figures) == figures

    migration = importlib.import_module("procedures.migrations.0010_approved_descriptions")
    editor = SimpleNamespace(connection=connection, execute=lambda sql, params: connection.cursor().execute(sql))
    apps = MigrationExecutor(connection).loader.project_state().apps
    migration.include_source(apps, editor)
    create_triggers()

    assert {figure.slug for figure in unapproved_figures(figures)} == {"other", "changed"}
    assert FigureApproval.objects.get(figure=other).figure_hash == foreign
    migration.exclude_source(apps, editor)
    assert all(row.figure_hash in {old_hash(row.snapshot["figure"]), foreign} for row in FigureApproval.objects.all())
    with pytest.raises(IntegrityError), transaction.atomic():
        models.QuerySet(FigureApproval).update(figure_hash="x")
