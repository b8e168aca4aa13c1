"""``manage.py check_releases``: does the stored HTML still equal what the renderer makes?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from procedures.models import Page
from procedures.publishing.publish import hash_release
from procedures.rendering import RENDERER_VERSION, ReferenceResolver, render_page


class Command(BaseCommand):
    """Renders every live release again and compares. Differences from changed inputs are named as such."""

    help = "Re-render every live release and compare it with what is stored."

    def handle(self, *args: Any, **options: Any) -> None:
        broken, outdated, count = [], [], 0
        libraries: dict[str, ReferenceResolver] = {}
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
            stored = {name: getattr(live, name) for name in ("path", "title", "key_message", "description", "html")}
            if hash_release(**stored) != live.sha256:
                broken.append(f"{live.path}: the stored HTML was changed after publishing")
                continue
            library = libraries.setdefault(page.language, ReferenceResolver(page.language))
            rendered = render_page(
                live.revision.content,
                kind=page.kind,
                resolver=library,
                anchor_renames=live.anchor_renames,
                old_anchors=live.old_anchors,
            )
            before = {(used.kind, used.key): used.fingerprint for used in live.dependencies.all()}
            if before != {(used.kind, used.key): used.fingerprint for used in rendered.dependencies}:
                outdated.append(f"{live.path}: prints something that has changed since; renew it in the admin")
            elif rendered.html != live.html and live.renderer_version == RENDERER_VERSION:
                broken.append(f"{live.path}: renders differently now; raise RENDERER_VERSION or mend the renderer")
        for line in outdated:
            self.stdout.write(f"out of date: {line}")
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write(f"{count} releases checked, {len(outdated)} out of date")
