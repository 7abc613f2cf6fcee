"""The desk that decides, and how one takes another's place while requests run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from domain.errors import ModelError, ModelMissing, SuyuanError


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


LoadDesk = Callable[[str | None], Desk]


class Desks:
    """Holds the desk at work; a new one is checked before it takes over."""

    def __init__(self, load: LoadDesk) -> None:
        self._load = load
        self._current: Desk | None = None
        self._reason = "no model has been loaded yet"
        self._swapping = threading.Lock()

    @property
    def reason(self) -> str | None:
        """Why there is no desk, or why the last new one was refused; None when all is well."""
        return self._reason or None

    def current(self) -> Desk:
        """The desk at work; `ModelMissing` when there is none."""
        if self._current is None:
            raise ModelMissing(self._reason)
        return self._current

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
            self._current, self._reason = desk, ""
            return desk

    def take(self, desk: Desk | None, reason: str = "") -> None:
        """Put a desk to work that somebody else made, or none."""
        self._current, self._reason = desk, reason
