"""The served portal, crawled once."""

import pytest

from tests.conftest import ServedSite
from tests.views.crawl import Site, crawl


@pytest.fixture(scope="session")
def site(served_site: ServedSite) -> Site:
    """Every page and file that a reader can reach."""
    return crawl(served_site.url)
