"""Addresses of the workflow's screens, below those of the pages."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from procedures.admin import compare, page_history, review, schedule, transfer, translation, versions, withdrawal

View = Callable[..., Any]


def workflow_urls(guarded: Callable[[View], View]) -> list[URLPattern]:
    """All of them; ``guarded`` is the admin's own door. Each view asks for its permission besides."""
    screens: list[tuple[str, View, str]] = [
        ("<int:page_id>/review/", review.review, "page_review"),
        ("<int:page_id>/publish/", schedule.publishing, "page_publish"),
        ("<int:page_id>/withdraw/", withdrawal.withdrawal, "page_withdraw"),
        ("<int:page_id>/versions/", page_history.versions, "page_versions"),
        ("<int:page_id>/compare/", compare.comparison, "page_compare"),
        ("<int:page_id>/restore/", page_history.bring_back, "page_restore"),
        ("<int:page_id>/reading/", page_history.reading, "page_reading"),
        ("<int:page_id>/translation/", translation.translation, "page_translation"),
        ("revisions/<int:revision_id>/", versions.revision, "revision_page"),
        ("releases/<int:release_id>/", versions.release, "release_page"),
        ("planned/", schedule.planned, "page_planned"),
        ("transfer/", transfer.transfer, "page_transfer"),
        ("transfer/bundle.zip", transfer.bundle, "page_bundle"),
        ("transfer/look/", transfer.look, "page_transfer_look"),
        ("transfer/picture/<str:token>/<str:sha256>.png", transfer.bundle_picture, "page_bundle_picture"),
    ]
    return [path(address, guarded(view), name=f"procedures_{name}") for address, view, name in screens]
