"""Texts that a page prints from elsewhere: what an approval covers of them, and what has changed, in words.

An approval stores their fingerprints, so that words which only an editor has seen do not go public under the reviewer's
name.
"""

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.models import Approval, ApprovalFingerprint
from procedures.models.page import hash_content
from procedures.rendering import Issue, ReferenceResolver, RenderedPage

# Staff-facing labels of changed dependencies, by ReleaseDependency.kind.
DEPENDENCY_LABELS: dict[str, Promise] = {
    "figure": gettext_lazy("picture %(key)s"),
    "indexed": gettext_lazy("picture %(key)s"),
    "series": gettext_lazy("series %(key)s"),
    "term": gettext_lazy("glossary term %(key)s"),
    "source": gettext_lazy("source %(key)s"),
    "care": gettext_lazy("answer %(key)s"),
    "signs": gettext_lazy("warning signs %(key)s"),
    "page": gettext_lazy("address of the page %(key)s"),
    "title": gettext_lazy("title of the page %(key)s"),
    "list": gettext_lazy("list of %(key)s"),
}
# Clinic values and warning signs have their own confirmation and review. Titles and addresses of other pages, and lists
# of pages and pictures, follow from what is public.
APPROVED_KINDS = frozenset({"figure", "indexed", "series", "term", "source", "care"})
APPROVED_LISTS = frozenset({("list", "terms")})


def describe_changes(changed: Iterable[tuple[str, str]]) -> str:
    """Describe changed dependencies, given as (kind, key), such as “glossary term osteoporosis, answer driving”."""
    return ", ".join(_describe_dependency(kind, key.removesuffix("#")) for kind, key in changed)


def _describe_dependency(kind: str, key: str) -> str:
    label = DEPENDENCY_LABELS.get(kind)
    return (str(label) % {"key": key}).strip() if label else key


def read_fingerprints(rendered: RenderedPage) -> list[list[str]]:
    """Return the kind, key, and fingerprint of each text from elsewhere that an approval covers, sorted."""
    return sorted(
        [dependency.kind, dependency.key, dependency.fingerprint]
        for dependency in rendered.dependencies
        if dependency.kind in APPROVED_KINDS or (dependency.kind, dependency.key) in APPROVED_LISTS
    )


def hash_fingerprints(rendered: RenderedPage) -> str:
    """Return one hash of all texts from elsewhere, by which the review screen says what its reader saw."""
    rows: list[Any] = read_fingerprints(rendered)
    return hash_content(rows)


def find_unapproved_changes(
    approval: Approval, rendered: RenderedPage, resolver: ReferenceResolver
) -> list[tuple[str, str]]:
    """Return the kind and key of each text from elsewhere that is not as the reviewer approved it, sorted.

    ``resolver``: the one that rendered the page. An approval without stored fingerprints covers no such text.
    """
    stored = ApprovalFingerprint.objects.filter(approval=approval).first()
    before = {(kind, key): value for kind, key, value in (stored.dependencies if stored else ())}
    now = {(kind, key): value for kind, key, value in read_fingerprints(rendered)}
    # The approval of the list of warning signs covers its sources.
    signs, _is_starter = resolver.all_warning_signs
    new_sources = {("source", key) for sign in signs for key in sign.sources} - before.keys()
    # Whatever else is missing is an issue of its own.
    removed = {name for name in before.keys() - now.keys() if name[0] == "term"}
    changed = {name for name, value in now.items() if before.get(name) != value}
    return sorted((changed | removed) - new_sources)


def check_approved_texts(approval: Approval, rendered: RenderedPage, resolver: ReferenceResolver) -> list[Issue]:
    """Return an issue that names what has changed since the approval; empty if nothing has."""
    changed = find_unapproved_changes(approval, rendered, resolver)
    return [Issue(0, explain_unapproved_changes(changed))] if changed else []


def explain_unapproved_changes(changed: Iterable[tuple[str, str]]) -> str:
    """Return why a text must be approved again, and what to do."""
    message = _(
        "Since this text was approved, something that it shows has changed: %(changes)s. Ask for approval again: send "
        "the text for review."
    )
    return message % {"changes": describe_changes(changed)}
