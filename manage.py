#!/usr/bin/env python3
"""Django's command-line utility. README.md lists the commands that a clinic needs."""

import os
import signal
import sys

# Only these create a data directory, a key, or an SQLite database that does not exist.
SETUP_COMMANDS = frozenset({"serve", "migrate", "restore", "runserver", "test", "testserver"})


def main() -> None:
    """Run a management command.

    Exit with a one-line error if a setting is not valid, or the database, a file, or the bucket cannot be used.
    ``--traceback`` shows where that happened.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line
    from django.core.management.base import CommandError, SystemCheckError
    from django.db import DatabaseError

    from portal import describe_version, env
    from portal.logging import CommandOutput, is_journal

    if is_journal(sys.stderr):
        sys.stderr = CommandOutput(sys.stderr)
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command in {"version", "--version"}:
        sys.stdout.write(f"{describe_version()}\n")
        return
    env.may_create = command in SETUP_COMMANDS and not {"-h", "--help"} & set(sys.argv)
    try:
        execute_from_command_line([env.MANAGE, *sys.argv[1:]])
    except env.InvalidSettingError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(env.EXIT_CONFIGURATION)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except SystemCheckError:
        raise
    except CommandError as error:  # raised where Django does not report it: before a command runs
        sys.exit(f"error: {error}")
    except (DatabaseError, OSError) as error:
        from portal.storage.database import describe_command_error

        reason = describe_command_error(error)
        if not reason or "--traceback" in sys.argv:
            raise
        sys.exit(f"error: {reason}")


if __name__ == "__main__":
    main()
