"""Garbage collection stops all threads, so it must not grow with the number of pages."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from portal.published.builder import freeze_gc
from portal.published.store import CachedResponse
from tests.published.plain import HTML, PAGE


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_frozen_objects_are_not_collected_again_but_still_freed() -> None:
    gc.collect()
    before = len(gc.get_objects())
    kept = {
        f"/{number}/": CachedResponse.from_response("200 OK", [HTML], PAGE + b"%d" % number) for number in range(2000)
    }
    assert len(gc.get_objects()) > before + 2000

    freeze_gc()
    searched, frozen = len(gc.get_objects()), gc.get_freeze_count()
    assert searched < 2000
    assert frozen > before + 2000

    kept.clear()
    assert gc.get_freeze_count() < frozen - 2000


def test_unreachable_cycles_are_freed_before_freezing() -> None:
    class Ring:
        """An object in a reference cycle."""

    rings = [Ring() for _ in range(100)]
    for ring in rings:
        ring.me = ring  # type: ignore[attr-defined]
    last = weakref.ref(rings[-1])
    gc.collect()  # they are old now
    del rings, ring

    freeze_gc()

    assert last() is None
