"""An import that is refused leaves nothing behind, in the database or in the folder of the pictures."""

import datetime
import io
from pathlib import Path
from typing import Any

import pytest

from procedures.figures.unused_files import find_unused_files
from procedures.importing.bundle_export import write_bundle
from procedures.importing.bundle_import import InvalidBundleError, import_bundle
from procedures.models import Figure, Page, Rendition
from tests.factories import make_clinic, make_next, make_page


@pytest.mark.django_db
def test_a_refused_import_leaves_no_picture(settings: Any, tmp_path: Path) -> None:
    make_clinic()
    page, stream = make_page(next_page=make_next()), io.BytesIO()
    write_bundle([page], stream)
    Rendition.objects.all().delete()
    Figure.objects.update(slug="another", image="figures/another.png")
    Page.objects.filter(pk=page.pk).update(kind="about")
    settings.MEDIA_ROOT = tmp_path

    with pytest.raises(InvalidBundleError, match="Its kind never changes"):
        import_bundle(stream, actor=None, check=False)

    # Named by the release of another page are its own files only.
    assert find_unused_files(older_than=datetime.timedelta(0)) == []
