"""Structured log lines; a full disk under the log stops nothing."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, TextIO

import structlog

Log = structlog.typing.FilteringBoundLogger


class _LastingStream:
    """Writes lines and swallows what the disk refuses."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line."""
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = msg


def make_log(level: str, stream: TextIO | None = None) -> Log:
    """A log of JSON lines at and above a level."""
    out = _LastingStream(stream or sys.stdout)
    return structlog.wrap_logger(  # type: ignore[no-any-return]
        out,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        context_class=dict,
    )


def _line(event: dict[str, Any], **_options: Any) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=str)


def fault(error: BaseException) -> dict[str, str]:
    """Where an error came from, without its words: those may quote a complaint."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown"
    return {"error": type(error).__name__, "at": place}
