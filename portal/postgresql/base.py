"""Django's PostgreSQL backend with limits for web processes: a connection pool and timeouts.

A server that stops without closing its connections, for example because its machine hangs, never responds. Without
limits, a few searches would then occupy every thread, and readers of published pages would wait as well. Web processes
therefore

- open at most ``PORTAL_DATABASE_CONNECTIONS`` connections, and let only a few threads wait for one;
- stop waiting for a response after a few seconds (portal/storage/database.py), and close that connection;
- after a failed connection attempt, fail immediately for PAUSE_SECONDS, then let a single thread retry.

Commands and the worker process, whose statements can take long, have one connection without these limits.
"""

import threading
import time
from collections.abc import Generator
from typing import Any, ClassVar, cast

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool, PoolTimeout

from portal.storage.database import ALL_IN_USE, NO_RESPONSE, get_response_timeout, response_timeout

CHECK_TIMEOUT_SECONDS, PAUSE_SECONDS = 0.8, 3.0


class LimitedConnection(psycopg.Connection[Any]):
    """A connection that is closed if a response takes longer than ``get_response_timeout()``."""

    # The monotonic time of the last response on any connection of this process.
    last_response_at: ClassVar[float] = 0.0

    def wait(self, generator: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Run a database operation. Raise OperationalError, and close the connection, when the limit is reached."""
        try:
            response = super().wait(_with_deadline(get_response_timeout(), generator), *args, **kwargs)
        except _ResponseTimeoutError:
            self.close()
            raise
        LimitedConnection.last_response_at = time.monotonic()
        return response


class _ResponseTimeoutError(psycopg.OperationalError):
    def __init__(self) -> None:
        super().__init__("the database did not respond in time")


def _with_deadline(seconds: float, generator: Any) -> Generator[Any, Any, Any]:
    """Run psycopg's wait generator with a deadline; psycopg resumes it at short intervals while nothing arrives."""
    deadline = time.monotonic() + seconds
    try:
        waits_for = next(generator)
        while True:
            is_ready = yield waits_for
            if not is_ready and time.monotonic() > deadline:
                raise _ResponseTimeoutError
            waits_for = generator.send(is_ready)
    except StopIteration as end:
        return end.value


class LimitedPool(ConnectionPool[LimitedConnection]):
    """psycopg's pool, which reports why no connection could be made and fails fast after a failure."""

    def __init__(self, *, max_waiting_threads: int, **options: Any) -> None:
        super().__init__(connection_class=LimitedConnection, **options)
        self._state_lock = threading.Lock()
        # Not the pool's own max_waiting, which counts threads that have given up, and refuses without a new attempt.
        self._max_waiting_threads = max_waiting_threads
        self._in_use = self._waiting_threads = 0
        self._failure: Exception | None = None
        self._paused_until = 0.0

    def _connect(self, timeout: float | None = None) -> LimitedConnection:
        # Of an earlier outage, perhaps: while this attempt hangs, its own cause is not known.
        self._failure = None
        try:
            connection = super()._connect(timeout)
        except Exception as error:
            self._failure = error
            raise
        self._paused_until = 0.0
        return connection

    def getconn(self, timeout: float | None = None) -> LimitedConnection:
        """Return a working connection. Raise OperationalError with the reason why there is none."""
        with self._state_lock:
            now = time.monotonic()
            if now < self._paused_until:
                raise self._make_error()
            if self._paused_until:
                # This thread tries; the others are refused until it has succeeded.
                self._paused_until = now + PAUSE_SECONDS
            if self._in_use + self._waiting_threads >= self.max_size + self._max_waiting_threads:
                raise self._make_error()
            self._waiting_threads += 1
        try:
            connection = super().getconn(timeout)
        except PoolTimeout as error:
            if not self._in_use:
                self._paused_until = time.monotonic() + PAUSE_SECONDS
            raise self._make_error() from error
        finally:
            with self._state_lock:
                self._waiting_threads -= 1
        with self._state_lock:
            self._in_use += 1
            self._paused_until = 0.0
        return connection

    def putconn(self, conn: LimitedConnection) -> None:
        with self._state_lock:
            self._in_use -= 1
        super().putconn(conn)

    def _make_error(self) -> psycopg.OperationalError:
        is_responding = time.monotonic() - LimitedConnection.last_response_at < CHECK_TIMEOUT_SECONDS
        if self._in_use >= self.max_size and is_responding:
            return psycopg.OperationalError(ALL_IN_USE)
        return psycopg.OperationalError(str(self._failure or NO_RESPONSE))


def _check(connection: LimitedConnection) -> None:
    with response_timeout(CHECK_TIMEOUT_SECONDS):
        ConnectionPool.check_connection(connection)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection, taken from a LimitedPool once ``limit_connections`` has been called."""

    @property
    def pool(self) -> Any:
        options = self.settings_dict["OPTIONS"].get("pool")
        if not options:
            return None
        # Private names of Django, without types.
        parent: Any = self
        pools = cast("dict[str, LimitedPool]", parent._connection_pools)  # noqa: SLF001 -- see above
        if self.alias not in pools:
            parameters = {**self.get_connection_params(), "autocommit": True}
            pool = LimitedPool(
                kwargs=parameters,
                open=False,
                configure=parent._configure_connection,  # noqa: SLF001 -- see above
                check=_check,
                **options,
            )
            pools.setdefault(self.alias, pool)
        return pools[self.alias]
