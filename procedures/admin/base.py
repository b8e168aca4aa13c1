"""What all our forms share: text as the renderer and the content folder know it, and the user as ours."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.http import HttpRequest

from portal.admin_lists import SearchableList
from portal.staff.models import User

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
    AnyStacked = admin.StackedInline[Any, Any]
    AnyForm = forms.ModelForm[Any]
else:
    # The type checker wants these with [], Django's classes at run time do not take it.
    AnyAdmin, AnyStacked, AnyForm = admin.ModelAdmin, admin.StackedInline, forms.ModelForm


def plain_newlines(text: str) -> str:
    """Browsers send CRLF; drafts, hashes and paragraphs know one newline only."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def whole_number(text: str) -> int:
    """A number from a form, 0 for anything else. At most nine digits: databases refuse longer ones."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class TextField(forms.CharField):
    """Longer text, with one kind of newline."""

    def to_python(self, value: Any) -> str:
        """The typed text; a browser's CRLF would make every save look like a change."""
        return plain_newlines(super().to_python(value) or "")


OVERRIDES: Any = {models.TextField: {"form_class": TextField, "widget": AdminTextareaWidget(attrs={"rows": 4})}}


class ContentAdmin(SearchableList):
    """Base of every form. ``identity`` names the fields that texts refer to: fixed once the row is there."""

    formfield_overrides = OVERRIDES
    identity: tuple[str, ...] = ()
    save_on_top = False
    list_per_page = 50

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Texts name rows by these fields, so a change would break them silently."""
        return (*super().get_readonly_fields(request, obj), *(self.identity if obj else ()))

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        """Only for new rows: a name that is there stays."""
        return {} if obj else dict(super().get_prepopulated_fields(request, obj))


def without_windows(field: forms.Field | None) -> forms.Field | None:
    """A choice without Django's links that open another form in a small window."""
    for flag in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
        if field is not None and hasattr(field.widget, flag):
            setattr(field.widget, flag, False)
    return field


class TextRows(AnyStacked):
    """One set of words per language."""

    extra = 0
    formfield_overrides = OVERRIDES


class ReadOnlyAdmin(SearchableList):
    """History: everybody who may see it sees it, nobody changes it."""

    actions = None
    list_per_page = 50
    list_display_links: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never by hand: publishing writes these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


def staff(request: HttpRequest) -> User:
    """The signed-in member of staff; the admin lets nobody else in."""
    if not isinstance(request.user, User):
        raise TypeError("An admin view was reached without a member of staff.")
    return request.user
