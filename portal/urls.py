"""The map of the site: staff and machinery first, every other address belongs to the patients' pages."""

from django.urls import URLResolver, include, path
from django.urls.resolvers import RoutePattern

from portal.serving.health import healthz, readyz
from portal.serving.media import media
from portal.serving.static import ICONS, icon

urlpatterns = [
    # By name, as include() would load it now: a process that serves patients only is a third smaller without it.
    URLResolver(RoutePattern("admin/"), "portal.staff.urls"),
    path("media/<path:name>", media),
    *(path(name, icon, {"name": name}) for name in ICONS),
    path("apple-touch-icon-precomposed.png", icon, {"name": "apple-touch-icon.png"}),
    path("healthz", healthz),
    path("readyz", readyz),
    path("", include("procedures.urls")),
]

handler400 = "procedures.views.errors.bad_request"
handler403 = "procedures.views.errors.forbidden"
handler404 = "procedures.views.errors.not_found"
handler500 = "procedures.views.errors.server_error"
