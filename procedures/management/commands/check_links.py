"""``manage.py check_links [--external]``."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import Http404, HttpRequest
from django.urls import resolve

from portal.storage.static_files import collect_static_files
from procedures.models import Page, Path
from procedures.sharing.link_check import (
    LinkStatus,
    check_external_links,
    find_broken_addresses,
    find_external_links,
    save_results,
)
from procedures.sharing.short_codes import short_path
from procedures.validators import is_reserved_path

RESERVED_PATH_MESSAGE = "this path is reserved for the site itself"
RESERVED_PATH_FIX = "give the page another slug and publish it"


class Command(BaseCommand):
    """Check every path that was ever public, every short code, and every link and anchor on public pages."""

    help = "Check that every path that was ever public and every link on public pages works."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--external",
            action="store_true",
            help="Also request every external link, once each, with two seconds between requests to one host.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        count = Path.objects.count()  # first, because without a site there must be no static files either
        # Pages refer to static files by their hashed names, so the files must be collected before rendering.
        collect_static_files()
        broken = [*find_broken_addresses(), *_find_unresolved_paths()]
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write(f"{count} addresses checked, none broken")
        if options["external"]:
            self._check_external_links()

    def _check_external_links(self) -> None:
        links = find_external_links()
        results: dict[str, LinkStatus] = {}
        for number, (url, status) in enumerate(check_external_links(links), start=1):
            results[url] = status
            self.stdout.write(f"{number} of {len(links)}: {url}: {status.message}")
        if links and all(status.is_working is False for status in results.values()):
            raise CommandError("No link works. Does this machine have Internet access? Nothing was stored.")
        save_results(links, results)
        broken = [f"{url}: {status.message}" for url, status in results.items() if status.is_working is False]
        if broken:
            raise CommandError("\n".join(broken))


def _find_unresolved_paths() -> Iterator[str]:
    """Yield a message for each path and short code whose response differs from what its Path row requires.

    A live path requires 200, a former one 301 to the live path, and that of a withdrawn page 410.
    """
    for path, live_path in Path.objects.values_list("path", "page__live_release__path"):
        if is_reserved_path(path):
            fix = f"; {RESERVED_PATH_FIX}" if live_path == path else ""
            yield f"{path}: {RESERVED_PATH_MESSAGE}{fix}"
            continue
        expected = (410, "") if live_path is None else (200, "") if path == live_path else (301, live_path)
        if (response := _fetch(path)) != expected:
            yield _describe_mismatch(path, response, expected)
    for language, code, live_path in Page.objects.published().values_list("language", "code", "live_release__path"):
        path, expected = short_path(language, code), (301, live_path)
        if (response := _fetch(path)) != expected:
            yield _describe_mismatch(path, response, expected)


def _describe_mismatch(path: str, response: tuple[int, str], expected: tuple[int, str]) -> str:
    actual_text, expected_text = (f"{status} {detail}".strip() for status, detail in (response, expected))
    return f"{path}: returned {actual_text} instead of {expected_text}"


def _fetch(path: str) -> tuple[int, str]:
    """Call the view for a path, without middleware; return its status and Location.

    For an exception, return 500 and the name of its class.
    """
    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", path, path
    try:
        view, args, kwargs = resolve(path)
        response = view(request, *args, **kwargs)
    except Http404:
        return 404, ""
    except Exception as error:
        return 500, type(error).__name__
    return response.status_code, response.headers.get("Location", "")
