"""What managers press on a person's page: a link, its end, a lost phone, signing somebody out."""

from collections.abc import Callable
from typing import cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods, require_POST

from portal.staff import factors, links, people
from portal.staff.forms import InviteForm
from portal.staff.models import User
from portal.staff.views.account import person
from portal.staff.views.frame import fresh, show


def may_manage(actor: User, user: User | None) -> bool:
    """Managers care for everybody but superusers; superusers for all."""
    return actor.has_perm("staff.change_user") and (user is None or not user.is_superuser or actor.is_superuser)


def managed(request: HttpRequest, pk: int) -> User:
    """The person, if the one who asks may manage them. 403 and 404 come from here."""
    user = User.objects.filter(pk=pk).first()
    if not may_manage(person(request), user):
        raise PermissionDenied
    if user is None:
        raise Http404
    return user


@fresh
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Name, role, and the link: by mail where there is an address, and always to copy."""
    if not person(request).has_perm("staff.add_user"):
        raise PermissionDenied
    form = InviteForm(request.POST) if request.method == "POST" else InviteForm()
    if not (form.is_bound and form.is_valid()):
        return show(request, "invite.html", {"form": form}, title="Invite somebody")
    user = form.save(commit=False)
    address = people.invite(user, form.cleaned_data["roles"], actor=person(request), request=request)
    return link_page(request, user, address)


def link_page(request: HttpRequest, user: User, address: str) -> HttpResponse:
    """The link, shown once: only its hash is kept."""
    context = {"person": user, "address": address, "sent": links.send_link(user, address)}
    return show(request, "link.html", context, title=f"A link for {user}")


@fresh
@require_POST
def new_link(request: HttpRequest, pk: int) -> HttpResponse:
    """An invitation again, or the way to a new password."""
    user = managed(request, pk)
    if not user.is_active:
        messages.error(request, "This account is closed. Open it first.")
        return back_to(user)
    return link_page(request, user, links.make_link(user, actor=person(request), request=request))


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End the open links."""
    user = managed(request, pk)
    if links.revoke_links(user, actor=person(request), request=request):
        messages.success(request, "The link no longer works.")
    else:
        messages.info(request, "There was no open link.")
    return back_to(user)


@fresh
@require_http_methods(["GET", "HEAD", "POST"])
def reset_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first; then remove the second factor of somebody who lost it."""
    user = managed(request, pk)
    if user == person(request):
        messages.error(request, "For your own account use “Your account”, or ask another manager.")
        return back_to(user)
    if request.method != "POST":
        context = {"person": user, "has_factor": factors.has_factor(user)}
        return show(request, "reset_factor.html", context, title=f"Second factor of {user}")
    people.reset_factor(user, actor=person(request), request=request)
    messages.success(request, f"Done. {user} sets up a new second factor at the next sign-in.")
    return back_to(user)


@require_POST
def sign_out_person(request: HttpRequest, pk: int) -> HttpResponse:
    """End all sessions of somebody."""
    user = managed(request, pk)
    people.sign_out_everywhere(user, actor=person(request), request=request)
    messages.success(request, f"{user} is signed out everywhere.")
    return redirect("admin:index") if user == person(request) else back_to(user)


def back_to(user: User) -> HttpResponseRedirect:
    """The person's page."""
    return HttpResponseRedirect(reverse("admin:staff_user_change", args=[user.pk]))


def urls() -> list[URLPattern]:
    """For the admin of people, before its own."""

    def own(address: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        return path(address, cast("Callable[..., HttpResponse]", admin.site.admin_view(view)), name=name)

    return [
        own("add/", invite, "staff_user_add"),
        own("<int:pk>/link/", new_link, "staff_user_link"),
        own("<int:pk>/revoke/", revoke, "staff_user_revoke"),
        own("<int:pk>/reset-factor/", reset_factor, "staff_user_reset_factor"),
        own("<int:pk>/sign-out/", sign_out_person, "staff_user_sign_out"),
    ]
