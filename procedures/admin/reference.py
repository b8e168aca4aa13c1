"""“Which page would M80.08XA get?”: a clinical code tried as a health-record system would ask with it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from procedures.admin.base import AnyForm, ContentAdmin, render_admin
from procedures.admin.clinic import ClinicValueAdmin
from procedures.admin.figures import UsageProtectedAdmin
from procedures.admin.stale_pages import StalePagesMixin
from procedures.ehr import infobutton
from procedures.enums import CodeSystem, Language
from procedures.models import ClinicalCode, ClinicAnswer, GlossaryTerm, Source


class CodeLookupForm(forms.Form):
    """One code; nothing of it is kept."""

    code = forms.CharField(
        max_length=infobutton.MAX_PARAM_LENGTH, help_text="As it stands in a record: M80.08XA, m8008, 22513."
    )
    system = forms.ChoiceField(choices=CodeSystem.choices, initial=CodeSystem.ICD10CM)


@require_safe
def code_lookup_view(request: HttpRequest) -> HttpResponse:
    """The form, and for each language the pages that a system gets, best first."""
    if not request.user.has_perm("procedures.view_clinicalcode"):
        raise PermissionDenied
    form = CodeLookupForm(request.GET if "code" in request.GET else None)
    answers: list[dict[str, Any]] = []
    if form.is_valid():
        oid = next(
            oid for oid, system in infobutton.CODE_SYSTEMS_BY_OID.items() if system == form.cleaned_data["system"]
        )
        try:
            answers = [_find_matches(oid, form.cleaned_data["code"], language) for language in Language.values]
        except infobutton.BadRequestError:
            form.add_error("code", "There is no letter or digit in this code.")
    context = {"form": form, "results": answers, "is_submitted": form.is_bound and form.is_valid()}
    return render_admin(request, "clinicalcode/lookup", context, title="Which page would this code get?")


def _find_matches(oid: str, code: str, language: str) -> dict[str, Any]:
    asked = infobutton.parse_request(
        {infobutton.SYSTEM_PARAM: oid, infobutton.CODE_PARAM: code, infobutton.LANGUAGE_PARAM: language}
    )
    pages = infobutton.find_pages(asked)
    rows = [
        {"title": live.title, "path": live.path, "code": page.matched, "rank": page.rank}  # type: ignore[attr-defined]
        for page in pages
        if (live := page.live_release)
    ]
    return {"language": Language(language).label, "rows": rows}


class LinesField(forms.CharField):
    """A list of words, one a line."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})

    def prepare_value(self, value: Any) -> Any:
        """One a line."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """Without empty lines and doubles."""
        return list(dict.fromkeys(line.strip() for line in super().clean(value).splitlines() if line.strip()))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compared as lists."""
        return list(initial or []) != self.clean(data or "")


class GlossaryTermForm(AnyForm):
    """Other words one a line, not as JSON."""

    aliases = LinesField(label="other words for it", required=False, help_text="One in each line.")

    class Meta:
        model = GlossaryTerm
        fields = ("key", "language", "term", "aliases", "pronunciation", "definition")


@admin.register(GlossaryTerm)
class GlossaryTermAdmin(StalePagesMixin, UsageProtectedAdmin):
    """The glossary."""

    form = GlossaryTermForm
    immutable_fields = ("key", "language")
    list_display = ("term", "pronunciation", "language", "definition")
    list_filter = ("language",)
    search_fields = ("term", "key", "definition")
    prepopulated_fields = {"key": ("term",)}

    def dependency_key(self, obj: GlossaryTerm) -> tuple[str, str]:
        """See QuotedAdmin. Pages that would link the word anew are found in the list of outdated pages."""
        return "term", obj.key


@admin.register(Source)
class SourceAdmin(StalePagesMixin, UsageProtectedAdmin):
    """Cited as [@key]."""

    immutable_fields = ("key",)
    list_display = ("key", "organisation", "title", "year")
    search_fields = ("key", "organisation", "title", "identifier")
    title_field = "title"

    def dependency_key(self, obj: Source) -> tuple[str, str]:
        """See QuotedAdmin."""
        return "source", obj.key


@admin.register(ClinicAnswer)
class ClinicAnswerAdmin(ClinicValueAdmin, UsageProtectedAdmin):
    """The clinic's own answers."""

    immutable_fields = ("key", "language")
    list_display = ("question", "answer", "language", "key")
    list_filter = ("language",)
    search_fields = ("key", "question", "answer")
    title_field = "question"

    def dependency_key(self, obj: ClinicAnswer) -> tuple[str, str]:
        """See ClinicValueAdmin."""
        return "care", obj.key


@admin.register(ClinicalCode)
class ClinicalCodeAdmin(ContentAdmin):
    """What other systems ask with."""

    list_display = ("code", "system", "subject", "rank")
    list_filter = ("system",)
    search_fields = ("code", "subject")

    def get_urls(self) -> list[URLPattern]:
        """Before Django's own, whose last rule takes everything."""
        tester = path("try/", self.admin_site.admin_view(code_lookup_view), name="procedures_clinicalcode_lookup")
        return [tester, *super().get_urls()]
