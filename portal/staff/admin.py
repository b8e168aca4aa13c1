"""People in the admin: Django's own screens for accounts, without a way to make oneself more than one is."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest

from portal.staff.models import User

if TYPE_CHECKING:
    AnyUserAdmin = UserAdmin[User]
else:
    # The type checker wants it with [], Django's class at run time does not take it.
    AnyUserAdmin = UserAdmin


@admin.register(User)
class StaffAdmin(AnyUserAdmin):
    """Roles are chosen with ticks. Only a superuser touches superusers and single permissions."""

    list_display = ("username", "get_full_name", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Name", {"fields": ("first_name", "last_name", "email")}),
        ("Role", {"fields": ("is_active", "is_staff", "groups", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    @admin.display(description="role")
    def roles(self, user: User) -> str:
        """All roles of one person."""
        return ", ".join(group.name for group in user.groups.all()) or ("Superuser" if user.is_superuser else "none")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With roles, in one more query."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may change people could otherwise make a superuser."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if request.user.is_superuser else (*fixed, "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser's account, with its password, is changed by superusers only."""
        return super().has_change_permission(request, obj) and (
            obj is None or not obj.is_superuser or bool(request.user.is_superuser)
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new account can sign in: that is what it is made for."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Three roles are ticks, not a box to scroll in."""
        if db_field.name == "groups":
            return ModelMultipleChoiceField(
                Group.objects.order_by("name"), widget=CheckboxSelectMultiple, required=False, label="Role"
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)
