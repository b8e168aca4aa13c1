"""Audit events that leave the portal: JSON lines, RFC 5424 over each transport, CSV, retention."""

import csv
import datetime
import io
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import override_settings
from django.utils import timezone

from portal import audit
from portal.accounts import services
from portal.accounts.models import AuditEvent, AuditPosition, User, keyed_hash
from portal.append_only import AppendOnlyError
from portal.logging import AuditTarget, parse_audit_targets
from procedures.models import ReleaseEvent
from tests.accounts.conftest import add_totp, logged_in_client, make_member
from tests.factories import make_page, make_public

pytestmark = pytest.mark.django_db
KIND = AuditEvent.Kind
RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<host>\S+) plainspine (?P<pid>\d+) "
    r"(?P<msgid>[!-~]{1,32}) - (?P<msg>\{.*\})\Z"
)


@pytest.fixture(autouse=True)
def _no_visibility_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL, events wait until all earlier ones are visible; in tests, they already are."""
    monkeypatch.setattr(audit, "POSTGRESQL_VISIBILITY_DELAY_SECONDS", -1)


def forward(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Forward to standard output; return the events."""
    with override_settings(AUDIT_TARGETS=[AuditTarget("stdout")]):
        audit.forward_new_events()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def event(number: int = 0, **values: str) -> dict[str, str]:
    """One event as it is sent."""
    time = f"2026-11-29T08:00:{number:02}.000+00:00"
    empty = dict.fromkeys(audit.FIELDS, "")
    return {**empty, "time": time, "event": "logged_in", "outcome": "success", "detail": "é" * number, **values}


def test_only_new_events_are_forwarded_and_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    nina = make_member()
    audit.record(KIND.LOGGED_IN, user=nina, actor=nina)
    assert forward(capsys) == [], "what happened before forwarding was turned on"

    audit.record(KIND.LOGIN_FAILED, user=nina, detail="reauthentication")
    page = make_page()
    make_public(page)
    sent = forward(capsys)

    first = sent[0]
    assert list(first) == list(audit.FIELDS)
    assert datetime.datetime.fromisoformat(first["time"]).utcoffset() == datetime.timedelta()
    assert {name: value for name, value in first.items() if value and name not in {"time", "id"}} == {
        "category": "sign_in", "event": "login_failed", "outcome": "failure", "account": "nina", "detail": "reauthentication",
    }  # fmt: skip
    published = sent[-1]
    page.refresh_from_db()
    assert (published["category"], published["event"]) == ("content", "published")
    assert published["page"] == f"{page.subject}/{page.language}"
    assert published["release"] == page.live_release.number
    assert {entry["id"] for entry in sent} == {f"sign_in/{AuditEvent.objects.latest('pk').pk}"} | {
        f"content/{row.pk}" for row in ReleaseEvent.objects.all()
    }
    assert forward(capsys) == []


def test_reasons_names_and_addresses_are_not_forwarded(capsys: pytest.CaptureFixture[str]) -> None:
    forward(capsys)
    page = make_page()
    make_public(page)
    nina = make_member(last_name="Okafor", email="nina@example.org")
    ReleaseEvent.objects.create(page=page, kind="withdrawn", actor=nina, reason="Mr. Smith of 12 Main St. complained")
    logged_in_client(nina)

    text = json.dumps(forward(capsys))
    assert '"withdrawn"' in text and '"nina"' in text
    for secret in ("Smith", "Okafor", "example.org", "127.0.0.1", page.title):
        assert secret not in text, secret


def test_an_event_has_a_keyed_hash_instead_of_an_address_and_no_anonymous_actor(rf: Any) -> None:
    request = rf.get("/", REMOTE_ADDR="192.0.2.9")
    audit.record(KIND.LOGIN_FAILED, user=None, actor=AnonymousUser(), request=request, detail="x" * 201)

    event = AuditEvent.objects.get()
    assert (event.actor, event.origin, event.detail) == (None, keyed_hash("origin", "192.0.2.9")[:12], "x" * 200)
    assert audit.origin_hash(None) == ""
    audit.record(KIND.LOGGED_IN, user=None, actor=make_member())
    sent = [audit.SignInEvents().to_record(row) for row in AuditEvent.objects.order_by("pk")]
    assert [(one["outcome"], one["actor"], one["account"]) for one in sent] == [
        ("failure", "", ""),
        ("success", "nina", ""),
    ]


