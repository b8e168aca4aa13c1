"""The form of a page or guide: the draft, the version it was opened at, and a word for colleagues."""

from typing import Any

from django import forms

from procedures.admin.base import AnyForm
from procedures.admin.conflict import Conflict
from procedures.enums import PageKind
from procedures.models import GuideItem, Page
from procedures.validators import validate_words_for_readers


class PageForm(AnyForm):
    """``version`` is the draft version this form was opened with, ``parent`` its revision, the base of a merge.

    ``window`` names the autosave slot of this form. ``conflict`` is set when somebody was faster.
    """

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    parent = forms.CharField(widget=forms.HiddenInput, required=False)
    window = forms.CharField(widget=forms.HiddenInput, required=False, max_length=36)
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
    conflict: Conflict | None = None

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
        for field, name in (("title", "title"), ("slug", "address"), ("subject", "subject")):
            if field in self.fields:
                self.fields[field].error_messages["required"] = f"The {name} is empty. Write one."
        if "kind" in self.fields:
            kinds = [choice for choice in PageKind.choices if choice[0] != PageKind.GUIDE]
            self.fields["kind"].choices = [("", "---------"), *kinds]  # type: ignore[attr-defined]
        if self.instance.pk and not self.is_bound:
            newest = self.instance.revisions.first()
            # A draft that never became a revision is nobody's base.
            self.fields["parent"].initial = newest.pk if newest and newest.content == self.instance.draft() else ""

    def clean(self) -> dict[str, Any]:
        """One line, or the conflict."""
        values = super().clean() or self.cleaned_data
        for name in ("key_message", "description"):
            if name in values:
                # Both are one sentence; a line break typed into the larger box is a space.
                values[name] = " ".join(values[name].split())
        if self.conflict:
            raise forms.ValidationError(self.conflict.sentence)
        return values

    def clean_what_changed(self) -> str:
        """Refuse warning signs in the sentence for readers."""
        what_changed: str = self.cleaned_data["what_changed"]
        validate_words_for_readers(self.cleaned_data.get("language") or self.instance.language, what_changed)
        return what_changed


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
