"""Locks between processes on one SQLite file: one service at a time, one write at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from api.settings import Settings
from domain.errors import Conflict


class WriteLock:
    """Held around each write and checkpoint, so that two processes never do so at once."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_error: object) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def write_lock(settings: Settings) -> WriteLock:
    """The lock of the installation's SQLite file."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return WriteLock(settings.data_dir / "write.lock")


@contextlib.contextmanager
def only_service(settings: Settings) -> Iterator[None]:
    """Be the one process that serves a SQLite file; `Conflict` when another one does."""
    if not settings.on_sqlite:
        yield
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.data_dir / "service.lock").open("a+") as file:
        _take(file, settings)
        yield


def _take(file: IO[str], settings: Settings) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        raise Conflict(
            f"process {file.read()[:20] or '?'} serves {settings.data_dir} already, and SQLite "
            "takes one process: stop that one first, or send it files by POST /imports; "
            "several processes need PostgreSQL"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
