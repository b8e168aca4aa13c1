"""Permissions of the three roles: editor, reviewer, and manager.

The groups are created and updated from these lists after every ``migrate``.
"""

from typing import Any

from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions

CONTENT_MODELS = (
    "clinicanswer figure figuretext glossaryterm guide guideitem marker markertext page series seriesitem source"
).split()
CLINIC_MODELS = "clinic clinictext clinicalcode location locationtext".split()
AUDIENCE_PERMISSIONS = ["view_feedback", "view_pageview"]
HISTORY_MODELS = "approval externallink release releaseevent revision".split()
# Staff change the list of warning signs only as a whole: one user proposes a list, another one approves it.
WARNING_SIGN_PERMISSIONS = ["view_warningsign", "change_warningsign"]

EDITOR_PERMISSIONS = (
    [f"{verb}_{model}" for model in CONTENT_MODELS for verb in ("add", "change", "view")]
    + [f"delete_{model}" for model in ("figuretext", "guideitem", "marker", "markertext", "seriesitem")]
    + [f"view_{model}" for model in (*CLINIC_MODELS, *HISTORY_MODELS)]
    + [*AUDIENCE_PERMISSIONS, *WARNING_SIGN_PERMISSIONS, "change_feedback", "delete_feedback"]
)
REVIEWER_PERMISSIONS = (
    [f"view_{model}" for model in (*CONTENT_MODELS, *CLINIC_MODELS, *HISTORY_MODELS)]
    + AUDIENCE_PERMISSIONS
    + ["view_warningsign", "approve_page"]
)
MANAGER_PERMISSIONS = [
    *EDITOR_PERMISSIONS,
    *(f"delete_{model}" for model in ("clinicanswer", "figure", "series", "source", "glossaryterm")),
    *(f"{verb}_{model}" for model in CLINIC_MODELS for verb in ("add", "change", "delete")),
    "publish_page",
    *(f"{verb}_user" for verb in ("add", "change", "view")),
    "view_auditevent",
]
ROLE_PERMISSIONS = {"Editor": EDITOR_PERMISSIONS, "Reviewer": REVIEWER_PERMISSIONS, "Manager": MANAGER_PERMISSIONS}


def create_roles(*, using: str, apps: Apps = installed_apps, **_: Any) -> None:
    """Create the groups and set their permissions (a ``post_migrate`` receiver)."""
    labels = ("procedures", "staff")
    for label in labels:
        # Django creates permissions in a receiver of the same signal, which may run after this one.
        create_permissions(installed_apps.get_app_config(label), verbosity=0, apps=apps, using=using)
    group_manager = apps.get_model("auth", "Group").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using).filter(content_type__app_label__in=labels)
    for name, codenames in ROLE_PERMISSIONS.items():
        group, _created = group_manager.get_or_create(name=name)
        group.permissions.set(permissions.filter(codename__in=codenames))
