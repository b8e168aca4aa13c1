"""Texts built to slow a parser down, rendered in a separate process with a limit on its CPU time."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
# CPU time does not depend on the load of the machine. All texts together take 50 seconds, and a single one that makes
# the renderer hang takes minutes.
MAX_CPU_SECONDS = 240
LIMIT = f"import resource; resource.setrlimit(resource.RLIMIT_CPU, ({MAX_CPU_SECONDS}, {MAX_CPU_SECONDS + 5}))"
RENDER = """
import sys
from markdown_it.token import Token
import django
from django.conf import settings
settings.configure(
    USE_I18N=True, LANGUAGE_CODE="en", INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth",
    "markdownx", "portal.apps.AccountsConfig", "procedures"], AUTH_USER_MODEL="staff.User", MEDIA_URL="/media/", USE_TZ=True,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["templates"]}],
)
django.setup()
from procedures.rendering import ReferenceResolver, render_page
from procedures.publishing.checks import find_authored_sign_advice
from procedures.models import GlossaryTerm
from procedures.triage import TriageDetector

resolver = ReferenceResolver("en")
resolver._cache = type("Nothing", (dict,), {"__contains__": lambda *_: True, "__missing__": lambda *_: None})({
    ("clinic", ""): {"clinic.phone": "1", "clinic.emergency_number": "911"},
    ("terms", ""): [GlossaryTerm(key=word, term=word, language="en", definition="x") for word in ("canal", "spinal canal", "a a")],
})
resolver.__class__ = type("Empty", (ReferenceResolver,), {
    "get_clinic_answer": lambda *_: None, "get_series": lambda *_: None, "fork": lambda self: self,
    "get_locations": lambda *_: [], "get_public_figures": lambda *_: [], "list_keys": lambda *_: ["alike"] * 100,
})
CASES = {
    "brackets": "[" * 100_000,
    "closing brackets": "]" * 100_000,
    "bracket pairs": "[](" * 33_000,
    "images": "![" * 50_000,
    "nested links": "[a](b" * 20_000,
    "angles": "<" * 100_000,
    "stars": "*" * 100_000,
    "star words": "*a " * 33_000,
    "mixed emphasis": "*a_ " * 25_000,
    "nested emphasis": "*a **a " * 14_000,
    "underscores": "_" * 100_000,
    "backticks": "`" * 100_000,
    "growing backticks": "".join("a" + "`" * number for number in range(440)),
    "quotations": ">" * 100_000,
    "quotation lines": "> " * 50_000,
    "deep list": "".join(" " * (2 * level) + "- a\\n" for level in range(300)),
    "deep list in one line": "- " * 50_000,
    "long list": "- a\\n" * 8_000,
    "numbers": "1. " * 33_000,
    "headings": "## a\\n" * 2_000,
    "hashes": "#" * 100_000,
    "open blocks": "::: note\\n" * 11_000,
    "blocks": "::: note\\nx\\n:::\\n" * 1_000,
    "nested choices": "::: choices\\n### a\\n#### b\\n" * 4_000,
    "closings": ":::\\n" * 25_000,
    "colons": ":" * 100_000,
    "unknown blocks": "::: x\\n" * 15_000,
    "braces": "{" * 100_000,
    "clinic braces": "{clinic." * 12_000,
    "anchors": "## a " + "{#" * 50_000,
    "spaces before an anchor": "## a" + " \\t" * 50_000 + "b",
    "citations": "[@" * 50_000,
    "citation keys": "[@" + "a;@" * 33_000,
    "citation spaces": "[@a" + " " * 100_000,
    "many citations": "[@a] " * 7_000,
    "names": "::: figure " + "a " * 50_000 + "!",
    "hyphens": "::: figure " + "a-" * 50_000 + "!",
    "block spaces": "::: note" + " \\t" * 50_000 + "x",
    "wide table": "|" * 50_000 + "\\n" + "|-" * 50_000 + "|",
    "long table": "| a | b |\\n|---|---|\\n" + "| c | d |\\n" * 3_000,
    "table head": "| a " * 12_000 + "|\\n" + "|---" * 12_000 + "|\\n" + "|" * 60_000,
    "entities": "&amp;" * 20_000,
    "half entities": "&" * 100_000,
    "escapes": "\\\\" * 100_000,
    "glossary words": "spinal canal a a " * 6_000,
    "half glossary words": "spinal " * 14_000,
    "one word": "a" * 100_000,
    "empty lines": "\\n" * 100_000,
    "spaces": " " * 100_000 + "a",
    "tabs": "\\t" * 100_000,
    "underlines": "a\\n" + "=" * 100_000,
    "fences": "```\\n" * 8_000,
    "rules": "---\\n" * 8_000,
    "line ends": "a\\r" * 50_000,
    "letters as bullets": "o a\\n" * 25_000,
    "paragraphs with a star": "x*\\n\\n" * 25_000,
    "phone numbers": "303-555-0100 " * 7_500,
    "calls": "Call us. " * 11_000,
    "visits": "## " + "next visit " * 9_000,
}
for name in sys.argv[1:] or CASES:
    print(name, flush=True)
    fields = ["title", "key_message", "description", "lead_figure", "next_page", "next_label"]
    content = {**dict.fromkeys(fields, ""), "body": CASES[name]}
    page = render_page(content, kind="about", resolver=resolver)
    assert "page__body" in page.html
    assert page.reading_minutes and (page.reading_level is None or page.reading_level >= 0)
    find_authored_sign_advice(content, page.document, kind="about", triage=TriageDetector("en"))
print("done")
"""


def test_pathological_100_kb_texts_render_in_bounded_time() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{LIMIT}{RENDER}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert run.returncode != -signal.SIGXCPU, f"hangs on: {run.stdout.splitlines()[-1]}"
    assert run.returncode == 0, f"after {run.stdout[-200:]}: {run.stderr[-2000:]}"
    assert run.stdout.endswith("done\n")