def test_an_event_is_sent_again_until_every_target_accepts_it(capsys: pytest.CaptureFixture[str]) -> None:
    forward(capsys)
    nina = make_member()
    audit.record(KIND.LOGGED_IN, user=nina, actor=nina)
    with (
        override_settings(AUDIT_TARGETS=[AuditTarget("stdout"), AuditTarget("syslog+tcp", "127.0.0.1", 9)]),
        pytest.raises(OSError, match="refused"),
    ):
        audit.forward_new_events()
    capsys.readouterr()
    with override_settings(AUDIT_TARGETS=[AuditTarget("stdout")]):
        assert audit.count_unforwarded() == 1
    assert [entry["event"] for entry in forward(capsys)] == ["logged_in"]


def test_only_one_machine_forwards_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    forward(capsys)
    audit.record(KIND.LOGGED_OUT, user=None)
    rows = AuditPosition.objects.filter(source="sign_in")
    rows.update(leased_until=timezone.now() + datetime.timedelta(seconds=30))
    assert forward(capsys) == []

    rows.update(leased_until=timezone.now() - datetime.timedelta(seconds=1))
    assert len(forward(capsys)) == 1, "a machine that died does not stop the others for good"


# Transports


def test_a_later_row_with_an_earlier_time_does_not_hide_the_row_before_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forward(capsys)
    monkeypatch.setattr(audit, "POSTGRESQL_VISIBILITY_DELAY_SECONDS", 20)
    monkeypatch.setattr(audit, "connection", mock.Mock(vendor="postgresql"))
    for seconds in (0, 40):
        moment = timezone.now() - datetime.timedelta(seconds=seconds)
        AuditEvent.objects.create(kind=KIND.LOGGED_OUT, created_at=moment)
    assert forward(capsys) == []

    monkeypatch.setattr(audit, "POSTGRESQL_VISIBILITY_DELAY_SECONDS", -1)
    assert len(forward(capsys)) == 2


def test_a_machine_whose_lease_has_expired_does_not_move_the_position() -> None:
    source = audit.SignInEvents()
    audit._forward(source)
    audit.record(KIND.LOGGED_OUT, user=None)
    rows = AuditPosition.objects.filter(source="sign_in")
    before = rows.get().last_id
    other_lease = timezone.now() + datetime.timedelta(seconds=90)

    def take_over(_records: object) -> None:
        rows.update(leased_until=other_lease)

    with override_settings(AUDIT_TARGETS=[mock.Mock(send=take_over)]):
        audit._forward(source)

    assert (rows.get().last_id, rows.get().leased_until) == (before, other_lease)


def check_message(message: bytes, sent: dict[str, str]) -> None:
    found = RFC5424.fullmatch(message.decode("ascii"))
    assert found, message
    assert json.loads(found["msg"]) == sent
    assert found["msgid"] == sent["event"]
    assert found["pri"] == ("108" if sent["outcome"] == "failure" else "110")
    assert found["time"] == sent["time"].replace("+00:00", "Z")


EVENTS = [event(1), event(2, event="login_failed", outcome="failure"), event(40)]


def test_events_arrive_over_udp_as_one_datagram_each() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        AuditTarget("syslog+udp", "127.0.0.1", server.getsockname()[1]).send(EVENTS)
        for sent in EVENTS:
            check_message(server.recv(8192), sent)


def test_events_arrive_over_a_unix_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log"))
        server.settimeout(5)
        AuditTarget("syslog+unix", path=str(tmp_path / "log")).send(EVENTS)
        for sent in EVENTS:
            check_message(server.recv(8192), sent)


def receive_stream(server: socket.socket, wrap: Any = lambda connection: connection) -> list[bytes]:
    """Accept one connection and split what it sends by the lengths of RFC 6587."""
    connection, _ = server.accept()
    with wrap(connection) as stream:
        data = b""
        while chunk := stream.recv(65536):
            data += chunk
    messages = []
    while data:
        length, _, data = data.partition(b" ")
        messages.append(data[: int(length)])
        data = data[int(length) :]
    return messages


