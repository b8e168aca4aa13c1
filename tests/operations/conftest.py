"""One S3 server for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.admin.conftest import editor, sign_in  # noqa: F401 -- the cast of the admin's tests
from tests.operations.s3 import s3_server


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a local S3 server with the bucket ``pictures``."""
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address
