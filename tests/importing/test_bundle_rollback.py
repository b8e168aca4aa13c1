"""Rollback of a refused import: no media are left behind."""

import datetime
import io
from pathlib import Path
from typing import Any

import pytest

from procedures.figures.renditions import find_unused_files
from procedures.importing.bundles import InvalidBundleError, import_bundle, write_bundle
from procedures.models import Figure, Page, Rendition
from tests.factories import make_clinic, make_next, make_page


@pytest.mark.django_db
def test_a_rejected_import_leaves_no_files(settings: Any, tmp_path: Path) -> None:
    make_clinic()
    page, stream = make_page(next_page=make_next()), io.BytesIO()
    write_bundle([page], stream)
    Rendition.objects.all().delete()
    Figure.objects.update(slug="another", image="figures/another.png")
    Page.objects.filter(pk=page.pk).update(kind="about")
    settings.MEDIA_ROOT = tmp_path

    with pytest.raises(InvalidBundleError, match="The kind of a page never changes"):
        import_bundle(stream, actor=None, check=False)

    # Other pages reference only their own files, so a leftover file would be listed as unused.
    assert find_unused_files(older_than=datetime.timedelta(0)) == []
