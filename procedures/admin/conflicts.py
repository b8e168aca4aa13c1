"""Edit conflicts of the admin's forms: what someone else saved while a form was open, and the merged form.

A form carries the values that it was opened with (``SEEN_FIELD``). If the saved values differ by the time it is posted,
it is merged with them and shown again, so that no save silently restores an old value.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from procedures.branding import Logo
from procedures.publishing.page_changes import describe_change

SEEN_FIELD = "seen"
# Values of the fields by name, of the row itself ("") and of its inline rows ("texts-12": the row 12 of the texts).
Snapshot = dict[str, dict[str, Any]]
AnyRow = Any
NOT_SEEN = object()


@dataclass(frozen=True)
class OtherChange:
    """What someone else saved in one field. ``mine`` is what the form says instead, or empty if it takes theirs."""

    label: str
    theirs: str
    mine: str = ""


def take_snapshot(form: AnyRow, formsets: Sequence[Any]) -> Snapshot:
    """Return the saved values that the forms start from."""
    rows = {"": form, **{_row_key(formset, row): row for formset in formsets for row in formset.initial_forms}}
    values = {
        key: {name: row.get_initial_for_field(field, name) for name, field in _editable_fields(row).items()}
        for key, row in rows.items()
    }
    snapshot: Snapshot = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return snapshot


def encode_snapshot(snapshot: Snapshot) -> str:
    """Return the value of the hidden field ``SEEN_FIELD``."""
    return json.dumps(snapshot, sort_keys=True)


def _decode_snapshot(text: str) -> Snapshot:
    """Return the snapshot of a posted form. One without a valid snapshot has seen nothing, so it overwrites nothing."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    is_snapshot = isinstance(values, dict) and all(isinstance(row, dict) for row in values.values())
    return values if is_snapshot else {}


def _row_key(formset: Any, row: AnyRow) -> str:
    return f"{formset.prefix}-{row.instance.pk}"


def _editable_fields(row: AnyRow) -> dict[str, forms.Field]:
    """Return the fields that a person fills in. A file field starts empty, so it has no saved value to compare."""
    return {
        name: field
        for name, field in row.fields.items()
        if not (field.widget.is_hidden or isinstance(field, forms.FileField) or name == DELETION_FIELD_NAME)
    }


@dataclass
class FormMerge:
    """The posted ``data``, merged with the saved values, and the ``changes`` of others that it did not contain.

    A field that only one side has changed takes that side's value. If both have, the form keeps its own, and
    ``changes`` lists both.
    """

    data: QueryDict
    seen: Snapshot
    saved: Snapshot
    changes: list[OtherChange] = field(default_factory=list)

    def merge_row(self, row: AnyRow, key: str = "", prefix: str = "", name: str = "") -> None:
        """Merge the fields of one row. ``prefix`` is that of its posted fields, and ``name`` the row's name."""
        for field_name, form_field in _editable_fields(row).items():
            html_name = f"{prefix}{field_name}"
            saved, seen = self.saved[key][field_name], self.seen.get(key, {}).get(field_name, NOT_SEEN)
            mine = form_field.widget.value_from_datadict(self.data, {}, html_name)
            if saved == seen or not form_field.has_changed(saved, mine):
                continue
            is_mine = seen is NOT_SEEN or form_field.has_changed(seen, mine)
            if not is_mine:
                self._put_saved(row, field_name, html_name)
            self.changes.append(
                OtherChange(
                    _label(name, form_field, field_name),
                    _display(form_field, saved),
                    _display(form_field, mine) if is_mine else "",
                )
            )

    def merge_formset(self, formset: Any) -> None:
        """Merge the rows of an inline. Rows that others added are added; rows that they deleted become new or go."""
        prefix, id_name = formset.prefix, formset.model._meta.pk.name  # noqa: SLF001 -- documented
        rows = {str(row.instance.pk): row for row in formset.initial_forms}
        total = str(self.data.get(f"{prefix}-{forms.formsets.TOTAL_FORM_COUNT}", ""))
        count = min(int(total), formset.absolute_max) if total.isascii() and total.isdigit() else 0
        names = [f"{prefix}-{index}-" for index in range(count)]
        posted = {name: str(self.data.get(f"{name}{id_name}", "")) for name in names}
        kept = [name for name in names if posted[name] in rows]
        for number, name in enumerate(kept, start=1):
            row = rows[posted[name]]
            self.merge_row(row, _row_key(formset, row), name, self._row_name(row, row.initial, number))
        new = [name for name in names if posted[name] not in rows and self._keep_deleted(formset, name, posted[name])]
        added = []
        for row in rows.values():
            if _row_key(formset, row) in self.seen or str(row.instance.pk) in posted.values():
                continue
            same = [name for name in new if not posted[name] and not self._differs(row, row.initial, name)]
            if same:  # the same new row twice, as after a double-click
                new.remove(same[0])
            else:
                label = self._row_name(row, row.initial, len(rows))
                self.changes.append(OtherChange(label, _("added")))
            added.append(row)
        self._write_rows(formset, kept, added, new, id_name)

    def _keep_deleted(self, formset: Any, name: str, pk: str) -> bool:
        """Return whether to keep a posted row that is not saved: a new one, or one that others deleted meanwhile."""
        seen = self.seen.get(f"{formset.prefix}-{pk}") if pk else None
        if seen is None:
            return True
        row = formset.empty_form
        is_changed = self._differs(row, seen, name) and f"{name}{DELETION_FIELD_NAME}" not in self.data
        label = self._row_name(row, seen, formset.initial_form_count() + 1)
        self.changes.append(OtherChange(label, _("deleted"), _("changed") if is_changed else ""))
        return is_changed

    def _differs(self, row: AnyRow, values: dict[str, Any], prefix: str) -> bool:
        """Return whether the posted fields of a row differ from ``values``."""
        return any(
            form_field.has_changed(
                values.get(name),
                form_field.widget.value_from_datadict(self.data, {}, f"{prefix}{name}"),
            )
            for name, form_field in _editable_fields(row).items()
        )

    def _write_rows(self, formset: Any, kept: list[str], added: list[AnyRow], new: list[str], id_name: str) -> None:
        """Number the rows again: first those that are saved, then the new ones."""
        fields = {name: list(values) for name, values in self.data.lists()}
        prefix = formset.prefix
        for name in [name for name in fields if name.startswith(f"{prefix}-")]:
            if name.removeprefix(f"{prefix}-").split("-")[0].isdigit():
                del self.data[name]
        saved_count = len(kept) + len(added)
        targets = [*range(len(kept)), *range(saved_count, saved_count + len(new))]
        for source, index in zip([*kept, *new], targets, strict=True):
            for name in [name for name in fields if name.startswith(source)]:
                self.data.setlist(f"{prefix}-{index}-{name.removeprefix(source)}", fields[name])
            if source in new:
                self.data[f"{prefix}-{index}-{id_name}"] = ""
        for index, row in enumerate(added, start=len(kept)):
            self.data[f"{prefix}-{index}-{id_name}"] = str(row.instance.pk)
            self.data[f"{prefix}-{index}-{formset.fk.name}"] = str(formset.instance.pk)
            for name in _editable_fields(row):
                self._put_saved(row, name, f"{prefix}-{index}-{name}")
        self.data[f"{prefix}-{forms.formsets.TOTAL_FORM_COUNT}"] = str(saved_count + len(new))
        self.data[f"{prefix}-{forms.formsets.INITIAL_FORM_COUNT}"] = str(saved_count)

    def _put_saved(self, row: AnyRow, name: str, html_name: str) -> None:
        """Put the saved value of a field into the data, as a browser would send it."""
        value = row[name].value()
        self.data.pop(html_name, None)
        if value is not False:
            self.data[html_name] = "on" if value is True else "" if value is None else str(value)

    @staticmethod
    def _row_name(row: AnyRow, values: dict[str, Any], number: int) -> str:
        return _row_name(row, values.get("language"), number)


