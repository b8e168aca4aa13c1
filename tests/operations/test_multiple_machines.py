"""Two machines behind the example nginx with one PostgreSQL database and one bucket."""

import gzip
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest

from portal.security import SECURITY_HEADERS
from tests.conftest import ServedSite, separate_database
from tests.operations.s3 import KEYS
from tests.served_data import ROOT, free_port, wait_until_ready
from tests.views.client import fetch

pytestmark = [pytest.mark.served, pytest.mark.database]

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
COMMON, EXAMPLE, FILES_FIRST = (
    ROOT / "docs" / "examples" / name for name in ("nginx-common.conf", "nginx.conf", "nginx-files-first.conf")
)
NAME = "learn.example.org"
PICTURE = "figures/00000000000000ab-480.webp"
PUBLISH = f"""
import time
from portal.accounts.models import User
from procedures.enums import Decision
from procedures.figures.renditions import store_file
from procedures.models import Page
from procedures.revisions.drafts import save_revision
from procedures.publishing.publish import publish
from procedures.publishing.review import record_decision, submit_for_review
store_file("{PICTURE}", b"from the first machine")
writer, doctor = (User.objects.create(username=name, is_staff=True) for name in ("w.clinic", "d.clinic"))
page = Page.objects.get(subject="kyphoplasty", language="en")
page.body += "\\n\\nThis was told on the first machine.\\n"
page.save()
revision = save_revision(page, author=writer)
submit_for_review(revision, actor=writer)
record_decision(revision, reviewer=doctor, decision=Decision.APPROVED)
publish(revision, actor=doctor)
print(time.time())
"""


@dataclass(frozen=True)
class Pair:
    """Two running portals and their environments."""

    urls: tuple[str, str]
    environs: tuple[dict[str, str], dict[str, str]]
    processes: tuple[subprocess.Popen[str], subprocess.Popen[str]]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, s3_address: str) -> Iterator[Pair]:
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("several machines need PostgreSQL: set DATABASE_URL")
    folder = tmp_path_factory.mktemp("machines")
    given = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    shared = {
        **given, **KEYS,
        "PORTAL_SECRET_KEY": "k" * 60, "PORTAL_PUBLIC_URL": f"https://{NAME}",
        "PORTAL_ALLOWED_HOSTS": f"{NAME},127.0.0.1",
        "PORTAL_S3_BUCKET": "pictures", "PORTAL_S3_ENDPOINT": s3_address, "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    with separate_database(shared), ExitStack() as stack:
        urls, environs, processes = [], [], []
        for name in ("first", "second"):
            environ = {**shared, "PORTAL_DATA_DIR": str(folder / name)}
            port = free_port()
            log = folder / f"{name}.log"
            with log.open("w") as stream:
                process = subprocess.Popen(
                    [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port), "--workers", "1"],
                    stdout=stream, stderr=subprocess.STDOUT, text=True, env=environ, cwd=ROOT,
                )  # fmt: skip
            stack.callback(process.wait, 30)
            stack.callback(process.send_signal, signal.SIGTERM)
            wait_until_ready(f"http://127.0.0.1:{port}", process, log)
            urls.append(f"http://127.0.0.1:{port}")
            environs.append(environ)
            processes.append(process)
        yield Pair((urls[0], urls[1]), (environs[0], environs[1]), (processes[0], processes[1]))


def read(url: str, path: str) -> tuple[int, bytes]:
    answer = fetch(url, path, headers={"Host": NAME, "X-Forwarded-Proto": "https"})
    return answer.status, answer.body


class PagePoller(threading.Thread):
    """Polls a page of one machine, and records when a text first appears."""

    def __init__(self, url: str, path: str, text: bytes) -> None:
        super().__init__(daemon=True)
        self.url, self.path, self.text = url, path, text
        self.seen, self.statuses, self.stop = 0.0, set[int](), threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.02):
            status, body = read(self.url, self.path)
            self.statuses.add(status)
            if self.text in body:
                self.seen = time.time()
                return


