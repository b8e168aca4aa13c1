"""The roles of staff. Their permissions are in procedures/roles.py.

Imported while Django's settings load, so nothing here may import models.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Role:
    """A role: the name of its group, its description for managers, and the variable with its single sign-on groups."""

    name: str
    description: str | Promise
    variable: str


# The most powerful role comes last.
ROLES = (
    Role("Reviewer", _("Reviewer: approves pages"), "PORTAL_SSO_REVIEWER_GROUPS"),
    Role("Editor", _("Editor: writes drafts"), "PORTAL_SSO_EDITOR_GROUPS"),
    Role("Manager", _("Manager: publishes pages and manages people"), "PORTAL_SSO_MANAGER_GROUPS"),
)
