"""Load: steady intake, classification, overload."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time

import uvloop

from benchmarks.reliability.callers import (
    Measured,
    complaint_maker,
    complaint_text,
    open_loop,
    post,
    share,
)
from benchmarks.reliability.rows import BOTH, Length, Outcome, row
from benchmarks.reliability.service import Service, service

L1_RATE = 200
_MS = 1000


def figures(measured: Measured) -> str:
    """Quantiles and counts in one line."""
    taken = measured.taken_seconds
    worst = max(taken, default=0) * _MS
    return (
        f"{len(taken)} of {sum(measured.statuses.values())} 2xx; p50 {share(taken, 0.5):.0f}, "
        f"p99 {share(taken, 0.99):.0f}, max {worst:.0f} ms"
    )


def lost(running: Service, acknowledged: list[str]) -> int:
    """Acknowledged complaints that are not stored, or stored twice."""
    stored = running.ids()
    doubled = len(stored) - len(set(stored))
    return len(set(acknowledged) - set(stored)) + doubled


@row("L1", "every reply 2xx; p50 ≤ 15, p99 ≤ 150 ms, max ≤ 2 s; nothing lost")
def steady_on_sqlite(database: str, length: Length) -> Outcome:
    """200 complaints a second at a fixed rate."""
    with service(database) as running:
        running.start()
        uvloop.run(open_loop(running.port, 50, 3, complaint_maker(1), "warm-"))
        seconds = length.of(20, 600)
        measured = uvloop.run(open_loop(running.port, L1_RATE, seconds, complaint_maker(), "l1-"))
        gone = lost(running, measured.acknowledged)
        sound = running.sound()
    taken = measured.taken_seconds
    passed = (
        len(taken) == L1_RATE * seconds
        and share(taken, 0.5) <= 15
        and share(taken, 0.99) <= 150
        and max(taken) <= 2
        and gone == 0
        and sound
    )
    return Outcome(f"{figures(measured)}; lost {gone}", passed)


@row("L2", "as L1, on PostgreSQL", ("postgresql",))
def steady_on_postgresql(database: str, length: Length) -> Outcome:
    """The same with synchronous_commit on."""
    return steady_on_sqlite(database, length)


@row("L3", "≥ 800 requests a second, p99 ≤ 60 ms", ("postgresql",))
def classification(_database: str, length: Length) -> Outcome:
    """wrk with 16 connections on two processes; nothing is stored."""
    if shutil.which("wrk") is None:
        return Outcome("wrk is missing; install Debian's package wrk", None)
    with service("postgresql", workers=2) as running:
        running.start()
        script = running.folder / "classify.lua"
        script.write_text(_wrk_script(), "utf-8")
        _wrk(running.port, script, 3)
        said = _wrk(running.port, script, length.of(10, 60))
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    p99 = _milliseconds(re.findall(r"99%\s+([\d.]+)(us|ms|s)", said)[0])
    bad = re.findall(r"Non-2xx or 3xx responses: (\d+)", said)
    figure = f"{rate:.0f} a second, p99 {p99:.0f} ms, {bad[0] if bad else 0} not 2xx"
    return Outcome(figure, rate >= 800 and p99 <= 60 and not bad)


def _wrk_script() -> str:
    import json
    import random

    bodies = [
        json.dumps({"text": complaint_text(random.Random(n))}, ensure_ascii=False)
        for n in range(200)
    ]
    listed = ",\n".join(f"[===[{body}]===]" for body in bodies)
    return (
        f"local bodies = {{{listed}}}\nlocal n = 0\n"
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        "request = function()\n  n = n % #bodies + 1\n"
        "  return wrk.format(nil, nil, nil, bodies[n])\nend\n"
    )


def _wrk(port: int, script: object, seconds: int) -> str:
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-s", str(script),
               f"http://127.0.0.1:{port}/classify"]  # fmt: skip
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def _milliseconds(found: tuple[str, str]) -> float:
    return float(found[0]) * {"us": 0.001, "ms": 1, "s": 1000}[found[1]]


@row(
    "L4",
    "accepted p99 ≤ 500 ms; refusals with Retry-After, p99 ≤ 50 ms; goodput ≥ 70 %; "
    "back ≤ 10 s after; 0 lost",
    BOTH,
)
def overload(database: str, length: Length) -> Outcome:
    """Ten times the rate, then the rate again."""
    with service(database) as running:
        running.start()
        uvloop.run(open_loop(running.port, 50, 3, complaint_maker(1), "warm-"))
        capacity = uvloop.run(_capacity(running.port, 6))
        seconds = length.of(10, 60)
        flood = uvloop.run(
            open_loop(running.port, 10 * L1_RATE, seconds, complaint_maker(), "l4-", 400)
        )
        time.sleep(8)
        after = uvloop.run(
            open_loop(running.port, L1_RATE, length.of(6, 10), complaint_maker(2), "after-")
        )
        gone = lost(running, flood.acknowledged + after.acknowledged)
    goodput = len(flood.taken_seconds) / seconds / capacity
    accepted, refused = share(flood.taken_seconds, 0.99), share(flood.refused_seconds, 0.99)
    back = share(after.taken_seconds, 0.99)
    others = sum(n for status, n in flood.statuses.items() if status not in {201, 429, 503})
    figure = (
        f"accepted p99 {accepted:.0f} ms, refused p99 {refused:.0f} ms, "
        f"without Retry-After {flood.bare_refusals}, other {others}, goodput {goodput:.0%} of "
        f"{capacity:.0f}/s, after p99 {back:.0f} ms, lost {gone}"
    )
    passed = (
        accepted <= 500
        and refused <= 50
        and flood.bare_refusals == others == gone == 0
        and goodput >= 0.7
        and back <= 150
    )
    return Outcome(figure, passed)


async def _capacity(port: int, seconds: float) -> float:
    """Complaints a second that sixteen callers get through who wait for each reply."""
    from benchmarks.reliability.callers import Connection

    make = complaint_maker(3)
    until = time.perf_counter() + seconds
    done = 0

    async def caller(number: int) -> None:
        nonlocal done
        connection = Connection(port)
        turn = 0
        while time.perf_counter() < until:
            turn += 1
            reply = await connection.send(make(f"cap-{number}-{turn}"))
            done += reply.status == 201
        connection.close()

    await asyncio.gather(*(caller(number) for number in range(16)))
    return done / seconds


__all__ = ["classification", "overload", "post", "steady_on_postgresql", "steady_on_sqlite"]
