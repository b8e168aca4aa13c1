"""A database from before allauth's list of sessions and the triggers keeps its accounts and signs people in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import separate_database
from tests.served_data import ROOT

pytestmark = pytest.mark.served

BEFORE = """
import time
from importlib import import_module
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.management import call_command
from django.db import connection
for app in (["staff", "0001"], ["mfa"], ["sessions"], ["procedures", "0002"]):
    call_command("migrate", *app, verbosity=0)
from portal.accounts.adapter import MFAAdapter
from django.contrib.auth.hashers import make_password
from django.db.migrations.executor import MigrationExecutor
from portal.accounts.models import AuditEvent, User
# As it was then: later migrations add columns.
old = MigrationExecutor(connection).loader.project_state([("staff", "0001_initial")]).apps.get_model("staff", "User")
row = old.objects.create(
    username="nina", password=make_password("otter lamp seventeen quilt"), is_staff=True, is_superuser=True
)
nina = User(pk=row.pk, username=row.username, password=row.password)
Authenticator.objects.create(user=nina, type="totp", data={"secret": MFAAdapter().encrypt("SECRET")})
AuditEvent.objects.create(kind="logged_in", user=nina)
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(nina.pk), settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = nina.get_session_auth_hash()
session["staff"] = {"row": 1, "started": time.time(), "seen": time.time(), "complete": True}
session.save()
with connection.cursor() as cursor:
    cursor.execute(
        "INSERT INTO staff_staffsession (user_id, session_key, device, started_at, last_seen_at) "
        "VALUES (%s, %s, 'Firefox', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)", [nina.pk, session.session_key]
    )
print(session.session_key)
"""
AFTER = """
import sys
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.test import Client
call_command("migrate", verbosity=0)
from portal.accounts.adapter import MFAAdapter
from portal.accounts.models import User
nina = User.objects.get()
print(nina.check_password("otter lamp seventeen quilt"))
print(MFAAdapter().decrypt(Authenticator.objects.get(user=nina).data["secret"]))
from django.conf import settings
client = Client(headers={"host": "127.0.0.1"})
client.cookies[settings.SESSION_COOKIE_NAME] = sys.argv[1]
print(client.get("/admin/session/").json()["signed_in"], "staff_staffsession" in connection.introspection.table_names())
try:
    connection.cursor().execute("DELETE FROM staff_auditevent")
except IntegrityError as error:
    print(error)
"""


def run(code: str, environ: dict[str, str], *arguments: str) -> list[str]:
    """Run code in the portal and return the lines that it prints."""
    program = f"import django\ndjango.setup()\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_accounts_factors_and_sessions_survive_the_upgrade(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environ |= {"PORTAL_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    with separate_database(environ):
        (session_key,) = run(BEFORE, environ)
        password, secret, session, refused = run(AFTER, environ, session_key)[:4]

    assert (password, secret) == ("True", "SECRET")
    assert session == "True False"
    assert "rows of staff_auditevent are never changed or deleted" in refused
