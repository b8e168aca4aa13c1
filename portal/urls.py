"""URL configuration: admin, media, icons, and health checks; all other paths belong to the public pages."""

from django.urls import URLResolver, include, path
from django.urls.resolvers import RoutePattern

from portal.health import healthz, metrics, readyz
from portal.storage.media import serve_media
from portal.storage.static_files import ICONS, serve_icon

urlpatterns = [
    # include() would import the URLconf immediately; without it, a process that serves only the public uses a third
    # less memory.
    URLResolver(RoutePattern("admin/components/"), "procedures.admin.components"),
    URLResolver(RoutePattern("admin/"), "portal.accounts.urls"),
    path("media/<path:name>", serve_media),
    *(path(name, serve_icon, {"name": name}) for name in ICONS),
    path("apple-touch-icon-precomposed.png", serve_icon, {"name": "apple-touch-icon.png"}),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("", include("procedures.urls")),
]

handler400 = "procedures.views.errors.bad_request"
handler403 = "procedures.views.errors.forbidden"
handler404 = "procedures.views.errors.not_found"
handler500 = "procedures.views.errors.server_error"
