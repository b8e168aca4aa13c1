"""Modules preloaded in the fork server, so that all web processes share their memory (copy-on-write).

Nothing imported here may start a thread or open a connection.
"""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import URLResolver, get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_wsgi_application()


def _import_url_patterns(resolver: URLResolver) -> None:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            _import_url_patterns(pattern)


_import_url_patterns(get_resolver())
# Otherwise, the first garbage collection in each process would write to all of this memory and so copy it.
gc.collect()
gc.freeze()
