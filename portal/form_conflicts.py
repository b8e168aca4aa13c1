"""Edit conflicts of the admin's forms: what someone else saved while a form was open, and the merged form.

A form carries the values that it was opened with (``SNAPSHOT_FIELD``). If the saved values differ by the time it is
posted, it is merged with them and shown again, so that a save never restores an old value unnoticed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.text import parse_int_or_zero

if TYPE_CHECKING:
    BaseAdmin = admin.ModelAdmin[Any]
else:
    # The stubs declare it as generic; at run time it cannot be subscripted.
    BaseAdmin = object

FORM_CONFLICT_MESSAGE = gettext_lazy(
    "Someone else also changed this, so your changes are not saved yet. Check both versions below, then save again."
)
FORM_DELETED_MESSAGE = gettext_lazy(
    "Someone else deleted this while you had it open. What you typed is still here. You can save it as a new entry."
)
SNAPSHOT_FIELD = "snapshot"
# Values of the fields by name, of the row itself ("") and of its inline rows ("texts-12": the row 12 of the texts).
Snapshot = dict[str, dict[str, Any]]
AnyModelForm = Any
UNSEEN = object()


@dataclass(frozen=True)
class OtherChange:
    """A field that someone else saved, or a row that someone else added or deleted.

    ``kind``: ``changed`` (a field), ``added``, ``deleted``, or ``kept`` (someone else deleted the row, but the form
    keeps it as a new one). ``theirs``: the saved value of a field. ``mine``: the posted value that the form keeps;
    empty if it takes theirs.
    """

    label: str
    theirs: str = ""
    mine: str = ""
    kind: str = "changed"


def take_snapshot(form: AnyModelForm, formsets: Sequence[Any]) -> Snapshot:
    """Return the saved values that the forms start from."""
    row_forms = {"": form}
    for formset in formsets:
        row_forms |= {_row_key(formset, row_form): row_form for row_form in formset.initial_forms}
    values = {
        key: {name: _plain_value(row_form, name, field) for name, field in _editable_fields(row_form).items()}
        for key, row_form in row_forms.items()
    }
    snapshot: Snapshot = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return snapshot


def _plain_value(row_form: AnyModelForm, name: str, form_field: forms.Field) -> Any:
    """Return the saved value of a field, with the keys of the rows that it refers to."""
    value = row_form.get_initial_for_field(form_field, name)
    is_list_of_rows = isinstance(value, list) and all(isinstance(row, models.Model) for row in value)
    return sorted(row.pk for row in value) if is_list_of_rows else value


def encode_snapshot(snapshot: Snapshot) -> str:
    """Return the value of the hidden field ``SNAPSHOT_FIELD``."""
    return json.dumps(snapshot, sort_keys=True)


def _decode_snapshot(text: str) -> Snapshot:
    """Return a posted snapshot.

    Without a valid snapshot, every saved value counts as unseen, so nothing is overwritten.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    is_snapshot = isinstance(values, dict) and all(isinstance(row, dict) for row in values.values())
    return values if is_snapshot else {}


def _row_key(formset: Any, row_form: AnyModelForm) -> str:
    return f"{formset.prefix}-{row_form.instance.pk}"


def _editable_fields(row_form: AnyModelForm) -> dict[str, forms.Field]:
    """Return the fields that a person fills in. A file field starts empty, so it has no saved value to compare."""
    return {
        name: field
        for name, field in row_form.fields.items()
        if not (field.widget.is_hidden or isinstance(field, forms.FileField) or name == DELETION_FIELD_NAME)
    }


