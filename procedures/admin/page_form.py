"""The form of a page or guide: the draft, the version it was opened at, and a word for colleagues."""

from typing import Any

from django import forms
from django.http import QueryDict

from procedures.admin.base import AnyForm
from procedures.enums import PageKind
from procedures.models import GuideItem, Page


class PageForm(AnyForm):
    """``version`` is the draft version this form was opened with; ``conflict`` is set when somebody was faster."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    note = forms.CharField(
        label="What did you change?",
        max_length=240,
        required=False,
        help_text="For your colleagues, in the history.",
    )
    what_changed = forms.CharField(
        label="What changed, for readers",
        max_length=240,
        required=False,
        help_text="One sentence that patients see when you publish. Leave it empty for small corrections.",
    )
    conflict = ""

    class Meta:
        model = Page
        fields = "__all__"  # the admin names the fields in its fieldsets
        widgets = {
            "key_message": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
            "description": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = self.instance.draft_version
        for name in ("key_message", "description"):
            # A draft may be saved half written; publishing asks for both.
            if name in self.fields:
                self.fields[name].required = False
        if "kind" in self.fields:
            kinds = [choice for choice in PageKind.choices if choice[0] != PageKind.GUIDE]
            self.fields["kind"].choices = [("", "---------"), *kinds]  # type: ignore[attr-defined]
        if self.conflict:
            # The form now knows of the other save, so saving once more is a decision, not an accident.
            now = Page.objects.values_list("draft_version", flat=True).get(pk=self.instance.pk)
            typed = QueryDict(mutable=True)
            typed.update(self.data)
            typed["version"] = str(now)
            self.data = typed

    def clean(self) -> dict[str, Any]:
        """One line, or the conflict."""
        values = super().clean() or self.cleaned_data
        for name in ("key_message", "description"):
            if name in values:
                # Both are one sentence; a line break typed into the larger box is a space.
                values[name] = " ".join(values[name].split())
        if self.conflict:
            raise forms.ValidationError(self.conflict)
        return values


class GuideForm(PageForm):
    """A guide's kind is never chosen."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.kind = PageKind.GUIDE


class GuideItemForm(AnyForm):
    """One row of the reading list."""

    class Meta:
        model = GuideItem
        fields = ("order", "page", "section", "minutes", "note")
