"""A plain HTTP client for a served portal: it does not follow redirects or decompress bodies automatically."""

import gzip
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import brotli

DECODERS = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}
TIMEOUT_SECONDS = 30  # seconds


@dataclass(frozen=True, repr=False)
class Response:
    """A response as sent; header names are lowercase, the body is still compressed."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str:
        """Return the value of a header that occurs at most once, or ""."""
        values = self.all(name)
        assert len(values) < 2, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else ""

    @property
    def text(self) -> str:
        """Return the decompressed body."""
        return DECODERS[self.header("content-encoding")](self.body).decode()

    @property
    def kind(self) -> str:
        """Return the media type without parameters."""
        return self.header("content-type").partition(";")[0]


def fetch(url: str, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Response:
    """Send one request to the site at ``url``. ``path`` is sent exactly as given."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True, skip_host=bool(headers and "Host" in headers))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        fields = tuple((name.lower(), value.strip()) for name, value in response.getheaders())
        return Response(response.status, fields, response.read())
    finally:
        connection.close()
