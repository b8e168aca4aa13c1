"""Static files: collecting, bundling of stylesheets, and serving with compression, hashed names, and strong ETags."""

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator
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

from portal.http import matches_etag, parse_accept_encoding, public_response

COMMENTS_AND_WHITESPACE = re.compile(r"(?:/\*.*?\*/|\s)+", re.DOTALL)
SPACE_AROUND_PUNCTUATION = re.compile(r" ?([{};,>]) ?")
NEXT_SIBLING = re.compile(r" \+ (?=[*]|\.[a-z])")
LEADING_ZERO = re.compile(r"(?<![\d.])0(?=\.\d)")
# Libraries of the admin that pages load in their minified form only, except with PORTAL_DEBUG. Compressing these three
# would take as long as a third of all files.
UNMINIFIED_LIBRARY = re.compile(
    r"admin/js/vendor/(?:jquery/jquery|select2/select2\.full|xregexp/xregexp)(?:\.[0-9a-f]{12})?\.js\Z"
)


# Browsers request these fixed names even if a page does not link to them.
ICONS = {"favicon.ico": "image/x-icon", "apple-touch-icon.png": "image/png"}
CACHE_ONE_DAY = "public, max-age=86400"
# nginx, which runs as another user, serves the files while the portal is down.
DIRECTORY_MODE, FILE_MODE = 0o755, 0o644
# The file that records which static files were collected last.
COLLECTED = ".collected"


