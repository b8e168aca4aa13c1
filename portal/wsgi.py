"""WSGI application for ``serve`` and any other WSGI server."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_wsgi_application()

# Imported after Django is set up, because the modules read the settings.
from portal import health  # noqa: E402 -- see above
from portal.page_views import start_flushing  # noqa: E402 -- see above
from portal.published.files import PublishedFiles  # noqa: E402 -- see above
from portal.published.wsgi import PublishedPages, WSGIApplication  # noqa: E402 -- see above
from portal.storage.database_errors import require_existing_database  # noqa: E402 -- see above

application: WSGIApplication = django_application
# Under DEBUG, runserver has no worker process, and shows every change of the code at once.
if not settings.DEBUG:
    require_existing_database()
    health.start_monitoring()
    pages = PublishedPages(django_application, PublishedFiles(settings.DATA_DIR), settings.CACHE_MB * 1_000_000)
    # The bound method, so that the server does not bind it on each request.
    application = pages.__call__
    start_flushing()
