"""Puts the snapshots in front of Django, with the settings of this installation."""

import hashlib
from importlib import import_module
from pathlib import Path
from typing import cast

from django.apps import apps
from django.conf import settings

from portal.serving import health
from portal.serving.application import Application, SnapshotApplication
from portal.serving.database import never_make_a_new_file
from portal.serving.keeper import Keeper, Source
from portal.serving.public_files import PUBLIC_FILES
from portal.serving.reads import keep_totals
from portal.serving.shelf import Shelf
from portal.serving.snapshots import Snapshots

MEGABYTE = 1_000_000


def with_snapshots(application: Application) -> SnapshotApplication:
    """The application with snapshots in front, those from disk loaded, and their keeper at work."""
    never_make_a_new_file()
    snapshots = Snapshots(settings.SNAPSHOT_MB * MEGABYTE)
    wrapped = SnapshotApplication(application, snapshots)
    source = cast("Source", import_module(settings.SNAPSHOT_SOURCE))
    keeper = Keeper(wrapped, snapshots, shelf(), source, PUBLIC_FILES)
    keeper.load()
    keeper.start()
    health.keeper = keeper
    keep_totals()
    return wrapped


def shelf(public_url: str = "") -> Shelf:
    """Where this installation stores its snapshots; ``public_url`` where the workers have another than this process."""
    return Shelf(Path(settings.DATA_DIR) / "snapshots", program(public_url or settings.PUBLIC_URL))


def program(public_url: str) -> str:
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