def test_a_publication_on_one_machine_appears_on_the_other_within_a_second(pair: Pair) -> None:
    watch = PagePoller(pair.urls[1], "/kyphoplasty/", b"This was told on the first machine.")
    watch.start()

    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", PUBLISH],
        env=pair.environs[0], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    watch.join(timeout=10)
    watch.stop.set()

    assert done.returncode == 0, done.stderr
    published = float(done.stdout.split()[-1])
    assert watch.seen, "never seen on the second machine"
    assert watch.seen - published < 1
    assert watch.statuses == {200}
    # Both machines use the same bucket; a file that no page shows is not public.
    address = re.findall(r"/media/[\w./-]+", read(pair.urls[1], "/kyphoplasty/")[1].decode())[0]
    assert read(pair.urls[1], address)[0] == 200
    assert read(pair.urls[1], f"/media/{PICTURE}")[0] == 404
    for environ in pair.environs:
        assert not (Path(environ["PORTAL_DATA_DIR"]) / "media").exists()
        assert not (Path(environ["PORTAL_DATA_DIR"]) / "portal.sqlite3").exists()


def test_a_bucket_and_a_database_are_backed_up_and_restored(pair: Pair, tmp_path: Path, s3_address: str) -> None:
    file = tmp_path / "both.tar"
    request = urllib.request.Request(f"{s3_address}/restored", method="PUT")
    urllib.request.urlopen(request, timeout=5).close()
    fresh = {**pair.environs[0], "PORTAL_DATA_DIR": str(tmp_path / "fresh"), "PORTAL_S3_BUCKET": "restored"}
    fresh["DATABASE_URL"] = os.environ["DATABASE_URL"]
    keys = {"aws_access_key_id": "tester", "aws_secret_access_key": "only-for-tests", "region_name": "us-east-1"}
    bucket = boto3.client("s3", endpoint_url=s3_address, **keys)
    bucket.put_object(Bucket=pair.environs[0]["PORTAL_S3_BUCKET"], Key=PICTURE, Body=b"from the first machine")
    with separate_database(fresh):
        for environ, command in ((pair.environs[0], "backup"), (fresh, "restore")):
            done = subprocess.run(
                [sys.executable, str(ROOT / "manage.py"), command, str(file)],
                env=environ, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        assert "none broken" in done.stdout
        stored = bucket.get_object(Bucket="restored", Key=PICTURE)
        assert stored["Body"].read() == b"from the first machine"


@contextmanager
def nginx(
    folder: Path, urls: tuple[str, str], public: Path | None = None, *, files_first: bool = False
) -> Iterator[tuple[int, ssl.SSLContext]]:
    """Run nginx with the example configuration, but this machine's ports, certificate, and folders."""
    assert NGINX
    tls, plain = free_port(), free_port()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(folder / "key"), "-out", str(folder / "cert")],
        check=True, capture_output=True,
    )  # fmt: skip
    # A test machine may have no IPv6.
    text = "".join(
        line
        for line in (COMMON.read_text() + EXAMPLE.read_text()).splitlines(keepends=True)
        if "listen [::]" not in line
    )
    if files_first:
        start, end = text.index("    location / {"), text.index("    # Searches, answers")
        text = text[:start] + FILES_FIRST.read_text() + text[end:]
    for old, new in {
        "listen 443": f"listen 127.0.0.1:{tls}",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "10.0.0.11:8000": urls[0].removeprefix("http://"),
        "10.0.0.12:8000": urls[1].removeprefix("http://"),
        "/etc/ssl/learn.example.org.pem": str(folder / "cert"),
        "/etc/ssl/private/learn.example.org.key": str(folder / "key"),
        "/var/lib/nginx": str(folder),
        "/var/log/nginx": str(folder),
        "/var/lib/plainspine/public": str(public or folder / "no-files"),
        "/var/lib/plainspine;": f"{public.parent if public else folder / 'no-files'};",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "site.conf").write_text(text)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}"
        f" http {{ {temporary} include {folder}/site.conf; }}"
    )
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    context = ssl.create_default_context(cafile=str(folder / "cert"))
    context.check_hostname = False
    try:
        for _ in range(100):
            try:
                visit(tls, context, "/healthz")
                break
            except OSError:
                time.sleep(0.05)
        yield tls, context
    finally:
        process.terminate()
        process.wait(timeout=10)


