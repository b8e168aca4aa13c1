"""``manage.py check_releases``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from procedures.models import Page
from procedures.publishing.publish import changed_dependencies, hash_release
from procedures.rendering import RENDERER_VERSION, ReferenceResolver, render_page


class Command(BaseCommand):
    """Render every live release again and compare the result with the stored HTML.

    Fail if the stored HTML was changed, or if the renderer changed without a new RENDERER_VERSION. A release whose
    dependencies have changed since it was published is only listed as out of date.
    """

    help = "Render every live release again and compare the result with the stored HTML."

    def handle(self, *args: Any, **options: Any) -> None:
        broken, stale, count = [], [], 0
        resolvers: dict[str, ReferenceResolver] = {}
        pages = (
            Page.objects.published()
            .select_related("live_release__revision")
            .prefetch_related("live_release__dependencies")
        )
        for page in pages:
            live = page.live_release
            if live is None:
                continue
            count += 1
            if hash_release(live) != live.sha256:
                broken.append(f"{live.path}: the stored HTML was changed after it was published")
                continue
            resolver = resolvers.setdefault(page.language, ReferenceResolver(page.language))
            rendered = render_page(
                live.revision.content,
                kind=page.kind,
                resolver=resolver,
                anchor_renames=live.anchor_renames,
                old_anchors=live.old_anchors,
            )
            if changed_dependencies(live, rendered):
                stale.append(f"{live.path}: a value on the page has changed; update the page in the admin")
            elif rendered.html == live.html and rendered.document.to_json() == live.document:
                continue
            elif live.renderer_version == RENDERER_VERSION and rendered.html == live.html:
                broken.append(f"{live.path}: the stored tree does not match its HTML")
            elif live.renderer_version == RENDERER_VERSION:
                broken.append(f"{live.path}: renders differently now; bump RENDERER_VERSION or fix the renderer")
            else:
                stale.append(f"{live.path}: rendered by an older version; run load_content to render it again")
        for line in stale:
            self.stdout.write(f"out of date: {line}")
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write(f"{count} releases checked, {len(stale)} out of date")
