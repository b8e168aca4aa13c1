"""The screen that withdraws a page: it asks for a reason and a replacement, and lists what depends on the page."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from procedures.admin.base import get_change_url, get_staff_user, render_admin
from procedures.models import ClinicalCode, Page
from procedures.publishing.checks import IncomingLink, find_incoming_links
from procedures.publishing.publish import PublishError, withdraw
from procedures.validators import validate_no_sign_advice

MAX_CODES_SHOWN = 20


@dataclass(frozen=True)
class WithdrawalImpact:
    """Public pages that link to a page or translate it, withdrawn pages that redirect to it, and its clinical codes."""

    incoming_links: list[tuple[IncomingLink, str]]
    translations: list[tuple[Page, str]]
    redirecting_pages: list[Page]
    codes: list[str]

    @property
    def warnings(self) -> list[str]:
        """Sentences about what is still public, for the message after the withdrawal."""
        count = len(self.incoming_links)
        message = ngettext(
            "%(count)s public page still links to it.", "%(count)s public pages still link to it.", count
        )
        sentences = [message % {"count": count}] if count else []
        return sentences + [
            _("Its translation “%(title)s” (%(language)s) is still public.")
            % {"title": page.title, "language": page.get_language_display()}
            for page, _url in self.translations
        ]


def get_withdrawal_impact(page: Page) -> WithdrawalImpact:
    """Find what depends on the page, in five queries."""
    translations = Page.objects.published().filter(subject=page.subject).exclude(pk=page.pk).order_by("language")
    codes = ClinicalCode.objects.filter(subject=page.subject)
    return WithdrawalImpact(
        [(link, get_change_url(link.page)) for link in find_incoming_links(page)],
        [(other, reverse("admin:procedures_page_withdraw", args=[other.pk])) for other in translations],
        list(page.replaces.order_by("title")),
        [str(code) for code in codes[:MAX_CODES_SHOWN]],
    )


class WithdrawalForm(forms.Form):
    """The reason, which patients read at the old address, and an optional replacement."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=240,
        help_text=gettext_lazy("One sentence. Patients who follow an old link read it."),
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
    )
    replaced_by = forms.ModelChoiceField(
        label=gettext_lazy("read instead"),
        queryset=Page.objects.none(),
        required=False,
        help_text=gettext_lazy("A public page that takes its place, if there is one."),
    )

    def __init__(self, *args: Any, page: Page, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = page.language
        choice = self.fields["replaced_by"]
        choice.queryset = (  # type: ignore[attr-defined]
            Page.objects.published().in_language(page.language).exclude(pk=page.pk).order_by("title")
        )

    def clean_reason(self) -> str:
        """Refuse warning signs, which come only from their own list."""
        reason: str = self.cleaned_data["reason"]
        validate_no_sign_advice(self.language, reason)
        return reason


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.publish_page", raise_exception=True)
def withdraw_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Ask for confirmation, and withdraw the page. 400 for invalid input, 409 for a page that cannot be withdrawn."""
    page = get_object_or_404(Page.objects.select_related("live_release"), pk=page_id)
    form, status = WithdrawalForm(request.POST or None, page=page), 200
    if request.method == "POST":
        status = _handle_withdrawal(request, page, form)
        if status == 200:
            message = _("“%(title)s” is no longer public. Its old links say why.")
            messages.success(request, message % {"title": page.title})
            if sentences := get_withdrawal_impact(page).warnings:
                link = format_html('<a href="{}">{}</a>', request.path, _("See them"))
                messages.warning(request, format_html("{} {}", " ".join(sentences), link))
            return HttpResponseRedirect(get_change_url(page))
    context = {"page": page, "form": form, "change_url": get_change_url(page), "impact": get_withdrawal_impact(page)}
    title = _("Withdraw: %(title)s") % {"title": page.title}
    return render_admin(request, "page/withdraw", context, title=title, status=status)


def _handle_withdrawal(request: HttpRequest, page: Page, form: WithdrawalForm) -> int:
    """Withdraw the page if the form is valid. Return the status. Errors are added to the form."""
    if not form.is_valid():
        return 400
    if page.live_release is None and page.withdrawn_reason == form.cleaned_data["reason"].strip():
        return 200  # a double-click: already withdrawn for this reason
    try:
        withdraw(page, actor=get_staff_user(request), **form.cleaned_data)
    except PublishError as error:
        for issue in error.issues:
            form.add_error(None, issue.message)
        return 409
    return 200
