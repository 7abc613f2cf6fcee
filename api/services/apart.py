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
Work = Callable[[Settings, Mapping[str, Any], Tell], Mapping[str, Any]]
_POLL_SECONDS = 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def run_apart(
    work: Work,
    settings: Settings,
    told: Mapping[str, Any],
    progress: Tell,
    *,
    limit_seconds: float,
    limit_bytes: int,
) -> dict[str, Any]:
    """What `work(settings, told, tell)` returns; it must be a function of a module.

    `LimitExceeded` when it takes longer or more memory, `InputError` when it refuses its input,
    `RuntimeError` when it fails; whatever `progress` raises ends it too.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    arguments = (theirs, work, settings.model_dump(), dict(told))
    child = context.Process(target=_work, args=arguments, daemon=True)
    child.start()
    theirs.close()
    try:
        return _awaited(child, ours, progress, limit_seconds, limit_bytes)
    finally:
        child.kill()
        child.join()
        ours.close()


def _awaited(
    child: Any, pipe: Connection[Any, Any], progress: Tell, limit_seconds: float, limit_bytes: int
) -> dict[str, Any]:
    end, done = time.monotonic() + limit_seconds, (0, 0)
    while time.monotonic() < end:
        progress(*done)
        if pipe.poll(_POLL_SECONDS):
            said = _received(pipe)
            if isinstance(said, dict):
                return said
            done = said
        elif not child.is_alive() and not pipe.poll():
            raise RuntimeError("the job's process ended without a word")
        if _resident_bytes(child.pid) > limit_bytes:
            raise LimitExceeded(f"it took more than {limit_bytes >> 20:,} MiB of memory")
    raise LimitExceeded(f"it took more than {limit_seconds:g} s")


def _received(pipe: Connection[Any, Any]) -> dict[str, Any] | tuple[int, int]:
    try:
        kind, said = pipe.recv()
    except EOFError:
        raise RuntimeError("the job's process ended without a word") from None
    if kind == "refused":
        raise InputError(said)
    if kind == "failed":
        raise RuntimeError(f"{said['error']} at {said['at']}")
    return dict(said) if kind == "done" else (int(said[0]), int(said[1]))


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
        outcome = work(Settings(**settings), told, lambda *done: pipe.send(("at", done)))
        pipe.send(("done", dict(outcome)))
    except SuyuanError as error:
        pipe.send(("refused", str(error)[:400]))
    except Exception as error:
        pipe.send(("failed", fault(error)))
