"""People in the admin: Django's own screens for accounts."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from portal.staff.models import User

admin.site.register(User, UserAdmin)
