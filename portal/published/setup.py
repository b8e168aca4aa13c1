"""Puts the snapshots in front of Django, with the settings of this installation."""

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
from portal.storage.public_files import PUBLIC_FILES

MEGABYTE_BYTES = 1_000_000


def wrap_with_published_pages(application: WSGIApplication) -> PublishedPages:
    """The application with snapshots in front, those from disk loaded, and their keeper at work."""
    require_existing_database()
    snapshots = ResponseStore(settings.CACHE_MB * MEGABYTE_BYTES)
    wrapped = PublishedPages(application, snapshots)
    source = cast("SiteSource", import_module(settings.SITE_SOURCE))
    keeper = SiteBuilder(wrapped, snapshots, open_response_files(), source, PUBLIC_FILES)
    keeper.load()
    keeper.start()
    health.site_builder = keeper
    start_flushing()
    return wrapped


def open_response_files(public_url: str = "") -> ResponseFiles:
    """Where this installation stores its snapshots; ``public_url`` where the workers have another than this process."""
    return ResponseFiles(Path(settings.DATA_DIR) / "snapshots", build_fingerprint(public_url or settings.PUBLIC_URL))


def build_fingerprint(public_url: str) -> str:
    """Changes with whatever else makes the same release look different: code, templates, static files, addresses."""
    digest = hashlib.sha256(f"{public_url} {settings.ALLOWED_HOSTS} {settings.STATIC_URL}".encode())
    ours = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).is_relative_to(settings.BASE_DIR)]
    for folder in [*ours, settings.TEMPLATES_DIR]:
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".py", ".html", ".mo"}:
                stat = file.stat()
                digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    digest.update(manifest.read_bytes() if manifest.exists() else b"")
    return digest.hexdigest()
