"""WSGI application for ``serve`` and any other WSGI server."""

from django.conf import settings

from portal import MEGABYTE, health, preload
from portal.page_views import start_flushing
from portal.published.files import PublishedFiles
from portal.published.wsgi import PublishedPages, WSGIApplication
from portal.storage.database import limit_connections, require_existing_database

django_application: WSGIApplication = preload.django_application
if settings.METRICS_TOKEN:
    from portal.metrics import count_requests, mark_dynamic

    django_application = mark_dynamic(django_application)
application: WSGIApplication = django_application
# With DEBUG, runserver has no worker process and picks up code changes at once.
if not settings.DEBUG:
    require_existing_database()
    limit_connections()
    health.start_monitoring()
    pages = PublishedPages(django_application, PublishedFiles(settings.DATA_DIR), settings.PAGE_CACHE_MB * MEGABYTE)
    # The bound method, so that the server does not bind it on each request.
    application = pages.__call__
    start_flushing()
if settings.METRICS_TOKEN:
    application = count_requests(application)
