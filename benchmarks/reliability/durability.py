"""Durability: what was acknowledged is there, whatever dies."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.callers import (
    Connection,
    Measured,
    Reply,
    complaint_maker,
    complaint_text,
    open_loop,
    post,
    share,
)
from benchmarks.reliability.load import L1_RATE, figures, lost
from benchmarks.reliability.rows import BOTH, Length, Outcome, row
from benchmarks.reliability.service import COMMAND, SUYUAN, Service, service
from tests.api import postgresql

_CALLERS = 8


async def write_until_it_dies(port: int, round_: int, acknowledged: list[str]) -> None:
    """Eight callers that store complaints until nobody answers any more."""
    make = complaint_maker(round_)

    async def caller(number: int) -> None:
        connection = Connection(port)
        for turn in range(10_000):
            identifier = f"r{round_}-{number}-{turn}"
            reply = await connection.send(make(identifier), 5)
            if reply.status == 0:
                return
            if reply.status in {200, 201, 202}:
                acknowledged.append(identifier)

    await asyncio.gather(*(caller(number) for number in range(_CALLERS)))


def processes(database: str) -> int:
    """SQLite is served by one process, PostgreSQL by two."""
    return 1 if database == "sqlite" else 2


@row("D1", "0 lost, 0 twice, sound each time, ready again ≤ 5 s", BOTH)
def killed(database: str, length: Length) -> Outcome:
    """SIGKILL of the process group at a random moment, again and again."""
    rounds = length.of(4, 200)
    acknowledged: list[str] = []
    ready, sound = [], 0
    with service(database, workers=processes(database)) as running:
        for number in range(rounds):
            ready.append(running.start(ready=True))
            threading.Timer(random.uniform(0.2, 1.2), running.kill).start()
            asyncio.run(write_until_it_dies(running.port, number, acknowledged))
            running.process.wait()  # type: ignore[union-attr]
            sound += running.sound() if database == "sqlite" or number == rounds - 1 else 1
        gone = lost(running, acknowledged)
    figure = (
        f"{rounds} rounds, {len(acknowledged):,} acknowledged, {gone} lost or twice, "
        f"sound {sound} of {rounds}, ready again in at most {max(ready[1:]):.1f} s"
    )
    enough = length.short or len(acknowledged) >= 100_000
    return Outcome(figure, gone == 0 and sound == rounds and max(ready[1:]) <= 5 and enough)


@row("D2", "each reply preceded by a completed fdatasync of the WAL after its last write")
def synced_before_the_reply(database: str, length: Length) -> Outcome:
    """strace between the service and its disk."""
    if shutil.which("strace") is None:
        return Outcome("strace is missing; install Debian's package strace", None)
    wanted = length.of(200, 1000)
    with service(database, embedded_worker="false") as running:
        trace = running.folder / "trace"
        calls = "trace=fdatasync,fsync,write,writev,pwrite64,sendto,sendmsg"
        running.start("strace", "-f", "-y", "-s", "24", "-e", calls, "-o", str(trace))
        make = complaint_maker()
        asyncio.run(_one_after_the_other(running.port, make, wanted))
        running.stop()
        replies, synced = follow_trace(trace)
    figure = f"{synced} of {replies} replies synced first"
    return Outcome(figure, replies >= wanted and synced == replies)


async def _one_after_the_other(port: int, make: object, wanted: int) -> None:
    connection = Connection(port)
    for number in range(wanted):
        reply = await connection.send(make(f"d2-{number}"))  # type: ignore[operator]
        if reply.status != 201:
            raise RuntimeError(f"status {reply.status}")


def follow_trace(trace: Path) -> tuple[int, int]:
    """Replies that said 201, and those that came with everything written synced."""
    dirty, since_reply, replies, synced = False, 0, 0, 0
    waiting: dict[str, bool] = {}
    for line in trace.read_text("utf-8", "replace").splitlines():
        thread = line.split(None, 1)[0]
        on_log = "suyuan.db-wal" in line
        if "pwrite64(" in line and on_log:
            dirty = True
        elif ("fdatasync(" in line or "fsync(" in line) and on_log and "unfinished" in line:
            waiting[thread] = True
        elif ("sync resumed" in line and waiting.pop(thread, False)) or (
            "sync(" in line and on_log and line.rstrip().endswith("= 0")
        ):
            dirty, since_reply = False, since_reply + 1
        elif "HTTP/1.1 201" in line:
            replies += 1
            synced += not dirty and since_reply > 0
            since_reply = 0
    return replies, synced


@row("D3", "refused, or readyz names the setting: 3 of 3", BOTH)
def unsafe_settings(database: str, length: Length) -> Outcome:
    """Settings under which a power cut loses acknowledged complaints."""
    if database == "sqlite":
        tried = [("synchronous", _refuses({"synchronous": level})) for level in ("NORMAL", "OFF")]
    else:
        tried = [(setting, _refuses_server(setting)) for setting in ("synchronous_commit", "fsync")]
    refused = sum(done for _, done in tried)
    return Outcome(f"{refused} of {len(tried)} refused, naming the setting", refused == len(tried))


def _refuses(settings: dict[str, str]) -> bool:
    with service("sqlite", **settings) as running:
        return _said_on_leaving(running, "synchronous")


def _refuses_server(setting: str) -> bool:
    server = postgresql.Server(f"{setting}=off")
    server.start()
    running = Service("postgresql", server)
    try:
        running.run("migrate")
        return _said_on_leaving(running, setting)
    finally:
        running.remove()
        server.stop()


def _said_on_leaving(running: Service, word: str) -> bool:
    done = subprocess.run(
        COMMAND, env=running.environment, capture_output=True, timeout=90, check=False, text=True
    )
    return done.returncode != 0 and word in done.stderr + done.stdout


@row("D4", "one process and one connection with a warning; mmap_size 0")
def old_sqlite(database: str, length: Length) -> Outcome:
    """What the service makes of the SQLite that Python carries."""
    import sqlite3

    with service(database) as running:
        running.start()
        warnings = running.call("GET", "/healthz")[1]["warnings"]
        second = subprocess.run(
            COMMAND, env=running.environment, capture_output=True, timeout=90, check=False
        )
        maps = Path(f"/proc/{running.process.pid}/maps").read_text()  # type: ignore[union-attr]
    told = any("WAL-reset" in warning for warning in warnings)
    from api.store.engine import sqlite_has_reset_race

    due = sqlite_has_reset_race(sqlite3.sqlite_version_info)
    mapped = bool(re.search(r"suyuan\.db$", maps, re.M))
    figure = (
        f"SQLite {sqlite3.sqlite_version}: warned {told}, second process left with "
        f"{second.returncode}, database mapped {mapped}"
    )
    return Outcome(figure, told == due and second.returncode != 0 and not mapped)


@row("D5", "0 lost; 503 ≤ 3 s while down, never 500; heals ≤ 15 s", ("postgresql",))
def postgresql_killed(_database: str, length: Length) -> Outcome:
    """SIGKILL of all its processes under load, and a restart."""
    kills = length.of(2, 20)
    server = postgresql.Server()
    server.start()
    running = Service("postgresql", server)
    try:
        running.start()
        seconds = kills * 9.0
        healed: list[float] = []
        killer = threading.Thread(target=_kill_often, args=(server, running, kills, healed))
        killer.start()
        measured = asyncio.run(open_loop(running.port, 100, seconds, complaint_maker(), "d5-"))
        killer.join()
        gone = lost(running, measured.acknowledged)
    finally:
        running.remove()
        server.stop()
    slowest = max(measured.refused_seconds, default=0)
    wrong = sum(n for status, n in measured.statuses.items() if status not in {201, 200, 503})
    figure = (
        f"{kills} kills, {len(measured.acknowledged)} acknowledged, {gone} lost, "
        f"statuses {measured.statuses}, refused in at most {slowest:.1f} s, "
        f"healed in at most {max(healed, default=99):.1f} s"
    )
    passed = gone == wrong == 0 and slowest <= 3 and len(healed) == kills and max(healed) <= 15
    return Outcome(figure, passed)


def _kill_often(
    server: postgresql.Server, running: Service, kills: int, healed: list[float]
) -> None:
    for _ in range(kills):
        time.sleep(3)
        server.kill()
        time.sleep(2)
        server.start()
        up = time.monotonic()
        while time.monotonic() - up < 20:
            with contextlib.suppress(OSError):
                if running.call("GET", "/readyz")[0] == 200:
                    healed.append(time.monotonic() - up)
                    break
            time.sleep(0.1)


@contextlib.contextmanager
def small_disk(mebibytes: int, folder: Path) -> Iterator[bool]:
    """A disk of a given size, where the machine allows one to be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)


