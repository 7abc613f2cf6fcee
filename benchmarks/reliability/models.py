"""Models: checked before they are opened, swapped while requests run."""

from __future__ import annotations

import asyncio
import json
import pickle
import random
import shutil
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.services.keyfiles import secret
from benchmarks.reliability.callers import complaint_maker, open_loop, share
from benchmarks.reliability.durability import processes
from benchmarks.reliability.load import L1_RATE, figures, lost
from benchmarks.reliability.rows import BOTH, Length, Outcome, row
from benchmarks.reliability.service import Service, service
from domain.errors import ModelError
from triage import artefact
from triage.registry import open_model

_KEY = bytes(range(32))


def publish(root: Path, version: str, key: bytes) -> None:
    """A signed copy of the shipped model under another version."""
    payload = open_model("complaints").to_payload()
    artefact.publish(root, "complaints", version, payload, {}, "card", key=key)


@contextmanager
def shelf() -> Iterator[Path]:
    """A directory with one signed model."""
    with tempfile.TemporaryDirectory(prefix="suyuan-bench-") as folder:
        publish(Path(folder), "2.0.0", _KEY)
        yield Path(folder)


@row("M1", "refused every time, before anything is unpickled")
def tampered(_database: str, length: Length) -> Outcome:
    """Flipped bits, cut and lengthened files, empty ones."""
    tries = length.of(200, 1000)
    random_ = random.Random(5)
    refused = 0
    with shelf() as root:
        directory = root / "complaints" / "2.0.0"
        whole = {file.name: file.read_bytes() for file in directory.iterdir()}
        for number in range(tries):
            name = random_.choice(sorted(whole))
            (directory / name).write_bytes(_changed(whole[name], number, random_))
            refused += _is_refused(root)
            (directory / name).write_bytes(whole[name])
        good = not _is_refused(root)
    return Outcome(
        f"{refused} of {tries} refused, the whole one loaded {good}", refused == tries and good
    )


def _changed(content: bytes, number: int, random_: random.Random) -> bytes:
    at = random_.randrange(len(content))
    if number % 10 == 7:
        return content[:at]
    if number % 10 == 8:
        return content + b"x"
    if number % 10 == 9:
        return b""
    flipped = bytearray(content)
    flipped[at] ^= 1 << random_.randrange(8)
    return bytes(flipped)


def _is_refused(root: Path) -> bool:
    try:
        artefact.load(root, "complaints", "2.0.0", key=_KEY)
    except ModelError:
        return True
    return False


class _Runs:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: str) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (subprocess.check_call, (["touch", self._marker],))


