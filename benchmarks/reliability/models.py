"""Models: checked before they are opened, swapped while requests run."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.services.keyfiles import secret
from api.services.shelf import adopt, open_desk, publish_candidate, shelved
from api.settings import Settings
from api.store import facts, learning
from api.store.engine import make_engine
from api.store.migration import migrate
from benchmarks.reliability.callers import complaint_maker, open_loop, share
from benchmarks.reliability.durability import processes
from benchmarks.reliability.load import L1_RATE, figures, lost
from benchmarks.reliability.rows import BOTH, Length, Outcome, row
from benchmarks.reliability.service import Service, service
from benchmarks.reliability.suite import tested
from domain.errors import ModelError
from domain.taxonomy import shipped_taxonomy
from triage import artefact
from triage.lesson import Table
from triage.registry import open_model
from triage.train import train

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


@row("M3", "refused 3 of 3; the floor is kept outside the registry")
def foreign(_database: str, _length: Length) -> Outcome:
    """Another key, an older signed model, the signature of another file."""
    test = "test_who_can_write_the_shelf_but_lacks_the_key_gains_nothing"
    return tested(f"tests/api/test_models.py::{test}")


@row("M4", "loads exactly the verified bytes, every time")
def gap(_database: str, length: Length) -> Outcome:
    """Two whole models take turns under one name while it is being read."""
    tries = length.of(200, 1000)
    with tempfile.TemporaryDirectory(prefix="suyuan-bench-") as folder:
        root = Path(folder)
        for side in ("a", "b"):
            payload = {"side": side, "filler": side * 300_000}
            artefact.publish(root / side, "turns", "1.0.0", payload, {"side": side}, "card", _KEY)
        target = root / "models" / "turns" / "1.0.0"
        shutil.copytree(root / "a" / "turns" / "1.0.0", target)
        stop = threading.Event()
        swapping = threading.Thread(target=_swap_files, args=(root, target, stop))
        swapping.start()
        told = [_sides(root / "models") for _ in range(tries)]
        stop.set()
        swapping.join()
    mixed = sum(said is not None and said[0] != said[1] for said in told)
    refused = told.count(None)
    figure = f"{tries} loads: {tries - refused} whole, {refused} refused, {mixed} mixed"
    return Outcome(figure, mixed == 0 and refused < tries)


def _swap_files(root: Path, target: Path, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        source = root / "ab"[number % 2] / "turns" / "1.0.0"
        for file in (artefact.PAYLOAD, artefact.CARD, artefact.MANIFEST):
            fresh = target / f".{file}"
            shutil.copyfile(source / file, fresh)
            fresh.rename(target / file)
        time.sleep(0.02)
        number += 1


def _sides(root: Path) -> tuple[str, str] | None:
    """What manifest and payload say of a load; None when it was refused."""
    try:
        loaded = artefact.load(root, "turns", "1.0.0", key=_KEY)
    except ModelError:
        return None
    return str(loaded.manifest["side"]), str(loaded.payload["side"])


@row("M5", "all old or all new every time; no half file picked; leftovers cleaned")
def publish_crash(_database: str, length: Length) -> Outcome:
    """kill -9 at random points of train, write, sign, switch."""
    rounds, random_ = length.of(6, 100), random.Random(3)
    with tempfile.TemporaryDirectory(prefix="suyuan-bench-") as folder:
        settings = Settings(data_dir=Path(folder))
        migrate(settings)
        release(settings, "1.0.0")
        took = _released(settings, "1.1.0", None)
        sound = 0
        for number in range(rounds):
            _released(settings, f"1.{number + 2}.0", random_.uniform(0, 1.1 * took))
            sound += _registry_is_whole(settings)
        release(settings, "2.0.0")
        left = list(Path(folder).rglob(".new-*"))
        new = live_version(settings) == "2.0.0"
    figure = f"{sound} of {rounds} whole, then published again {new}, {len(left)} leftovers"
    return Outcome(figure, sound == rounds and new and not left)


_TEXTS = [
    what + "".join(chr(0x4E00 + n * k * 131 % 5_000) for k in range(1, 12))
    for n in range(1, 61)
    for what in ("屏幕一直闪", "快递迟迟不到")
]


def release(settings: Settings, version: str) -> None:
    """Train a small model, write it signed, put it on the shelf and make it live."""
    labels = {"category": ["产品质量", "物流配送"] * 60}
    trained = train(Table(_TEXTS, labels), name="house", version=version,
                    taxonomy=shipped_taxonomy())  # fmt: skip
    publish_candidate(settings, trained)
    adopt(settings, "house", version)
    with make_engine(settings).begin() as connection:
        before = facts.active_model(connection, "house")
        live = {"name": "house", "version": version, "since": datetime.now(UTC), "how": "promotion",
                "by": "bench"}  # fmt: skip
        learning.switch(connection, live, before, first=before is None)


def _release_and_tell(settings: Settings, version: str, begun: Any) -> None:
    begun.set()
    release(settings, version)


def _released(settings: Settings, version: str, after: float | None) -> float:
    """Release in a process of its own, killed after some seconds; how long it took."""
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    child = context.Process(target=_release_and_tell, args=(settings, version, begun))
    child.start()
    begun.wait()
    at = time.monotonic()
    child.join(after)
    child.kill()
    child.join()
    return time.monotonic() - at


def live_version(settings: Settings) -> str | None:
    """What the database says is live."""
    with make_engine(settings).connect() as connection:
        return facts.active_model(connection, "house")


def _registry_is_whole(settings: Settings) -> bool:
    """Whether the live version and everything that shows can be opened."""
    shown = shelved(settings, "house")
    try:
        for model in shown:
            open_desk(settings, "house", model.version)
    except ModelError:
        return False
    return live_version(settings) in {model.version for model in shown}


@row("M7", "8 of 8 refused with the reason, a good one accepted; sources capped")
def gate(_database: str, _length: Length) -> Outcome:
    """Eight bad candidates, really trained or really broken."""
    return tested("tests/triage/test_gate.py")


@row("M8", "≤ 5 s on all workers, no restart, audit row; automatic above 1 % in 60 s", BOTH)
def rolled_back(database: str, length: Length) -> Outcome:
    """One call during load; and by itself when the live model breaks."""
    with service(database, workers=processes(database)) as running:
        running._settings["models_dir"] = running.folder / "models"
        key = secret(running.data, "models")
        for version in ("2.0.0", "2.1.0"):
            publish(running.folder / "models", version, key)
        running.start()
        for version in ("2.0.0", "2.1.0"):
            running.call("POST", "/models/complaints/activate", {"version": version})
        took: list[float] = []
        rolling = threading.Timer(3, lambda: took.append(_rolled(running)))
        rolling.start()
        seconds = length.of(8, 60)
        measured = asyncio.run(open_loop(running.port, 50, seconds, complaint_maker(), "m8-"))
        rolling.join()
        audited = running.query("SELECT count(*) FROM audit WHERE action = 'model.rollback'")[0][0]
        gone = lost(running, measured.acknowledged)
    automatic = tested(
        "tests/api/test_learning.py::test_a_model_that_breaks_is_taken_back_by_itself"
    )
    figure = (
        f"on all after {took[0]:.1f} s, statuses {measured.statuses}, lost {gone}, "
        f"audit rows {audited}; automatic: {automatic.figure}"
    )
    passed = took[0] <= 5 and set(measured.statuses) == {201} and gone == 0 and audited == 1
    return Outcome(figure, passed and bool(automatic.passed))


def _rolled(running: Service) -> float:
    """Seconds until every process answers with the version before."""
    begun = time.monotonic()
    running.call("POST", "/models/complaints/rollback", {"reason": "bench"})
    while time.monotonic() - begun < 20:
        said = [running.call("POST", "/classify", {"text": "屏幕一直闪"})[1] for _ in range(12)]
        if all(reply["model"]["version"] == "2.0.0" for reply in said):
            return time.monotonic() - begun
    return 99.0


@row("M6", "0 not 2xx; every reply of one version; new one everywhere ≤ 5 s; p99 ≤ 2 × base", BOTH)
def swapped(database: str, length: Length) -> Outcome:
    """Versions take turns while complaints come in."""
    swaps = length.of(6, 100)
    with service(database, workers=processes(database)) as running:
        running._settings["models_dir"] = running.folder / "models"
        key = secret(running.data, "models")
        for version in ("2.0.0", "2.1.0"):
            publish(running.folder / "models", version, key)
        running.start()
        asyncio.run(open_loop(running.port, 50, 2, complaint_maker(1), "warm-"))
        base = asyncio.run(
            open_loop(running.port, L1_RATE, length.of(5, 8), complaint_maker(2), "base-")
        )
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
