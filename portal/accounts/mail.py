"""Email to staff: plain text that never contains patient information."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from portal import PRODUCT_NAME
from portal.accounts.models import User
from portal.env import DUMMY_EMAIL_BACKEND

logger = logging.getLogger(__name__)


def is_configured() -> bool:
    """Return whether ``PORTAL_EMAIL_URL`` names a server."""
    return settings.EMAIL_BACKEND != DUMMY_EMAIL_BACKEND


def send(user: User, subject: str, body: str, *, address: str = "") -> bool:
    """Send a message to ``user``, or to their earlier ``address``; return whether the server accepted it.

    Never raises for a mail failure; logs it without the email address.
    """
    address = address or user.email
    if not is_configured() or not address:
        return False
    try:
        return EmailMessage(f"{PRODUCT_NAME}: {subject}", body, to=[address]).send() == 1
    except (OSError, SMTPException) as error:
        logger.error("Email to account %s was not sent: %s", user.pk, type(error).__name__)  # noqa: TRY400 -- no trace
        return False


def notify(user: User, event: str, *, address: str = "") -> None:
    """Tell ``user`` about a change to their account. ``event`` is a phrase such as "Password changed".

    ``address`` replaces the user's email address: their earlier one, when the change is a new one.
    """
    body = _(
        "Hello %(user)s,\n\nThere was a change to your account “%(username)s”:\n\n%(event)s\n\n"
        "If this was not you, tell a site manager today. They can deactivate the account right away.\n"
    )
    send(user, event, body % {"user": user, "username": user.username, "event": event}, address=address)