def merge_form(data: QueryDict, form: AnyRow, formsets: Sequence[Any]) -> FormMerge | None:
    """Merge posted data with the saved values of the unbound forms; None if nobody has changed them since."""
    seen, saved = _decode_snapshot(str(data.get(SEEN_FIELD, ""))), take_snapshot(form, formsets)
    if seen == saved:
        return None
    merge = FormMerge(data.copy(), seen, saved)
    merge.merge_row(form)
    for formset in formsets:
        merge.merge_formset(formset)
    merge.data[SEEN_FIELD] = encode_snapshot(saved)
    return merge


def describe_form_changes(form: AnyRow, formsets: Sequence[Any]) -> Iterator[str]:
    """Yield what a valid form changes, with the old and the new value of each field, without a period."""
    yield from _describe_row(form)
    for formset in formsets:
        for number, row in enumerate(formset.forms, start=1):
            name = _row_name(row, row["language"].value() if "language" in row.fields else None, number)
            if row in formset.deleted_forms:
                if row.instance.pk:
                    yield f"{name}: {_('deleted')}"
            else:
                yield from _describe_row(row, name)


def _describe_row(row: AnyRow, name: str = "") -> Iterator[str]:
    for field_name in row.changed_data:
        form_field, new = row.fields[field_name], row.cleaned_data.get(field_name)
        label = _label(name, form_field, field_name)
        if isinstance(new, Logo):
            yield f"{label}: {_('a new picture')}"
        elif not form_field.widget.is_hidden:
            old = row.get_initial_for_field(form_field, field_name)
            yield describe_change(label, _display(form_field, old), _display(form_field, row[field_name].data))


def _row_name(row: AnyRow, language: Any, number: int) -> str:
    """Return the name of an inline row: its language, or its number."""
    if "language" in row.fields:
        return _display(row.fields["language"], language)
    return f"{capfirst(row.instance._meta.verbose_name)} {number}"  # noqa: SLF001 -- documented


def _label(row_name: str, form_field: forms.Field, name: str) -> str:
    label = str(form_field.label or name)
    return f"{row_name}: {label}" if row_name else label


def _display(form_field: forms.Field, value: Any) -> str:
    """Return a value as staff read it, whether it was saved or posted."""
    if isinstance(form_field, forms.BooleanField):
        return _("Yes") if form_field.to_python(value) else _("No")
    choices = {str(key): str(label) for key, label in getattr(form_field, "choices", ())}
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "")
    return choices.get(text, text) if text else _("(empty)")
