"""Who is let in when more come than can be served."""

from __future__ import annotations

import asyncio

from api.app import admission
from api.app.admission import Admission, Turns
from api.services.metrics import Metrics
from api.settings import Settings


class _Time:
    """A counter that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


def _admission(time: _Time, monkeypatch) -> Admission:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(admission, "time", time)
    return Admission(Settings(concurrency=4, waiting=60), Metrics())


def _filled(door: Admission) -> int:
    taken = 0
    while door.has_room():
        door.enter()
        taken += 1
    return taken


def test_a_burst_finds_every_place(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Who comes all at once may wait, up to the places there are."""
    assert _filled(_admission(_Time(), monkeypatch)) == 64


def test_a_standing_queue_is_only_as_long_as_is_served_in_time(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """At 10 ms each, 20 are served within 0.2 s; who would wait longer is turned away."""
    time = _Time()
    door = _admission(time, monkeypatch)
    _filled(door)
    for _ in range(200):
        time.now += 0.01
        door.leave()
        door.enter()
    for _ in range(59):
        time.now += 0.01
        door.leave()
    assert 5 + _filled(door) == 20


def test_after_the_queue_is_gone_a_burst_is_welcome_again(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Nothing of an old flood is held against a later burst, and a slow second locks nobody out."""
    time = _Time()
    door = _admission(time, monkeypatch)
    _filled(door)
    for _ in range(64):
        time.now += 5
        door.leave()
    assert _filled(door) == 64


def test_those_who_are_turned_away_are_counted(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """The metrics name overload as the reason."""
    metrics = Metrics()
    door = Admission(Settings(concurrency=1, waiting=0), metrics)
    door.enter()
    assert not door.has_room()
    assert b'suyuan_refused_total{reason="overload"} 1.0' in metrics.text()


def test_one_begins_at_each_turn_of_the_loop() -> None:
    """Between any two that begin, the loop has looked at its sockets; who gave up is passed by."""

    async def begin() -> list[int]:
        turns, loop, round_, begun = Turns(), asyncio.get_running_loop(), 0, []

        def count() -> None:
            nonlocal round_
            round_ += 1
            loop.call_soon(count)

        async def one() -> None:
            await turns.take()
            begun.append(round_)

        count()
        tasks = [asyncio.create_task(one()) for _ in range(6)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return begun

    begun = asyncio.run(begin())
    assert len(begun) == 5
    assert len(set(begun)) == 5