@row("D7", "507 or 503 with a reason, reads 200, sound; writes again ≤ 5 s; acknowledged = rows")
def disk_full(database: str, length: Length) -> Outcome:
    """The data directory on a disk of 64 MB that is filled to its end."""
    with service(database) as running, small_disk(64, running.data) as mounted:
        if not mounted:
            return Outcome("a small disk can't be mounted here (needs the right to mount)", None)
        running.start()
        before = asyncio.run(open_loop(running.port, 50, 4, complaint_maker(1), "before-"))
        ballast = running.data / "ballast"
        _fill(ballast)
        seconds = length.of(8, 60)
        full = asyncio.run(open_loop(running.port, 50, seconds, complaint_maker(2), "full-"))
        reads = [running.call("GET", path)[0] for path in ("/complaints", "/", "/livez")]
        sound = running.sound()
        ballast.unlink()
        begun = time.monotonic()
        while running.call("POST", "/complaints", {"id": "freed", "text": "屏幕闪"})[0] > 202:
            time.sleep(0.1)
        again = time.monotonic() - begun
        after = asyncio.run(open_loop(running.port, 50, 4, complaint_maker(3), "after-"))
        kept = [*before.acknowledged, *full.acknowledged, *after.acknowledged, "freed"]
        stored = running.ids()
        alarm = "disk" in running.log.read_text()
    wrong = sum(n for s, n in full.statuses.items() if s not in {200, 201, 202, 503, 507})
    figure = (
        f"while full {full.statuses}, reads {reads}, sound {sound}, alarm {alarm}, writes again "
        f"after {again:.1f} s, acknowledged {len(kept)}, rows {len(stored)}"
    )
    passed = (
        wrong == 0
        and full.statuses.get(507, 0) + full.statuses.get(503, 0) > 0
        and reads == [200] * 3
        and sound
        and alarm
        and again <= 5
        and not set(kept) - set(stored)
        and len(stored) == len(set(stored))
    )
    return Outcome(figure, passed)


