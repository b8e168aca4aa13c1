"""Text is stored normalized, wherever it comes from; loading it again changes nothing."""

from io import StringIO
from pathlib import Path as File

import pytest
from django.core.management import call_command

from portal.text import fold, normalize
from procedures.importing.content_files import ContentEntry, Field, clean_fields
from procedures.models import GlossaryTerm, ImportedRecord, Page
from tests.factories import make_clinic, make_figure, make_page

TYPED = "Recuperacio\u0301n\u200b tras la ope\u00adracio\u0301n\ufeff"
STORED = "Recuperación tras la operación"


def test_accents_are_composed_and_only_zero_width_characters_dropped() -> None:
    assert normalize(TYPED) == STORED
    for kept in ("👩‍⚕️", "می‌خواهم", "año", "½ ﬁ", "a\u00a0b", "“x”", "a\n\tb"):
        assert normalize(kept) == kept
    assert fold("L’OPERACIO\u0301N ﬁnal") == "l'operacion final"
    assert fold("𝐗‑𝐑𝐀𝐘 ＳＣＡＮ") == "x-ray scan"


@pytest.mark.django_db
def test_a_row_is_normalized_when_it_is_validated() -> None:
    make_clinic()
    make_figure(size=(48, 48))
    page = make_page(title=TYPED, body=f"## {TYPED}\n")
    page.full_clean()
    assert (page.title, page.body) == (STORED, f"## {STORED}\n")
    term = GlossaryTerm(key="x", language="es", term=TYPED, aliases=[TYPED], definition=TYPED)
    term.full_clean()
    assert (term.term, term.aliases, term.definition) == (STORED, [STORED], STORED)


def test_the_loader_reads_normalized_values() -> None:
    row = ContentEntry("x", {"title": TYPED, "list": [TYPED, {"a": TYPED}]}, File("x"), 1)

    assert clean_fields(row, {"title": Field(str), "list": Field(list)}) == {
        "title": STORED,
        "list": [STORED, {"a": STORED}],
    }


@pytest.mark.django_db
def test_a_file_with_decomposed_accents_is_loaded_once(tmp_path: File) -> None:
    source = File(__file__).parents[2] / "content"
    for name in ("clinic.yaml", "locations.yaml", "sources.yaml", "codes.yaml"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    (tmp_path / "glossary").mkdir()
    (tmp_path / "glossary" / "es.yaml").write_text(
        f"- key: x\n  term: {TYPED}\n  aliases: [{TYPED}]\n  definition: Sí.\n"
    )
    call_command("load_content", str(tmp_path), stdout=StringIO())
    assert GlossaryTerm.objects.get().term == STORED
    before = ImportedRecord.objects.get(kind="term").sha256
    out = StringIO()

    call_command("load_content", str(tmp_path), stdout=out)

    assert "0 rows created, 0 updated" in out.getvalue(), out.getvalue()
    assert ImportedRecord.objects.get(kind="term").sha256 == before
    assert Page.objects.count() == 0