@dataclass
class FormMerge:
    """The posted ``data``, merged with the saved values, and the ``changes`` of others that it did not contain.

    A field that only one side has changed takes that side's value. If both have, the form keeps its own, and
    ``changes`` lists both.
    """

    data: QueryDict
    opened: Snapshot
    saved: Snapshot
    changes: list[OtherChange] = field(default_factory=list)

    def merge_row(self, row_form: AnyModelForm, key: str = "", prefix: str = "", name: str = "") -> None:
        """Merge the fields of one row. ``prefix`` is that of its posted fields, and ``name`` the row's name."""
        for field_name, form_field in _editable_fields(row_form).items():
            html_name = f"{prefix}{field_name}"
            saved, opened = self.saved[key][field_name], self.opened.get(key, {}).get(field_name, UNSEEN)
            mine = form_field.widget.value_from_datadict(self.data, {}, html_name)
            if saved == opened or not form_field.has_changed(saved, mine):
                continue
            is_mine = opened is UNSEEN or form_field.has_changed(opened, mine)
            if not is_mine:
                self._put_saved(row_form, field_name, html_name)
            self.changes.append(
                OtherChange(
                    field_label(name, form_field, field_name),
                    display_value(form_field, saved),
                    display_value(form_field, mine) if is_mine else "",
                )
            )

    def merge_formset(self, formset: Any) -> None:
        """Merge the rows of an inline.

        Rows that others added are added; rows that they deleted are dropped, or become new rows if the posted form
        changed them.
        """
        prefix, id_name = formset.prefix, formset.model._meta.pk.name  # noqa: SLF001 -- documented
        row_forms = {str(row_form.instance.pk): row_form for row_form in formset.initial_forms}
        total = str(self.data.get(f"{prefix}-{forms.formsets.TOTAL_FORM_COUNT}", ""))
        count = min(parse_int_or_zero(total), formset.absolute_max)
        names = [f"{prefix}-{index}-" for index in range(count)]
        posted = {name: str(self.data.get(f"{name}{id_name}", "")) for name in names}
        kept = [name for name in names if posted[name] in row_forms]
        for number, name in enumerate(kept, start=1):
            row_form = row_forms[posted[name]]
            label = row_name(row_form, row_form.initial.get("language"), number)
            self.merge_row(row_form, _row_key(formset, row_form), name, label)
        new_prefixes = []
        for name in [name for name in names if posted[name] not in row_forms]:
            opened = self.opened.get(f"{formset.prefix}-{posted[name]}") if posted[name] else None
            is_kept = opened is None or self._has_changed_deleted_row(formset, opened, name)
            if is_kept:
                new_prefixes.append(name)
            if opened is not None:
                label = row_name(formset.empty_form, opened.get("language"), len(row_forms) + 1)
                self.changes.append(OtherChange(label, kind="kept" if is_kept else "deleted"))
        added = []
        for row_form in row_forms.values():
            if _row_key(formset, row_form) in self.opened or str(row_form.instance.pk) in posted.values():
                continue
            duplicates = [
                name
                for name in new_prefixes
                if not posted[name] and not self._differs(row_form, row_form.initial, name)
            ]
            if duplicates:  # the same new row twice, as after a double-click
                new_prefixes.remove(duplicates[0])
            else:
                label = row_name(row_form, row_form.initial.get("language"), len(row_forms))
                self.changes.append(OtherChange(label, kind="added"))
            added.append(row_form)
        self._write_rows(formset, kept, added, new_prefixes, id_name)

    def _has_changed_deleted_row(self, formset: Any, opened: dict[str, Any], name: str) -> bool:
        """Return whether the posted form changed a row that others have deleted, and does not delete it as well."""
        return self._differs(formset.empty_form, opened, name) and f"{name}{DELETION_FIELD_NAME}" not in self.data

    def _differs(self, row_form: AnyModelForm, values: dict[str, Any], prefix: str) -> bool:
        """Return whether the posted fields of a row differ from ``values``."""
        return any(
            form_field.has_changed(
                values.get(name),
                form_field.widget.value_from_datadict(self.data, {}, f"{prefix}{name}"),
            )
            for name, form_field in _editable_fields(row_form).items()
        )

    def _write_rows(
        self, formset: Any, kept: list[str], added: list[AnyModelForm], new_prefixes: list[str], id_name: str
    ) -> None:
        """Number the rows again: first those that are saved, then the new ones."""
        fields = {name: list(values) for name, values in self.data.lists()}
        prefix = formset.prefix
        for name in [name for name in fields if name.startswith(f"{prefix}-")]:
            if name.removeprefix(f"{prefix}-").split("-")[0].isdigit():
                del self.data[name]
        saved_count = len(kept) + len(added)
        targets = [*range(len(kept)), *range(saved_count, saved_count + len(new_prefixes))]
        for source, index in zip([*kept, *new_prefixes], targets, strict=True):
            for name in [name for name in fields if name.startswith(source)]:
                self.data.setlist(f"{prefix}-{index}-{name.removeprefix(source)}", fields[name])
            if source in new_prefixes:
                self.data[f"{prefix}-{index}-{id_name}"] = ""
        for index, row_form in enumerate(added, start=len(kept)):
            self.data[f"{prefix}-{index}-{id_name}"] = str(row_form.instance.pk)
            self.data[f"{prefix}-{index}-{formset.fk.name}"] = str(formset.instance.pk)
            for name in _editable_fields(row_form):
                self._put_saved(row_form, name, f"{prefix}-{index}-{name}")
        self.data[f"{prefix}-{forms.formsets.TOTAL_FORM_COUNT}"] = str(saved_count + len(new_prefixes))
        self.data[f"{prefix}-{forms.formsets.INITIAL_FORM_COUNT}"] = str(saved_count)

    def _put_saved(self, row_form: AnyModelForm, name: str, html_name: str) -> None:
        """Put the saved value of a field into the data, as a browser would send it."""
        value = row_form[name].value()
        self.data.pop(html_name, None)
        if isinstance(value, list):
            self.data.setlist(html_name, [str(item) for item in value])
        elif value is not False:
            self.data[html_name] = "on" if value is True else "" if value is None else str(value)


