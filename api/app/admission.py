"""Who is let in: short bursts may wait, a standing queue is kept short, the rest is turned away."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from api.services.metrics import Metrics
from api.settings import Settings

FULL = "more requests than can be served now; try again after a second"
_WAIT_SECONDS = 0.2
_BURST_SECONDS = 0.5
_LONGEST_GAP = 0.25
_FEWEST = 3
"""Places for each request worked on that remain however slow the machine is."""
_WEIGHT = 0.05


class Admission:
    """Counts the requests inside, and knows how long one more would have to wait."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._at_once = settings.concurrency
        self._room = settings.concurrency + settings.waiting
        self._present = 0
        self._seconds_each = 0.0
        self._left_at = 0.0
        self._queue_since: float | None = None
        self.desks = asyncio.Semaphore(settings.concurrency)
        self.turns = Turns()

    def has_room(self) -> bool:
        """Whether one more would be served soon; a no is counted."""
        if self._present < self._limit():
            return True
        self._metrics.refused.labels("overload").inc()
        return False

    def _limit(self) -> int:
        """All places for a burst; as many as are served in time once a queue stands."""
        since = self._queue_since
        if since is None or time.perf_counter() - since < _BURST_SECONDS or not self._seconds_each:
            return self._room
        in_time = int(_WAIT_SECONDS / self._seconds_each)
        return min(self._room, max(_FEWEST * self._at_once, in_time))

    def enter(self) -> None:
        """One more is inside."""
        self._present += 1
        if self._present > self._at_once and self._queue_since is None:
            self._queue_since = self._left_at = time.perf_counter()

    def leave(self) -> None:
        """One is served; while others queue, the time since the last one is what each takes."""
        self._present -= 1
        if self._queue_since is None:
            return
        now = time.perf_counter()
        gap = min(now - self._left_at, _LONGEST_GAP)
        self._seconds_each += _WEIGHT * (gap - self._seconds_each)
        self._left_at = now
        if self._present <= self._at_once:
            self._queue_since = None


class Turns:
    """One begins at a time, and the sockets are looked at before the next one does."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait until nobody else has begun since the sockets were looked at."""
        loop = asyncio.get_running_loop()
        if self._taken:
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiting.append(waiter)
            await waiter
            return
        self._taken = True
        loop.call_soon(self._next, loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                loop.call_soon(self._next, loop)
                return
        self._taken = False
