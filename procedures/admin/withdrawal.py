"""Taking a page from the public: asks why, and what to read instead."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from procedures.admin.base import staff
from procedures.admin.desk import change_address
from procedures.admin.shell import screen
from procedures.models import Page
from procedures.publishing.publish import PublishRefusedError, withdraw


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
        choice = self.fields["replaced_by"]
        choice.queryset = (  # type: ignore[attr-defined]
            Page.objects.published().in_language(page.language).exclude(pk=page.pk).order_by("title")
        )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.publish_page", raise_exception=True)
def withdrawal(request: HttpRequest, page_id: int) -> HttpResponse:
    """The confirmation page, and the withdrawal. 400 for what is typed, 409 for what the rules refuse."""
    page = get_object_or_404(Page.objects.select_related("live_release"), pk=page_id)
    form, status = WithdrawalForm(request.POST or None, page=page), 200
    if request.method == "POST":
        status = _withdraw(request, page, form)
        if status == 200:
            messages.success(request, f"“{page.title}” is no longer public. Its old links say why.")
            return HttpResponseRedirect(change_address(page))
    context = {"page": page, "form": form, "back": change_address(page)}
    return screen(request, "page/withdraw", context, title=f"Withdraw: {page.title}", status=status)


def _withdraw(request: HttpRequest, page: Page, form: WithdrawalForm) -> int:
    if not form.is_valid():
        return 400
    if page.live_release is None and page.withdrawn_reason == form.cleaned_data["reason"].strip():
        # A double click: it is done.
        return 200
    try:
        withdraw(page, actor=staff(request), **form.cleaned_data)
    except PublishRefusedError as error:
        for problem in error.problems:
            form.add_error(None, problem.sentence)
        return 409
    return 200
