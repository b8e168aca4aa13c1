"""The map of the site: staff and machinery first, every other address belongs to the patients' pages."""

from django.contrib import admin
from django.urls import include, path

from portal.serving.health import healthz, readyz
from portal.serving.media import media

urlpatterns = [
    # Before the admin's own, whose sign-in knows no second factor.
    path("admin/", include("portal.staff.urls")),
    path("admin/", admin.site.urls),
    path("media/<path:name>", media),
    path("healthz", healthz),
    path("readyz", readyz),
    path("", include("procedures.urls")),
]

handler400 = "procedures.views.errors.bad_request"
handler403 = "procedures.views.errors.forbidden"
handler404 = "procedures.views.errors.not_found"
handler500 = "procedures.views.errors.server_error"
