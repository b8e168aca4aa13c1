"""Many public pages without an editorial workflow: pages, revisions, releases, and paths, with 10 kB of HTML each."""

import datetime
import random

from django.utils import timezone

from procedures.models import Page, Path, Release, Revision
from procedures.publishing.publish import hash_release
from procedures.rendering import RENDERER_VERSION
from procedures.sharing.short_codes import generate_code

WORDS = (
    "spine bone balloon cement doctor nurse pain walk rest home call week back small needle picture help safe".split()
)
TEXT = 5_500  # bytes of article; the layout brings a page to about 10 kB


def make_pages(count: int, languages: tuple[str, ...] = ("en",)) -> list[str]:
    """Add pages, and return their paths. The content depends only on the number."""
    codes = iter({generate_code() for _ in range(count * len(languages) * 2)})
    found = []
    for language in languages:
        prefix = "/" if language == "en" else f"/{language}/"
        pages = [
            Page(subject=f"synthetic-{n}", language=language, kind="about", code=next(codes), slug=f"synthetic-{n}",
                 title=f"Page {n}", key_message="A message.", description="A page.", body="")
            for n in range(count)
        ]  # fmt: skip
        Page.objects.bulk_create(pages, batch_size=500)
        revisions = [
            Revision(page=page, number=1, content={"slug": page.slug}, content_hash=f"{page.pk:064}") for page in pages
        ]
        Revision.objects.bulk_create(revisions, batch_size=500)
        releases = [
            _release(page, revision, f"{prefix}{page.slug}/") for page, revision in zip(pages, revisions, strict=True)
        ]
        Release.objects.bulk_create(releases, batch_size=200)
        Path.objects.bulk_create([Path(path=one.path, page=one.page) for one in releases], batch_size=500)
        for page, release in zip(pages, releases, strict=True):
            page.live_release = release
        Page.objects.bulk_update(pages, ["live_release"], batch_size=500)
        found += [release.path for release in releases]
    return found


def _release(page: Page, revision: Revision, path: str) -> Release:
    choose = random.Random(page.slug)
    html, size = [], 0
    while size < TEXT:
        html.append(f"<p>{' '.join(choose.choices(WORDS, k=40))}.</p>")
        size += len(html[-1])
    values = {
        "path": path,
        "title": page.title,
        "key_message": "A message.",
        "description": "A page.",
        "html": "\n".join(html),
    }
    return Release(
        page=page, number=1, revision=revision, **values, sha256=hash_release(Release(**values)), is_starter=True,
        renderer_version=RENDERER_VERSION, published_at=timezone.now(),
        next_review_on=timezone.localdate() + datetime.timedelta(days=365),
    )  # fmt: skip
