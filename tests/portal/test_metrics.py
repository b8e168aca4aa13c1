"""``/metrics``: off by default, by token, counts of all processes, no addresses, bounded when the database hangs."""

import datetime
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from django.db import OperationalError
from django.test import Client, override_settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from portal import get_version, health
from portal.accounts.models import PasswordResetRequest
from portal.storage.local_storage import AtomicFileSystemStorage
from procedures.models import Page, ReleaseEvent
from procedures.publishing.site_source import publish_lag
from tests.factories import make_page, make_public
from tests.served_data import ROOT, serve

TOKEN = "a-token-of-prometheus-1"


def read_metrics(text: str) -> dict[str, float]:
    """Return the values by name and labels, as Prometheus' own parser reads them."""
    return {
        sample.name + "".join(f"|{label}={value}" for label, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(token: str = TOKEN) -> Any:
    return Client().get("/metrics", headers={"Authorization": f"Bearer {token}", "host": "10.0.0.11:8000"})


@pytest.mark.django_db
def test_metrics_do_not_exist_until_a_token_is_set() -> None:
    assert scrape().status_code == 404
    with override_settings(METRICS_TOKEN=TOKEN):
        assert Client().get("/metrics").status_code == 401
        refused = scrape("another-token-of-nobody")
        assert refused.status_code == 401 and refused["WWW-Authenticate"].startswith("Bearer")
        response = scrape()
        assert response.status_code == 200 and response["Content-Type"].startswith("text/plain")
        assert response["Cache-Control"] == "no-store"
        assert Client().post("/metrics").status_code == 405


@pytest.mark.django_db
@override_settings(METRICS_TOKEN=TOKEN)
def test_a_media_storage_that_readyz_reports_is_not_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AtomicFileSystemStorage, "describe_problem", lambda storage: "the media folder cannot be used")

    assert "the media folder cannot be used" in Client().get("/readyz").text
    assert read_metrics(scrape().text)["plainspine_media_storage_up"] == 0


@pytest.mark.django_db
@override_settings(METRICS_TOKEN=TOKEN)
def test_the_state_of_the_machine_is_measured() -> None:
    page = make_page()
    make_public(page)
    Page.objects.filter(pk=page.pk).update(
        publish_at=timezone.now() - datetime.timedelta(hours=1), scheduled_revision=page.revisions.first()
    )
    PasswordResetRequest.objects.create(identifier="nina")
    from portal import metrics

    gauges: dict[str, tuple[str, float]] = {}
    metrics.measure(gauges)
    values = {name: value for name, (_text, value) in gauges.items()}

    assert {name: values[name] for name in ("database_up", "media_storage_up", "mail_queue", "audit_queue")} == {
        "database_up": 1, "media_storage_up": 1, "mail_queue": 1, "audit_queue": 0,
    }  # fmt: skip
    assert (values["overdue_pages"], values["public_pages"]) == (1, Page.objects.published().count())
    assert values["disk_free_bytes"] > 0 and values["publish_lag_seconds"] == 0
    documented = set(re.findall(r"`(plainspine_\w+)`", (ROOT / "docs" / "metrics.md").read_text()))
    others = {"plainspine_request_seconds", "plainspine_task_age_seconds", "plainspine_build_info"}
    assert documented == {f"plainspine_{name}" for name in gauges} | others
    alerts = yaml.safe_load((ROOT / "docs" / "examples" / "alerts.yml").read_text())["groups"][0]["rules"]
    assert len(alerts) > 8 and all(rule["annotations"]["summary"] for rule in alerts)
    used = set(re.findall(r"plainspine_\w+", " ".join(rule["expr"] for rule in alerts)))
    assert {name.removesuffix("_count") for name in used} <= documented


@pytest.mark.django_db
@override_settings(METRICS_TOKEN=TOKEN)
def test_the_age_of_the_last_backup_and_the_version_are_shown() -> None:
    health.record_task_success("backup")
    found = read_metrics(scrape().text)

    assert found[f"plainspine_build_info|version={get_version()}"] == 1
    assert found["plainspine_task_age_seconds|task=backup"] < 60


@pytest.mark.django_db
def test_publish_lag_is_the_age_of_the_oldest_change_that_is_not_in_the_files() -> None:
    make_public(make_page())
    newest = ReleaseEvent.objects.latest("pk").pk
    assert publish_lag(f"[{newest}, null, null]") == 0
    assert 0 < publish_lag(f"[{newest - 1}, null, null]") < 60


@override_settings(METRICS_TOKEN=TOKEN)
def test_an_unavailable_database_is_reported_as_a_value_not_an_error() -> None:
    from portal import metrics

    hang = threading.Event()

    def hanging(*_: Any) -> None:
        hang.wait(20)

    with mock.patch.object(metrics, "_measure_database", side_effect=OperationalError):
        assert b"plainspine_database_up 0.0" in metrics.render()
    with (
        mock.patch.object(metrics, "MAX_COLLECT_SECONDS", 0.2),
        mock.patch.object(metrics, "_measure_database", side_effect=hanging),
    ):
        text = metrics.render().decode()
    hang.set()
    assert "plainspine_database_up 0.0" in text and "plainspine_build_info" in text


@pytest.mark.served
def test_the_served_portal_counts_the_requests_of_all_processes(
    own_site_environ: dict[str, str], tmp_path: Path
) -> None:
    with serve({**own_site_environ, "PORTAL_METRICS_TOKEN": TOKEN}, tmp_path / "log") as url:
        for path in ["/kyphoplasty/"] * 40 + ["/search/?q=cement", "/nothing-here/", "/admin/login/", "/media/x.png"]:
            try:
                urllib.request.urlopen(url + path, timeout=20).read()
            except urllib.error.HTTPError as error:
                assert error.code == 404, path
        ask = urllib.request.Request(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        text = urllib.request.urlopen(ask, timeout=20).read().decode()
    found = read_metrics(text)

    count = {
        (kind, status): found.get(f"plainspine_request_seconds_count|kind={kind}|status={status}", 0)
        for kind in ("published", "dynamic", "static", "media", "staff")
        for status in ("2xx", "4xx")
    }
    # Django answers the requests that come before the worker has rendered the page.
    assert count[("published", "2xx")] >= 1
    assert count[("published", "2xx")] + count[("dynamic", "2xx")] == 41
    assert count[("dynamic", "2xx")] >= 1 and count[("dynamic", "4xx")] == 1
    assert count[("staff", "2xx")] == 1 and count[("media", "4xx")] == 1
    assert found["plainspine_public_pages"] > 20
    assert found["plainspine_published_age_seconds"] < 10
    assert found["plainspine_publish_lag_seconds"] == 0
    # Nothing that names a page, a reader, or a machine.
    assert not re.search(r"kyphoplasty|cement|nothing-here|127\.0\.0\.1|localhost|pid", text)
