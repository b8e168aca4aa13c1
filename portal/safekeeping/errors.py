"""What stops a backup or a restore."""


class SafekeepingError(Exception):
    """Nothing was changed. The message is a sentence for the operator."""
