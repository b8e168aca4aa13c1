"""The map of the site: staff and machinery first, every other address belongs to the patients' pages."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("procedures.urls")),
]
