#!/usr/bin/env python3
"""Django's command-line utility. README.md lists the commands that a clinic needs."""

import os
import sys


def main() -> None:
    """Run a management command. Exit with a one-line error if a setting is not valid or the database cannot be used."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    from portal.env import InvalidSettingError

    try:
        execute_from_command_line(sys.argv)
    except InvalidSettingError as error:
        sys.exit(f"error: {error}")
    except DatabaseError as error:
        from portal.storage.database_errors import NO_RESPONSE, describe_error

        if (reason := describe_error(error)) == NO_RESPONSE:
            raise
        sys.exit(f"error: {reason}")


if __name__ == "__main__":
    main()
