"""What a valid form changes, in words, for the confirmation before public pages are updated."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.form_conflicts import AnyModelForm, display_value, field_label, row_name
from procedures.branding import Logo
from procedures.publishing.page_changes import describe_change


def describe_form_changes(form: AnyModelForm, formsets: Sequence[Any]) -> Iterator[str]:
    """Yield what a valid form changes, with the old and the new value of each field, without a period."""
    yield from _describe_row(form)
    for formset in formsets:
        for number, row_form in enumerate(formset.forms, start=1):
            language = row_form["language"].value() if "language" in row_form.fields else None
            name = row_name(row_form, language, number)
            if row_form in formset.deleted_forms:
                if row_form.instance.pk:
                    yield f"{name}: {_('deleted')}"
            else:
                yield from _describe_row(row_form, name)


def _describe_row(row_form: AnyModelForm, name: str = "") -> Iterator[str]:
    for field_name in row_form.changed_data:
        form_field, new = row_form.fields[field_name], row_form.cleaned_data.get(field_name)
        label = field_label(name, form_field, field_name)
        if isinstance(new, Logo):
            yield f"{label}: {_('a new picture')}"
        elif not form_field.widget.is_hidden:
            old = row_form.get_initial_for_field(form_field, field_name)
            yield describe_change(
                label, display_value(form_field, old), display_value(form_field, row_form[field_name].data)
            )
