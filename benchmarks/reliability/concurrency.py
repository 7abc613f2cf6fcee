"""Concurrency: what may happen once happens once."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import threading
import time

from benchmarks.reliability.callers import (
    Connection,
    Reply,
    complaint_maker,
    complaint_text,
    open_loop,
    post,
)
from benchmarks.reliability.durability import processes
from benchmarks.reliability.rows import BOTH, Length, Outcome, row
from benchmarks.reliability.service import SUYUAN, Service, service


@row("C3", "one complaint a key; every reply the first body or 409; none 5xx", BOTH)
def idempotency_race(database: str, length: Length) -> Outcome:
    """Fifty calls at the same time under each key."""
    keys = length.of(40, 200)
    with service(database, workers=processes(database)) as running:
        running.start()
        rounds = asyncio.run(_race(running.port, keys))
        stored = running.query("SELECT count(*) FROM complaints")[0][0]
    statuses = {reply.status for replies in rounds for reply in replies}
    bodies = [{r.body for r in replies if r.status in {200, 201}} for replies in rounds]
    single = sum(len(found) == 1 for found in bodies)
    figure = f"{keys} keys × 50: {stored} complaints, one body for {single}, statuses {statuses}"
    return Outcome(figure, stored == single == keys and statuses <= {200, 201, 409})


async def _race(port: int, keys: int) -> list[list[Reply]]:
    connections = [Connection(port) for _ in range(50)]
    rounds = []
    for number in range(keys):
        body = {"text": complaint_text(random.Random(number))}
        request = post("/complaints", body, idempotency_key=f"race-{number}")
        rounds.append(list(await asyncio.gather(*(c.send(request) for c in connections))))
    for connection in connections:
        connection.close()
    return rounds


@row("C4", "422; independent; replayed after a restart; 400; 400", BOTH)
def idempotency_rules(database: str, length: Length) -> Outcome:
    """The rules of a key, through the running service and its restart."""
    with service(database) as running:
        running.start()
        first = running.call(
            "POST", "/complaints", {"text": "屏幕一直闪"}, **{"Idempotency-Key": "k"}
        )
        other = running.call(
            "POST", "/complaints", {"text": "电池鼓包"}, **{"Idempotency-Key": "k"}
        )
        running.kill()
        running.start()
        again = running.call(
            "POST", "/complaints", {"text": "屏幕一直闪"}, **{"Idempotency-Key": "k"}
        )
        long = running.call("POST", "/complaints", {"text": "屏"}, **{"Idempotency-Key": "k" * 256})
        quoted = running.call("POST", "/complaints", {"text": "屏"}, **{"Idempotency-Key": '"k"'})
        nul = asyncio.run(_nul_key(running.port))
        keys = [
            running.run("keys", "create", "bench", "--role", "handler").split()[-1] for _ in "12"
        ]
        time.sleep(3)
        two = [
            running.call("POST", "/complaints", {"text": "屏幕一直闪"},
                         **{"Idempotency-Key": "k", "Authorization": f"Bearer {key}"})
            for key in keys
        ]  # fmt: skip
    independent = len({reply[1].get("id") for reply in two}) == 2
    found = [first[0], other[0], again == first, long[0], quoted[0], nul, independent]
    figure = f"first, other payload, replayed, 256 characters, quotes, NUL, independent: {found}"
    return Outcome(figure, found == [201, 422, True, 400, 400, 400, True])


async def _nul_key(port: int) -> int:
    request = post("/complaints", {"text": "屏"}, idempotency_key="a\0b")
    return (await Connection(port).send(request)).status


@row("C5", "one complaint, one event, one outbox row a key", BOTH)
def idempotency_through_crashes(database: str, length: Length) -> Outcome:
    """Each key is repeated until it is answered, through SIGKILLs."""
    kills = length.of(3, 50)
    with service(database, workers=processes(database)) as running:
        running.start()
        over = threading.Event()
        restarting = threading.Thread(target=_kill_and_start, args=(running, kills, over))
        restarting.start()
        answered = asyncio.run(_repeat_until_answered(running.port, over))
        restarting.join()
        counts = [
            running.query(f"SELECT count(*), count(DISTINCT {distinct}) FROM {rows}")[0]
            for rows, distinct in (
                ("complaints", "id"),
                ("events WHERE kind = 'received'", "complaint"),
                ("outbox WHERE kind = 'complaint.received'", "complaint"),
            )
        ]
        keys = running.query("SELECT count(*) FROM idempotency")[0][0]
        sound = running.sound()
    figure = (
        f"{kills} kills, {answered} keys answered, rows {[c[0] for c in counts]}, sound {sound}"
    )
    return Outcome(
        figure, all(c == (answered, answered) for c in counts) and keys == answered and sound
    )


def _kill_and_start(running: Service, kills: int, over: threading.Event) -> None:
    try:
        for _ in range(kills):
            time.sleep(random.uniform(0.3, 1.5))
            running.kill()
            running.start()
    finally:
        over.set()


async def _repeat_until_answered(port: int, over: threading.Event) -> int:
    async def caller(number: int) -> int:
        connection, turn = Connection(port), 0
        random_ = random.Random(number)
        while not over.is_set():
            turn += 1
            request = post("/complaints", {"text": complaint_text(random_)},
                           idempotency_key=f"c5-{number}-{turn}")  # fmt: skip
            while (await connection.send(request, 10)).status not in {200, 201, 202}:
                await asyncio.sleep(0.05)
        connection.close()
        return turn

    return sum(await asyncio.gather(*(caller(number) for number in range(8))))


@row("C6", "0 locked to any caller; no write > 5 s")
def lock_storm(database: str, length: Length) -> Outcome:
    """Intake, an import, a report and a backup at once."""
    rows = length.of(5_000, 100_000)
    seconds = length.of(16, 300)
    lines = "".join(f"imp-{n},手机屏幕第{n}次闪烁还没有修好\n" for n in range(rows))
    content = ("id,text\n" + lines).encode()
    with service(database) as running:
        running.start()
        asyncio.run(open_loop(running.port, 50, 2, complaint_maker(1), "warm-"))
        job = asyncio.run(_upload(running.port, content))
        running.call("POST", "/reports", {})
        out = running.folder / "backup"
        command = [SUYUAN, "backup", str(out)]
        copying = subprocess.Popen(command, env=running.environment)
        measured = asyncio.run(open_loop(running.port, 50, seconds, complaint_maker(), "c6-"))
        copied = copying.wait() == 0
        locked = "locked" in running.log.read_text()
        done = running.call("GET", f"/jobs/{job}")[1]["done"]
        sound = running.sound()
    slowest = max(measured.taken_seconds, default=99)
    figure = (
        f"statuses {measured.statuses}, slowest write {slowest:.2f} s, import at {done} of {rows}, "
        f"backup {copied}, locked {locked}, sound {sound}"
    )
    only = set(measured.statuses) <= {201}
    return Outcome(figure, only and slowest <= 5 and copied and not locked and sound)


async def _upload(port: int, content: bytes) -> str:
    head = (
        "POST /imports HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    reply = await Connection(port).send(head.encode() + content)
    return str(json.loads(reply.body)["job"])
