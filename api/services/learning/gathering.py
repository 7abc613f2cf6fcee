"""Labelled complaints as training takes them, from the database or from a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row

from api.services.judgement import readable
from api.settings import Settings
from api.store import complaints, learning
from api.store.complaints import Filter
from api.store.engine import make_engine
from domain.complaint import LABELS, Complaint
from domain.errors import ColumnMissing, InputError, LimitExceeded
from domain.taxonomy import NO_COMPLAINT
from domain.text import clean

if TYPE_CHECKING:
    from api.services.tables import RowError, Table

UNKNOWN = "unknown"
MAY_BE_BLANK = frozenset({"category", "issues"})
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


def labelled_table(
    table: Table, targets: Sequence[str] | None = None, *, blank_is_none: bool = False
) -> tuple[Labelled, list[RowError]]:
    """The rows of a table that have all the labels, and the rows that can't be read.

    ``blank_is_none`` takes an empty category or issue for “no complaint”, as training does.
    """
    named = [t for t in targets or LABELS if t in table.frame.columns]
    if not named or (targets and len(named) < len(targets)):
        raise ColumnMissing(
            f"{table.name} lacks labels; it needs {', '.join(targets or LABELS)} (or --map one)"
        )
    needed = [t for t in named if not (blank_is_none and t in MAY_BE_BLANK)]
    kept: list[Complaint] = []
    errors: list[RowError] = list(table.errors)
    for _, row in table.complaints(("id", "text", "received_at", *named), numbered=True):
        if not isinstance(row, Complaint):
            errors.append(row)
        elif all(target in row.values for target in needed):
            kept.append(row)
    if not kept:
        raise ColumnMissing(f"no row of {table.name} has labels of {', '.join(named)}")
    return _labelled(table.name, kept, named), errors


def _labelled(name: str, kept: Sequence[Complaint], targets: Sequence[str]) -> Labelled:
    times = [row.values.get("received_at") for row in kept]
    known = [time.timestamp() for time in times if isinstance(time, datetime)]
    return Labelled(
        name=name,
        ids=[row.id for row in kept],
        texts=[row.text for row in kept],
        labels={target: [_given(row, target) for row in kept] for target in targets},
        sources=["table"] * len(kept),
        times=known if len(known) == len(kept) else None,
    )


def _given(row: Complaint, target: str) -> Any:
    return row.values.get(target, () if target == "issues" else NO_COMPLAINT)