def _fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 65536)
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(b"x" * 512)


@row("D10", "all acknowledged before are in it; sound; p99 ≤ 400 ms meanwhile", BOTH)
def backup_under_load(database: str, length: Length) -> Outcome:
    """A copy while complaints come in, restored into a clean directory."""
    with service(database) as running:
        running.start()
        asyncio.run(open_loop(running.port, 100, length.of(8, 60), complaint_maker(1), "before-"))
        before = running.ids()
        out = running.folder / "backup"
        copying = subprocess.Popen([SUYUAN, "backup", str(out)], env=running.environment)
        measured = asyncio.run(
            open_loop(running.port, L1_RATE, length.of(10, 60), complaint_maker(), "during-")
        )
        copied = copying.wait() == 0
        with service(database) as other:
            begun = time.monotonic()
            done = subprocess.run([SUYUAN, "restore", str(out)], env=other.environment, check=False)
            took = time.monotonic() - begun
            missing = len(set(before) - set(other.ids())) if done.returncode == 0 else len(before)
            sound = done.returncode == 0 and other.sound()
    p99 = share(measured.taken_seconds, 0.99)
    figure = (
        f"{len(before)} before, {missing} missing, sound {sound}, restored in {took:.1f} s, "
        f"meanwhile {figures(measured)}"
    )
    return Outcome(figure, copied and missing == 0 and sound and p99 <= 400)


@row("D13", "every started request gets a whole reply; exit ≤ 15 s with 0", BOTH)
def drained(database: str, length: Length) -> Outcome:
    """SIGTERM while a hundred requests are half sent."""
    rounds = length.of(3, 20)
    whole, slowest, codes = 0, 0.0, []
    with service(database) as running:
        for number in range(rounds):
            running.start()
            replies, took, code = asyncio.run(_drain(running, number))
            whole += sum(reply.status in {201, 503} for reply in replies)
            slowest, codes = max(slowest, took), [*codes, code]
    figure = f"{whole} of {100 * rounds} whole replies, out in at most {slowest:.1f} s, {codes}"
    return Outcome(figure, whole == 100 * rounds and slowest <= 15 and set(codes) == {0})


async def _drain(running: Service, number: int) -> tuple[list[Reply], float, int]:
    random_ = random.Random(number)
    requests = [
        post("/complaints", {"id": f"d13-{number}-{n}", "text": complaint_text(random_)})
        for n in range(100)
    ]
    halves = [await _begun(running.port, request) for request in requests]
    await asyncio.sleep(0.2)
    begun = time.monotonic()
    leaving = asyncio.create_task(asyncio.to_thread(running.stop))
    await asyncio.sleep(0.3)
    replies = await asyncio.gather(*(_ended(*half) for half in halves))
    code = await leaving
    return list(replies), time.monotonic() - begun, code


async def _begun(
    port: int, request: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request[:-40])
    await writer.drain()
    return reader, writer, request[-40:]


async def _ended(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: bytes) -> Reply:
    try:
        writer.write(rest)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        length = int(re.findall(rb"content-length: (\d+)", head.lower())[0])
        return Reply(int(head[9:12]), await reader.readexactly(length))
    except (OSError, asyncio.IncompleteReadError, TimeoutError, IndexError):
        return Reply(0)
    finally:
        writer.close()


__all__ = ["Measured", "drained", "killed", "processes", "write_until_it_dies"]
