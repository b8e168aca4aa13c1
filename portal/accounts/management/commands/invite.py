"""``manage.py invite``: the first account, and the way back in when nobody else can help."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts import invitations, services
from portal.accounts.models import User


class Command(BaseCommand):
    """Prints a one-time link, to be opened by the person it is for."""

    help = "Invite somebody, or print a new link for somebody who is there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", default="", help="For links by mail and for notices.")
        parser.add_argument("--role", default="Manager", help="Editor, Reviewer or Manager (the default).")
        parser.add_argument("--superuser", action="store_true", help="Also everything else, and other superusers.")
        parser.add_argument("--reset-second-factor", action="store_true", help="After a lost phone, nobody else left.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=User.normalize_username(options["username"])).first()
        if user is None:
            address = self._invite(options)
        elif user.is_demo:
            raise CommandError(f"{user.username} was made by --demo. Choose another name.")
        elif not user.is_active:
            raise CommandError(f"The account {user.username} is closed. A manager can open it again.")
        else:
            if options["reset_second_factor"]:
                services.reset_mfa(user, actor=None)
            address = invitations.create_link(user, actor=None)
        self.stdout.write(address)

    def _invite(self, options: dict[str, Any]) -> str:
        role = Group.objects.filter(name=options["role"]).first()
        if role is None:
            known = ", ".join(Group.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(f"There is no role {options['role']!r}. Choose one of: {known}.")
        user = User(username=options["username"], email=options["email"], is_superuser=options["superuser"])
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return services.invite_user(user, [role], actor=None)
