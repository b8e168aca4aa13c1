"""The WSGI application that ``serve`` and any other WSGI server run."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_wsgi_application()

# After Django is set up: it reads the settings.
from portal.serving.install import with_snapshots  # noqa: E402 -- see above

# Bound once, not by the server for each request.
application = with_snapshots(django_application).__call__
