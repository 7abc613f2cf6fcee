"""Long work in a process of its own: niced, watched for time and memory, ended when it is over.

The service keeps its writer, its locks and its answers; what may take minutes or burst runs here.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from api.services.logs import fault
from api.settings import Settings
from domain.errors import InputError, LimitExceeded, SuyuanError

Tell = Callable[[int, int], None]
Take = Callable[[Any], None]
_POLL_SECONDS = 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Line:
    """What the process says while it works: how far it is, and pieces of what it makes."""

    def __init__(self, pipe: Connection[Any, Any]) -> None:
        self._pipe = pipe

    def __call__(self, done: int, total: int) -> None:
        """Tell how far the work is."""
        self._pipe.send(("at", (done, total)))

    def hand(self, piece: Any) -> None:
        """Hand a piece over; waits while the other side is busy with earlier ones."""
        self._pipe.send(("piece", piece))


Work = Callable[[Settings, Mapping[str, Any], Line], Mapping[str, Any]]


def run_apart(
    work: Work,
    settings: Settings,
    told: Mapping[str, Any],
    progress: Tell,
    *,
    limit_seconds: float,
    take: Take | None = None,
) -> dict[str, Any]:
    """What `work(settings, told, line)` returns; it must be a function of a module.

    `take` gets what the work hands over on its way, in order.

    `LimitExceeded` when it takes longer, or more memory than the settings grant a job,
    `InputError` when it refuses its input, `RuntimeError` when it fails; whatever `progress`
    raises ends it too.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    arguments = (theirs, work, settings.model_dump(), dict(told))
    child = context.Process(target=_work, args=arguments, daemon=True)
    child.start()
    theirs.close()
    try:
        return _awaited(child, ours, progress, take, limit_seconds, settings.job_memory_bytes)
    finally:
        child.kill()
        child.join()
        ours.close()


def _awaited(
    child: Any,
    pipe: Connection[Any, Any],
    progress: Tell,
    take: Take | None,
    limit_seconds: float,
    limit_bytes: int,
) -> dict[str, Any]:
    end, done = time.monotonic() + limit_seconds, (0, 0)
    while time.monotonic() < end:
        progress(*done)
        if pipe.poll(_POLL_SECONDS):
            kind, said = _received(pipe)
            if kind == "done":
                return dict(said)
            if kind == "at":
                done = said
            elif take is not None:
                take(said)
        elif not child.is_alive() and not pipe.poll():
            raise RuntimeError("the job's process ended without a word")
        if _resident_bytes(child.pid) > limit_bytes:
            raise LimitExceeded(f"it took more than {limit_bytes >> 20:,} MiB of memory")
    raise LimitExceeded(f"it took more than {limit_seconds:g} s")


def _received(pipe: Connection[Any, Any]) -> tuple[str, Any]:
    try:
        kind, said = pipe.recv()
    except EOFError:
        raise RuntimeError("the job's process ended without a word") from None
    if kind == "refused":
        raise InputError(said)
    if kind == "failed":
        raise RuntimeError(f"{said['error']} at {said['at']}")
    return kind, said


def _resident_bytes(pid: int | None) -> int:
    """Memory of a process; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _work(
    pipe: Connection[Any, Any], work: Work, settings: dict[str, Any], told: dict[str, Any]
) -> None:
    """What the process does; every end is told to the other side."""
    os.nice(5)
    try:
        outcome = work(Settings(**settings), told, Line(pipe))
        pipe.send(("done", dict(outcome)))
    except SuyuanError as error:
        pipe.send(("refused", str(error)[:400]))
    except Exception as error:
        pipe.send(("failed", fault(error)))
