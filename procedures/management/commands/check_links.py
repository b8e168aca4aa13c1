"""``manage.py check_links [--external]``."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import Http404, HttpRequest
from django.urls import resolve

from portal.storage.static_files import collect_static_files
from procedures.models import Page, Path
from procedures.sharing.external_links import LinkStatus, check_external_links, find_external_links, save_results
from procedures.sharing.link_check import find_broken_addresses
from procedures.validators import is_reserved_path

RESERVED_PATH_MESSAGE = "the site uses this address itself; give the page another address and publish it"


class Command(BaseCommand):
    """Resolves every path ever public, every link and anchor in every release, every code."""

    help = "Check that every address ever public and every link on public pages leads somewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--external",
            action="store_true",
            help="Also ask every other site that our pages link to, slowly: once each, two seconds apart per host.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # A page names its style sheets by their hashes: without them none can be shown.
        collect_static_files()
        broken = [*find_broken_addresses(), *_find_unresolved_paths()]
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write(f"{Path.objects.count()} addresses checked, none broken")
        if options["external"]:
            self._check_external_links()

    def _check_external_links(self) -> None:
        links = find_external_links()
        answers: dict[str, LinkStatus] = {}
        for number, (url, answer) in enumerate(check_external_links(links), start=1):
            answers[url] = answer
            self.stdout.write(f"{number} of {len(links)}: {url}: {answer.message}")
        if links and all(answer.is_working is False for answer in answers.values()):
            raise CommandError("No other site answered. Does this machine reach the Internet? Nothing was stored.")
        save_results(links, answers)
        broken = [f"{url}: {answer.message}" for url, answer in answers.items() if answer.is_working is False]
        if broken:
            raise CommandError("\n".join(broken))


def _find_unresolved_paths() -> Iterator[str]:
    """Addresses and codes that do not get the answer they were promised, asked as a reader would."""
    for path, now in Path.objects.values_list("path", "page__live_release__path"):
        if is_reserved_path(path):
            yield f"{path}: {RESERVED_PATH_MESSAGE}" if now == path else f"{path}: the site uses this address itself"
            continue
        expected = (410, "") if now is None else (200, "") if path == now else (301, now)
        if (found := _fetch(path)) != expected:
            yield f"{path}: answers {found[0]} {found[1]}, not {expected[0]} {expected[1]}"
    for code, path in Page.objects.published().values_list("code", "live_release__path"):
        if (found := _fetch(f"/p/{code}")) != (301, path):
            yield f"/p/{code}: answers {found[0]} {found[1]}, not 301 {path}"


def _fetch(path: str) -> tuple[int, str]:
    """Status and Location of a GET, without a server around it."""
    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", path, path
    try:
        view, args, values = resolve(path)
        answer = view(request, *args, **values)
    except Http404:
        return 404, ""
    except Exception as error:
        return 500, type(error).__name__
    return answer.status_code, answer.headers.get("Location", "")