@pytest.fixture
def tcp_server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


def collect(server: socket.socket, target: AuditTarget, **options: Any) -> list[bytes]:
    received: list[bytes] = []
    thread = threading.Thread(target=lambda: received.extend(receive_stream(server, **options)))
    thread.start()
    target.send(EVENTS)
    thread.join(5)
    return received


def test_events_arrive_over_tcp_with_their_lengths(tcp_server: socket.socket) -> None:
    received = collect(tcp_server, AuditTarget("syslog+tcp", "127.0.0.1", tcp_server.getsockname()[1]))
    assert len(received) == len(EVENTS)
    for message, sent in zip(received, EVENTS, strict=True):
        check_message(message, sent)


def test_events_go_over_tls_only_to_a_trusted_collector(
    tcp_server: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=collector",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key", "-out", tmp_path / "crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    target = AuditTarget("syslog+tls", "localhost", tcp_server.getsockname()[1])

    def wrap(connection: socket.socket) -> Any:
        return context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=True)

    def refuse() -> None:
        connection, _ = tcp_server.accept()
        with pytest.raises(ssl.SSLError), connection:
            wrap(connection)

    thread = threading.Thread(target=refuse)
    thread.start()
    with pytest.raises(ssl.SSLCertVerificationError):
        target.send(EVENTS)
    thread.join(5)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "crt"))
    received = collect(tcp_server, target, wrap=wrap)
    for message, sent in zip(received, EVENTS, strict=True):
        check_message(message, sent)


def test_targets_are_parsed() -> None:
    assert parse_audit_targets("stdout, syslog+udp://log.example.org,syslog+unix:///dev/log") == [
        AuditTarget("stdout"),
        AuditTarget("syslog+udp", "log.example.org", 514),
        AuditTarget("syslog+unix", path="/dev/log"),
    ]
    assert parse_audit_targets("syslog+tls://[::1]:7000/")[0] == AuditTarget("syslog+tls", "::1", 7000)


# Export


def export(*arguments: str) -> str:
    out = io.StringIO()
    call_command("export_audit", *arguments, stdout=out)
    return out.getvalue()


def test_an_export_includes_the_last_day() -> None:
    nina = make_member("nina-")
    for day in (1, 2, 3, 4):
        AuditEvent.objects.create(
            kind=KIND.LOGGED_IN, user=nina, actor=nina, detail="=HYPERLINK(1)",
            created_at=datetime.datetime(2026, 3, day, 23, 59, 59, tzinfo=datetime.UTC),
        )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(export("--from", "2026-03-02", "--to", "2026-03-03"))))

    assert [row["time"][:10] for row in rows] == ["2026-03-02", "2026-03-03"]
    assert list(rows[0]) == list(audit.FIELDS)
    assert rows[0]["detail"] == "'=HYPERLINK(1)", "a spreadsheet must not run it"
    lines = export("--from", "2026-03-02", "--to", "2026-03-03", "--format", "json").splitlines()
    assert [json.loads(line)["detail"] for line in lines] == ["=HYPERLINK(1)"] * 2
    assert len(export("--from", "2026-03-04", "--to", "9999-12-31", "--format", "json").splitlines()) == 1


def test_no_cell_of_an_export_is_run_as_a_formula() -> None:
    details = ["\n=1", " =1", "\u00a0+1", "\ufeff@1", "＝1", "－1"]
    stream = io.StringIO()

    audit.write_csv([event(detail=detail) for detail in details], stream)

    rows = csv.DictReader(io.StringIO(stream.getvalue(), newline=""))
    assert [row["detail"] for row in rows] == [f"'{detail}" for detail in details]


