"""The desk that decides, and how one takes another's place while requests run."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from domain.errors import ModelError, ModelMissing, SuyuanError
from domain.taxonomy import Taxonomy, shipped_taxonomy

_MINUTE = 60


class Decision(Protocol):
    """What a desk says of one complaint."""

    def to_dict(self) -> dict[str, Any]:
        """In the form of the design."""


class ModelName(Protocol):
    """The model that a desk decides with."""

    @property
    def name(self) -> str:
        """As in the models directory."""

    @property
    def version(self) -> str:
        """As in the models directory."""


class Desk(Protocol):
    """Decides complaints with one version of one model."""

    @property
    def model(self) -> ModelName:
        """What it decides with."""

    def decide(
        self,
        text: str,
        received_at: datetime,
        values: Mapping[str, Any] | None = None,
        *,
        explain: bool = True,
    ) -> Decision:
        """One decision."""

    def decide_many(
        self,
        texts: Sequence[str],
        received_at: Sequence[datetime],
        values: Sequence[Mapping[str, Any]] | None = None,
        *,
        explain: bool = False,
    ) -> Sequence[Decision | SuyuanError]:
        """A decision or a refusal for each text, in their order."""


class Tally:
    """Decisions and faults of the last minute, second by second."""

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque()
        self._adding = threading.Lock()

    def add(self, decided: int, broke: int) -> None:
        """Count some of this second."""
        now = int(time.monotonic())
        with self._adding:
            if not self._seconds or self._seconds[-1][0] != now:
                self._seconds.append([now, 0, 0])
                self._forget(now)
            self._seconds[-1][1] += decided
            self._seconds[-1][2] += broke

    def sums(self) -> tuple[int, int]:
        """How many were decided or tried, and how many broke."""
        with self._adding:
            self._forget(int(time.monotonic()))
            return sum(s[1] for s in self._seconds), sum(s[2] for s in self._seconds)

    def _forget(self, now: int) -> None:
        while self._seconds and self._seconds[0][0] <= now - _MINUTE:
            self._seconds.popleft()


LoadDesk = Callable[[str | None], Desk]


class Desks:
    """Holds the desk at work; a new one is checked before it takes over."""

    def __init__(self, load: LoadDesk) -> None:
        self._load = load
        self._current: Desk | None = None
        self._reason = "no model has been loaded yet"
        self._swapping = threading.Lock()
        self._tally = Tally()

    def note(self, decided: int, *, broke: bool = False) -> None:
        """Count decisions of the desk at work, or one on which it broke."""
        self._tally.add(decided, int(broke))

    def trouble(self) -> tuple[int, int]:
        """Decisions of the last minute, of the desk at work alone, and how many broke."""
        return self._tally.sums()

    @property
    def reason(self) -> str | None:
        """Why there is no desk, or why the last new one was refused; None when all is well."""
        return self._reason or None

    def current(self) -> Desk:
        """The desk at work; `ModelMissing` when there is none."""
        if self._current is None:
            raise ModelMissing(self._reason)
        return self._current

    def taxonomies(self) -> list[Taxonomy]:
        """Whose codes and categories are known: the shipped ones and those of the model at work."""
        own = getattr(getattr(self._current, "model", None), "taxonomy", None)
        return [shipped_taxonomy(), *([own] if isinstance(own, Taxonomy) else [])]

    def ready(self) -> bool:
        """Whether there is a desk."""
        return self._current is not None

    def swap(self, version: str | None = None) -> Desk:
        """Load a version, the newest when none is named, and put it to work; blocks."""
        with self._swapping:
            try:
                desk = self._load(version)
            except ModelError as error:
                self._reason = str(error)
                raise
            self._current, self._reason, self._tally = desk, "", Tally()
            return desk

    def take(self, desk: Desk | None, reason: str = "") -> None:
        """Put a desk to work that somebody else made, or none."""
        self._current, self._reason, self._tally = desk, reason, Tally()
