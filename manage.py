#!/usr/bin/env python3
"""Entry point of every command; see README.md for the ones a clinic needs."""

import os
import sys


def main() -> None:
    """Run the command named on the command line. A wrong setting ends here with one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from portal.env import InvalidSettingError

    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except InvalidSettingError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
