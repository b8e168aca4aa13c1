"""People in the admin: Django's own screens for accounts, without a way to make oneself more than one is."""

from typing import TYPE_CHECKING, Any, cast

from allauth.account import admin as _account  # noqa: F401 -- registers what is taken out again below
from allauth.account.models import EmailAddress
from allauth.mfa import admin as _mfa  # noqa: F401 -- as above
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.admin_lists import SearchableList
from portal.staff import factors, people
from portal.staff.models import AuditEvent, StaffLink, User
from portal.staff.views.people import may_manage, urls

if TYPE_CHECKING:
    AnyUserAdmin = UserAdmin[User]
else:
    # The type checker wants it with [], Django's class at run time does not take it.
    AnyUserAdmin = UserAdmin

# allauth's tables are its own business; factors are changed on one's own page, or reset by a manager. What a role
# may do stands in the code; a screen that changes it would hide that.
admin.site.unregister([EmailAddress, Authenticator, Group])


@admin.register(User)
class StaffAdmin(SearchableList, AnyUserAdmin):
    """Roles are chosen with ticks. Only a superuser touches superusers. People are invited, closed, never deleted."""

    list_display = ("username", "get_full_name", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    filter_horizontal = ()
    fieldsets = (
        ("Name", {"fields": ("username", "first_name", "last_name", "email")}),
        ("Role", {"fields": ("is_active", "groups", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    @admin.display(description="role")
    def roles(self, user: User) -> str:
        """All roles of one person."""
        return ", ".join(group.name for group in user.groups.all()) or ("Superuser" if user.is_superuser else "none")

    def get_urls(self) -> list[Any]:
        """Ours first: the invitation stands where Django's form for a new account was."""
        return [*urls(), *super().get_urls()]

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse: managers send a link, and people choose their own passwords."""
        raise PermissionDenied

    def get_queryset(self, request: HttpRequest) -> Any:
        """With roles, in one more query."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may change people could otherwise make a superuser, or shut the door behind themselves."""
        fixed = super().get_readonly_fields(request, obj)
        if not cast("User", request.user).is_superuser:
            fixed = (*fixed, "is_superuser")
        return (*fixed, "is_active") if obj == request.user else fixed

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser's account is changed by superusers only."""
        return super().has_change_permission(request, obj) and (
            obj is None or may_manage(cast("User", request.user), obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What somebody wrote and approved keeps their name: accounts are closed."""
        return False

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """With the state of the person's sign-in."""
        user = kwargs.get("obj")
        if user is not None:
            context.update(
                may_manage=may_manage(cast("User", request.user), user),
                is_oneself=user == request.user,
                has_factor=factors.has_factor(user),
                has_password=user.has_usable_password(),
                open_link=StaffLink.objects.filter(user=user).usable(timezone.now()).first(),
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """After the roles are saved, what changed goes into the log."""
        before = form.initial
        was_active = before.get("is_active", form.instance.is_active)
        had_roles = people.roles_of(form.instance, superuser=before.get("is_superuser", form.instance.is_superuser))
        super().save_related(request, form, formsets, change)
        actor = cast("User", request.user)
        people.after_change(form.instance, was_active=was_active, had_roles=had_roles, actor=actor, request=request)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Three roles are ticks, not a box to scroll in."""
        if db_field.name == "groups":
            return ModelMultipleChoiceField(
                Group.objects.order_by("name"), widget=CheckboxSelectMultiple, required=False, label="Role"
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(AuditEvent)
class AuditEventAdmin(SearchableList):
    """The log is read, by managers, and written by nobody."""

    list_display = ("at", "kind", "person", "actor", "detail", "origin")
    list_filter = ("kind", "at")
    list_select_related = ("person", "actor")
    search_fields = ("person__username", "actor__username", "detail", "origin")
    date_hierarchy = "at"
    fields = readonly_fields = ("at", "kind", "person", "actor", "detail", "origin")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False
