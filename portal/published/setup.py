"""Set up the published pages in front of Django, with the settings of this installation."""

import hashlib
from importlib import import_module
from pathlib import Path
from typing import cast

from django.apps import apps
from django.conf import settings

from portal import health
from portal.published.builder import SiteBuilder, SiteSource
from portal.published.files import ResponseFiles
from portal.published.page_views import start_flushing
from portal.published.store import ResponseStore
from portal.published.wsgi import PublishedPages, WSGIApplication
from portal.storage.database_errors import require_existing_database
from portal.storage.media import PUBLIC_FILES

BYTES_PER_MB = 1_000_000


def wrap_with_published_pages(application: WSGIApplication) -> PublishedPages:
    """Wrap a WSGI application, load the stored pages, and start the site builder and the page-view counter."""
    require_existing_database()
    store = ResponseStore(settings.CACHE_MB * BYTES_PER_MB)
    published_pages = PublishedPages(application, store)
    source = cast("SiteSource", import_module(settings.SITE_SOURCE))
    builder = SiteBuilder(published_pages, store, open_response_files(), source, PUBLIC_FILES)
    builder.load()
    builder.start()
    health.site_builder = builder
    start_flushing()
    return published_pages


def open_response_files(public_url: str = "") -> ResponseFiles:
    """Return the page files of this installation. ``public_url``: of the workers, if it differs from this process's."""
    return ResponseFiles(Path(settings.DATA_DIR) / "snapshots", build_fingerprint(public_url or settings.PUBLIC_URL))


def build_fingerprint(public_url: str) -> str:
    """Hash everything but content that affects rendering: code, templates, translations, static files and hosts."""
    digest = hashlib.sha256(f"{public_url} {settings.ALLOWED_HOSTS} {settings.STATIC_URL}".encode())
    own_apps = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).is_relative_to(settings.BASE_DIR)]
    for folder in [*own_apps, settings.TEMPLATES_DIR]:
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".py", ".html", ".mo"}:
                stat = file.stat()
                digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    digest.update(manifest.read_bytes() if manifest.exists() else b"")
    return digest.hexdigest()
