"""The page fixture of the publishing tests."""

from tests.publishing.conftest import page

__all__ = ["page"]
