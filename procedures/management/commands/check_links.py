"""``manage.py check_links [--outside]``."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import Http404, HttpRequest
from django.urls import resolve

from portal.serving.collect import collect_static_files
from procedures.links.check import broken_addresses
from procedures.links.outside import Answer, ask_all, outside_links, store
from procedures.models import Page, Path
from procedures.validators import is_reserved

RESERVED = "the site uses this address itself; give the page another address and publish it"


class Command(BaseCommand):
    """Resolves every path ever public, every link and anchor in every release, every code."""

    help = "Check that every address ever public and every link on public pages leads somewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--outside",
            action="store_true",
            help="Also ask every other site that our pages link to, slowly: once each, two seconds apart per host.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # A page names its style sheets by their hashes: without them none can be shown.
        collect_static_files()
        broken = [*broken_addresses(), *_unanswered()]
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write(f"{Path.objects.count()} addresses checked, none broken")
        if options["outside"]:
            self._outside()

    def _outside(self) -> None:
        links = outside_links()
        answers: dict[str, Answer] = {}
        for number, (url, answer) in enumerate(ask_all(links), start=1):
            answers[url] = answer
            self.stdout.write(f"{number} of {len(links)}: {url}: {answer.words}")
        if links and all(answer.works is False for answer in answers.values()):
            raise CommandError("No other site answered. Does this machine reach the Internet? Nothing was stored.")
        store(links, answers)
        broken = [f"{url}: {answer.words}" for url, answer in answers.items() if answer.works is False]
        if broken:
            raise CommandError("\n".join(broken))


def _unanswered() -> Iterator[str]:
    """Addresses and codes that do not get the answer they were promised, asked as a reader would."""
    for path, now in Path.objects.values_list("path", "page__live_release__path"):
        if is_reserved(path):
            yield f"{path}: {RESERVED}" if now == path else f"{path}: the site uses this address itself"
            continue
        expected = (410, "") if now is None else (200, "") if path == now else (301, now)
        if (found := _ask(path)) != expected:
            yield f"{path}: answers {found[0]} {found[1]}, not {expected[0]} {expected[1]}"
    for code, path in Page.objects.published().values_list("code", "live_release__path"):
        if (found := _ask(f"/p/{code}")) != (301, path):
            yield f"/p/{code}: answers {found[0]} {found[1]}, not 301 {path}"


def _ask(path: str) -> tuple[int, str]:
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
