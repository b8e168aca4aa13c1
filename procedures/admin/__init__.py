"""The staff's side: forms over models and publishing. No rule lives here; each screen says what the rules answer."""

from procedures.admin import clinic, event_log, figures, history, pages, readers, reference, series, warning_signs

__all__ = ["clinic", "event_log", "figures", "history", "pages", "readers", "reference", "series", "warning_signs"]