@row("M2", "the marker file is created 0 times; memory +≤ 100 MB")
def hostile(_database: str, _length: Length) -> Outcome:
    """Payloads that run when they are opened, with a manifest that vouches for them."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with shelf() as root:
        marker = root / "marker"
        tried = [_opened(root, content, size) for content, size in _payloads(str(marker))]
        ran = marker.exists()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figure = f"{sum(tried)} of {len(tried)} refused, ran {ran}, memory +{grown:.0f} MB"
    return Outcome(figure, all(tried) and not ran and grown <= 100)


def _payloads(marker: str) -> list[tuple[bytes, int]]:
    plain = [pickle.dumps(_Runs(marker), protocol) for protocol in range(6)]
    nested = [pickle.dumps({"scorer": [_Runs(marker)], "heads": []})]
    named = [
        b"cos\nsystem\n(S'touch " + marker.encode() + b"'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
    ]
    packed = [(zlib.compress(content), len(content)) for content in [*plain, *nested, *named]]
    return [*packed, (plain[2], len(plain[2])), (zlib.compress(bytes(1 << 20)), 10 << 30)]


def _opened(root: Path, content: bytes, claimed: int) -> bool:
    """Sign a manifest over the hostile bytes; true when it is refused all the same."""
    import hashlib

    directory = root / "complaints" / "2.0.0"
    (directory / artefact.PAYLOAD).write_bytes(content)
    manifest = json.loads((directory / artefact.MANIFEST).read_text("utf-8"))
    manifest["files"][artefact.PAYLOAD] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "unpacked_bytes": claimed,
    }
    manifest["signature"] = artefact.signature(manifest, _KEY)
    (directory / artefact.MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")
    return _is_refused(root)


@row("M6", "0 not 2xx; every reply of one version; new one everywhere ≤ 5 s; p99 ≤ 2 × base", BOTH)
def swapped(database: str, length: Length) -> Outcome:
    """Versions take turns while complaints come in."""
    swaps = length.of(10, 100)
    with service(database, workers=processes(database)) as running:
        running._settings["models_dir"] = running.folder / "models"
        key = secret(running.data, "models")
        for version in ("2.0.0", "2.1.0"):
            publish(running.folder / "models", version, key)
        running.start()
        asyncio.run(open_loop(running.port, 50, 2, complaint_maker(1), "warm-"))
        base = asyncio.run(open_loop(running.port, L1_RATE, 8, complaint_maker(2), "base-"))
        before = running.rss_kib()
        swapping = threading.Thread(target=_take_turns, args=(running, swaps))
        swapping.start()
        measured = asyncio.run(
            open_loop(running.port, L1_RATE, 1.2 * swaps, complaint_maker(), "m6-")
        )
        swapping.join()
        late = _followed(running)
        grown = (running.rss_kib() - before) / 1024
        gone = lost(running, measured.acknowledged)
    at_rest, at_swaps = share(base.taken_seconds, 0.99), share(measured.taken_seconds, 0.99)
    figure = (
        f"{swaps} swaps: {figures(measured)} (base p99 {at_rest:.0f}), lost {gone}, "
        f"all on the new one after {late:.1f} s, memory {grown:+.0f} MB"
    )
    only = set(measured.statuses) == {201}
    return Outcome(figure, only and gone == 0 and late <= 5 and at_swaps <= 2 * at_rest)


def _take_turns(running: Service, swaps: int) -> None:
    for number in range(swaps):
        running.call("POST", "/models/complaints/activate", {"version": f"2.{number % 2}.0"})
        time.sleep(1)


def _followed(running: Service) -> float:
    """Seconds until every process answers with the version activated last."""
    begun = time.monotonic()
    running.call("POST", "/models/complaints/activate", {"version": "2.0.0"})
    while time.monotonic() - begun < 20:
        said = [running.call("POST", "/classify", {"text": "屏幕一直闪"})[1] for _ in range(12)]
        if all(reply["model"]["version"] == "2.0.0" for reply in said):
            return time.monotonic() - begun
    return 99.0


@row("M9", "202 and stored; readyz names it; backlog decided when a model comes; 0 lost", BOTH)
def missing(database: str, length: Length) -> Outcome:
    """No model at the start, and one that comes later."""
    with service(database, workers=processes(database)) as running:
        models = running.folder / "models"
        models.mkdir()
        running._settings["models_dir"] = models
        running.start(ready=False)
        measured = asyncio.run(
            open_loop(running.port, 50, length.of(6, 60), complaint_maker(), "m9-")
        )
        status, ready = running.call("GET", "/readyz")
        key = secret(running.data, "models")
        publish(models, "2.0.0", key)
        running.wait("/readyz", 60)
        waiting = _backlog(running)
        gone = lost(running, measured.acknowledged)
        shutil.rmtree(models)
    figure = (
        f"statuses {measured.statuses}, readyz {status} ({ready['checks']['model'][:60]}), "
        f"{waiting} waiting at the end, lost {gone}"
    )
    passed = set(measured.statuses) == {202} and status == 503 and waiting == gone == 0
    return Outcome(figure, passed)


def _backlog(running: Service) -> int:
    waiting = -1
    for _ in range(300):
        asked = "SELECT count(*) FROM complaints WHERE state = 'pending'"
        waiting = int(running.query(asked)[0][0])
        if waiting == 0:
            break
        time.sleep(0.2)
    return waiting
