"""Invalid content folders: each error names the file, the line, and the fix, and nothing is loaded."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures.importing.content_files import ContentError, ContentErrors, read_yaml
from procedures.importing.content_folder import load_content_folder, validate_content_folder
from procedures.models import Page
from procedures.models.page import normalize_body
from tests.database import rolled_back
from tests.importing.conftest import FILES, change, everything, load_folder

pytestmark = pytest.mark.django_db

PAGE, FIGURE = "pages/en/small-cut.md", "figures/needle.yaml"
# File, text to replace, replacement, error message after the name of the folder.
CHANGES = [
    ("sources.yaml", "year: 2013", "year: 'soon'", "sources.yaml:4: The value of the field “year” has the wrong type: 'soon'."),
    ("sources.yaml", "year: 2013", "year: true", "sources.yaml:4: The value of the field “year” has the wrong type: True."),
    ("sources.yaml", "year: 2013", "year: 2024-13-45", "sources.yaml:1: Invalid YAML: "),
    ("sources.yaml", "  year: 2013", "  yaer: 2013", "sources.yaml:4: Unknown field “yaer”. Known fields: key, "),
    ("sources.yaml", "  year: 2013", "  year: 2013\n  year: 2014", "sources.yaml:5: Invalid YAML: the key “year” appears twice"),
    ("sources.yaml", "- key: nice", "- id: nice", "sources.yaml:1: The field “key” is missing."),
    ("sources.yaml", "title: A guide", "title: [A, guide]", "sources.yaml:3: The value of the field “title” has the wrong type"),
    ("sources.yaml", "  title: A guide\n", "", "sources.yaml:1: The field “title” is missing."),
    ("sources.yaml", "title: A guide", "title: 'A guide", "sources.yaml:8: Invalid YAML: "),
    ("sources.yaml", "https://example", "http://example", "sources.yaml:5: url: A web address must start with https://."),
    ("sources.yaml", "key: nice", "key: NICE 1", "sources.yaml:1: key: Use lowercase letters"),
    ("sources.yaml", "title: A guide", "title: !!python/object:os.system x", "sources.yaml:3: Invalid YAML: "),
    ("sources.yaml", "title: A guide", f"title: {'x' * 301}", "sources.yaml:3: title: "),
    ("sources.yaml", "- key: nice\n", "- a\n- key: nice\n", "sources.yaml:1: Expected fields here"),
    ("clinic.yaml", "phone: +1 303-555-0100", "phone: call us", "clinic.yaml:2: phone: Enter a phone number"),
    ("clinic.yaml", "  en:\n", "  xx:\n", "clinic.yaml:"),
    ("clinic.yaml", "  en:\n    hours: Monday to Friday\n    about: We are small.\n", "  en: Monday\n", "clinic.yaml:6: text: en: Expected fields here"),
    ("codes.yaml", "icd-10-cm", "icd-11", "codes.yaml:1: system: "),
    ("codes.yaml", "rank: 1", "rank: 0", "codes.yaml:1: Ranks start at 1."),
    ("glossary/en.yaml", "- spine bone", "- ''", "glossary/en.yaml:3: aliases: Enter a list of words"),
    ("glossary/en.yaml", "- key: vertebra", "- {key: bone, term: Spine bone, definition: A bone.}\n- key: vertebra", "glossary/en.yaml:4: aliases: The glossary entry “Spine bone” already explains “spine bone”"),
    ("glossary/en.yaml", "- spine bone", "- 911", "glossary/en.yaml:3: aliases: Enter a list of words"),
    ("glossary/en.yaml", "A bone of the spine.", '"A\\u0001 bone."', "glossary/en.yaml:6: definition: The text contains an invisible"),
    (FIGURE, "image: needle.png", "image: none.png", "needle.yaml:2: The file none.png cannot be read: No such file"),
    (FIGURE, "image: needle.png", "image: ../secret.png", "needle.yaml:2: Enter the name of a file in the same folder."),
    (FIGURE, "image: needle.png", "image: needle.svg", "needle.yaml:2: needle.svg: This is not a JPEG, PNG, or WebP"),
    (FIGURE, "drawing: needle.svg", "drawing: needle.png", "needle.yaml:3: needle.png: The drawing is not UTF-8"),
    (FIGURE, "at: [0.2, 0.2]", "at: [0.2]", "needle.yaml:13: The marker's “at” must be two numbers"),
    (FIGURE, "at: [0.2, 0.2]", "at: [a, b]", "needle.yaml:13: The marker's “at” must be two numbers"),
    (FIGURE, "at: [0.2, 0.2]", "at: [1.2, 0.2]", "needle.yaml:1: "),
    (FIGURE, "at: [0.2, 0.2]", "at: [.nan, 0.2]", "needle.yaml:1: "),
    (FIGURE, "shape: point", "shape: star", "needle.yaml:1: shape: "),
    (FIGURE, "provenance: simulated", "provenance: stolen", "needle.yaml:5: provenance: "),
    (FIGURE, "provenance: simulated", "provenance: clinic", "The clinic's own pictures need a reference to the"),
    (FIGURE, "alt: A needle in a bone.", f"alt: {'x' * 126}", "needle.yaml:1: alt: "),
    ("series/en/stages.yaml", "figure: needle", "figure: none", "stages.yaml:2: There is no picture “none”."),
    ("series/en/stages.yaml", "- figure: needle\n  heading: The needle\n  text: It goes in.\n", "- 5\n", "stages.yaml:2: Expected fields here"),
    (PAGE, "[@nice]", "[@none]", "small-cut.md:22: There is no source “none”."),
    (PAGE, "::: series stages", "::: shout", "small-cut.md:26: There is no block “shout”."),
    (PAGE, "## What it is", "#### What it is", "small-cut.md:20: This heading skips a level"),
    (PAGE, "lead_figure: needle", "lead_figure: none", "small-cut.md:10: There is no picture “none”."),
    (PAGE, "page: contact", "page: none", "small-cut.md:11: There is no page “none” in this language."),
    (PAGE, "page: contact", "pag: contact", "small-cut.md:11: Unknown field “pag”."),
    (PAGE, "slug: small-cut", "slug: Small Cut", "small-cut.md:3: slug: Use lowercase letters"),
    (PAGE, "slug: small-cut", "slug: admin", "small-cut.md:3: slug: /admin/ is an address that the site uses itself."),
    (PAGE, "subject: small-cut", "subject: small cut", "small-cut.md:2: “small cut” is not a valid subject."),
    (PAGE, "kind: procedure", "kind: poem", "small-cut.md:4: kind: "),
    (PAGE, "kind: procedure", "kind: guide", "small-cut.md:4: A guide has kind: guide and belongs in the folder guides"),
    (PAGE, "review_months: 12", "review_months: 99", "small-cut.md:1: Choose 1 to 36 months."),
    (PAGE, "review_months: 12", "review_months: twelve", "small-cut.md:14: The value of the field “review_months” has the wrong type"),
    (PAGE, "title: Small cut\n", "", "small-cut.md:2: The field “title” is missing."),
    (PAGE, "---\nsubject", "subject", "small-cut.md:1: A page must start with fields between two lines of three hyphens"),
    (PAGE, "title: Small cut", "title: Small: cut", "small-cut.md:7: Invalid YAML: "),
    (PAGE, "code: 23457Z", "code: 23457Z99", "small-cut.md:"),
    (PAGE, "::: key-points\n- It is short.\n:::\n", "", "small-cut.md:1: Add key points before the first heading"),
    ("pages/en/contact.md", "page:small-cut#what-it-is", "page:small-cut#none", "contact.md:15: The page “small-cut” has no section"),
    ("pages/en/contact.md", "slug: contact", "slug: small-cut", "small-cut.md:1: The web address /small-cut/ belongs to “Contact”."),
    ("pages/en/contact.md", "code: '234586'", "code: 23457Z", "small-cut.md:6: code: "),
    ("guides/en/first-visit.md", "- page: small-cut", "- page: none", "first-visit.md:15: There is no page “none” in this language."),
    ("guides/en/first-visit.md", "section: what-it-is", "section: none", "first-visit.md:1: The page “small-cut” has no section #none."),
    ("guides/en/first-visit.md", "minutes: 5", "minutes: 0", "first-visit.md:1: The reading time must be at least 1 minute."),
    ("guides/en/first-visit.md", "items:\n- page: small-cut\n  section: what-it-is\n  minutes: 5\n  note: What it is.\n", "items: [5]\n",
     "first-visit.md:15: Expected fields here"),
    ("guides/en/first-visit.md", "kind: guide", "kind: about", "first-visit.md:4: A guide has kind: guide"),
]  # fmt: skip


def copies(folder: Path) -> Iterator[Path]:
    """Yield copies of a content folder, each in its own parent folder."""
    for number in count():
        yield shutil.copytree(folder, folder.with_name(f"case-{number}") / "content")


@pytest.mark.slow
def test_invalid_file_is_reported_with_its_line_and_nothing_is_loaded(folder: Path, subtests: pytest.Subtests) -> None:
    before = everything()
    for broken, (name, old, new, error) in zip(copies(folder), CHANGES, strict=False):
        with subtests.test(name=name, old=old, new=new), rolled_back():
            change(broken, name, old, new)

            with pytest.raises(ContentErrors) as refused:
                load_content_folder(broken)

            lines = str(refused.value).splitlines()
            assert any(error in line for line in lines), lines
            assert all(line.startswith(f"{broken}/") for line in lines)
            assert everything() == before


FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda folder: folder.rename(folder.with_name("gone")), ":1: The folder does not exist."),
    "no clinic": (lambda folder: (folder / "clinic.yaml").unlink(), "clinic.yaml:1: The file cannot be read: No such file"),
    "no sources": (lambda folder: (folder / "sources.yaml").unlink(), "sources.yaml:1: The file cannot be read"),
    "not utf-8": (lambda folder: (folder / PAGE).write_bytes(b"---\ntitle: \xff\n---\n"), "small-cut.md:1: The file is not UTF-8"),
    "empty list": (lambda folder: (folder / "sources.yaml").write_text(""), "sources.yaml:1: Expected a list here"),
    "a list for a clinic": (lambda folder: (folder / "clinic.yaml").write_text("- a\n"), "clinic.yaml:1: Expected fields"),
    "fields for a list": (lambda folder: (folder / "sources.yaml").write_text("a: b\n"), "sources.yaml:1: Expected a list"),
    "nonsense": (lambda folder: (folder / "clinic.yaml").write_text("{[a]: b}\n"), "clinic.yaml:1: Invalid YAML"),
    "endless lists": (lambda folder: (folder / "clinic.yaml").write_text("[" * 9000), "clinic.yaml:"),
    "a folder for a file": (lambda folder: (folder / FIGURE).unlink() or (folder / FIGURE).mkdir(), "needle.yaml:1: The file cannot"),
    "unknown language": (lambda folder: (folder / "glossary/en.yaml").rename(folder / "glossary/xx.yaml"), "xx.yaml:1: “xx” is not a supported language"),
    "unknown page language": (lambda folder: (folder / "pages/en").rename(folder / "pages/xx"), "small-cut.md:1: “xx” is not a supported language."),
    "twice": (lambda folder: (folder / "pages/en/copy.md").write_text(FILES[PAGE]), "page en small-cut is also in copy.md."),
    "a space in a name": (
        lambda folder: (folder / "series/en/stages.yaml").rename(folder / "series/en/the stages.yaml"),
        "the stages.yaml:1: “the stages.yaml” is not a valid file name.",
    ),
    "a picture cut off": (
        lambda folder: (folder / "figures/needle.png").write_bytes((folder / "figures/needle.png").read_bytes()[:60]),
        "needle.yaml:2: needle.png: ",
    ),
    "a picture as a page": (lambda folder: (folder / PAGE).write_bytes(b"\x89PNG\r\n\x1a\n\xff"), "small-cut.md:1: The file is not UTF-8"),
}  # fmt: skip


@pytest.mark.slow
def test_invalid_folder_is_rejected_with_a_message(folder: Path, subtests: pytest.Subtests) -> None:
    before = everything()
    for broken, (name, (break_it, error)) in zip(copies(folder), FOLDERS.items(), strict=False):
        with subtests.test(name=name), rolled_back():
            break_it(broken)

            with pytest.raises(ContentErrors) as refused:
                load_content_folder(broken)

            assert error in str(refused.value)
            assert everything() == before


def test_a_page_in_an_unsupported_language_is_found_without_a_database(folder: Path) -> None:
    (folder / "pages/en").rename(folder / "pages/fr")

    with pytest.raises(ContentErrors, match="small-cut.md:1: “fr” is not a supported language"):
        validate_content_folder(folder)


DAMAGED = "The text contains a damaged character (U+%s) that cannot be stored."
TOO_LONG = "This number is too long. Enter a shorter one."
# Valid YAML that no database can store, and codes that no letter can use. File, text, replacement, error.
UNUSABLE_VALUES = [
    ("sources.yaml", "key: nice", 'key: "\\ud800"', f"sources.yaml:1: {DAMAGED % 'D800'}"),
    ("sources.yaml", "  used_for:", '  "used\\udc80":', f"sources.yaml:7: {DAMAGED % 'DC80'}"),
    ("sources.yaml", "A guide", "A\0guide", f"sources.yaml:3: {DAMAGED % '0000'}"),
    ("sources.yaml", "year: 2013", f"year: {'9' * 400}", f"sources.yaml:4: {TOO_LONG}"),
    ("sources.yaml", "year: 2013", f"year: {'9' * 5000}", f"sources.yaml:4: {TOO_LONG}"),
    ("codes.yaml", "rank: 1", f"rank: 0x{'f' * 5000}", f"codes.yaml:4: {TOO_LONG}"),
    ("glossary/en.yaml", "key: vertebra", 'key: "\\udfff"', f"glossary/en.yaml:1: {DAMAGED % 'DFFF'}"),
    (FIGURE, "image: needle.png", 'image: "needle\\0.png"', f"needle.yaml:2: {DAMAGED % '0000'}"),
    (FIGURE, "at: [0.2, 0.2]", f"at: [{'9' * 400}, 0.2]", f"needle.yaml:16: {TOO_LONG}"),
    ("series/en/stages.yaml", "figure: needle", 'figure: "\\ud800"', f"stages.yaml:3: {DAMAGED % 'D800'}"),
    (PAGE, "lead_figure: needle", 'lead_figure: "\\ud800"', f"small-cut.md:10: {DAMAGED % 'D800'}"),
    (PAGE, "page: contact", 'page: "\\ud800"', f"small-cut.md:12: {DAMAGED % 'D800'}"),
    (PAGE, "order: 40", f"order: {'9' * 400}", f"small-cut.md:5: {TOO_LONG}"),
    (PAGE, "A small cut. We", "A small\0cut. We", f"small-cut.md:22: {DAMAGED % '0000'}"),
    (PAGE, "code: 23457Z", "code: abc234", "small-cut.md:6: “abc234” is not a valid short code. Delete this line"),
    (PAGE, "code: 23457Z", "code: QQQQQQ", "small-cut.md:6: “QQQQQQ” is not a valid short code."),
    (PAGE, "code: 23457Z", "code: '22222'", "small-cut.md:6: “22222” is not a valid short code."),
]  # fmt: skip


def test_values_that_cannot_be_used_are_reported_with_their_line(folder: Path, subtests: pytest.Subtests) -> None:
    for name, old, new, error in UNUSABLE_VALUES:
        with subtests.test(name=name, new=new[:40]):
            change(folder, name, old, new)

            with pytest.raises(ContentErrors) as refused:
                validate_content_folder(folder)

            (folder / name).write_text(FILES[name], encoding="utf-8")
            assert [error in line for line in str(refused.value).splitlines()] == [True], refused.value


def test_a_file_name_that_is_not_utf_8_is_reported(folder: Path) -> None:
    (folder / FIGURE).rename(folder / "figures/needle\udcff.yaml")

    with pytest.raises(ContentErrors, match=r"The text contains a damaged character \(U\+DCFF\)"):
        validate_content_folder(folder)


def test_files_of_windows_editors_are_read(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.suffix in {".yaml", ".md"}:
            file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    change(folder, PAGE, "---\n", "--- \t\n")
    change(folder, PAGE, "\n---\n", "\n--- \n")

    load_content_folder(folder)

    page = Page.objects.get(subject="small-cut")
    assert page.body == normalize_body(FILES[PAGE].split("---\n")[2])


def test_lines_are_counted_correctly_after_spaces_behind_the_hyphens(folder: Path) -> None:
    change(folder, PAGE, "---\n", "--- \n")
    change(folder, PAGE, "\n---\n", "\n--- \n")
    change(folder, PAGE, "[@nice]", "[@none]")

    with pytest.raises(ContentErrors, match=r"small-cut\.md:22: There is no source “none”"):
        load_content_folder(folder)


def test_errors_in_several_files_are_reported_together(folder: Path) -> None:
    change(folder, "sources.yaml", "year: 2013", "yaer: 2013")
    change(folder, PAGE, "kind: procedure", "kindd: procedure")
    change(folder, FIGURE, "image: needle.png", "image: none.png")

    with pytest.raises(ContentErrors) as refused:
        load_content_folder(folder)

    files = [str(error).split("/")[-1].split(":")[0] for error in refused.value.errors]
    assert list(dict.fromkeys(files)) == [
        "sources.yaml",
        "needle.yaml",
        "small-cut.md",
    ]


def test_all_errors_of_one_file_are_reported(folder: Path) -> None:
    change(folder, "sources.yaml", "year: 2013", "yaer: 2013")
    sources = folder / "sources.yaml"
    sources.write_text(f"{sources.read_text(encoding='utf-8')}- title: x\n- key: other\n  title: 7\n", encoding="utf-8")
    change(folder, PAGE, "kind: procedure", "kindd: procedure")
    change(folder, PAGE, "review_months: 12", "review_months: twelve")

    with pytest.raises(ContentErrors) as refused:
        load_content_folder(folder, check=True)

    named = [str(error).removeprefix(f"{folder}/") for error in refused.value.errors]
    wanted = [
        ("sources.yaml:", "Unknown field “yaer”"),
        ("sources.yaml:", "“key” is missing"),
        ("sources.yaml:", "“organisation” is missing"),
        ("sources.yaml:", "“title” has the wrong type"),
        (f"{PAGE}:4:", "Unknown field “kindd”"),
        (f"{PAGE}:14:", "“review_months” has the wrong type"),
    ]
    missed = [want for want in wanted if not any(line.startswith(want[0]) and want[1] in line for line in named)]
    assert missed == [], named


def test_an_invalid_update_changes_nothing(folder: Path) -> None:
    load_folder(folder)
    before = everything()
    change(folder, "clinic.yaml", "Test Spine Clinic", "Other")
    change(folder, PAGE, "[@nice]", "[@none]")

    with pytest.raises(ContentErrors):
        load_content_folder(folder)

    assert everything() == before


@pytest.mark.slow
@given(text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(
    ["a", ": ", "- ", "\n", "  ", "[", "]", "{", "}", "&x ", "*x", "!!", "!!int ", "!!binary ", "? ", "<<: ", "|", ">", "'", '"', "#", "---", "...",
     "%YAML", "2024-99-99", "0x", "0b_", "1:99", ".inf", "~", "\t", "\\u"]), max_size=15).map("".join)))  # fmt: skip
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_invalid_yaml_raises_only_content_errors(text: str) -> None:
    try:
        read_yaml(Path("x.yaml"), text)
    except ContentError as error:
        assert str(error).startswith("x.yaml:")
