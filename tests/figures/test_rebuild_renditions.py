"""Rebuilding of renditions from their masters, which may be interrupted at any time."""

import io
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from PIL import Image

from procedures.figures import renditions
from procedures.figures.decoding import InvalidImageError, build_decoded_image
from procedures.figures.renditions import encode_renditions, rebuild_renditions
from procedures.models import Figure, Rendition
from procedures.publishing.rerelease import find_stale_pages_by_rendering
from tests.factories import BODY, make_clinic, make_figure, make_page, make_public
from tests.figures.file_helpers import files, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]


def other_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the encoder options, as a new version of the portal might."""
    monkeypatch.setitem(renditions.ENCODER_OPTIONS, "jpeg", {"quality": 40})


def test_rebuild_without_changes_does_nothing() -> None:
    figure = make_figure(size=(600, 600))  # two widths
    before = list(Rendition.objects.order_by("pk").values())

    assert run("rebuild_renditions")[0].startswith("1/1 needle: 6 files, 0 new, ")
    assert list(Rendition.objects.order_by("pk").values()) == before
    assert len(rebuild_renditions(figure)) == 6


def test_parallel_encoding_matches_sequential_encoding() -> None:
    noise = build_decoded_image(Image.effect_noise((800, 300), 60))

    runs = [[(made.width, made.format, made.data) for made in encode_renditions(noise)] for _ in range(4)]

    assert runs[0] == runs[1] == runs[2] == runs[3]
    for width, name, data in runs[0]:
        if width == 800:
            stream = io.BytesIO()
            noise.image.save(stream, name, **renditions.ENCODER_OPTIONS[name])
            assert data == stream.getvalue()


def test_rebuild_writes_new_files_and_keeps_the_old_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = make_figure()
    before = files()
    other_options(monkeypatch)

    assert run("rebuild_renditions", "needle")[0].startswith("1/1 needle: 3 files, 3 new, ")

    new = files() - before
    assert before < files()
    assert {row.file for row in figure.renditions.all()} == new
    for row in figure.renditions.all():
        assert default_storage.size(row.file) == row.size


def test_rebuild_restores_missing_files() -> None:
    figure = make_figure()
    before = files()
    for row in figure.renditions.all():
        default_storage.delete(row.file)

    run("rebuild_renditions")

    assert files() == before


def test_interrupted_rebuild_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = make_figure()
    before = set(figure.renditions.values_list("file", flat=True))
    other_options(monkeypatch)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(renditions, "replace_renditions", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("rebuild_renditions")

    assert set(figure.renditions.values_list("file", flat=True)) == before
    assert before < files()


def test_rebuild_skips_a_figure_whose_image_was_replaced_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = make_figure()
    other_options(monkeypatch)
    before = set(stale.renditions.values_list("file", flat=True))
    Figure.objects.update(sha256="another")

    rebuild_renditions(stale)

    assert set(stale.renditions.values_list("file", flat=True)) == before


def test_rebuild_reports_bad_masters_and_continues() -> None:
    lost, changed, fine = make_figure("lost"), make_figure("changed", size=(40, 40)), make_figure("whole")
    Figure.objects.filter(pk=lost.pk).update(image=f"figures/{'0' * 20}.png")
    Figure.objects.filter(pk=changed.pk).update(image=fine.image)
    out = io.StringIO()

    with pytest.raises(CommandError) as error:
        call_command("rebuild_renditions", stdout=out)

    assert str(error.value).splitlines() == [
        f"changed: The file {fine.image} has changed since it was uploaded. Upload the picture again.",
        f"lost: The file figures/{'0' * 20}.png is missing. Upload the picture again.",
    ]
    assert "3/3 whole: 3 files" in out.getvalue()


def test_rebuild_rejects_an_unknown_slug() -> None:
    with pytest.raises(CommandError, match="No image with this slug: nothing"):
        run("rebuild_renditions", "nothing")


def test_rebuild_skips_drawings() -> None:
    drawing = Figure.objects.create(
        slug="drawn", kind="drawing", provenance="simulated", deidentified=True, drawing=f"figures/{'a' * 64}.svg"
    )

    assert rebuild_renditions(drawing) == []
    assert run("rebuild_renditions") == []


def test_pages_with_a_rebuilt_figure_are_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    make_clinic()
    make_public(make_page(body=BODY + "\n::: figure needle\n"))
    assert find_stale_pages_by_rendering() == []
    other_options(monkeypatch)

    run("rebuild_renditions")

    assert {("figure", "needle") in old.changed for old in find_stale_pages_by_rendering()} == {True}


def test_master_with_other_content_is_invalid() -> None:
    figure = make_figure()
    default_storage.delete(figure.image)
    default_storage.save(figure.image, ContentFile(b"not a picture"))

    with pytest.raises(InvalidImageError, match="not a JPEG"):
        rebuild_renditions(figure)


def test_terminal_gets_a_progress_bar() -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    make_figure("one")
    make_figure("two", size=(40, 40))
    out = Screen()

    call_command("rebuild_renditions", stdout=out)

    steps = out.getvalue().split("\r\x1b[K")[1:]
    assert [step[:31] for step in steps] == [f"[{'█' * 12}{'░' * 12}] 1/2 ", f"[{'█' * 24}] 2/2 "]
    assert steps[0][31:].startswith("one: 3 files, 0 new")
    assert out.getvalue().endswith("\n")
