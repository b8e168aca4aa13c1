"""Static files with the hash of their content in their name, the site's stylesheet as one file, and its icon."""

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from itertools import groupby
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import Any
from wsgiref.headers import Headers

import tinycss2
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import MissingFileError, StaticFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from portal.published.cache_policy import matches_etag
from portal.published.decorators import cacheable
from portal.published.http_encoding import parse_accept_encoding

IMPORT_PATTERN = re.compile(r'@import url\("([^"]+)"\)(?: layer\(([a-z]+)\))?;')
COMMENTS_AND_WHITESPACE = re.compile(r"/\*.*?\*/|\s+", re.DOTALL)
SPACE_AROUND_PUNCTUATION = re.compile(r" ?([{};,>]) ?")
NEXT_SIBLING = re.compile(r" \+ (?=[*]|\.[a-z])")
LEADING_ZERO = re.compile(r"(?<![\d.])0(?=\.\d)")


# Browsers ask for these by name, whatever a page says.
ICONS = {"favicon.ico": "image/x-icon", "apple-touch-icon.png": "image/png"}
CACHE_ONE_DAY = "public, max-age=86400"


class EncodedStaticFile(StaticFile):  # type: ignore[misc]
    """A static file whose encodings each have an ETag of their own: a strong one names one sequence of bytes."""

    @staticmethod
    def get_alternatives(base_headers: Headers, files: Any) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Encoding, file and headers, the shortest body first."""
        found = []
        for encoding, entry in sorted(files.items(), key=lambda item: item[1].size):
            headers = Headers(base_headers.items())
            headers["Content-Length"] = str(entry.size)
            if encoding:
                headers["Content-Encoding"] = encoding
                headers["ETag"] = f'{str(headers["ETag"])[:-1]}-{encoding}"'
            found.append((encoding or "", entry.path, headers.items()))
        return found

    def get_path_and_headers(self, request_headers: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
        """The shortest body that the client accepts."""
        accepted = parse_accept_encoding(request_headers.get("HTTP_ACCEPT_ENCODING", "")) | {""}
        return next((path, headers) for encoding, path, headers in self.alternatives if encoding in accepted)

    def is_not_modified(self, request_headers: dict[str, Any]) -> bool:
        """Whether the client has the body that it would get."""
        asked = request_headers.get("HTTP_IF_NONE_MATCH")
        if asked is None:
            return bool(super().is_not_modified(request_headers))
        return matches_etag(asked, dict(self.get_path_and_headers(request_headers)[1])["ETag"])

    def get_response(self, method: str, request_headers: dict[str, Any]) -> Any:
        """A 304 has the headers of the encoding that the client has. A part of another body becomes the whole body."""
        if method in {"GET", "HEAD"} and self.is_not_modified(request_headers):
            return self.get_not_modified_response(Headers(self.get_path_and_headers(request_headers)[1]))
        asked = request_headers.get("HTTP_IF_RANGE")
        if asked is not None and not self._matches_if_range(asked, request_headers):
            request_headers = {name: value for name, value in request_headers.items() if name != "HTTP_RANGE"}
        return super().get_response(method, request_headers)

    def _matches_if_range(self, if_range: str, request_headers: dict[str, Any]) -> bool:
        """RFC 9110 §13.1.5: compared strongly, a date by its exact value."""
        headers = dict(self.get_path_and_headers(request_headers)[1])
        return if_range.strip() in {headers["ETag"], headers.get("Last-Modified")}


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise with ``EncodedStaticFile``."""

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> EncodedStaticFile:
        """WhiteNoise's own method, without its settings that add headers: this site uses none of them."""
        if stat_cache is None and not Path(path).exists():
            raise MissingFileError(path)
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        encodings = {"gzip": f"{path}.gz", "br": f"{path}.br"}
        return EncodedStaticFile(path, headers.items(), stat_cache=stat_cache, encodings=encodings)


@cacheable
def serve_icon(request: HttpRequest, name: str) -> HttpResponse:
    """``/favicon.ico``, and the icon for the home screens of phones."""
    response = HttpResponse(_read_icon(name), content_type=ICONS[name])
    response.headers["Cache-Control"] = CACHE_ONE_DAY
    return response


