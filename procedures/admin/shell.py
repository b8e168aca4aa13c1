"""Our own screens in the frame of Django's admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse


def screen(
    request: HttpRequest, template: str, context: dict[str, Any], *, title: str, status: int = 200
) -> TemplateResponse:
    """``admin/procedures/<template>.html`` with everything the admin's frame needs."""
    values = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/procedures/{template}.html", values, status=status)
