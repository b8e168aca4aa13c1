"""What pages quote: words, sources, the clinic's answers, codes."""

from typing import Any

from django import forms
from django.contrib import admin
from django.urls import URLPattern, path

from procedures.admin.base import AnyForm, ContentAdmin
from procedures.admin.clinic_values import ClinicValueAdmin
from procedures.admin.code_tester import try_code
from procedures.admin.figures import UsedAdmin
from procedures.admin.outdated import QuotedAdmin
from procedures.models import CareInstruction, ClinicalCode, Source, Term


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


class TermForm(AnyForm):
    """Other words one a line, not as JSON."""

    aliases = LinesField(label="other words for it", required=False, help_text="One in each line.")

    class Meta:
        model = Term
        fields = ("key", "language", "term", "aliases", "say", "definition")


@admin.register(Term)
class TermAdmin(QuotedAdmin, UsedAdmin):
    """The glossary."""

    form = TermForm
    identity = ("key", "language")
    list_display = ("term", "say", "language", "definition")
    list_filter = ("language",)
    search_fields = ("term", "key", "definition")
    prepopulated_fields = {"key": ("term",)}

    def quotes(self, obj: Term) -> tuple[str, str]:
        """See QuotedAdmin. Pages that would link the word anew are found in the list of outdated pages."""
        return "term", obj.key


@admin.register(Source)
class SourceAdmin(QuotedAdmin, UsedAdmin):
    """Cited as [@key]."""

    identity = ("key",)
    list_display = ("key", "organisation", "title", "year")
    search_fields = ("key", "organisation", "title", "identifier")
    title_field = "title"

    def quotes(self, obj: Source) -> tuple[str, str]:
        """See QuotedAdmin."""
        return "source", obj.key


@admin.register(CareInstruction)
class CareInstructionAdmin(ClinicValueAdmin, UsedAdmin):
    """The clinic's own answers."""

    identity = ("key", "language")
    list_display = ("question", "answer", "language", "key")
    list_filter = ("language",)
    search_fields = ("key", "question", "answer")
    title_field = "question"

    def quotes(self, obj: CareInstruction) -> tuple[str, str]:
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
        tester = path("try/", self.admin_site.admin_view(try_code), name="procedures_clinicalcode_try")
        return [tester, *super().get_urls()]
