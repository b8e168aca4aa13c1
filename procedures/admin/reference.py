"""Admin for the data that pages refer to: glossary, sources, clinic answers, clinical codes, and external links."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from portal.admin_site import ReadOnlyAdmin
from procedures import infobutton
from procedures.admin.base import AnyForm, ConflictCheckedAdmin, TranslatedRowMixin, UsageProtectedAdmin, render_admin
from procedures.admin.clinic import ClinicValueAdmin
from procedures.admin.publishing import StalePagesMixin
from procedures.enums import CodeSystem, Language
from procedures.models import ClinicalCode, ClinicAnswer, ExternalLink, GlossaryTerm, Source
from procedures.models.reference import normalize_clinical_code


class LinesField(forms.CharField):
    """A list of strings, edited one per line."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})

    def prepare_value(self, value: Any) -> Any:
        """Join a list with newlines. Return submitted text unchanged."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """Return the stripped lines in order, without empty lines and duplicates."""
        return list(dict.fromkeys(line.strip() for line in super().clean(value).splitlines() if line.strip()))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the cleaned lists, so that white space alone is not a change."""
        return list(initial or []) != self.clean(data or "")


class GlossaryTermForm(AnyForm):
    """Form of a glossary term, with its aliases one per line."""

    aliases = LinesField(
        label=gettext_lazy("Other words for it"), required=False, help_text=gettext_lazy("One per line.")
    )

    class Meta:
        model = GlossaryTerm
        fields = ("term", "language", "definition", "aliases", "pronunciation", "key")


@admin.register(GlossaryTerm)
class GlossaryTermAdmin(TranslatedRowMixin, StalePagesMixin, UsageProtectedAdmin):
    """Admin for the glossary."""

    form = GlossaryTermForm
    immutable_fields = ("key", "language")
    list_display = ("term", "pronunciation", "language", "definition")
    list_filter = ("language",)
    search_fields = ("term", "key", "definition")
    title_field = "term"
    list_title = gettext_lazy("Glossary")
    prepopulated_fields = {"key": ("term",)}


@admin.register(Source)
class SourceAdmin(StalePagesMixin, UsageProtectedAdmin):
    """Admin for the sources, which texts cite as ``[@key]``."""

    immutable_fields = ("key",)
    fields = ("title", "organisation", "year", "url", "identifier", "used_for", "key")
    list_display = ("title", "organisation", "year", "key")
    search_fields = ("title", "organisation", "key", "identifier")
    title_field = "title"
    prepopulated_fields = {"key": ("organisation", "year")}


@admin.register(ClinicAnswer)
class ClinicAnswerAdmin(TranslatedRowMixin, ClinicValueAdmin, UsageProtectedAdmin):
    """Admin for the clinic's own answers to common questions."""

    fields = ("question", "answer", "language", "order", "key")
    immutable_fields = ("key", "language")
    list_display = ("question", "answer", "language", "key")
    list_filter = ("language",)
    search_fields = ("question", "answer", "key")
    title_field = "question"
    prepopulated_fields = {"key": ("question",)}


@admin.register(ExternalLink)
class ExternalLinkAdmin(ReadOnlyAdmin):
    """Links to other sites, with the results of the last ``check_links --external``."""

    list_display = ("url", "last_result", "broken_since", "checked_at")
    list_filter = (("broken_since", admin.EmptyFieldListFilter),)
    search_fields = ("url", "last_result")
    ordering = ("-broken_since", "url")


class ClinicalCodeForm(forms.ModelForm):  # type: ignore[type-arg]
    """Accepts a code in any spelling and saves the usual one."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "system" in data and "code" in data:
            data["code"] = normalize_clinical_code(data["system"], data["code"])
        return data


@admin.register(ClinicalCode)
class ClinicalCodeAdmin(ConflictCheckedAdmin):
    """Admin for the clinical codes that health record systems use to find pages."""

    form = ClinicalCodeForm
    list_display = ("code", "system", "subject", "rank")
    list_filter = ("system",)
    search_fields = ("code", "subject")

    def get_urls(self) -> list[URLPattern]:
        """Add the lookup before Django's URLs, whose last pattern matches everything."""
        view = self.admin_site.admin_view(code_lookup_view)
        return [path("try/", view, name="procedures_clinicalcode_lookup"), *super().get_urls()]


class CodeLookupForm(forms.Form):
    """A clinical code to try. Nothing is stored."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=infobutton.MAX_PARAM_LENGTH,
        help_text=gettext_lazy("As in a health record, such as M80.08XA, m8008, or 22513."),
    )
    system = forms.ChoiceField(label=gettext_lazy("System"), choices=CodeSystem.choices, initial=CodeSystem.ICD10CM)


@require_safe
def code_lookup_view(request: HttpRequest) -> HttpResponse:
    """Show which pages a health record system receives for a code, best match first, in each language."""
    if not request.user.has_perm("procedures.view_clinicalcode"):
        raise PermissionDenied
    form = CodeLookupForm(request.GET if "code" in request.GET else None)
    results: list[dict[str, Any]] = []
    if form.is_valid():
        oid = next(
            oid for oid, system in infobutton.CODE_SYSTEMS_BY_OID.items() if system == form.cleaned_data["system"]
        )
        try:
            results = [_find_matches(oid, form.cleaned_data["code"], language) for language in Language.values]
        except infobutton.BadRequestError:
            form.add_error("code", _("Enter at least one letter or digit."))
    context = {"form": form, "results": results, "is_submitted": form.is_bound and form.is_valid()}
    return render_admin(request, "clinicalcode/lookup", context, title=_("Find the page for a code"))


def _find_matches(oid: str, code: str, language: str) -> dict[str, Any]:
    code_request = infobutton.parse_request(
        {infobutton.SYSTEM_PARAM: oid, infobutton.CODE_PARAM: code, infobutton.LANGUAGE_PARAM: language}
    )
    rows = [
        {"title": live.title, "path": live.path, "code": page.matched, "rank": page.rank}  # type: ignore[attr-defined]
        for page in infobutton.find_pages(code_request)
        if (live := page.live_release)
    ]
    return {"language": Language(language).label, "rows": rows}
