"""``manage.py invite``: create the first account, or regain access when no manager can help."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts import invitations, services, sessions
from portal.accounts.models import User
from portal.secret_key import require_key


class Command(BaseCommand):
    """Prints a one-time link for the person it invites, or for the owner of an existing account."""

    help = "Invite a user, or print a new link for an existing one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", default="", help="Address for links and notifications.")
        parser.add_argument("--role", default="Manager", help="Editor, Reviewer, or Manager (the default).")
        parser.add_argument(
            "--superuser", action="store_true", help="Grant every permission, and the right to manage superusers."
        )
        parser.add_argument(
            "--reset-second-factor",
            action="store_true",
            help="Also remove the account's second factors, for example if the only manager has lost their phone.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        require_key()
        username = User.normalize_username(options["username"])
        user = User.objects.filter(username=username).first()
        if not sessions.allows_local_login(user or User(username=username)):
            raise CommandError(
                f"{username} signs in with single sign-on and needs no link. With PORTAL_BREAK_GLASS_ACCOUNT, only "
                f"{settings.BREAK_GLASS_ACCOUNT} has a password."
            )
        if user is None:
            url = self._invite(options)
        elif user.is_demo:
            raise CommandError(f"{user.username} is a demo account created by --demo. Choose another name.")
        elif not user.is_active:
            raise CommandError(f"The account {user.username} is deactivated. A manager can reactivate it.")
        else:
            if options["reset_second_factor"]:
                services.reset_mfa(user, actor=None)
            url = invitations.create_link(user, actor=None)
        self.stdout.write(url)

    def _invite(self, options: dict[str, Any]) -> str:
        role = Group.objects.filter(name=options["role"]).first()
        if role is None:
            names = ", ".join(Group.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(f"There is no role {options['role']!r}. Choose one of: {names}.")
        user = User(username=options["username"], email=options["email"], is_superuser=options["superuser"])
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return services.invite_user(user, [role], actor=None)
