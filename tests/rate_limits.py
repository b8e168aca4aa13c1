"""Helpers for tests of what is rate limited."""

from procedures.admin import image_upload


def reset_upload_limits() -> None:
    """Forget the uploads of earlier tests, which the process counts."""
    image_upload.UPLOAD_RATE_LIMIT.reset()
    image_upload.EDITOR_UPLOAD_RATE_LIMIT.reset()
