"""Rows that are written once: the base stands in ``portal``, because the staff's own log is such a table too."""

from portal.append_only import AppendOnly, AppendOnlyError, AppendOnlyManager, AppendOnlyQuerySet

__all__ = ["AppendOnly", "AppendOnlyError", "AppendOnlyManager", "AppendOnlyQuerySet"]
