"""The home page."""

from procedures.enums import PageKind
from procedures.views.pages import READER_SITUATIONS


def test_home_page_lists_every_kind_of_topic_once() -> None:
    listed = [kind for kinds in READER_SITUATIONS.values() for kind in kinds]

    assert sorted(listed) == sorted(set(PageKind) - {PageKind.ABOUT, PageKind.GUIDE})
