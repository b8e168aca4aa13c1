"""“Which page would M80.08XA get?”: a clinical code tried as a health-record system would ask with it."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from procedures.admin.shell import screen
from procedures.enums import CodeSystem, Language
from procedures.links import connect


class CodeForm(forms.Form):
    """One code; nothing of it is kept."""

    code = forms.CharField(max_length=connect.LONGEST, help_text="As it stands in a record: M80.08XA, m8008, 22513.")
    system = forms.ChoiceField(choices=CodeSystem.choices, initial=CodeSystem.ICD10CM)


@require_safe
def try_code(request: HttpRequest) -> HttpResponse:
    """The form, and for each language the pages that a system gets, best first."""
    if not request.user.has_perm("procedures.view_clinicalcode"):
        raise PermissionDenied
    form = CodeForm(request.GET if "code" in request.GET else None)
    answers: list[dict[str, Any]] = []
    if form.is_valid():
        oid = next(oid for oid, system in connect.SYSTEMS.items() if system == form.cleaned_data["system"])
        try:
            answers = [_answer(oid, form.cleaned_data["code"], language) for language in Language.values]
        except connect.BadRequestError:
            form.add_error("code", "There is no letter or digit in this code.")
    context = {"form": form, "answers": answers, "asked": form.is_bound and form.is_valid()}
    return screen(request, "clinicalcode/try", context, title="Which page would this code get?")


def _answer(oid: str, code: str, language: str) -> dict[str, Any]:
    asked = connect.read_request({connect.SYSTEM: oid, connect.CODE: code, connect.LANGUAGE: language})
    pages = connect.find_pages(asked)
    rows = [
        {"title": live.title, "path": live.path, "code": page.matched, "rank": page.rank}  # type: ignore[attr-defined]
        for page in pages
        if (live := page.live_release)
    ]
    return {"language": Language(language).label, "rows": rows}
