"""A staff user for the benchmarks. Import it after ``django.setup()``."""

import time

from django.test import Client

from portal.accounts.models import User
from portal.accounts.sessions import SESSION_STATE_KEY, SessionState


def signed_in(user: User) -> Client:
    """Return a client signed in as ``user``, including the second factor, because sign-in is not measured."""
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    session, now = client.session, time.time()
    session[SESSION_STATE_KEY] = SessionState(started=now, seen=now, complete=True)
    session.save()
    return client
