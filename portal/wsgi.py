"""The WSGI application that ``serve`` and any other WSGI server run."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_wsgi_application()

# After Django is set up: it reads the settings.
from portal.published.setup import wrap_with_published_pages  # noqa: E402 -- see above

# Bound once, not by the server for each request.
application = wrap_with_published_pages(django_application).__call__