def merge_form(data: QueryDict, form: AnyModelForm, formsets: Sequence[Any]) -> FormMerge | None:
    """Merge posted data with the saved values of the unbound forms; None if nothing has changed since."""
    opened, saved = _decode_snapshot(str(data.get(SNAPSHOT_FIELD, ""))), take_snapshot(form, formsets)
    if opened == saved:
        return None
    merge = FormMerge(data.copy(), opened, saved)
    merge.merge_row(form)
    for formset in formsets:
        merge.merge_formset(formset)
    merge.data[SNAPSHOT_FIELD] = encode_snapshot(saved)
    return merge


def row_name(row_form: AnyModelForm, language: Any, number: int) -> str:
    """Return the name of an inline row: its language, or its number."""
    if "language" in row_form.fields:
        return display_value(row_form.fields["language"], language)
    return f"{capfirst(row_form.instance._meta.verbose_name)} {number}"  # noqa: SLF001 -- documented


def field_label(row_name: str, form_field: forms.Field, name: str) -> str:
    label = str(form_field.label or name)
    return f"{row_name}: {label}" if row_name else label


def display_value(form_field: forms.Field, value: Any) -> str:
    """Return a value as staff read it, whether it was saved or posted."""
    if isinstance(form_field, forms.BooleanField):
        return _("Yes") if form_field.to_python(value) else _("No")
    choices = {str(key): str(label) for key, label in getattr(form_field, "choices", ())}
    if isinstance(value, list):
        return ", ".join(choices.get(str(item), str(item)) for item in value) or _("(empty)")
    text = str(value if value is not None else "")
    return choices.get(text, text) if text else _("(empty)")


