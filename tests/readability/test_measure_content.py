"""``manage.py measure_content`` on public pages."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet

from procedures.models import Figure, FigureText, MarkerText, Page, Release
from procedures.publishing.publish import withdraw
from tests.database import history_unprotected
from tests.factories import BODY, make_page, make_public, make_translation, make_user

pytestmark = pytest.mark.django_db


def run(*flags: str) -> str:
    """Return the output of the command. Raise CommandError if a limit is exceeded."""
    out = StringIO()
    call_command("measure_content", *flags, stdout=out)
    return out.getvalue()


def broken() -> list[str]:
    """Return one line per failure."""
    with pytest.raises(CommandError) as refused:
        run()
    return str(refused.value).split("\n")


def public(body: str = "", **values: object) -> Page:
    """Return a public page; ``body`` is appended to the standard body."""
    page = make_page("small-cut", body=BODY + body, **values)
    make_public(page)
    return page


def plant(page: Page, old: str, new: str) -> None:
    """Inject a fault into the public tree, because the publishing checks would reject it."""
    release = Release.objects.get(live_on=page)
    tree = json.dumps(release.document)
    assert old in tree
    with history_unprotected():
        QuerySet(Release).filter(pk=release.pk).update(document=json.loads(tree.replace(old, new)))


def translated(page: Page) -> Page:
    """Return a public Spanish page on the same subject, and Spanish texts for the figure."""
    figure = Figure.objects.get()
    FigureText.objects.create(figure=figure, language="es", title="Aguja", alt="Una aguja.", caption="Una aguja.")
    MarkerText.objects.create(marker=figure.markers.get(), language="es", label="Punta")
    body = "## Qué es\n\nEs un corte chico. Le cuidamos.\n\n::: call\n- Tiene una pregunta.\n:::\n"
    spanish = make_translation(page, body=body)
    make_public(spanish)
    return spanish


def test_pages_within_the_limits_are_printed_in_an_aligned_table() -> None:
    public()
    lines = run().split("\n")
    header, *rows = lines[: lines.index("")]

    assert [row.split()[0] for row in rows] == ["/contact/", "/small-cut/"]
    assert {len(row) for row in [header, *rows]} == {len(header)}
    assert lines[-2] == "pages measured: 2; all are within the limits"


def test_json_contains_every_measure_and_nothing_else_is_printed() -> None:
    public()
    report = json.loads(run("--json"))

    page = next(page for page in report["pages"] if page["path"] == "/small-cut/")
    assert page["measures"]["longest_list"] == 2
    assert page["measures"]["has_source"] is True
    assert page["failures"] == report["failures"] == []


def test_without_public_pages_the_command_fails_with_advice() -> None:
    make_page()

    assert broken() == ["There are no public pages to measure. Load some first: manage.py load_content."]


def test_a_number_without_a_source_fails_with_the_address_and_the_sentence() -> None:
    public("\nPain eases in 12 weeks.\n")

    (line,) = broken()
    assert line == (
        "/small-cut/: Add a source for the number “12 weeks”: “Pain eases in 12 weeks.” (section “When to call”)"
    )


def test_every_failure_of_every_page_has_its_own_line() -> None:
    page = public("\n[Up](#what-it-is)\n\n" + "- A sign.\n" * 8)
    plant(page, '["link", "#what-it-is"]', '["link", "#nowhere"]')

    assert broken() == [
        "/small-cut/: A list has 8 entries; the limit is 7. Group or shorten it. (section “When to call”)",
        "/small-cut/: A link points to #nowhere, which is not on this page. Fix the link or the section address.",
    ]


@pytest.mark.parametrize(
    ("old", "new", "starts"),
    [
        ("A small cut.", "Percutaneous augmentation ameliorates vertebral deformity. " * 9, "The text reads at grade "),
        ("A small cut.", "We cut and " * 13 + "rest.", "A sentence has 40 words; the limit is 25."),
        ('"component": "picture"', '"component": "drawing"', "Choose the main picture."),
        ('"1", "source"', '"", "text"', "Add a source"),
        ('"alt": "A needle in a bone."', '"alt": ""', "The picture /media/"),
    ],
)
def test_an_injected_fault_fails(old: str, new: str, starts: str) -> None:
    page = public()
    plant(page, old, new)

    assert broken()[0].startswith(f"/small-cut/: {starts}")


def test_a_page_without_an_action_fails() -> None:
    page = public(kind="about")
    plant(page, '"component": "card"', '"component": ""')

    assert broken() == ["/small-cut/: Give readers something to do: add a card, steps, a checklist, or a next page."]


def test_a_link_to_an_entry_of_an_index_passes() -> None:
    make_public(make_page("other", kind="about"))
    page = public("\n[Read on](page:other#what-it-is)\n")
    plant(page, "/other/#what-it-is", "/other/#letter-b")

    assert "pages measured: 3; all are within the limits" in run()


def test_a_link_to_a_withdrawn_page_fails() -> None:
    other = make_page("other", kind="about")
    make_public(other)
    public("\n[Read on](page:other#what-it-is)\n")
    run()

    withdraw(other, actor=make_user(), reason="It is old.")
    assert broken() == [
        "/small-cut/: a link points to /other/#what-it-is, which is not public; fix the link or publish that page"
    ]


def test_a_link_to_a_missing_section_fails() -> None:
    other = make_page("other", kind="about")
    make_public(other)
    public("\n[Read on](page:other#what-it-is)\n")

    other.body = BODY.replace("## What it is", "## What this is")
    make_public(other)
    run()  # a reworded heading keeps its old anchor

    plant(Page.objects.get(subject="other"), '["what-it-is"]', '["what"]')
    assert broken() == [
        "/small-cut/: a link points to /other/#what-it-is, but that page has no such section; fix the link"
    ]


def test_a_link_to_an_old_path_works() -> None:
    other = make_page("other", kind="about")
    make_public(other)
    public("\n[Read on](page:other)\n")

    other.slug = "another"
    make_public(other)
    assert "all are within the limits" in run()


def test_a_translation_older_than_the_english_text_is_reported() -> None:
    page = public()
    spanish = translated(page)
    assert "text has changed" not in run(), "not recorded"

    page.body = BODY.replace("A small cut.", "A very small cut.")
    spanish.translated_from = make_public(page).revision
    spanish.save()
    assert "text has changed" not in run()

    page.body = BODY.replace("A small cut.", "A tiny cut.")
    make_public(page)
    assert "/es/small-cut-es/: the English text has changed since this translation was made" in run()


def test_a_picture_without_texts_in_a_used_language_fails() -> None:
    translated(public())
    MarkerText.objects.filter(language="es").delete()
    assert broken() == ["picture needle: a marker has no label in “es”; write it"]

    FigureText.objects.filter(language="es").delete()
    assert broken() == ["picture needle: no text in “es”; write its title, text and caption"]


def test_a_spanish_page_shows_its_own_scale_and_no_smog() -> None:
    translated(public())

    cells = next(line for line in run().split("\n") if line.startswith("/es/small-cut-es/")).split()
    assert float(cells[1]) > 70
    assert cells[4] == "–"


def test_long_words_are_listed_once_with_their_pages() -> None:
    public("\nAsk about immobilization.\n")

    assert "long word, neither explained nor everyday: immobilization (en; /small-cut/)\n" in run()


def test_a_missing_folder_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        run(str(tmp_path / "nowhere"))


@pytest.mark.slow
def test_measuring_a_folder_does_not_change_the_database(tmp_path: Path) -> None:
    pages = tmp_path / "pages" / "en"
    pages.mkdir(parents=True)
    for name in ("locations", "sources", "codes"):
        (tmp_path / f"{name}.yaml").write_text("[]\n")
    (tmp_path / "clinic.yaml").write_text("name: Clinic\nphone: +1 303-555-0100\ntext:\n  en: {hours: Monday}\n")
    front = "subject: about\nslug: about\nkind: about\ntitle: About\nkey_message: We help.\ndescription: Help.\n"
    text = f"---\n{front}---\n## Help\n\nIt takes 12 weeks.\n\n::: steps\n1. Ask us.\n:::\n"
    (pages / "about.md").write_text(text)
    out = StringIO()

    with pytest.raises(CommandError, match="\\A/about/: Add a source for the number “12 weeks”"):
        call_command("measure_content", str(tmp_path), stdout=out)
    assert out.getvalue().split("\n")[1].startswith("/about/  ")
    assert not Page.objects.exists()
