#!/usr/bin/env python3
"""Django's command-line utility. README.md lists the commands that a clinic needs."""

import os
import sys


def main() -> None:
    """Run a management command. Exit with a one-line error if a setting is not valid."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from portal.env import InvalidSettingError

    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except InvalidSettingError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
