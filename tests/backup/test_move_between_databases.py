"""A site moves from SQLite to PostgreSQL and back with everything: a backup is restored on either database."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres, postgres_server, requires_postgres
from tests.served_data import ROOT

pytestmark = [requires_postgres, pytest.mark.served, pytest.mark.slow]

CREATE_CONTENT = """
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import Group
from portal.accounts.models import AuditEvent, User
from portal.secret_key import record_key_fingerprint
from procedures.enums import Decision
from procedures.models import Page
from procedures.publishing.publish import publish
from procedures.publishing.review import record_decision, submit_for_review
from procedures.revisions.drafts import save_revision

record_key_fingerprint()
writer, doctor = (User.objects.create_user(name, password="correct horse battery " + name, is_staff=True)
                  for name in ("w.clinic", "d.clinic"))
doctor.groups.add(Group.objects.get(name="Reviewer"))
TOTP.activate(doctor, "JBSWY3DPEHPK3PXP")
page = Page.objects.get(subject="kyphoplasty", language="en")
page.body += "\\n\\nWritten before the move: “quotes”, é, and 中.\\n"
page.save()
revision = save_revision(page, author=writer)
submit_for_review(revision, actor=writer)
record_decision(revision, reviewer=doctor, decision=Decision.APPROVED)
publish(revision, actor=doctor)
"""
READ_CONTENT = """
import json
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, connection, transaction
from django.test import Client
from portal.accounts.adapter import decrypt_strictly
from portal.accounts.models import User
from portal.secret_key import key_matches_database
from procedures.models import Approval, Page

doctor = User.objects.get(username="d.clinic")
page = Page.objects.get(subject="kyphoplasty", language="en")
client = Client(HTTP_HOST="127.0.0.1")
codes = dict(Page.objects.exclude(code="").values_list("code", "subject"))
try:
    with transaction.atomic():
        connection.cursor().execute("DELETE FROM procedures_release")
except IntegrityError as error:
    refused = str(error).splitlines()[0]
with transaction.atomic():
    # Sequences were reset: new rows get unused primary keys.
    User.objects.create_user("new")
    transaction.set_rollback(True)
print(json.dumps({
    "vendor": connection.vendor,
    "password": doctor.check_password("correct horse battery d.clinic"),
    "groups": list(doctor.groups.values_list("name", flat=True)),
    "secret": decrypt_strictly(Authenticator.objects.get(user=doctor, type="totp").data["secret"]),
    "approvals": Approval.objects.filter(revision__page=page).count(),
    "revisions": page.revisions.count(),
    "codes": sorted(codes),
    "code works": [client.get(f"/p/{code}").status_code for code in sorted(codes)][:3],
    "key": key_matches_database(),
    "deletion": refused,
}))
"""


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


def manage(environ: dict[str, str], *arguments: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL"))}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**own, **environ}, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_content(environ: dict[str, str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(manage(environ, "shell", "-v", "0", "-c", READ_CONTENT).splitlines()[-1])
    return found


def rows(backup: Path) -> bytes:
    with tarfile.open(backup) as tar:
        stream = tar.extractfile("database.jsonl")
        assert stream
        return stream.read()


def test_a_site_moves_to_postgresql_and_back_with_its_history_accounts_and_codes(
    postgres: Postgres, own_site_environ: dict[str, str], tmp_path: Path
) -> None:
    places = {
        "sqlite": {"PORTAL_DATA_DIR": own_site_environ["PORTAL_DATA_DIR"]},
        "postgresql": {
            "PORTAL_DATA_DIR": str(tmp_path / "second"), "DATABASE_URL": postgres.create_database("moved"),
        },
        "sqlite again": {"PORTAL_DATA_DIR": str(tmp_path / "third")},
    }  # fmt: skip
    first = places["sqlite"]
    manage(first, "shell", "-v", "0", "-c", CREATE_CONTENT)
    seen, backups = {"sqlite": read_content(first)}, {}
    for (name, source), (target_name, target) in zip(list(places.items())[:-1], list(places.items())[1:], strict=True):
        backups[name] = tmp_path / f"{name}.tar"
        manage(source, "backup", str(backups[name]))
        said = manage(target, "restore", str(backups[name]))
        assert "none broken" in said
        seen[target_name] = read_content(target)
    backups["sqlite again"] = tmp_path / "again.tar"
    manage(places["sqlite again"], "backup", str(backups["sqlite again"]))

    assert [found.pop("vendor") for found in seen.values()] == ["sqlite", "postgresql", "sqlite"]
    assert seen["postgresql"] == seen["sqlite"]
    assert seen["sqlite again"] == seen["sqlite"]
    assert seen["sqlite"]["secret"] == "JBSWY3DPEHPK3PXP"
    assert seen["sqlite"]["approvals"] == 1
    assert seen["sqlite"]["key"] is True
    assert seen["sqlite"]["codes"]
    dumps = {name: rows(file) for name, file in backups.items()}
    assert dumps["postgresql"] == dumps["sqlite"]
    assert dumps["sqlite again"] == dumps["sqlite"]
    assert seen["sqlite"]["deletion"] == "rows of procedures_release are never changed or deleted"
