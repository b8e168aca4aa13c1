"""The way of a read: a snapshot, or Django once and then a snapshot.

What may be kept is asked of Django with a request of our own that holds nothing of the reader's but the path and the
encoding. So no header, host, cookie or query of one reader can find its way into what the next one gets.
"""

import io
import sys
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import monotonic
from typing import Any, NamedTuple

from django.conf import settings

from portal.serving.bodies import MAX_HEADER, wanted
from portal.serving.public import OFFERED
from portal.serving.reads import READS
from portal.serving.requests import is_known_tag, plain
from portal.serving.snapshots import OF_BODY, Headers, Snapshot, Snapshots

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

MAY_BE_KEPT = ("200 ", "301 ", "410 ")
NOT_MODIFIED = f"304 {HTTPStatus.NOT_MODIFIED.phrase}"
# Staff, files and probes: never kept, and they need the request as it came.
OTHERS = ("/admin/", "/healthz", "/readyz", settings.STATIC_URL, settings.MEDIA_URL)
# Seconds between two looks at the clock.
CLOCK = 0.5
# Different headers of usual readers; nobody may fill the memory with others.
MAX_REMEMBERED = 128
# Of the server's own values, these are the same for everybody.
OF_SERVER = ("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "wsgi.errors", "wsgi.version")


class Answer(NamedTuple):
    """What Django said: with a snapshot where it may be kept, else with what to pass on."""

    snapshot: Snapshot | None
    status: str
    headers: Headers
    chunks: Iterable[bytes]


class SnapshotApplication:
    """WSGI application around Django's."""

    def __init__(self, application: Application, snapshots: Snapshots) -> None:
        self._application, self._snapshots, self._kept = application, snapshots, snapshots.kept
        self._is_plain, self._only_tls = plain(), settings.SECURE_SSL_REDIRECT
        # What usual readers send: an encoding for each Accept-Encoding header, and these for each host that is ours.
        self._encodings: dict[str, str] = {}
        self._usual: dict[str, dict[str, str]] = {}
        self._host = next(iter(settings.ALLOWED_HOSTS), "localhost").lstrip(".")
        self._scheme = "https" if self._only_tls else "http"
        # When the database has last confirmed what is kept, how old that may become unsaid, and whether it is older.
        self.confirmed = monotonic()
        self.patience = float("inf")
        self.late = False

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The usual reader, about whom nothing has to be decided, is answered in here.

        While this runs no other reader of the process is answered, so each look into something counts.
        """
        try:
            snapshot = self._kept[environ["PATH_INFO"]]
            sent = snapshot.sent[self._usual[environ["HTTP_HOST"]][environ["HTTP_ACCEPT_ENCODING"]]]
        except KeyError:
            return self._decide(environ, start_response)
        if (
            environ["REQUEST_METHOD"] != "GET"
            or environ.get("QUERY_STRING")
            or "HTTP_COOKIE" in environ
            or "HTTP_AUTHORIZATION" in environ
            or "HTTP_IF_NONE_MATCH" in environ
            or "HTTP_IF_MODIFIED_SINCE" in environ
            or (self._only_tls and environ.get("HTTP_X_FORWARDED_PROTO") != "https")
            or self.late
        ):
            return self._decide(environ, start_response)
        snapshot.used = self._snapshots.tick
        if "HTTP_SEC_FETCH_MODE" in environ and sent.etag:
            READS.count(environ)
        start_response(snapshot.status, sent.headers)
        return [sent.body]

    def look_at_the_clock(self) -> None:
        """Whether readers have to be told how old what they get is."""
        self.late = monotonic() - self.confirmed > self.patience

    def clock(self, stop: threading.Event) -> None:
        """A thread: a look at the clock for each answer would cost a fifth of it."""
        while not stop.wait(CLOCK):
            self.look_at_the_clock()

    def _decide(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Any request. What it shows about the usual reader is remembered."""
        if not self._is_plain(environ):
            return self._application(environ, start_response)
        path = environ["PATH_INFO"]
        snapshot = self._kept.get(path)
        if snapshot is None:
            if path.startswith(OTHERS):
                return self._application(environ, start_response)
            generation = self._snapshots.generation
            answer = self.ask(path, environ)
            if answer.snapshot is None:
                return _passed_on(answer, environ, start_response)
            snapshot = answer.snapshot
            self._snapshots.put(path, snapshot, generation)
        snapshot.used = self._snapshots.tick
        encoding = self._get_to_know(environ)
        sent = snapshot.sent.get(encoding) or self._snapshots.add(snapshot, encoding)
        status, headers, body = snapshot.status, sent.headers, [sent.body]
        if sent.etag:  # a page, not a redirect
            if "HTTP_SEC_FETCH_MODE" in environ:
                READS.count(environ)
            if _is_known(environ, sent.etag, snapshot):
                status, headers, body = NOT_MODIFIED, sent.unchanged, []
        if environ["REQUEST_METHOD"] == "HEAD":
            body = []
        age = monotonic() - self.confirmed
        if age > self.patience:
            headers = [*headers, ("Age", str(int(age)))]
        start_response(status, headers)
        return body

    def _get_to_know(self, environ: dict[str, Any]) -> str:
        """Remember what a plain request accepts and which host it names; returns the encoding for it."""
        accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
        encoding = wanted(accepted)
        if len(self._encodings) < MAX_REMEMBERED and len(accepted) <= MAX_HEADER:
            self._encodings[accepted] = encoding
        if len(self._usual) < MAX_REMEMBERED:
            self._usual[environ["HTTP_HOST"]] = self._encodings
        return encoding

    def ask(self, path: str, environ: dict[str, Any] | None = None) -> Answer:
        """What Django answers to anybody. Of ``environ`` it gets the encoding and the server's names only."""
        got: dict[str, Any] = {}

        def remember(status: str, headers: Headers, exc_info: Any = None) -> Any:
            got.update(status=status, headers=headers)
            return lambda _: None

        asked = self._request(path, environ or {})
        chunks = self._application(asked, remember)
        status, headers, body = got["status"], got["headers"], asked.get(OFFERED)
        if body is None or not may_be_kept(status, headers):
            return Answer(None, status, headers, chunks)
        close(chunks)
        return Answer(Snapshot.of(status, headers, body), status, headers, [])

    def _request(self, path: str, environ: dict[str, Any]) -> dict[str, Any]:
        return {
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0),
            **{name: environ[name] for name in OF_SERVER if name in environ},
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "HTTP_HOST": self._host,
            "HTTP_X_FORWARDED_PROTO": self._scheme,
            "HTTP_ACCEPT_ENCODING": wanted(environ.get("HTTP_ACCEPT_ENCODING", "")),
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }


