"""Admin screens of user accounts and the audit log, and managers' actions on other users' accounts."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from allauth.account import admin as _account  # noqa: F401 -- registers models that are unregistered below
from allauth.account.models import EmailAddress
from allauth.mfa import admin as _mfa  # noqa: F401 -- as above
from allauth.mfa.models import Authenticator
from allauth.socialaccount import admin as _socialaccount  # noqa: F401 -- as above
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions import admin as _usersessions  # noqa: F401 -- as above
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts import invitations, mfa, services, sessions, sso
from portal.accounts.models import AccessToken, AuditEvent, User
from portal.accounts.roles import ROLES
from portal.accounts.views.base import current_user, render_page, require_recent_login
from portal.admin_site import ReadOnlyAdmin, SearchableModelAdmin
from portal.form_conflicts import ConflictCheckedMixin

if TYPE_CHECKING:
    BaseUserAdmin = UserAdmin[User]
    BaseUserForm = forms.ModelForm[User]
    BaseRolesField = forms.ModelMultipleChoiceField[Group]
else:
    # mypy needs the type parameter; Django's classes cannot be subscripted at run time.
    BaseUserAdmin, BaseUserForm, BaseRolesField = UserAdmin, forms.ModelForm, forms.ModelMultipleChoiceField

# Email addresses are allauth's internal data; factors are changed on the account page or reset by a manager; sessions
# are ended on the same pages; the permissions of a role are defined in code, so a screen must not change them; and the
# single sign-on provider is set in the environment, so that no one can add another one here.
admin.site.unregister([EmailAddress, Authenticator, UserSession, SocialAccount, SocialApp, SocialToken, Group])


class RoleFilter(admin.RelatedFieldListFilter):
    """Filters people by role, which is what Django's groups are called here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("role")