def visit(port: int, context: ssl.SSLContext, path: str, **options: object) -> tuple[int, dict[str, str], bytes]:
    """Send a request through nginx with the name on its certificate."""
    import http.client

    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sock = context.wrap_socket(raw, server_hostname=NAME)
    body = options.get("body")
    assert body is None or isinstance(body, bytes)
    connection.request(str(options.get("method", "GET")), path, body, {"Host": NAME})
    response = connection.getresponse()
    answer = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    connection.close()
    return answer


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_readers_behind_the_example_nginx_notice_nothing_when_a_machine_stops(pair: Pair, tmp_path: Path) -> None:
    pages = ["/", "/kyphoplasty/", "/es/", "/pictures/"]
    with nginx(tmp_path, pair.urls) as (port, context):
        first = [visit(port, context, path) for path in pages * 2]
        style = re.search(rb'href="(/static/[^"]+\.css)"', first[0][2])
        assert style
        sheet = visit(port, context, style[1].decode())
        too_much = visit(port, context, "/search/", method="POST", body=bytes(70_000))
        entrance = visit(port, context, "/admin/")

        pair.processes[0].send_signal(signal.SIGTERM)
        pair.processes[0].wait(timeout=30)
        rest = [visit(port, context, path)[0] for path in pages * 10]

        pair.processes[1].send_signal(signal.SIGTERM)
        pair.processes[1].wait(timeout=30)
        kept, closed = visit(port, context, style[1].decode()), visit(port, context, "/")

    assert [status for status, _, _ in first] == [200] * len(first)
    assert all(headers["strict-transport-security"].startswith("max-age=31536000") for _, headers, _ in first)
    assert (sheet[0], too_much[0]) == (200, 413)
    assert entrance[1]["location"].startswith("/"), "no redirect leaves the site or its TLS"
    assert rest == [200] * len(rest)
    assert kept[0] == 200, "static files come from nginx's own cache"
    assert (closed[0], closed[1]["retry-after"]) == (503, "10")
    log = (tmp_path / "plainspine.log").read_text() + (tmp_path / "plainspine.error.log").read_text()
    assert "kyphoplasty" not in log
    assert "127.0.0.1" not in log


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_the_example_nginx_is_valid(tmp_path: Path) -> None:
    with nginx(tmp_path, ("http://127.0.0.1:9", "http://127.0.0.1:10")) as (port, context):
        status, headers, body = visit(port, context, "/kyphoplasty/")

    assert (status, body) == (503, b"The site is restarting. Please try again in ten seconds.\n")
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


