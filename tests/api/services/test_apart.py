"""Long work in a process of its own: every way in which it can end."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from api.services.apart import Line, run_apart
from api.settings import Settings
from domain.errors import Cancelled, InputError, LimitExceeded

MUCH = 400 << 20


def _done(settings: Settings, told: Mapping[str, Any], line: Line) -> dict[str, Any]:
    line(1, 2)
    for piece in range(told["pieces"]):
        line.hand([piece] * 1_000)
    return {"pid": os.getpid(), "model": settings.model, "nice": os.nice(0)}


def _refuses(_settings: Settings, _told: Mapping[str, Any], _line: Line) -> dict[str, Any]:
    raise LimitExceeded("the table has more than 10 columns")


def _fails(_settings: Settings, _told: Mapping[str, Any], _line: Line) -> dict[str, Any]:
    raise ValueError("13812345678 is somebody's number")


def _vanishes(_settings: Settings, _told: Mapping[str, Any], _line: Line) -> dict[str, Any]:
    os._exit(3)


def _sleeps(_settings: Settings, told: Mapping[str, Any], _line: Line) -> dict[str, Any]:
    Path(told["file"]).write_text(str(os.getpid()))
    time.sleep(120)
    return {}


def _swells(_settings: Settings, _told: Mapping[str, Any], _line: Line) -> dict[str, Any]:
    held = bytearray(os.urandom(1 << 20) * (MUCH >> 20))
    time.sleep(120)
    return {"held": len(held)}


def _run(work: Any, told: Mapping[str, Any] | None = None, **limits: Any) -> dict[str, Any]:
    given = {"limit_seconds": 60.0, **limits}
    progress = given.pop("progress", lambda *_: None)
    settings = Settings(model="hotline", job_memory_bytes=given.pop("limit_bytes", 2 << 30))
    return run_apart(work, settings, told or {}, progress, **given)


def _gone(file: Path) -> bool:
    pid = int(file.read_text())
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.02)
    return False


def test_what_it_returns_comes_back_with_all_pieces_in_order() -> None:
    """From another process, niced, with the settings of this one."""
    pieces: list[Any] = []
    seen: list[tuple[int, int]] = []
    found = _run(
        _done, {"pieces": 50}, take=pieces.append, progress=lambda *done: seen.append(done)
    )
    assert found["pid"] != os.getpid()
    assert found["model"] == "hotline"
    assert found["nice"] >= 5
    assert [piece[0] for piece in pieces] == list(range(50))
    assert (1, 2) in seen


def test_a_refusal_keeps_its_words_and_a_failure_none_of_them() -> None:
    """What nobody foresaw may quote a complaint; only its kind and place are told."""
    with pytest.raises(InputError, match="more than 10 columns"):
        _run(_refuses)
    with pytest.raises(RuntimeError, match=r"ValueError at .*test_apart\.py") as failed:
        _run(_fails)
    assert "13812345678" not in str(failed.value)


def test_a_process_that_vanishes_is_no_success() -> None:
    """Killed by the system, say."""
    with pytest.raises(RuntimeError, match="ended without a word"):
        _run(_vanishes)


def test_too_long_ends_it(tmp_path: Path) -> None:
    """And the process is gone afterwards."""
    file = tmp_path / "pid"
    with pytest.raises(LimitExceeded, match="more than 8 s"):
        _run(_sleeps, {"file": str(file)}, limit_seconds=8.0)
    assert _gone(file)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_too_much_memory_ends_it() -> None:
    """A bomb takes its own process down, not the service."""
    with pytest.raises(LimitExceeded, match="MiB of memory"):
        _run(_swells, limit_bytes=MUCH - (50 << 20))


def test_what_progress_raises_ends_it(tmp_path: Path) -> None:
    """The service stops, or another worker took the job over."""
    file = tmp_path / "pid"

    def stop(*_done: int) -> None:
        if file.exists() and file.read_text():
            raise Cancelled("the service stops")

    with pytest.raises(Cancelled):
        _run(_sleeps, {"file": str(file)}, progress=stop)
    assert _gone(file)