def _passed_on(answer: Answer, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Send Django's answer, which is not stored; 304 without a body if the client already has it."""
    etag = next((value for name, value in answer.headers if name.lower() == "etag"), "")
    asked = environ.get("HTTP_IF_NONE_MATCH")
    if answer.status.startswith("200 ") and asked is not None and is_known_tag(asked, etag):
        close(answer.chunks)
        start_response(NOT_MODIFIED, [row for row in answer.headers if row[0].lower() not in OF_BODY])
        return []
    start_response(answer.status, answer.headers)
    if environ["REQUEST_METHOD"] == "GET":
        return answer.chunks
    close(answer.chunks)
    return []


def may_be_kept(status: str, headers: Headers) -> bool:
    """The list of what is allowed; everything else is somebody's own."""
    if not status.startswith(MAY_BE_KEPT):
        return False
    for name, value in headers:
        match name.lower():
            case "set-cookie" | "www-authenticate" | "content-range":
                return False
            case "vary" if value.strip().lower() != "accept-encoding":
                return False
            case "cache-control" if "private" in value.lower() or "no-store" in value.lower():
                return False
    return True


def _is_known(environ: dict[str, Any], etag: str, snapshot: Snapshot) -> bool:
    """Whether the client has this very body (RFC 9110 §13.2.2: the tag decides alone where there is one)."""
    asked = environ.get("HTTP_IF_NONE_MATCH")
    if asked is not None:
        return is_known_tag(asked, etag)
    # The very date that we gave, like nginx: clocks of two machines may disagree.
    since = environ.get("HTTP_IF_MODIFIED_SINCE")
    return since is not None and since == snapshot.last_modified


def close(chunks: Iterable[bytes]) -> None:
    """Tell Django that the answer has gone out."""
    done = getattr(chunks, "close", None)
    if done:
        done()