class EncodedStaticFile(StaticFile):  # type: ignore[misc]
    """A static file with a separate ETag for each encoding, because a strong ETag identifies an exact body."""

    @staticmethod
    def get_alternatives(base_headers: Headers, files: Any) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Return (encoding, path, headers) of each alternative, the smallest first."""
        alternatives = []
        for encoding, entry in sorted(files.items(), key=lambda item: item[1].size):
            headers = Headers(base_headers.items())
            headers["Content-Length"] = str(entry.size)
            if encoding:
                headers["Content-Encoding"] = encoding
                headers["ETag"] = f'{str(headers["ETag"])[:-1]}-{encoding}"'
            alternatives.append((encoding or "", entry.path, headers.items()))
        return alternatives

    def get_path_and_headers(self, request_headers: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
        """Return the smallest alternative that the client accepts."""
        accepted = parse_accept_encoding(request_headers.get("HTTP_ACCEPT_ENCODING", "")) | {""}
        return next((path, headers) for encoding, path, headers in self.alternatives if encoding in accepted)

    def is_not_modified(self, request_headers: dict[str, Any]) -> bool:
        """Return whether the client already has the alternative that it would get."""
        if_none_match = request_headers.get("HTTP_IF_NONE_MATCH")
        if if_none_match is None:
            return bool(super().is_not_modified(request_headers))
        return matches_etag(if_none_match, dict(self.get_path_and_headers(request_headers)[1])["ETag"])

    def get_response(self, method: str, request_headers: dict[str, Any]) -> Any:
        """Return a 304 with the headers of the client's encoding, or a response that ignores a stale If-Range."""
        if method in {"GET", "HEAD"} and self.is_not_modified(request_headers):
            return self.get_not_modified_response(Headers(self.get_path_and_headers(request_headers)[1]))
        if_range = request_headers.get("HTTP_IF_RANGE")
        if if_range is not None and not self._matches_if_range(if_range, request_headers):
            request_headers = {name: value for name, value in request_headers.items() if name != "HTTP_RANGE"}
        return super().get_response(method, request_headers)

    def _matches_if_range(self, if_range: str, request_headers: dict[str, Any]) -> bool:
        """Compare an If-Range header strongly; a date must match exactly (RFC 9110 §13.1.5)."""
        headers = dict(self.get_path_and_headers(request_headers)[1])
        return if_range.strip() in {headers["ETag"], headers.get("Last-Modified")}


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise with ``EncodedStaticFile``."""

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> EncodedStaticFile:
        """Build a file as WhiteNoise does, but without the settings that add headers, which this site does not use."""
        if stat_cache is None and not Path(path).exists():
            raise MissingFileError(path)
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        encodings = {"gzip": f"{path}.gz", "br": f"{path}.br"}
        return EncodedStaticFile(path, headers.items(), stat_cache=stat_cache, encodings=encodings)


@public_response
def serve_icon(request: HttpRequest, name: str) -> HttpResponse:
    """Serve ``/favicon.ico`` or the icon for phone home screens."""
    response = HttpResponse(_read_icon(name), content_type=ICONS[name])
    response.headers["Cache-Control"] = CACHE_ONE_DAY
    return response


@lru_cache(maxsize=len(ICONS))
def _read_icon(name: str) -> bytes:
    return (settings.BASE_DIR / "static" / "img" / name).read_bytes()


class BundlingManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Static files storage that inlines every ``@import``: one request instead of one per component.

    In the sources, print rules are next to the other rules of their component. Here they move to a separate
    stylesheet, which browsers load without blocking rendering.
    """

    # Rewrite imports between JavaScript modules to hashed names.
    support_js_module_import_aggregation = True
    stylesheets = ("css/site.css", "css/early_body.css", "css/deferred.css", "css/booklet.css")
    # Receives the print rules of all stylesheets.
    print_stylesheet = "css/print.css"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._url_cache: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:
        """Return the URL with the hash, cached because parsing the six URLs of a page takes time."""
        if force:
            return str(super().url(name, force))
        if name not in self._url_cache:
            self._url_cache[name] = super().url(name)
        return self._url_cache[name]

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, bool | Exception]]:
        """Bundle and split the stylesheets, then hash and compress all files as usual."""
        self._url_cache.clear()
        if dry_run or self.print_stylesheet not in paths:
            yield from super().post_process(paths, dry_run, **options)
            return
        bundles = {name: _inline_imports(name, paths) for name in self.stylesheets}
        outputs = {name: extract_rules(css, for_print=False) for name, css in bundles.items()}
        outputs[self.print_stylesheet] = "".join(extract_rules(css, for_print=True) for css in bundles.values())
        for name, css in outputs.items():
            self.delete(name)
            self._save(name, ContentFile(css.encode()))
            paths[name] = (self, name)
        yield from super().post_process(paths, dry_run, **options)

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Compress each content once: most files have the same content under both their own and their hashed name."""
        groups: dict[tuple[bytes, str], list[str]] = {}
        for name in sorted(name for name in paths if not UNMINIFIED_LIBRARY.search(name)):
            groups.setdefault((Path(self.path(name)).read_bytes(), Path(name).suffix), []).append(name)
        copies = {names[0]: names[1:] for names in groups.values()}
        for name, compressed_name in super().compress_files(copies):
            yield name, compressed_name
            suffix = compressed_name.removeprefix(name)
            for copy in copies[name]:
                shutil.copy2(self.path(compressed_name), self.path(copy + suffix))
                yield copy, copy + suffix


def _inline_imports(name: str, paths: dict[str, Any]) -> str:
    """Return a source stylesheet with its imports inlined, recursively."""
    # The source, not the output of an earlier run.
    storage, path = paths[name]
    with storage.open(path) as stream:
        css = COMMENTS_AND_WHITESPACE.sub(" ", stream.read().decode())
    return "".join(
        _inline_import(rule, name, paths)
        if rule.type == "at-rule" and rule.at_keyword == "import"
        else rule.serialize()
        for rule in tinycss2.parse_stylesheet(css)
    )


def _inline_import(rule: Any, name: str, paths: dict[str, Any]) -> str:
    """Return the rules that an ``@import`` stands for, in its cascade layer and media query."""
    url, *conditions = [token for token in rule.prelude if token.type != "whitespace"]
    url = url.arguments[0] if url.type == "function" else url
    css = _inline_imports(str(PurePosixPath(name).parent / url.value), paths)
    layer = ""
    if conditions and conditions[0].type == "function" and conditions[0].name == "layer":
        layer = tinycss2.serialize(conditions.pop(0).arguments)
    if conditions:
        media = tinycss2.serialize(rule.prelude[rule.prelude.index(conditions[0]) :]).strip()
        css = f"@media {media}{{{css.strip()}}}"
    return f"@layer {layer}{{{css}}}" if layer else css


def extract_rules(css: str, *, for_print: bool) -> str:
    """Return the minified rules inside ``@media print``, or those outside it, in their order and cascade layers."""
    parts = []
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if rule.type == "at-rule" and rule.at_keyword == "layer" and rule.content is not None:
            rules = tinycss2.parse_rule_list(rule.content, skip_whitespace=True)
            parts.append((tinycss2.serialize(rule.prelude).strip(), "".join(_filter_rules(rules, for_print=for_print))))
        elif rule.type == "at-rule" and rule.content is None:
            parts.append(("", rule.serialize()))
        else:
            parts.append(("", "".join(_filter_rules([rule], for_print=for_print))))
    extracted = ""
    # Adjacent parts of the same layer share one block.
    for layer, group in groupby((part for part in parts if part[1]), key=itemgetter(0)):
        layer_css = "".join(rules for _, rules in group)
        extracted += f"@layer {layer}{{{layer_css}}}" if layer else layer_css
    # Safe because no string in the stylesheets has consecutive spaces or a space next to these characters.
    extracted = NEXT_SIBLING.sub("+", SPACE_AROUND_PUNCTUATION.sub(r"\1", extracted))
    return LEADING_ZERO.sub("", extracted).replace(";}", "}").replace(": ", ":")


def _filter_rules(rules: list[Any], *, for_print: bool) -> Iterator[str]:
    for rule in rules:
        is_print_rule = (
            rule.type == "at-rule"
            and rule.at_keyword == "media"
            and tinycss2.serialize(rule.prelude).strip() == "print"
        )
        if is_print_rule and for_print:
            yield tinycss2.serialize(rule.content)
        elif is_print_rule == for_print:
            yield rule.serialize()


def collect_static_files() -> bool:
    """Run collectstatic if the static files changed since the last run; return whether it ran."""
    if are_static_files_collected():
        return False
    fingerprint = _static_files_fingerprint()
    call_command("collectstatic", interactive=False, verbosity=0)
    folder = Path(settings.STATIC_ROOT)
    for path in (folder, *folder.rglob("*")):
        path.chmod(DIRECTORY_MODE if path.is_dir() else FILE_MODE)
    (folder / COLLECTED).write_text(fingerprint)
    return True


def are_static_files_collected() -> bool:
    """Return whether the collected files are those of this version."""
    file = Path(settings.STATIC_ROOT) / COLLECTED
    return file.exists() and file.read_text() == _static_files_fingerprint()


def _static_files_fingerprint() -> str:
    """Hash the names, sizes, and modification times of all static files, and the versions that process them."""
    digest = hashlib.sha256(f"{version('django')} {version('whitenoise')} {FILE_MODE:o}".encode())
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            digest.update(describe_file(path, Path(storage.path(path))))
    return digest.hexdigest()


def describe_file(name: str, file: Path) -> bytes:
    """Return a line that changes when a file does: its name, size, and modification time."""
    stat = file.stat()
    return f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode()
