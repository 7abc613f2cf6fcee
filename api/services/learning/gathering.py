"""Labelled complaints as training takes them, from the database or from a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row

from api.services.judgement import readable
from api.settings import Settings
from api.store import complaints, learning
from api.store.complaints import Filter
from api.store.engine import make_engine
from domain.complaint import LABELS
from domain.errors import InputError, LimitExceeded
from domain.text import clean

UNKNOWN = "unknown"
_SLICE = 1_000
_MOST = 500_000


@dataclass(frozen=True)
class Labelled:
    """Rows with labels, oldest first: what they say, when they came, who labelled them."""

    name: str
    ids: Sequence[str]
    texts: Sequence[str]
    labels: Mapping[str, Sequence[Any]]
    sources: Sequence[str]
    times: Sequence[float] | None = None

    def rows(self, numbers: Sequence[int]) -> Labelled:
        """Some of the rows, in the order given."""
        times = self.times
        return replace(
            self,
            ids=[self.ids[i] for i in numbers],
            texts=[self.texts[i] for i in numbers],
            labels={target: [given[i] for i in numbers] for target, given in self.labels.items()},
            sources=[self.sources[i] for i in numbers],
            times=None if times is None else [times[i] for i in numbers],
        )


def stored_labels(settings: Settings, targets: Sequence[str]) -> Labelled:
    """Every stored complaint that people gave all the targets; the database is only read."""
    engine = make_engine(settings, read_only=True)
    try:
        with engine.connect() as connection:
            return _stored(connection, targets)
    finally:
        engine.dispose()


def _stored(connection: Connection, targets: Sequence[str]) -> Labelled:
    who = _sources(connection, targets)
    counted = dict.fromkeys(targets, 0)
    kept: list[Row[Any]] = []
    for row in every_complaint(connection):
        given = row.labels or {}
        for target in targets:
            counted[target] += target in given
        if all(target in given for target in targets):
            kept.append(row)
    if not kept:
        told = ", ".join(f"{target}: {n:,}" for target, n in counted.items())
        raise InputError(
            f"no complaint has labels of all of {', '.join(targets)} ({told}); "
            "label some, or train fewer targets"
        )
    return Labelled(
        name="stored complaints",
        ids=[row.id for row in kept],
        texts=[clean(readable(row.text)) for row in kept],
        labels={target: [_label(row.labels[target]) for row in kept] for target in targets},
        sources=[who.get(row.id, UNKNOWN) for row in kept],
        times=[row.received_at.timestamp() for row in kept],
    )


def every_complaint(connection: Connection) -> Iterator[Row[Any]]:
    """Stored complaints in the order they were stored."""
    after = 0
    while part := complaints.received(connection, Filter(), after, _SLICE):
        yield from part
        after = part[-1].number
        if after > _MOST:
            raise LimitExceeded(f"more than {_MOST:,} complaints; narrow what is kept")


def _sources(connection: Connection, targets: Sequence[str]) -> dict[str, str]:
    """Who gave a complaint its newest label of the first target."""
    return {
        row.complaint: row.source if row.source == "import" else row.by
        for row in learning.sources(connection)
        if row.target == targets[0]
    }


def _label(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else str(value)


def decision_of(row: Row[Any]) -> Mapping[str, Any] | None:
    """What was decided on a stored complaint."""
    return json.loads(row.decision) if row.decision else None


def targets_of(asked: Sequence[str] | None) -> tuple[str, ...]:
    """The targets asked for in the order of the design; all when none is named."""
    return tuple(target for target in LABELS if asked is None or target in asked)
