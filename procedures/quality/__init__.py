"""Measured content: how readable, complete and sourced the pages are. For admin, commands and tests."""

from procedures.quality.measure import PageMeasures, measure

__all__ = ["PageMeasures", "measure"]
