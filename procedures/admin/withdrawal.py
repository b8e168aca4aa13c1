"""Taking a page from the public: asks why, and what to read instead."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from procedures.admin.base import get_staff_user, render_admin
from procedures.admin.edit_page import get_change_url
from procedures.models import ClinicalCode, Page
from procedures.publishing.publish import PublishError, withdraw
from procedures.publishing.usage import IncomingLink, find_incoming_links
from procedures.validators import validate_no_sign_advice

MAX_CODES_SHOWN = 20


@dataclass(frozen=True)
class WithdrawalImpact:
    """Pages that stay public when a page is withdrawn and lead to it or belong to it, and its clinical codes."""

    incoming_links: list[tuple[IncomingLink, str]]
    translations: list[tuple[Page, str]]
    redirecting_pages: list[Page]
    codes: list[str]

    @property
    def warnings(self) -> list[str]:
        """One sentence for each kind, for the message after withdrawing."""
        count = len(self.incoming_links)
        sentences = [f"{count} public page{' still links' if count == 1 else 's still link'} to it."] if count else []
        return sentences + [
            f"Its translation “{page.title}” ({page.get_language_display()}) is still public."
            for page, _ in self.translations
        ]


def get_withdrawal_impact(page: Page) -> WithdrawalImpact:
    """Find what remains. Five queries."""
    translations = Page.objects.published().filter(subject=page.subject).exclude(pk=page.pk).order_by("language")
    codes = ClinicalCode.objects.filter(subject=page.subject)
    return WithdrawalImpact(
        [(link, get_change_url(link.page)) for link in find_incoming_links(page)],
        [(one, reverse("admin:procedures_page_withdraw", args=[one.pk])) for one in translations],
        list(page.replaces.order_by("title")),
        [str(code) for code in codes[:MAX_CODES_SHOWN]],
    )


class WithdrawalForm(forms.Form):
    """Why, and what instead."""

    reason = forms.CharField(
        max_length=240,
        help_text="One sentence. Patients who follow an old link read it.",
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
    )
    replaced_by = forms.ModelChoiceField(
        label="read instead",
        queryset=Page.objects.none(),
        required=False,
        help_text="A public page that takes its place, if there is one.",
    )

    def __init__(self, *args: Any, page: Page, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = page.language
        choice = self.fields["replaced_by"]
        choice.queryset = (  # type: ignore[attr-defined]
            Page.objects.published().in_language(page.language).exclude(pk=page.pk).order_by("title")
        )

    def clean_reason(self) -> str:
        """Refuse warning signs in the reason."""
        reason: str = self.cleaned_data["reason"]
        validate_no_sign_advice(self.language, reason)
        return reason


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.publish_page", raise_exception=True)
def withdraw_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """The confirmation page, and the withdrawal. 400 for what is typed, 409 for what the rules refuse."""
    page = get_object_or_404(Page.objects.select_related("live_release"), pk=page_id)
    form, status = WithdrawalForm(request.POST or None, page=page), 200
    if request.method == "POST":
        status = _handle_withdrawal(request, page, form)
        if status == 200:
            messages.success(request, f"“{page.title}” is no longer public. Its old links say why.")
            if sentences := get_withdrawal_impact(page).warnings:
                link = format_html('<a href="{}">See them</a>', request.path)
                messages.warning(request, format_html("{} {}", " ".join(sentences), link))
            return HttpResponseRedirect(get_change_url(page))
    context = {"page": page, "form": form, "change_url": get_change_url(page), "impact": get_withdrawal_impact(page)}
    return render_admin(request, "page/withdraw", context, title=f"Withdraw: {page.title}", status=status)


def _handle_withdrawal(request: HttpRequest, page: Page, form: WithdrawalForm) -> int:
    if not form.is_valid():
        return 400
    if page.live_release is None and page.withdrawn_reason == form.cleaned_data["reason"].strip():
        # A double click: already withdrawn.
        return 200
    try:
        withdraw(page, actor=get_staff_user(request), **form.cleaned_data)
    except PublishError as error:
        for problem in error.issues:
            form.add_error(None, problem.message)
        return 409
    return 200
