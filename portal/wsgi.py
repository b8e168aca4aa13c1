"""WSGI application for ``serve`` and any other WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_wsgi_application()

# Imported after Django is set up, because the module reads the settings.
from portal.published.setup import wrap_with_published_pages  # noqa: E402 -- see above

# The bound method, so that the server does not bind it on each request.
application = wrap_with_published_pages(django_application).__call__
