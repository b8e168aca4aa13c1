"""Python's search for garbage, kept short."""

import gc


def settle() -> None:
    """Call it when much has come that stays: later searches look at everything else only.

    A search stops all threads of a process; with 10,000 pages that was a quarter of a second now and then. This one
    passes over what has settled before. What has is still freed as soon as nothing refers to it.
    """
    gc.collect()
    gc.freeze()
