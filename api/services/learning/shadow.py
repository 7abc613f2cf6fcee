"""A candidate beside the live model: it answers what was decided anyway, and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services import shelf
from api.services.access import Caller
from api.services.judgement import readable
from api.services.learning import training
from api.services.learning.gathering import decision_of
from api.services.learning.provenance import said_of
from api.services.office import Office
from api.store import learning
from api.store.complaints import audit_row
from domain.complaint import LABELS
from domain.errors import Conflict, SuyuanError

_SLICE = 50
_OPEN = (learning.ACCEPTED, learning.ASKED)


async def set_shadow(
    office: Office, caller: Caller, name: str, version: str, on: bool
) -> dict[str, Any]:
    """Let a candidate run beside the live model from the next complaint on, or stop it."""
    row = await training.found(office, name, version)
    await office.write(partial(_set, office=office, by=caller.id, row=row, on=on))
    return await training.shown(office, name, version)


def _set(connection: Connection, office: Office, by: str, row: Row[Any], on: bool) -> None:
    values: dict[str, Any] = {"shadowed": on}
    if on and row.shadow_from is None:
        values["shadow_from"] = learning.newest_number(connection)
    if not learning.change_candidate(connection, row.id, _OPEN, values):
        raise Conflict(f"the candidate is {row.state}; only one that passed the gate may run")
    if on:
        learning.unshadow_others(connection, row.name, row.version)
    action = "model.shadow" if on else "model.unshadow"
    audit_row(connection, office.clock(), by, action, f"{row.name} {row.version}", {})


class Shadow:
    """Answers in the worker, after the callers have long been answered."""

    def __init__(self) -> None:
        self._desk: Any = None
        self._refused: str | None = None

    def tend(self, office: Office) -> bool:
        """One slice of decided complaints; whether there are more."""
        name = office.settings.model
        read = partial(learning.shadowed, name=name)
        candidate = office.database.submit(read, writes=False).result()
        if candidate is None or candidate.version == self._refused:
            self._desk = None if candidate is None else self._desk
            return False
        rows = office.database.submit(
            partial(learning.decided_after, number=candidate.shadow_from, limit=_SLICE),
            writes=False,
        ).result()
        if not rows or not self._opened(office, candidate):
            return False
        self._answer(office, candidate, rows)
        return len(rows) == _SLICE

    def _opened(self, office: Office, candidate: Row[Any]) -> bool:
        if self._desk is not None and self._desk.model.version == candidate.version:
            return True
        try:
            settings = office.settings
            self._desk = shelf.open_candidate(settings, candidate.name, candidate.version)
        except SuyuanError as error:
            self._refused = candidate.version
            office.log.warning("shadow refused", detail=str(error))
            return False
        return True

    def _answer(self, office: Office, candidate: Row[Any], rows: Sequence[Row[Any]]) -> None:
        texts = [readable(row.text) for row in rows]
        said = self._desk.decide_many(texts, [row.received_at for row in rows])
        answers = [
            _row(candidate.id, row, outcome.to_dict(), office)
            for row, outcome in zip(rows, said, strict=True)
            if not isinstance(outcome, SuyuanError)
        ]
        work = partial(
            learning.add_shadow_answers, identifier=candidate.id, upto=rows[-1].number, rows=answers
        )
        office.database.submit(work).result()


def _row(candidate: str, row: Row[Any], said: Mapping[str, Any], office: Office) -> dict[str, Any]:
    answer = {target: said_of(said, target) for target in LABELS}
    live = decision_of(row) or {}
    labelled = row.labels or {}
    same = {
        target: _alike(answer[target], said_of(live, target))
        for target in LABELS
        if target not in labelled
    }
    answer["abstained"] = said["abstained"]
    return {"candidate": candidate, "complaint": row.id, "at": office.clock(), "answer": answer,
            "same": same}  # fmt: skip


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return set(one) == set(other)
    return bool(one == other)


async def differences(office: Office, name: str, version: str) -> dict[str, Any]:
    """The newest complaints on which the shadow would have decided otherwise."""
    row = await training.found(office, name, version)
    found = await office.read(partial(learning.shadow_differences, identifier=row.id, limit=1_000))
    shown = [_shown(each) for each in found if not all(each.same.values())]
    return {"items": shown[:200]}


def _shown(row: Row[Any]) -> dict[str, Any]:
    live = decision_of(row) or {}
    differ = [target for target, same in row.same.items() if not same]
    return {
        "complaint": row.complaint,
        "at": row.at,
        "model": row.model,
        "live": {target: said_of(live, target) for target in differ},
        "shadow": {target: row.answer[target] for target in differ},
    }
