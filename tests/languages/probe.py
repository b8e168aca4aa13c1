"""Run inside a copy of the project: load content, answer requests, and print what was seen as JSON.

Usage: ``python probe.py CONTENT_DIR REQUESTS``, where REQUESTS is a JSON list of addresses.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import django


def main(content: Path, addresses: list[str]) -> dict[str, Any]:
    """Return everything that the tests check, by name."""
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("load_content", str(content), verbosity=0)
    first, second = content.parent / "first", content.parent / "second"
    call_command("dump_content", str(first), verbosity=0)
    call_command("load_content", str(first), verbosity=0)
    call_command("dump_content", str(second), verbosity=0)

    from portal.accounts.models import User

    anonymous, staff = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
    staff.force_login(User.objects.create_superuser("manager", "manager@example.org", "unused"))
    answers = {}
    for address in addresses:
        response = (staff if address.startswith("/admin/") else anonymous).get(address)
        answers[address] = {
            "status": response.status_code,
            "location": response.headers.get("Location", ""),
            "body": b"".join(response).decode(),
        }
    return {"answers": answers, "dumps": [_tree(first), _tree(second)], **_staff_advice(), **_text_rules()}


def _staff_advice() -> dict[str, Any]:
    from django.test import RequestFactory

    from procedures.languages import CODES
    from procedures.models import Page
    from procedures.publishing.anchor_redirects import render_draft
    from procedures.publishing.checks import check_draft
    from procedures.readability.measures import measure_page
    from procedures.readability.suggestions import build_suggestions
    from procedures.rendering import ReferenceResolver
    from procedures.sharing.short_codes import spell_phonetically
    from procedures.triage import TriageDetector
    from procedures.views.errors import server_error

    page = Page.objects.get(language=CODES[-1], subject="contact")
    library, draft = ReferenceResolver(page.language), page.draft_content()
    rendered = render_draft(page, draft, resolver=library)
    measures = measure_page(rendered.article, kind=page.kind, resolver=library)
    urgent = "If you cannot move your legs, call us tomorrow."
    return {
        "advice": [str(problem.message) for problem in build_suggestions(page, rendered, measures)],
        "problems": [str(problem.message) for problem in check_draft(page, draft, rendered, library)],
        "spelled": spell_phonetically("K7M4P2", page.language),
        "signs": {code: sorted(TriageDetector(code).find_advised_signs(urgent)) for code in CODES},
        "error page": server_error(RequestFactory().get("/")).content.decode(),
    }


def _text_rules() -> dict[str, Any]:
    """Return what the rules for words and numbers find in texts in the last language."""
    from procedures.feedback import has_personal_data
    from procedures.languages import CODES
    from procedures.phones import find_emergency_numbers, find_phones
    from procedures.readability.measures import measure_page
    from procedures.readability.scores import compute_page_reading_level, describe_exceeded_limits, split_sentences
    from procedures.rendering import ReferenceResolver, render_page

    language = CODES[-1]
    levels = [compute_page_reading_level(text, language) for text in (("אב " * 8 + ".\n") * 2, "אבג " * 16)]
    resolver = ReferenceResolver(language)
    fields = ("title", "key_message", "lead_figure", "next_page", "next_label")
    body = "באנו 5 ניסן.\n\nראינו שלב 3.\n\nבאו 7 אנשים.\n"
    rendered = render_page({**dict.fromkeys(fields, ""), "body": body}, kind="about", resolver=resolver)
    calls = ("חייגו 5550199", "חייגו 5550199 אנשים", "אולי 5550199")
    personal = ("5 ניסן 1950", "נולד 5 אייר 50", "שלב 1 2 3 4 5 6 7")
    return {
        "levels": levels,
        "too hard": list(describe_exceeded_limits(levels[1], 0, language)),
        "sentences": split_sentences("דר. כהן כאן. שלום."),
        "phones": {text: [number for _, number in find_phones(text)] for text in calls},
        "emergency numbers": [number for _, number in find_emergency_numbers("911 עכשיו", "")],
        "uncited numbers": [
            passage.detail
            for passage in measure_page(rendered.article, kind="about", resolver=resolver).uncited_numbers
        ],
        "personal data": {text: has_personal_data(text) for text in personal},
    }


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    sys.path.insert(0, str(Path.cwd()))
    django.setup()
    from django.test.utils import override_settings, setup_test_environment

    setup_test_environment()
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(STORAGES=storages, MFA_REQUIRED=False):
        sys.stdout.write(json.dumps(main(Path(sys.argv[1]), json.loads(sys.argv[2]))))
