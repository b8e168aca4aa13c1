"""Keeps the snapshots of one process true, warm and on disk. Two threads that no reader waits for.

The first looks at the database some times a second. After a publish it renders again what the publish concerns; what
was there is given out until then. The second works for all processes of a data folder (one of them holds the lock): it
has bodies packed as small as they get (packing.py), and writes them to disk, where the others find them.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterable
from typing import Protocol

from django.db import DatabaseError, close_old_connections

from portal.serving.application import SnapshotApplication, close
from portal.serving.changes import Changes
from portal.serving.database import DatabaseFile, in_words
from portal.serving.garbage import settle
from portal.serving.packing import PatientPacker
from portal.serving.public_files import PublicFiles
from portal.serving.shelf import Shelf, Stored, number_of
from portal.serving.snapshots import Snapshot, Snapshots

log = logging.getLogger(__name__)

# Readers are told how old a page may be when the database has not confirmed it for so long.
PATIENCE = 5.0
# The database is looked at again after this time, also while there is much to render.
SLICE = 0.3
# After a publish so many pages and lists are rendered at once. All other addresses are forgotten, which is enough to be
# true, and rendered when nothing has been published for so many seconds: publishing often must not slow readers.
AT_ONCE = 4
QUIET = 2.0
# More than this at once: progress is logged, and readers get half of the time.
MANY = 50
REPORT_EVERY = 10.0
# Seconds between two rounds of packing and writing, and looks that an answer has to last before it is packed finer.
ROUND = 2.0
LOOKS = 5
WRITE_EVERY = 15.0
# Writing takes a fiftieth of the time, however much there is and however often something is published; but what was
# withdrawn must not stay on disk for long.
WRITE_SHARE, WRITE_AT_LEAST = 50, 30.0
# The names of public files are read after every change, and at least this often.
FILES_SECONDS = 5.0
FILES = "public-files.json"


class Source(Protocol):
    """What the keeper asks of the domain (``settings.SNAPSHOT_SOURCE``). Any of these may raise DatabaseError."""

    def public_state(self) -> str:
        """A small value that changes whenever anything does that the public reads."""

    def concerned(self, before: str, now: str) -> tuple[list[str], list[str]] | None:
        """Addresses that the changes between two states concern: what readers open, and the rest. None: all may be."""

    def addresses(self) -> Iterable[str]:
        """All addresses that are worth keeping, the most important first."""

    def public_files(self) -> Iterable[str]:
        """Names of all media files that the public may read."""


class Keeper:
    """For one process. ``trouble`` says why the database cannot be used, or nothing."""

    def __init__(
        self,
        application: SnapshotApplication,
        snapshots: Snapshots,
        shelf: Shelf,
        source: Source,
        files: PublicFiles | None = None,
    ) -> None:
        self._application, self._snapshots, self._shelf, self._source = application, snapshots, shelf, source
        self._files = files or PublicFiles()
        self._files_read, self._files_changed = 0.0, False
        # Of the public site: what was seen last, and up to which everything kept is rendered.
        self.state = self.settled = ""
        self.trouble = ""
        self._from_disk: set[str] = set()
        self._waiting: dict[str, None] = {}
        self._later: dict[str, None] = {}
        self._noticed = 0.0
        self._reported = 0.0
        self._many = False
        self._locked = False
        # Not before this time is written again.
        self._write_at = 0.0
        self._pack, self._much = PatientPacker(), False

    def load(self) -> None:
        """Take what is on disk, before the first request."""
        stored = self._shelf.load()
        self._files.load(self._shelf.folder / FILES)
        self._application.patience = PATIENCE
        if stored:
            for part in stored:
                self._snapshots.load(part.snapshots)
            self._from_disk = {part.state for part in stored}
            age = max(0.0, time.time() - max(part.confirmed for part in stored))
            self._application.confirmed = time.monotonic() - age
            self._application.look_at_the_clock()
        settle()

    def how_old(self) -> str:
        """What readers get while there is trouble, for an operator."""
        age = int(time.monotonic() - self._application.confirmed)
        return f"{len(self._snapshots.kept)} public addresses are given out as they were {age} s ago"

    def start(self) -> None:
        """Both threads, and the clock of the application; they end with the process."""
        stop = threading.Event()
        for work in (self.watch, self.refine, self._application.clock):
            threading.Thread(target=work, args=(stop,), name=work.__name__, daemon=True).start()

    def watch(self, stop: threading.Event) -> None:
        """The first thread."""
        changes, file = Changes(), DatabaseFile()
        while not stop.is_set():
            try:
                close_old_connections()
                if not self._look(changes, file):
                    stop.wait(SLICE)
                    continue
                self._renew(stop)
                if not self._waiting:
                    changes.wait(stop)
            except DatabaseError as error:
                self._say(in_words(error))
                changes.forget()
                stop.wait(SLICE)
            except Exception:
                # Without this thread the process would show old pages for ever.
                log.exception("the snapshots could not be renewed; trying again")
                stop.wait(PATIENCE)

    def _look(self, changes: Changes, file: DatabaseFile) -> bool:
        """Notice what has changed; False where the database file is not the one from the start."""
        missing = file.trouble()
        if missing:
            self._say(missing)
            changes.forget()
            return False
        if changes.may_have_come():
            state = self._source.public_state()
            if state != self.state or time.monotonic() > self._files_read + FILES_SECONDS:
                # Before the pages: a withdrawn picture is refused at once, and a new page can show its pictures.
                self._files_changed |= self._files.refresh(self._source.public_files())
                self._files_read = time.monotonic()
            if state != self.state:
                self._notice(state)
        self._say("")
        self._application.confirmed = time.monotonic()
        self._snapshots.tick += 1
        return True

    def _notice(self, state: str) -> None:
        """What the change concerns waits to be rendered again, in front of what waits already."""
        found: dict[str, None] = {}
        rest: dict[str, None] = {}
        everything = False
        for before in {self.state} if self.state else self._from_disk:
            concerned = self._source.concerned(before, state)
            everything = everything or concerned is None
            opened, others = concerned or ([], [])
            found.update(dict.fromkeys(opened))
            rest.update(dict.fromkeys(others))
        kept = self._snapshots.kept
        later: list[str] = []
        if everything:
            found = dict.fromkeys([*found, *self._source.addresses(), *kept])
        elif not self.state:
            # A start: what is kept and not concerned is as good as new.
            new = [path for path in self._source.addresses() if path not in kept]
            found = dict.fromkeys([*found, *rest, *new])
        elif len(found) + len(rest) > MANY:
            found = {**found, **rest}
        else:
            at_once = list(found)[:AT_ONCE]
            later = [path for path in {**found, **rest} if path not in at_once and path not in self._waiting]
            found = dict.fromkeys(at_once)
        self._snapshots.next_generation()
        for path in later:
            self._snapshots.forget(path)
        self._later.update(dict.fromkeys(later))
        self._noticed = time.monotonic()
        self._waiting = {**found, **self._waiting}
        self._many = not self.state or len(self._waiting) > MANY
        self.state = state
        if self._many:
            self._reported = time.monotonic()
            log.info("%s public addresses are being rendered, %s are there", len(self._waiting), len(kept))

    def _renew(self, stop: threading.Event) -> None:
        """Render what waits, for a while."""
        if not self._waiting and time.monotonic() > self._noticed + QUIET:
            self._waiting, self._later = self._later, {}
        until = time.monotonic() + SLICE
        in_turns = len(self._waiting) > MANY
        while self._waiting and time.monotonic() < until and not stop.is_set():
            begun = time.monotonic()
            path = next(iter(self._waiting))
            generation = self._snapshots.generation
            answer = self._application.ask(path)
            close(answer.chunks)
            if answer.status.startswith("503"):
                raise DatabaseError("a page could not be read")
            if answer.snapshot is not None:
                self._snapshots.put(path, answer.snapshot, generation)
            elif not (self._many and answer.status.startswith("5")):
                # Also after a fault: the text may be withdrawn. When all is rendered again, old is better than none.
                self._snapshots.forget(path)
            del self._waiting[path]
            if in_turns:
                self._report()
                stop.wait(time.monotonic() - begun)
        if not self._waiting:
            self.settled = self.state
            if self._many:
                self._many = False
                settle()
                log.info("all public addresses are rendered")

    def _report(self) -> None:
        if time.monotonic() - self._reported > REPORT_EVERY:
            self._reported = time.monotonic()
            log.info("%s public addresses are still to be rendered", len(self._waiting))

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            if trouble:
                log.warning("%s; public pages are given out as they were", trouble)
            else:
                log.info("the database answers again")
            self.trouble = trouble

    def refine(self, stop: threading.Event) -> None:
        """The second thread."""
        failed = False
        with contextlib.ExitStack() as held:
            held.callback(self._pack.rest)
            while not stop.wait(ROUND):
                try:
                    self._round(stop, held)
                    failed = False
                except OSError as error:
                    if not failed:
                        log.warning("the snapshots cannot be written: %s; they are kept in memory", error.strerror)
                    failed = True
                except Exception:
                    log.exception("the snapshots could not be written; trying again")

    def _round(self, stop: threading.Event, held: contextlib.ExitStack) -> None:
        """With the lock of the data folder: pack finer and write. Without: see what the one who has it has written."""
        if not self._locked:
            stream = self._shelf.lock()
            if stream is None:
                self._adopt()
                return
            held.enter_context(stream)
            self._locked = True
            self._shelf.tidy()
            # Once after each start every file says up to which state it is good, also where nothing in it has changed.
            self._snapshots.give_back(set(self._snapshots.kept))
        self._store_files()
        self._refine_some(stop)
        if self.settled and time.monotonic() >= self._write_at:
            self._write()
        if self._much and not self._waiting and not self._snapshots.coarse():
            self._much = False
            log.info("all public addresses are packed")

    def _store_files(self) -> None:
        if self._files_changed:
            self._files_changed = False
            try:
                self._files.store(self._shelf.folder / FILES)
            except OSError:
                self._files_changed = True
                raise

    def _refine_some(self, stop: threading.Event) -> None:
        """Pack finer what has stayed the same for a moment, until it is time to write."""
        tick, until = self._snapshots.tick, time.monotonic() + WRITE_EVERY
        coarse = [(path, one) for path, one in self._snapshots.coarse() if one.born <= tick - LOOKS]
        self._much = self._much or len(coarse) > MANY
        if self._much and coarse:
            settle()
        for path, snapshot in coarse:
            self._snapshots.refine(path, snapshot.refined(self._pack))
            if stop.is_set() or time.monotonic() > until:
                return
        self._pack.rest()

    def _write(self) -> None:
        """The files that changed addresses fall to."""
        begun, state = time.monotonic(), self.settled
        changed = self._snapshots.take_changed()
        try:
            confirmed = time.time() - (begun - self._application.confirmed)
            parts: dict[int, dict[str, Snapshot]] = {number_of(path): {} for path in changed}
            for path, snapshot in list(self._snapshots.kept.items()) if parts else ():
                if (number := number_of(path)) in parts:
                    parts[number][path] = snapshot
            for number, part in parts.items():
                self._shelf.write(number, Stored(state, confirmed, part))
        except BaseException:
            self._snapshots.give_back(changed)
            raise
        finally:
            took = time.monotonic() - begun
            self._write_at = begun + took + min(WRITE_SHARE * took, WRITE_AT_LEAST)

    def _adopt(self) -> None:
        """What the process with the lock has packed finer; only where it is the very same answer."""
        found = self._shelf.changed(self._can_be_finer)
        for stored in found:
            for path, snapshot in stored.snapshots.items():
                if snapshot.finest:
                    self._snapshots.refine(path, snapshot)
        if sum(len(stored.snapshots) for stored in found) > MANY:
            settle()

    def _can_be_finer(self, path: str, sha: str) -> bool:
        kept = self._snapshots.kept.get(path)
        return kept is not None and not kept.finest and kept.sha == sha
