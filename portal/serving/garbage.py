"""Python's search for garbage, kept short."""

import gc


def settle() -> None:
    """Call it when much has come that stays. A full search looks at everything else only.

    It stops all threads of a process: with 10,000 pages, a quarter of a second now and then. What is left out by this
    is still freed as soon as nothing refers to it; only rings of objects that were there at this moment are not.
    """
    gc.collect(1)
    gc.freeze()
