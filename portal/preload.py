"""What every web process imports. ``serve`` imports it once, in the process from which it forks them.

They share this memory until they change it. No module that is imported here may start a thread or connect to anything.
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
# Otherwise the first collection of garbage in each process would write to all of this memory, and so copy it.
gc.collect()
gc.freeze()