class HealthyMachine(BaseHTTPRequestHandler):
    """Answers every request."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_the_example_nginx_takes_a_frozen_machine_out_of_rotation(tmp_path: Path) -> None:
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), HealthyMachine) as healthy,
        # The kernel accepts its connections, and nobody answers them.
        closing(socket.create_server(("127.0.0.1", 0))) as frozen,
    ):
        threading.Thread(target=healthy.serve_forever, daemon=True).start()
        urls = (f"http://127.0.0.1:{frozen.getsockname()[1]}", f"http://127.0.0.1:{healthy.server_port}")
        times: dict[str, list[float]] = {"/kyphoplasty/": [], "/media/figures/a.webp": [], "/search/?q=pain": []}
        with nginx(tmp_path, urls) as (port, context):
            for path, took in times.items():
                for _ in range(12):
                    begun = time.monotonic()
                    assert visit(port, context, path)[0] == 200
                    took.append(time.monotonic() - begun)
        healthy.shutdown()

    # At most two in each of the two upstreams.
    assert sum(one > 2 for took in times.values() for one in took) <= 4, times


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_while_the_portal_is_down_the_example_nginx_serves_every_published_page(
    served_site: ServedSite, tmp_path: Path
) -> None:
    public = served_site.data_dir / "public"
    until = time.monotonic() + 300
    while "Compressed all public pages" not in served_site.log.read_text():
        assert time.monotonic() < until
        time.sleep(0.5)
    addresses = [f"/{file.parent.relative_to(public)}/".replace("/./", "/") for file in public.rglob("index.html")]
    with nginx(tmp_path, ("http://127.0.0.1:9", "http://127.0.0.1:10"), public) as (port, context):
        answers = {path: visit(port, context, path) for path in addresses}
        plain = visit(port, context, "/kyphoplasty/plain.txt")
        sitemap = visit(port, context, "/sitemap.xml")
        files = {
            path.decode(): visit(port, context, path.decode())
            for path in re.findall(rb'(?:href|src)="(/static/[^"]+)"', answers["/kyphoplasty/"][2])
        }
        secret = [visit(port, context, path)[0] for path in ("/static/../secret-key", "/static/%2e%2e/secret-key")]
        others = [visit(port, context, path)[0] for path in ("/search/?q=pain", "/kyphoplasty", "/nowhere/", "/admin/")]

    assert len(addresses) > 50
    assert {path: answer[0] for path, answer in answers.items() if answer[0] != 200} == {}
    assert {answer[1]["content-type"] for answer in answers.values()} == {"text/html; charset=utf-8"}
    for path, (_, headers, body) in answers.items():
        assert body == (public / path[1:] / "index.html").read_bytes()
        assert {name: headers.get(name.lower()) for name in SECURITY_HEADERS} == SECURITY_HEADERS, path
        assert headers["cache-control"] == "no-cache"
    assert (plain[0], plain[1]["content-type"]) == (200, "text/plain; charset=utf-8")
    assert (sitemap[0], sitemap[1]["content-type"]) == (200, "application/xml; charset=utf-8")
    assert others == [503] * 4
    assert {path for path, (status, _, _) in files.items() if status != 200} == set()
    kinds = {path.rpartition(".")[2]: headers["content-type"] for path, (_, headers, _) in files.items()}
    assert kinds == {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert all(headers["x-content-type-options"] == "nosniff" for _, headers, _ in files.values())
    assert not {200} & set(secret)


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_serves_files_first_and_asks_the_portal_for_everything_else(
    served_site: ServedSite, tmp_path: Path
) -> None:
    public = tmp_path / "public"
    (public / "kyphoplasty").mkdir(parents=True)
    (public / "p").mkdir()
    for name in ("kyphoplasty/index.html", "p/index.html"):
        (public / name).write_text("from the file")
    (public / "kyphoplasty" / "index.html.gz").write_bytes(gzip.compress(b"from the file"))
    urls = (served_site.url, served_site.url)
    with nginx(tmp_path, urls, public, files_first=True) as (port, context):
        page = visit(port, context, "/kyphoplasty/?utm_source=mail")
        # The portal does not know the name on the certificate.
        others = [
            visit(port, context, path)[0] for path in ("/kyphoplasty", "/p/?code=x", "/kyphoplasty/index.html", "/es/")
        ]

    assert (page[0], page[2], page[1]["content-type"]) == (200, b"from the file", "text/html; charset=utf-8")
    assert {name: page[1].get(name.lower()) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert others == [400] * 4


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_example_units_are_valid(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for file in sorted((ROOT / "docs" / "examples").glob("portal*")):
        text = file.read_text().replace("/srv/plainspine/.venv/bin/python", str(program))
        (tmp_path / file.name).write_text(text.replace("User=plainspine", "User=root"))

    units = sorted(str(path) for path in tmp_path.glob("portal*"))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", *units], capture_output=True, text=True, check=False
    )

    ours = [line for line in checked.stderr.splitlines() if "portal" in line]
    assert (ours, len(units)) == ([], 6)
