"""Mail to staff: short, plain, never with anything about a patient."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage

from portal.accounts.models import User
from portal.env import DUMMY_EMAIL_BACKEND

logger = logging.getLogger(__name__)
SECURITY_NOTICE = "\n\nIf this was not you, tell a manager of the site today: they can close the account in a moment.\n"


def is_configured() -> bool:
    """Whether ``PORTAL_EMAIL_URL`` names a server."""
    return settings.EMAIL_BACKEND != DUMMY_EMAIL_BACKEND


def send(user: User, subject: str, body: str) -> bool:
    """Whether the mail server took it. A failure is logged without the address, and stops nothing."""
    if not is_configured() or not user.email:
        return False
    try:
        return EmailMessage(f"Plainspine: {subject}", body, to=[user.email]).send() == 1
    except (OSError, SMTPException) as error:
        logger.error("mail to account %s was not sent: %s", user.pk, type(error).__name__)  # noqa: TRY400 -- no trace
        return False


def notify(user: User, event: str) -> None:
    """Tell somebody that something about their account changed."""
    send(user, event, f"Hello {user},\n\nthis happened with your account “{user.username}”: {event}.{SECURITY_NOTICE}")
