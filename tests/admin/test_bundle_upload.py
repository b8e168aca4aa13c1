"""An uploaded bundle with values that cannot be stored: the form says what is wrong, and the file is not kept."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.accounts.models import User
from procedures.figures.staging import BUNDLES
from procedures.models import Page
from tests.admin.conftest import PAGES, SignIn
from tests.importing.test_bundles import make_zip

DAMAGED = '"a\\ud800"'
PAGE = """---
subject: {subject}
slug: new
kind: about
title: {title}
key_message: k
description: d
{more}
---
Text.
"""
FIGURE = "provenance: simulated\nimage: {image}\ntext: {{}}\nmarkers: [{{key: a, at: [{x}, 0], target: [0, 0], text: {{}}}}]\n"


def page_file(subject: str = "new", title: str = "New", more: str = "order: 1") -> dict[str, str]:
    return {"pages/en/new.md": PAGE.format(subject=subject, title=title, more=more)}


def figure_file(image: str = "new.png", x: str = "0") -> dict[str, str]:
    return {"figures/new.yaml": FIGURE.format(image=image, x=x)}


UPLOADS = {
    "subject": page_file(subject=DAMAGED),
    "title": page_file(title=DAMAGED),
    "picture": page_file(more=f"lead_figure: {DAMAGED}"),
    "next page": page_file(more=f"next: {{page: {DAMAGED}}}"),
    "code": page_file(more=f"code: {DAMAGED}"),
    "reading list": page_file(more=f"items: [{{page: {DAMAGED}}}]"),
    "name of a field": page_file(more=f"{DAMAGED}: 1"),
    "source": {"sources.yaml": f"- {{key: {DAMAGED}, organisation: o, title: t}}\n"},
    "warning sign": {"warning_signs.yaml": f"- {{key: {DAMAGED}, level: now, text: {{}}}}\n"},
    "series": {"series/en/new.yaml": f"title: t\nitems: [{{figure: {DAMAGED}, heading: h, text: t}}]\n"},
    "image": figure_file(image=DAMAGED),
    "image with NUL": figure_file(image='"a\\0b"'),
    "long number": figure_file(x="9" * 400),
}


@pytest.mark.parametrize("files", UPLOADS.values(), ids=UPLOADS)
def test_a_value_that_cannot_be_stored_is_explained(
    page: Page, manager: User, sign_in: SignIn, files: dict[str, str]
) -> None:
    data = make_zip({name: text.encode() for name, text in files.items()}).read()
    client: Client = sign_in(manager)

    answer = client.post(f"{PAGES}transfer/look/", {"bundle": SimpleUploadedFile("b.zip", data)})

    assert answer.status_code == 400
    (error,) = answer.context["import_form"].errors["bundle"]
    assert "damaged character" in error or "number is too long" in error
    assert error.startswith(f"{next(iter(files))}:")
    assert list(BUNDLES.folder.iterdir()) == []