def test_an_export_never_replaces_a_file_and_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    assert export("--from", "2026-03-02", "--to", "2026-03-02", "--output", str(file)) == f"{file}: 0 events\n"
    assert file.read_bytes().startswith(b"time,id,category,")
    for arguments, message in [
        (
            ("--from", "2026-03-02", "--to", "2026-03-02", "--output", str(file)),
            "already exists. Choose a new file name.",
        ),
        (
            ("--from", "2026-03-02", "--to", "2026-03-02", "--output", str(tmp_path / "missing" / "events.csv")),
            "could not be written. The folder does not exist. Create it first.",
        ),
        (("--from", "2026-03-02", "--to", "2026-03-01"), "--to is before --from. Swap them."),
        (("--from", "1 March", "--to", "2026-03-01"), "1 March is not a valid date. Use the format 2026-01-31."),
    ]:
        with pytest.raises(CommandError, match=re.escape(message)):
            export(*arguments)


# Retention


def close(user: User, days_ago: int) -> None:
    """Deactivate an account as a manager does, some days ago."""
    user.is_active = False
    user.save()
    services.record_user_changes(user, was_active=True, previous_roles=services.role_names(user), actor=None)
    User.objects.filter(pk=user.pk).update(deactivated_at=timezone.now() - datetime.timedelta(days=days_ago))


def test_a_closed_account_loses_its_personal_data_and_keeps_its_authorship(settings: Any) -> None:
    nina = make_member(email="nina@example.org", last_name="Okafor")
    add_totp(nina)
    page = make_page()
    make_public(page)
    ReleaseEvent.objects.create(page=page, kind="approved", actor=nina)
    close(nina, settings.CLOSED_ACCOUNT_DAYS + 1)

    assert services.purge()[0] == 1
    nina.refresh_from_db()
    assert (nina.username, nina.email, str(nina)) == (f"closed-{nina.pk}", "", "Nina Okafor")
    assert not nina.has_usable_password() and not nina.authenticator_set.exists() and not nina.groups.exists()
    assert str(ReleaseEvent.objects.get(actor=nina).actor) == "Nina Okafor"
    assert AuditEvent.objects.latest("pk").kind == KIND.PURGED
    assert services.purge()[0] == 0, "accounts are purged only once"
    make_member("nina")  # the name is free again


def test_a_purged_account_without_a_name_is_named_after_its_username(settings: Any) -> None:
    user = make_member("rosa")
    User.objects.filter(pk=user.pk).update(first_name="", last_name="")
    user.refresh_from_db()
    close(user, settings.CLOSED_ACCOUNT_DAYS + 1)
    services.purge()

    assert str(User.objects.get()) == "rosa"


def test_the_retention_period_starts_on_deactivation_and_stops_on_reactivation(settings: Any) -> None:
    nina = make_member()
    close(nina, settings.CLOSED_ACCOUNT_DAYS - 1)
    other = make_member("other")
    User.objects.filter(pk=other.pk).update(is_active=False)  # not by a manager, so no time is on record
    assert services.purge()[0] == 0
    assert User.objects.get(pk=other.pk).deactivated_at is not None

    nina.refresh_from_db()
    nina.is_active = True
    nina.save()
    services.record_user_changes(nina, was_active=False, previous_roles=services.role_names(nina), actor=None)
    nina.refresh_from_db()
    assert nina.deactivated_at is None


def test_old_sign_in_events_are_deleted_and_the_others_stay_protected(settings: Any) -> None:
    now = timezone.now()
    nina = make_member()
    for days in (settings.SIGN_IN_LOG_DAYS + 2, settings.SIGN_IN_LOG_DAYS - 2, 0):
        AuditEvent.objects.create(kind=KIND.LOGGED_IN, user=nina, created_at=now - datetime.timedelta(days=days))

    assert services.purge()[1] == 1
    assert AuditEvent.objects.filter(kind=KIND.LOGGED_IN).count() == 2
    assert AuditEvent.objects.latest("pk").detail.startswith("1 sign-in events before ")
    assert services.purge()[1] == 0
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.all().delete()
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM staff_auditevent")


def test_the_command_reports_what_it_deleted(settings: Any) -> None:
    close(make_member(), settings.CLOSED_ACCOUNT_DAYS + 1)
    out = io.StringIO()
    call_command("enforce_retention", stdout=out)
    assert out.getvalue() == "closed accounts: 1, sign-in events: 0\n"
