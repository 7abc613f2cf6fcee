"""Which model decided a complaint, and whether today's would agree."""

from __future__ import annotations

from functools import partial
from typing import Any

from api.services import cases
from api.services.access import Caller
from api.services.judgement import readable
from api.services.learning.gathering import decision_of
from api.services.learning.provenance import said_of
from api.services.office import Office
from api.store import complaints
from domain.complaint import LABELS

_DECIDING = ("received", "decided", "retried", "labelled", "failed")


async def decision_history(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """Who or what decided when, what stands now, and what the live model says today."""
    row = await cases.one(office, caller, identifier)
    events = await office.read(partial(complaints.history, identifier=identifier))
    stands = decision_of(row)
    today = office.desks.current().decide(readable(row.text), row.received_at, explain=False)
    said = today.to_dict()
    by_people = row.labels or {}
    targets = {target: _target(target, stands, said, target in by_people) for target in LABELS}
    return {
        "id": row.id,
        "decided_by": row.model,
        "today": f"{said['model']['name']} {said['model']['version']}",
        "agrees": all(each["agrees"] for each in targets.values() if each["agrees"] is not None),
        "targets": targets,
        "events": [
            {"at": event.at, "kind": event.kind, "by": event.by,
             "model": (event.detail or {}).get("model")}
            for event in events
            if event.kind in _DECIDING
        ],
    }  # fmt: skip


def _target(target: str, stands: Any, today: Any, by_person: bool) -> dict[str, Any]:
    """What stands, what today's model says, and whether that is the same."""
    before, now = (None if said is None else said_of(said, target) for said in (stands, today))
    agrees = None if before is None else _alike(before, now)
    return {"stands": before, "today": now, "by_person": by_person, "agrees": agrees}


def _alike(one: Any, other: Any) -> bool:
    return set(one) == set(other) if isinstance(one, list) else bool(one == other)