@lru_cache(maxsize=len(ICONS))
def _read_icon(name: str) -> bytes:
    return (settings.BASE_DIR / "static" / "img" / name).read_bytes()


class BundlingManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Writes every ``@import`` of our sheets in place: one request instead of one per component.

    Rules for paper stand beside their component in the sources. Here they move to a sheet of their own, which a
    browser fetches without letting the reader wait for it.
    """

    # Modules name each other by their hashed names, too.
    support_js_module_import_aggregation = True
    stylesheets = ("css/site.css", "css/deferred.css", "css/guide.css", "css/booklet.css")
    # Where the rules of all for paper go.
    print_stylesheet = "css/print.css"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._url_cache: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:
        """The address with the hash in it. Looked up once: a page asks for six, and parsing each takes time."""
        if force:
            return str(super().url(name, force))
        if name not in self._url_cache:
            self._url_cache[name] = super().url(name)
        return self._url_cache[name]

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, bool | Exception]]:
        """Flatten and split our sheets first; hashing and compression follow as usual."""
        self._url_cache.clear()
        if dry_run or self.print_stylesheet not in paths:
            yield from super().post_process(paths, dry_run, **options)
            return
        flat = {name: _inline_imports(name, paths) for name in self.stylesheets}
        written = {name: extract_rules(css, for_print=False) for name, css in flat.items()}
        written[self.print_stylesheet] = "".join(extract_rules(css, for_print=True) for css in flat.values())
        for name, css in written.items():
            self.delete(name)
            self._save(name, ContentFile(css.encode()))
            paths[name] = (self, name)
        yield from super().post_process(paths, dry_run, **options)


def _inline_imports(name: str, paths: dict[str, Any]) -> str:
    """A sheet with its imports in place, from the sources: what an earlier run has written is flat already."""

    def inline(match: re.Match[str]) -> str:
        target = str(PurePosixPath(name).parent / match[1])
        sheet = _inline_imports(target, paths)
        return f"@layer {match[2]}{{{sheet}}}" if match[2] else sheet

    storage, path = paths[name]
    with storage.open(path) as stream:
        css = COMMENTS_AND_WHITESPACE.sub(" ", stream.read().decode())
    return IMPORT_PATTERN.sub(inline, css)


def extract_rules(css: str, *, for_print: bool) -> str:
    """The rules of a sheet inside ``@media print``, or those outside, in their layers and order; squeezed."""
    parts = []
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if rule.type == "at-rule" and rule.at_keyword == "layer" and rule.content is not None:
            rules = tinycss2.parse_rule_list(rule.content, skip_whitespace=True)
            parts.append((tinycss2.serialize(rule.prelude).strip(), "".join(_filter_rules(rules, for_print=for_print))))
        elif rule.type == "at-rule" and rule.content is None:
            parts.append(("", rule.serialize()))
        else:
            parts.append(("", "".join(_filter_rules([rule], for_print=for_print))))
    squeezed = ""
    # Neighbours in one layer share its braces.
    for layer, group in groupby((part for part in parts if part[1]), key=itemgetter(0)):
        kept = "".join(rules for _, rules in group)
        squeezed += f"@layer {layer}{{{kept}}}" if layer else kept
    # Sheets hold no string with two spaces or a space beside these signs.
    squeezed = NEXT_SIBLING.sub("+", SPACE_AROUND_PUNCTUATION.sub(r"\1", squeezed))
    return LEADING_ZERO.sub("", squeezed).replace(";}", "}").replace(": ", ":")


def _filter_rules(rules: list[Any], *, for_print: bool) -> Iterator[str]:
    for rule in rules:
        is_paper = (
            rule.type == "at-rule"
            and rule.at_keyword == "media"
            and tinycss2.serialize(rule.prelude).strip() == "print"
        )
        if is_paper and for_print:
            yield tinycss2.serialize(rule.content)
        elif is_paper == for_print:
            yield rule.serialize()


def collect_static_files() -> bool:
    """Bring ``STATIC_ROOT`` up to date; False when nothing had to be done."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    wanted = _static_files_fingerprint()
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(wanted)
    return True


def _static_files_fingerprint() -> str:
    """Hash of names, sizes and times of all static files, and of what processes them."""
    digest = hashlib.sha256(f"{version('django')} {version('whitenoise')}".encode())
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
