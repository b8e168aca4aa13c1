"""The headers of a site behind https, by the published rules of Mozilla's HTTP Observatory.

https://github.com/mozilla/http-observatory/blob/main/httpobs/docs/scoring.md (2024-02-27): The score starts at 100 and
can reach 135. Five of those points require the HSTS preload list, which only a domain's owner can request.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.served_data import ROOT

pytestmark = pytest.mark.served

HOST = "learn.example.org"
FETCH_SCRIPT = f"""
import json, django
django.setup()
from django.test import Client
secure = Client(headers={{"X-Forwarded-Proto": "https", "Host": "{HOST}"}})
plain = Client(headers={{"Host": "{HOST}"}})
answers = [secure.get("/healthz"), plain.get("/kyphoplasty/?a=1"), plain.get("/admin/")]
print(json.dumps([[answer.status_code, dict(answer.headers), len(answer.cookies)] for answer in answers]))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, dict[str, str], int]]:
    """Return the status, headers, and cookie count of a page over HTTPS, a page over HTTP, and the admin over HTTP."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environ = {
        **own,
        "PORTAL_DATA_DIR": str(tmp_path_factory.mktemp("score")),
        "PORTAL_PUBLIC_URL": f"https://{HOST}",
        "PORTAL_ALLOWED_HOSTS": HOST,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", FETCH_SCRIPT], env=environ, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [tuple(answer) for answer in json.loads(done.stdout)]


def policy(text: str) -> dict[str, list[str]]:
    """Return the CSP directives with their sources."""
    return {name: sources for name, *sources in (part.split() for part in text.split(";"))}


def test_the_headers_get_the_highest_possible_score(answers: list[tuple[int, dict[str, str], int]]) -> None:
    _, headers, cookies = answers[0]
    rules = policy(headers["Content-Security-Policy"])
    sources = {source for found in rules.values() for source in found}
    points = {
        "csp-implemented-with-no-unsafe-default-src-none": 10
        * (rules["default-src"] == ["'none'"] and sources <= {"'none'", "'self'"}),
        "x-frame-options-implemented-via-csp": 5 * (rules["frame-ancestors"] == ["'none'"]),
        "referrer-policy-private": 5
        * (
            headers["Referrer-Policy"]
            in {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
        ),
        "corp-implemented-with-same-origin": 10 * (headers["Cross-Origin-Resource-Policy"] == "same-origin"),
        "x-content-type-options-nosniff": -5 * (headers["X-Content-Type-Options"] != "nosniff"),
        "cookies-not-found": -20 * (cookies != 0),
        "cross-origin-resource-sharing-not-implemented": -50 * ("Access-Control-Allow-Origin" in headers),
    }
    age = re.match(r"max-age=(\d+)", headers["Strict-Transport-Security"])
    points["hsts-implemented-max-age-at-least-six-months"] = -20 * (age is None or int(age[1]) < 15_768_000)

    assert 100 + sum(points.values()) == 130, points


def test_hsts_applies_for_a_year_and_to_subdomains(answers: list[tuple[int, dict[str, str], int]]) -> None:
    assert answers[0][1]["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_http_redirects_to_https_on_the_same_host_with_the_security_headers(
    answers: list[tuple[int, dict[str, str], int]],
) -> None:
    (status, headers, _), (admin_status, admin, _) = answers[1:]

    assert (status, headers["Location"]) == (301, f"https://{HOST}/kyphoplasty/?a=1")
    assert (admin_status, admin["Location"]) == (301, f"https://{HOST}/admin/")
    assert headers["Content-Security-Policy"] == answers[0][1]["Content-Security-Policy"]


def test_the_csp_sets_the_directives_without_a_fallback(
    answers: list[tuple[int, dict[str, str], int]],
) -> None:
    rules = policy(answers[0][1]["Content-Security-Policy"])

    assert (rules["base-uri"], rules["form-action"], rules["frame-ancestors"]) == (["'none'"], ["'self'"], ["'none'"])
    assert "object-src" not in rules or rules["object-src"] == ["'none'"]


def test_the_example_nginx_configuration_removes_no_header() -> None:
    text = (Path(ROOT) / "docs" / "examples" / "nginx.conf").read_text()

    assert "proxy_hide_header" not in text
    assert "server_tokens off;" in text
