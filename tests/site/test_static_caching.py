"""What browsers may keep without asking: files with the hash of their content in their name, and nothing else."""

from tests.site.client import ask
from tests.site.crawl import Site


def test_only_hashed_names_are_kept_for_ever(site: Site) -> None:
    hashed = [path for path in site.others if path.startswith("/static/") and path.endswith((".css", ".js"))]
    assert len(hashed) >= 3
    for path in hashed:
        assert "immutable" in ask(site.url, path).header("cache-control"), path
    for path in ("/static/css/site.css", "/static/img/icon.svg"):
        answer = ask(site.url, path)
        assert (path, answer.status) == (path, 200)
        assert answer.header("cache-control") == "max-age=0, public"