class ConflictCheckedMixin(BaseAdmin):
    """Mixin for forms that never overwrite what someone else saved while they were open, and never lose what was typed.

    ``can_add_deleted``: whether the add form can save a row that someone else has deleted.
    """

    can_add_deleted = True

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or save the form. If someone else has changed or deleted the row, show the input with status 409."""
        if request.method != "POST" or object_id is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            obj = self._lock_object(request, object_id)
            merge = self._merge_form(request, obj) if obj else None
            if obj and (merge is None or not merge.changes):
                return super().changeform_view(request, object_id, form_url, extra_context)
        if obj is None:
            return self._show_deleted(request, extra_context)
        request.form_conflict = FORM_CONFLICT_MESSAGE  # type: ignore[attr-defined]
        context = {**(extra_context or {}), "form_conflict": merge}
        response = super().changeform_view(request, object_id, form_url, context)
        response.status_code = 409
        return response

    def _lock_object(self, request: HttpRequest, object_id: str) -> Any:
        """Lock and return the row, or return None if it was deleted."""
        obj = self.get_object(request, unquote(object_id))
        # The lock is taken on the plain row: the admin's query can join others.
        rows = self.model._base_manager.select_for_update()  # noqa: SLF001 -- documented
        if obj is None or rows.filter(pk=obj.pk).first() is None:
            return None
        obj.refresh_from_db()
        return obj

    def _merge_form(self, request: HttpRequest, obj: Any) -> FormMerge | None:
        """Merge the posted form with what is saved now."""
        form = self.get_form(request, obj, change=True)(instance=obj)
        formsets = [
            formset(
                instance=obj,
                prefix=formset.get_default_prefix(),
                queryset=inline.get_queryset(request).select_for_update(),
            )
            for formset, inline in self.get_formsets_with_inlines(request, obj)
        ]
        merge = merge_form(request.POST, form, formsets)
        if merge:
            request.POST = merge.data  # type: ignore[assignment]
        return merge

    def _show_deleted(self, request: HttpRequest, extra_context: dict[str, Any] | None) -> HttpResponse:
        """Show the input for a row that was deleted: in the add form, or as a list of texts to copy."""
        if not (self.can_add_deleted and self.has_add_permission(request)):
            return self._list_input(request)
        data = request.POST.copy()
        for formset, _inline in self.get_formsets_with_inlines(request, None):
            prefix, id_name = formset.get_default_prefix(), formset.model._meta.pk.name  # noqa: SLF001 -- documented
            for name in [name for name in data if name.startswith(f"{prefix}-")]:
                if name.endswith((f"-{id_name}", f"-{formset.fk.name}")):
                    data[name] = ""
            data[f"{prefix}-{forms.formsets.INITIAL_FORM_COUNT}"] = "0"
        request.POST = data  # type: ignore[assignment]
        request.form_conflict = FORM_DELETED_MESSAGE  # type: ignore[attr-defined]
        add_url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_add")
        response = super().changeform_view(request, None, add_url, extra_context)
        response.status_code = 409
        return response

    def _list_input(self, request: HttpRequest) -> HttpResponse:
        hidden = ("csrfmiddlewaretoken", SNAPSHOT_FIELD)
        texts = [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if value.strip() and name not in hidden and not name.startswith("_") and not name.endswith("_FORMS")
        ]
        title = _("Someone else deleted this")
        context = {**self.admin_site.each_context(request), "title": title, "texts": texts}
        return TemplateResponse(request, "admin/deleted_row.html", context, status=409)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """After a conflict, return a form that keeps the input but never validates."""
        form = super().get_form(request, obj, change=change, **kwargs)
        message = getattr(request, "form_conflict", "")
        return type("Form", (form,), {"clean": _make_refusal(message)}) if message else form

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """Add the values that the form was opened with."""
        if obj is not None and request.method == "POST":
            context["snapshot"] = request.POST.get(SNAPSHOT_FIELD, "")
        elif obj is not None:
            formsets = [inline.formset for inline in context["inline_admin_formsets"]]
            context["snapshot"] = encode_snapshot(take_snapshot(context["adminform"].form, formsets))
        return super().render_change_form(request, context, add, change, form_url, obj)


def _make_refusal(message: Any) -> Any:
    def clean(form: Any) -> Any:
        raise ValidationError(message)

    return clean
