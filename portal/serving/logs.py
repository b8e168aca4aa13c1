"""Log lines hold no address of a page, no query and no name: an address can name a condition."""

import logging


class DropAddresses(logging.Filter):
    """Shorten Django's "Not Found: /path" lines to their status, and drop the request they carry."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; every record is kept."""
        status = getattr(record, "status_code", None)
        if record.name.startswith("django.request") and status is not None:
            record.msg, record.args = "answered %s", (status,)
        if hasattr(record, "request"):
            del record.request
        return True
