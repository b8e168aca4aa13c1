"""A small content folder with one row of every type, and helpers to change it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from PIL import Image

from procedures.importing.content_folder import load_content_folder
from tests.replay import built_once

FILES = {
    "clinic.yaml": """\
name: Test Spine Clinic
phone: +1 303-555-0100
after_hours_phone: ''
emergency_number: '911'
time_zone: America/Denver
text:
  en:
    hours: Monday to Friday
    about: We are small.
""",
    "locations.yaml": """\
- key: main
  phone: +1 303-555-0100
  address: |-
    1 Street
    Denver
  text:
    en:
      name: Main clinic
      hours: ''
      directions: 'Door 2: ring twice.'
- key: branch
  phone: +1 303-555-0101
  address: 2 Street
  text:
    en:
      name: Branch
      hours: ''
      directions: ''
""",
    "sources.yaml": """\
- key: nice
  organisation: NICE
  title: A guide
  year: 2013
  url: https://example.org/nice
  identifier: TA279
  used_for: Who may be helped.
""",
    "warning_signs.yaml": """\
- key: stroke
  level: emergency
  when: both
  sources: []
  text:
    en:
      text: Your face droops.
      short: A drooping face
    es:
      text: Se le cae la cara.
      short: La cara caída
""",
    "codes.yaml": """\
- system: icd-10-cm
  code: M48.5
  subject: small-cut
  rank: 1
""",
    "glossary/en.yaml": """\
- key: vertebra
  term: vertebra
  aliases:
  - spine bone
  say: VER-tuh-bruh
  definition: A bone of the spine.
""",
    "care/en.yaml": """\
- key: washing
  question: When can I wash?
  answer: After a day.
- key: driving
  question: When can I drive?
  answer: |-
    After a week.
    Ask us first.
""",
    "figures/needle.yaml": """\
kind: fluoroscopy
image: needle.png
drawing: needle.svg
drawing_dark: ''
provenance: simulated
provenance_note: ''
text:
  en:
    title: Needle
    alt: A needle in a bone.
    caption: The needle is in the bone.
    description: ''
markers:
- key: tip
  shape: point
  at: [0.2, 0.2]
  target: [0.5, 0.5]
  size: [0.0, 0.0]
  text:
    en:
      label: Tip
      text: The end of the needle.
""",
    "series/en/stages.yaml": """\
title: In one picture
items:
- figure: needle
  heading: The needle
  text: It goes in.
""",
    "pages/en/small-cut.md": """\
---
subject: small-cut
slug: small-cut
kind: procedure
order: 40
code: 23457Z
title: Small cut
key_message: A small cut helps.
description: What a small cut is.
lead_figure: needle
next:
  page: contact
  label: Where to find us
review_months: 12
---
::: key-points
- It is short.
:::

## What it is {#what-it-is}

A small cut. We look after you. [@nice]

::: care washing driving

::: series stages
""",
    "pages/en/contact.md": """\
---
subject: contact
slug: contact
kind: about
order: 90
code: '234586'
title: Contact
key_message: Call us.
description: Where we are.
lead_figure: ''
review_months: 12
---
## Where we are

We are here. [Small cut](page:small-cut#what-it-is)

::: locations
""",
    "guides/en/first-visit.md": """\
---
subject: first-visit
slug: first-visit
kind: guide
order: 10
code: 2345BM
title: First visit
key_message: Read this first.
description: What to read.
lead_figure: ''
next:
  page: small-cut
  label: ''
review_months: 12
items:
- page: small-cut
  section: what-it-is
  minutes: 5
  note: What it is.
---
## What to bring

Bring your list.
""",
}
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path d="M0 0h10"/></svg>'
# The rows of the folder, as a load report names them.
ROWS = ["care en driving", "care en washing", "clinic clinic", "code icd-10-cm M48.5 small-cut", "figure needle",
        "location branch", "location main", "page en contact", "page en first-visit", "page en small-cut",
        "series en stages", "source nice", "term en vertebra", "warning_sign stroke"]  # fmt: skip

Change = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """Write the folder to ``tmp_path``, and keep the media of each test apart."""
    settings.MEDIA_ROOT = tmp_path / "media"
    root = tmp_path / "content"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    Image.linear_gradient("L").resize((48, 32)).save(root / "figures" / "needle.png", compress_level=4)
    (root / "figures" / "needle.svg").write_text(DRAWING)
    return root


@built_once
def load_folder(folder: Path) -> None:
    """Load the original folder into an empty database."""
    load_content_folder(folder)


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Replace ``old`` with ``new`` in a file of the folder; ``old`` must be in it."""
    file = folder / name
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{name} does not contain {old!r}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def tree(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file in a folder, by relative path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return every row of the app ``procedures``, by model name."""
    return {
        model.__name__: list(model._base_manager.order_by("pk").values())
        for model in apps.get_app_config("procedures").get_models()
    }
