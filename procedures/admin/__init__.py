"""The staff's side: forms over models and publishing. No rule lives here; each screen says what the rules answer."""

from django.contrib import admin
from django.contrib.auth.models import Group

from procedures.admin import clinic, event_log, figures, history, pages, readers, reference, series

# The roles are one list in the code (procedures/roles.py); a screen that changes them would hide that.
admin.site.unregister(Group)

__all__ = ["clinic", "event_log", "figures", "history", "pages", "readers", "reference", "series"]
