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

from portal.accounts import mfa, services
from portal.accounts.models import AccessToken, AuditEvent, User
from portal.admin_search import SearchableModelAdmin

if TYPE_CHECKING:
    BaseUserAdmin = UserAdmin[User]
else:
    # The type checker wants it with [], Django's class at run time does not take it.
    BaseUserAdmin = UserAdmin
from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts import invitations
from portal.accounts.forms import InvitationForm
from portal.accounts.models import User
from portal.accounts.views.account import current_user
from portal.accounts.views.base import render_page, require_recent_login

# allauth's tables are its own business; factors are changed on one's own page, or reset by a manager. What a role
# may do stands in the code; a screen that changes it would hide that.
admin.site.unregister([EmailAddress, Authenticator, Group])


@admin.register(User)
class StaffUserAdmin(SearchableModelAdmin, BaseUserAdmin):
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
        return [*get_user_urls(), *super().get_urls()]

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
            obj is None or can_manage_user(cast("User", request.user), obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What somebody wrote and approved keeps their name: accounts are closed."""
        return False

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """With the state of the person's sign-in."""
        user = kwargs.get("obj")
        if user is not None:
            context.update(
                may_manage=can_manage_user(cast("User", request.user), user),
                is_oneself=user == request.user,
                has_factor=mfa.has_mfa(user),
                has_password=user.has_usable_password(),
                open_link=AccessToken.objects.filter(user=user).usable(timezone.now()).first(),
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """After the roles are saved, what changed goes into the log."""
        before = form.initial
        was_active = before.get("is_active", form.instance.is_active)
        had_roles = services.role_names(
            form.instance, is_superuser=before.get("is_superuser", form.instance.is_superuser)
        )
        super().save_related(request, form, formsets, change)
        actor = cast("User", request.user)
        services.record_user_changes(
            form.instance, was_active=was_active, previous_roles=had_roles, actor=actor, request=request
        )

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Three roles are ticks, not a box to scroll in."""
        if db_field.name == "groups":
            return ModelMultipleChoiceField(
                Group.objects.order_by("name"), widget=CheckboxSelectMultiple, required=False, label="Role"
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(AuditEvent)
class AuditEventAdmin(SearchableModelAdmin):
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


def can_manage_user(actor: User, user: User | None) -> bool:
    """Managers care for everybody but superusers; superusers for all."""
    return actor.has_perm("staff.change_user") and (user is None or not user.is_superuser or actor.is_superuser)


def get_managed_user(request: HttpRequest, pk: int) -> User:
    """The person, if the one who asks may manage them. 403 and 404 come from here."""
    user = User.objects.filter(pk=pk).first()
    if not can_manage_user(current_user(request), user):
        raise PermissionDenied
    if user is None:
        raise Http404
    return user


@require_recent_login
@require_http_methods(["GET", "HEAD", "POST"])
def invite_view(request: HttpRequest) -> HttpResponse:
    """Name, role, and the link: by mail where there is an address, and always to copy."""
    if not current_user(request).has_perm("staff.add_user"):
        raise PermissionDenied
    form = InvitationForm(request.POST) if request.method == "POST" else InvitationForm()
    if not (form.is_bound and form.is_valid()):
        return render_page(request, "invite.html", {"form": form}, title="Invite somebody")
    user = form.save(commit=False)
    address = services.invite_user(user, form.cleaned_data["roles"], actor=current_user(request), request=request)
    return render_link_page(request, user, address)


def render_link_page(request: HttpRequest, user: User, url: str) -> HttpResponse:
    """The link, shown once: only its hash is kept."""
    context = {"person": user, "address": url, "sent": invitations.send_link(user, url)}
    return render_page(request, "access_link.html", context, title=f"A link for {user}")


@require_recent_login
@require_POST
def create_link_view(request: HttpRequest, pk: int) -> HttpResponse:
    """An invitation again, or the way to a new password."""
    user = get_managed_user(request, pk)
    if not user.is_active:
        messages.error(request, "This account is closed. Open it first.")
        return redirect_to_user(user)
    return render_link_page(request, user, invitations.create_link(user, actor=current_user(request), request=request))


@require_POST
def revoke_links_view(request: HttpRequest, pk: int) -> HttpResponse:
    """End the open links."""
    user = get_managed_user(request, pk)
    if invitations.revoke_tokens(user, actor=current_user(request), request=request):
        messages.success(request, "The link no longer works.")
    else:
        messages.info(request, "There was no open link.")
    return redirect_to_user(user)


@require_recent_login
@require_http_methods(["GET", "HEAD", "POST"])
def reset_mfa_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first; then remove the second factor of somebody who lost it."""
    user = get_managed_user(request, pk)
    if user == current_user(request):
        messages.error(request, "For your own account use “Your account”, or ask another manager.")
        return redirect_to_user(user)
    if request.method != "POST":
        context = {"person": user, "has_factor": mfa.has_mfa(user)}
        return render_page(request, "reset_mfa.html", context, title=f"Second factor of {user}")
    services.reset_mfa(user, actor=current_user(request), request=request)
    messages.success(request, f"Done. {user} sets up a new second factor at the next sign-in.")
    return redirect_to_user(user)


@require_POST
def revoke_sessions_view(request: HttpRequest, pk: int) -> HttpResponse:
    """End all sessions of somebody."""
    user = get_managed_user(request, pk)
    services.revoke_all_sessions(user, actor=current_user(request), request=request)
    messages.success(request, f"{user} is signed out everywhere.")
    return redirect("admin:index") if user == current_user(request) else redirect_to_user(user)


def redirect_to_user(user: User) -> HttpResponseRedirect:
    """The person's page."""
    return HttpResponseRedirect(reverse("admin:staff_user_change", args=[user.pk]))


def get_user_urls() -> list[URLPattern]:
    """For the admin of people, before its own."""

    def wrap(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        return path(route, cast("Callable[..., HttpResponse]", admin.site.admin_view(view)), name=name)

    return [
        wrap("add/", invite_view, "staff_user_add"),
        wrap("<int:pk>/link/", create_link_view, "staff_user_link"),
        wrap("<int:pk>/revoke/", revoke_links_view, "staff_user_revoke"),
        wrap("<int:pk>/reset-factor/", reset_mfa_view, "staff_user_reset_factor"),
        wrap("<int:pk>/sign-out/", revoke_sessions_view, "staff_user_sign_out"),
    ]