@admin.register(User)
class StaffUserAdmin(ConflictCheckedMixin, SearchableModelAdmin, BaseUserAdmin):
    """User accounts. Users are invited and deactivated, never deleted; only superusers can change superusers."""

    list_display = ("name", "username", "roles", "is_active", "last_sign_in")
    is_in_site_search = True
    can_add_deleted = False
    add_label = _("Invite someone")
    list_filter = (("groups", RoleFilter), "is_active")
    fieldsets = (
        (_("Name"), {"fields": ("username", "first_name", "last_name", "email")}),
        (_("Role"), {"fields": ("is_active", "groups", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    @admin.display(description=_("name"), ordering="first_name")
    def name(self, user: User) -> str:
        """Return the full name, or the username of an account without one."""
        return str(user)

    @admin.display(description=_("last sign-in"), ordering="last_login")
    def last_sign_in(self, user: User) -> Any:
        return user.last_login

    def row_detail(self, user: User) -> str:
        """Return the roles, which tell people with the same name apart."""
        return self.roles(user)

    @admin.display(description=_("role"))
    def roles(self, user: User) -> str:
        """Return the names of the user's roles, from prefetched groups."""
        names = ", ".join(group.name for group in user.groups.all())
        return names or (gettext("Superuser") if user.is_superuser else gettext("none"))

    def get_urls(self) -> list[Any]:
        """Put our URLs first: the invitation form replaces Django's add form."""
        return [*get_user_urls(), *super().get_urls()]

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse: managers send a link, and users choose their own passwords."""
        raise PermissionDenied

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep managers from creating superusers, and everyone from deactivating themselves."""
        fields = super().get_readonly_fields(request, obj)
        if not current_user(request).is_superuser:
            fields = (*fields, "is_superuser")
        if obj is not None and sso.has_sso_account(obj):
            # The provider's groups determine the roles and would overwrite a change made here at the next sign-in.
            fields = (*fields, "groups")
        return (*fields, "is_active") if obj == request.user else fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow changes to a superuser's account to superusers only."""
        return super().has_change_permission(request, obj) and (
            obj is None or can_manage_user(current_user(request), obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: texts and approvals keep the name of their author, so accounts are only deactivated."""
        return False

    def get_form_context(self, request: HttpRequest, context: dict[str, Any], obj: User | None) -> dict[str, Any]:
        """Add the user's login status for templates/admin/staff/user/change_form.html."""
        if obj is None:
            return {}
        return {
            "can_manage": can_manage_user(current_user(request), obj),
            "is_own_account": obj == request.user,
            "has_mfa": mfa.has_mfa(obj),
            "has_password": obj.has_usable_password(),
            "open_link": AccessToken.objects.filter(user=obj).usable(timezone.now()).first(),
        }

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Write only the changed fields: the person may be changing their password or signing in now."""
        previous = User.objects.get(pk=obj.pk)
        obj.save(update_fields=[name for name in form.changed_data if name != "groups"])
        services.record_identity_changes(obj, previous, actor=current_user(request), request=request)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        was_active = form.initial.get("is_active", form.instance.is_active)
        was_superuser = form.initial.get("is_superuser", form.instance.is_superuser)
        previous_roles = services.role_names(form.instance, is_superuser=was_superuser)
        if "groups" in form.changed_data:
            super().save_related(request, form, formsets, change)
        services.record_user_changes(
            form.instance,
            was_active=was_active,
            previous_roles=previous_roles,
            actor=current_user(request),
            request=request,
        )

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Show the few roles as checkboxes instead of a multiple select."""
        if db_field.name == "groups":
            return forms.ModelMultipleChoiceField(
                Group.objects.order_by("name"), widget=forms.CheckboxSelectMultiple, required=False, label=_("Role")
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit log."""

    list_title = _("Sign-ins")

    list_display = ("created_at", "kind", "user", "actor", "detail", "origin")
    list_filter = ("kind", "created_at")
    list_select_related = ("user", "actor")
    search_fields = ("user__username", "actor__username", "detail", "origin")
    date_hierarchy = "created_at"
    fields = readonly_fields = ("created_at", "kind", "user", "actor", "detail", "origin")


class RolesField(BaseRolesField):
    """Checkboxes for roles with their descriptions."""

    def label_from_instance(self, group: Group) -> str:
        """Return the description of a role, or the name of another group."""
        return next((str(role.description) for role in ROLES if role.name == group.name), group.name)


class InvitationForm(BaseUserForm):
    """A new account with at least one role."""

    roles = RolesField(
        Group.objects.order_by("name"), widget=forms.CheckboxSelectMultiple, label=_("Role"),
        error_messages={"required": _("Choose a role.")},
    )  # fmt: skip

    class Meta:
        model = User
        fields = ("first_name", "last_name", "username", "email")
        help_texts = {
            "email": _("The invitation is sent here. Leave it empty to share the link yourself."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].required = True
        for field in self.fields.values():
            if isinstance(field.widget, forms.TextInput):
                field.widget.attrs["class"] = "vTextField"


def can_manage_user(actor: User, user: User | None) -> bool:
    """Return whether ``actor`` may manage ``user``: managers, everyone but superusers; superusers, everyone."""
    return actor.has_perm("staff.change_user") and (user is None or not user.is_superuser or actor.is_superuser)


def get_managed_user(request: HttpRequest, pk: int) -> User:
    """Return the user with this key; raise PermissionDenied if the request may not manage them, Http404 if missing."""
    user = User.objects.filter(pk=pk).first()
    if not can_manage_user(current_user(request), user):
        raise PermissionDenied
    if user is None:
        raise Http404
    return user


@require_recent_login
@require_http_methods(["GET", "HEAD", "POST"])
def invite_view(request: HttpRequest) -> HttpResponse:
    """Create an account with roles, then show its invitation link and mail it if there is an address."""
    if not current_user(request).has_perm("staff.add_user"):
        raise PermissionDenied
    if settings.BREAK_GLASS_ACCOUNT:
        message = gettext(
            "People sign in with %(provider)s. Ask your IT team to add them to a group there. Their account here is "
            "created automatically."
        )
        messages.info(request, message % {"provider": sso.provider_label()})
        return HttpResponseRedirect(reverse("admin:staff_user_changelist"))
    form = InvitationForm(request.POST) if request.method == "POST" else InvitationForm()
    if not (form.is_bound and form.is_valid()):
        return render_page(request, "invite.html", {"form": form}, title=gettext("Invite someone"))
    user = form.save(commit=False)
    url = services.invite_user(user, form.cleaned_data["roles"], actor=current_user(request), request=request)
    return render_link_page(request, user, url)


def render_link_page(request: HttpRequest, user: User, url: str) -> HttpResponse:
    """Email the link and show it this one time: only the hash of its token is stored."""
    context = {"person": user, "url": url, "sent": invitations.send_link(user, url)}
    return render_page(request, "access_link.html", context, title=gettext("Link for %(user)s") % {"user": user})


@require_recent_login
@require_POST
def create_link_view(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_managed_user(request, pk)
    if not user.is_active:
        messages.error(request, gettext("This account is deactivated. Activate it first."))
        return redirect_to_user(user)
    if not sessions.allows_local_login(user):
        message = gettext("This person signs in with %(provider)s and needs no link.")
        messages.error(request, message % {"provider": sso.provider_label()})
        return redirect_to_user(user)
    return render_link_page(request, user, invitations.create_link(user, actor=current_user(request), request=request))


@require_POST
def revoke_links_view(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_managed_user(request, pk)
    if invitations.revoke_tokens(user, actor=current_user(request), request=request):
        messages.success(request, gettext("The link no longer works."))
    else:
        messages.info(request, gettext("There was no open link."))
    return redirect_to_user(user)


@require_recent_login
@require_http_methods(["GET", "HEAD", "POST"])
def reset_mfa_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, then remove the second factors of another user."""
    user = get_managed_user(request, pk)
    if user == current_user(request):
        messages.error(request, gettext("For your own account, use “Your account”, or ask another manager."))
        return redirect_to_user(user)
    if request.method != "POST":
        context = {"person": user, "has_mfa": mfa.has_mfa(user)}
        title = gettext("Second sign-in step for %(user)s") % {"user": user}
        return render_page(request, "reset_mfa.html", context, title=title)
    services.reset_mfa(user, actor=current_user(request), request=request)
    message = gettext("Done. %(user)s will set up a new second step at the next sign-in.")
    messages.success(request, message % {"user": user})
    return redirect_to_user(user)


@require_POST
def revoke_sessions_view(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_managed_user(request, pk)
    services.revoke_all_sessions(user, actor=current_user(request), request=request)
    messages.success(request, gettext("%(user)s is signed out everywhere.") % {"user": user})
    return redirect("admin:index") if user == current_user(request) else redirect_to_user(user)


def redirect_to_user(user: User) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:staff_user_change", args=[user.pk]))


def get_user_urls() -> list[URLPattern]:
    """Return the URLs that ``StaffUserAdmin`` adds in front of Django's."""

    def wrap(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        return path(route, cast("Callable[..., HttpResponse]", admin.site.admin_view(view)), name=name)

    return [
        wrap("add/", invite_view, "staff_user_add"),
        wrap("<int:pk>/link/", create_link_view, "staff_user_link"),
        wrap("<int:pk>/revoke/", revoke_links_view, "staff_user_revoke"),
        wrap("<int:pk>/reset-factor/", reset_mfa_view, "staff_user_reset_factor"),
        wrap("<int:pk>/sign-out/", revoke_sessions_view, "staff_user_sign_out"),
    ]
