"""Accounts, their sessions and links, what slows guessing, and the log of it all."""

from portal.staff.models.audit import AuditEvent
from portal.staff.models.link import StaffLink
from portal.staff.models.request import PasswordRequest
from portal.staff.models.session import StaffSession
from portal.staff.models.throttle import Throttle
from portal.staff.models.user import User, person_called

__all__ = ["AuditEvent", "PasswordRequest", "StaffLink", "StaffSession", "Throttle", "User", "person_called"]
