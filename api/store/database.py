"""Work on the database: one transaction each, through one writer on SQLite."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.settings import Settings
from api.store.engine import make_engine
from api.store.lock import WriteLock, write_lock
from domain.errors import StoreDown, StoreFull, SuyuanError

T = TypeVar("T")
Work = Callable[[Connection], T]
_GROUP = 64
_DEPTH = 2_000
_RETRIES = 3
_RETRIED = {"40001", "40P01"}
_FULL = {"53100"}
_DOWN_ON_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
}


class Database(Protocol):
    """Runs a piece of work in a transaction of its own."""

    engine: Engine

    def submit(self, work: Work[T], *, writes: bool = True) -> Future[T]:
        """Queue the work; the future is done once it is committed."""

    def close(self) -> None:
        """Finish what is queued and let go of the connections."""


async def run(database: Database, work: Work[T], wait_seconds: float, *, writes: bool = True) -> T:
    """The work's result, or `StoreDown` when it does not come in time."""
    future = asyncio.wrap_future(database.submit(work, writes=writes))
    try:
        return await asyncio.wait_for(asyncio.shield(future), wait_seconds)
    except TimeoutError:
        future.add_done_callback(_forget)
        raise StoreDown(f"the database did not answer within {wait_seconds:g} s") from None


def _forget(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def open_database(settings: Settings, *, read_only: bool = False) -> Database:
    """The installation's database."""
    engine = make_engine(settings, read_only=read_only)
    if settings.on_sqlite:
        return SingleWriter(engine, write_lock(settings))
    return Pool(engine, settings.store_threads)


@dataclass
class _Task:
    work: Work[Any]
    writes: bool
    future: Future[Any]


class SingleWriter:
    """SQLite: one thread owns the one connection; what waits is committed together."""

    def __init__(self, engine: Engine, lock: WriteLock) -> None:
        self.engine = engine
        self._lock = lock
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="store", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], *, writes: bool = True) -> Future[T]:
        """Queue the work behind what is queued already."""
        if self._closed or self._queue.qsize() > _DEPTH:
            raise StoreDown("the database is closed or too much work waits for it")
        task = _Task(work, writes, Future())
        self._queue.put(task)
        return task.future

    def close(self) -> None:
        """Finish what is queued, then close the connection."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        connection: Connection | None = None
        while (group := self._next_group()) is not None:
            try:
                connection = connection or self._connect()
                _run_group(connection, group, self._lock)
            except BaseException as error:
                _fail(group, translated(error))
                connection = self._keep(connection, error)
        if connection is not None:
            self._discard(connection)
        self._lock.close()

    def _connect(self) -> Connection:
        with self._lock:
            return self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _keep(self, connection: Connection | None, error: BaseException) -> Connection | None:
        """Go on with the connection after a full disk, let go of it after anything worse."""
        if connection is None or isinstance(translated(error), StoreFull):
            return connection
        self._discard(connection)
        return None

    def _discard(self, connection: Connection) -> None:
        with self._lock:
            connection.close()
            self.engine.dispose()

    def _next_group(self) -> list[_Task] | None:
        first = self._queue.get()
        if first is None:
            return None
        group = [first]
        while len(group) < _GROUP:
            try:
                task = self._queue.get_nowait()
            except Empty:
                break
            if task is None:
                self._queue.put(None)
                break
            group.append(task)
        return group


def _run_group(connection: Connection, group: list[_Task], lock: WriteLock) -> None:
    writes = [task for task in group if task.writes]
    if writes:
        with lock:
            outcomes = _write_together(connection, writes)
        for task, outcome in zip(writes, outcomes, strict=True):
            _settle(task, *outcome)
    for task in group:
        if not task.writes:
            _settle(task, *_outcome(lambda task=task: task.work(connection)))  # type: ignore[misc]


_Outcome = tuple[Any, BaseException | None]


def _write_together(connection: Connection, tasks: list[_Task]) -> list[_Outcome]:
    """One transaction, a savepoint each: a refused piece of work spoils no other's."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        outcomes = [_in_savepoint(connection, task.work) for task in tasks]
        connection.exec_driver_sql("COMMIT")
        return outcomes
    except BaseException:
        if connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            connection.exec_driver_sql("ROLLBACK")
        raise


def _in_savepoint(connection: Connection, work: Work[T]) -> tuple[T | None, BaseException | None]:
    connection.exec_driver_sql("SAVEPOINT piece")
    result, error = _outcome(lambda: work(connection))
    if isinstance(error, OperationalError):
        raise error
    if error is not None:
        connection.exec_driver_sql("ROLLBACK TO piece")
    connection.exec_driver_sql("RELEASE piece")
    return result, error


def _outcome(call: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return call(), None
    except Exception as error:
        return None, error


def _settle(task: _Task, result: Any, error: BaseException | None) -> None:
    if not task.future.set_running_or_notify_cancel():
        return
    if error is None:
        task.future.set_result(result)
    else:
        task.future.set_exception(translated(error))


def _fail(tasks: list[_Task], error: BaseException) -> None:
    for task in tasks:
        if not task.future.done():
            _settle(task, None, error)


class Pool:
    """PostgreSQL: a few threads, a connection and a transaction for each piece of work."""

    def __init__(self, engine: Engine, threads: int) -> None:
        self.engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="store")

    def submit(self, work: Work[T], *, writes: bool = True) -> Future[T]:
        """Queue the work for the next free thread."""
        try:
            return self._threads.submit(self._transact, work)
        except RuntimeError:
            raise StoreDown("the database is closed") from None

    def close(self) -> None:
        """Finish what is queued, then close the connections."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()

    def _transact(self, work: Work[T]) -> T:
        for attempt in range(_RETRIES):
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except (DBAPIError, PoolTimeout) as error:
                if not _may_retry(error) or attempt == _RETRIES - 1:
                    raise translated(error) from error
            time.sleep(0.01 * 2**attempt)
        raise StoreDown("the database kept refusing the transaction")


def _may_retry(error: Exception) -> bool:
    """Deadlocks and serialisation failures: the transaction is known to be undone."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in _RETRIED


def translated(error: BaseException) -> BaseException:
    """The error of our own family that a database's error means; others as they are."""
    if isinstance(error, (SuyuanError, IntegrityError)):
        return error
    if _is_full(error):
        return StoreFull("the disk under the database is full; nothing was stored")
    return StoreDown("the database does not answer") if _is_down(error) else error


def _is_down(error: BaseException) -> bool:
    origin = getattr(error, "orig", error)
    if isinstance(origin, sqlite3.Error):
        return getattr(origin, "sqlite_errorcode", 0) & 0xFF in _DOWN_ON_SQLITE
    down = (OperationalError, InterfaceError, PoolTimeout)
    return isinstance(error, down) or bool(getattr(error, "connection_invalidated", False))


def _is_full(error: BaseException) -> bool:
    origin = getattr(error, "orig", error)
    if isinstance(origin, sqlite3.Error):
        return getattr(origin, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    if isinstance(origin, OSError):
        return origin.errno == errno.ENOSPC
    return getattr(origin, "sqlstate", None) in _FULL
