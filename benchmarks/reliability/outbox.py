"""The outbox: what was acknowledged is told, whatever dies, and in order."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import threading
import time
from urllib.error import URLError

from benchmarks.reliability.callers import complaint_text
from benchmarks.reliability.rows import BOTH, Length, Outcome, row
from benchmarks.reliability.service import Service, service
from tests.api.receivers import Receiver

_ORDER = ["complaint.received", "complaint.labelled"]
_PATIENCE_SECONDS = 900


class _Forgetful(Receiver):
    """Fails the first call of three messages in ten; keeps what it took, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: set[str] = set()
        self.taken: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()
        self.answer = self._answer

    def _answer(self, at: int) -> int:
        given, body = self.came[at - 1]
        message = given["webhook-id"]
        with self._lock:
            if hashlib.sha256(message.encode()).digest()[0] % 10 < 3 and message not in self.failed:
                self.failed.add(message)
                return 500
            said = json.loads(body)
            self.taken.append((message, said["data"]["id"], said["type"]))
            return 204


@row(
    "D12",
    "each event delivered ≥ 1, repeats under the same id, 0 missing, order kept",
    BOTH,
    patient=True,
)
def told_whatever_dies(database: str, length: Length) -> Outcome:
    """SIGKILL at a random moment while complaints come in and webhooks go out."""
    receiver, rounds = _Forgetful(), length.of(5, 100)
    acknowledged: list[str] = []
    hosts = json.dumps([receiver.place])
    with service(database, webhook_hosts=hosts, worker_poll_seconds=0.05) as running:
        for number in range(rounds):
            running.start(ready=True)
            if number == 0:
                running.call("POST", "/webhooks", {"url": f"http://{receiver.place}/"})
            threading.Timer(random.uniform(1.0, 3.0), running.kill).start()
            _write(running, number, acknowledged)
        running.start(ready=True)
        _wait(running)
        stored = running.query("SELECT webhook_id, complaint FROM outbox")
    receiver.close()
    return _outcome(receiver, acknowledged, stored, rounds)


def _write(running: Service, number: int, acknowledged: list[str]) -> None:
    """Complaints with a correction each, until nobody answers."""
    draw = random.Random(number)
    with contextlib.suppress(URLError, ConnectionError, OSError):
        for turn in range(1_000):
            name, text = f"r{number}-{turn}", complaint_text(draw)
            if running.call("POST", "/complaints", {"id": name, "text": text})[0] < 300:
                acknowledged.append(name)
            running.call("PUT", f"/complaints/{name}/labels", {"tier": "重大"})


def _wait(running: Service) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    events = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
    letters = "SELECT count(*) FROM deliveries WHERE state = 'waiting'"
    waiting = f"SELECT ({events}) + ({letters})"
    while running.query(waiting) != [(0,)] and time.monotonic() < until:
        time.sleep(0.5)


def _outcome(
    receiver: _Forgetful, acknowledged: list[str], stored: list[tuple[str, str]], rounds: int
) -> Outcome:
    told = {message for message, _, _ in receiver.taken}
    missing = len({message for message, _ in stored} - told)
    silent = len(set(acknowledged) - {name for _, name, _ in receiver.taken})
    by_case: dict[str, list[str]] = {}
    for _, name, kind in receiver.taken:
        kinds = by_case.setdefault(name, [])
        if kind not in kinds:
            kinds.append(kind)
    turned = sum(kinds != _ORDER[: len(kinds)] for kinds in by_case.values())
    figure = (
        f"{rounds} kills, {len(stored):,} events, {len(receiver.failed):,} failed once, "
        f"{len(receiver.taken) - len(told)} repeated under their id, {missing} missing, "
        f"{silent} acknowledged complaints untold, {turned} out of order"
    )
    return Outcome(figure, missing == silent == turned == 0 and len(stored) > rounds)
