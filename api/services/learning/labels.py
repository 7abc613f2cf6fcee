"""Labels: who gave which, when and why, and how far people agree."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

from sqlalchemy import Connection, Row

from api.services import cases
from api.services.access import Caller
from api.services.learning.provenance import REVIEW, label_rows
from api.services.office import Office
from api.services.rows import given_labels
from api.store import complaints, learning
from domain.complaint import LABELS
from domain.errors import Conflict
from domain.taxonomy import shipped_taxonomy

_LOOKED_AT = 50_000
_FEWEST = 5


async def history(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """Every label that a complaint was given."""
    await cases.one(office, caller, identifier)
    rows = await office.read(partial(learning.labels_of, complaint=identifier))
    return {"items": [_out(row) for row in rows]}


async def review(
    office: Office, caller: Caller, identifier: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """A labeller's own opinion; where nobody has labelled yet it counts at once."""
    labels = given_labels(given, shipped_taxonomy())
    row = await cases.one(office, caller, identifier)
    rows = label_rows(
        row.id,
        labels,
        by=caller.id,
        at=office.clock(),
        source=REVIEW,
        reason=_masked(office, given.get("reason")),
        decision=row.decision,
    )
    fresh = {name: value for name, value in labels.items() if name not in (row.labels or {})}
    merged = {**(row.labels or {}), **fresh}
    change = {"labels": merged, **cases.rejudged(office, row, merged)} if fresh else None
    work = partial(_keep, row=row, rows=rows, change=change, detail=labels)
    await office.write(work)
    return await history(office, caller, identifier)


def _masked(office: Office, reason: str | None) -> str | None:
    return None if reason is None else office.masker.short(reason, 500)


def _keep(
    connection: Connection,
    row: Row[Any],
    rows: Sequence[Mapping[str, Any]],
    change: Mapping[str, Any] | None,
    detail: Mapping[str, Any],
) -> None:
    by, at = rows[0]["by"], rows[0]["at"]
    learning.add_labels(connection, rows)
    if change is None:
        complaints.audit_row(connection, at, by, "complaint.review", row.id, {})
    elif not complaints.redecide(connection, row, change, "labelled", at, by, detail):
        raise Conflict("somebody changed this complaint meanwhile; read it again and repeat")


async def agreement(office: Office, caller: Caller) -> dict[str, Any]:
    """How far those who labelled the same complaints agree, in all and in pairs."""
    work = partial(learning.newest_labels, departments=caller.departments, limit=_LOOKED_AT)
    return measured(opinions(await office.read(work)))


Opinions = Mapping[str, Mapping[str, Mapping[str, Any]]]


def opinions(rows: Iterable[Any]) -> Opinions:
    """By target and complaint what each person said last; rows come newest first."""
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        found[row.target][row.complaint].setdefault(row.by, row.value)
    return found


def measured(given: Opinions) -> dict[str, Any]:
    """Kappa, alpha and the complaints that people disagree on, target by target."""
    targets = {}
    for target in LABELS:
        several = {key: said for key, said in given.get(target, {}).items() if len(said) > 1}
        if several:
            targets[target] = _of_target(target, several)
    return {"targets": targets}


def disputed(given: Opinions) -> list[str]:
    """Complaints of which people said different things, newest first."""
    found: dict[str, None] = {}
    for target, by_complaint in given.items():
        for complaint, said in by_complaint.items():
            if len({_value(target, value) for value in said.values()}) > 1:
                found[complaint] = None
    return list(found)


def _of_target(target: str, several: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    from triage import agreement as figures

    apart = figures.masi if target == "issues" else None
    ratings = [[_value(target, value) for value in said.values()] for said in several.values()]
    disputed = [key for key, said in zip(several, ratings, strict=True) if len(set(said)) > 1]
    return {
        "complaints": len(several),
        "alpha": _number(figures.alpha(ratings, apart)),
        "fleiss_kappa": None if target == "issues" else _number(figures.fleiss(ratings)),
        "pairs": _pairs(target, several),
        "disputed": disputed[:50],
        "disputed_count": len(disputed),
    }


def _pairs(target: str, several: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    from triage import agreement as figures

    people = sorted({by for said in several.values() for by in said})
    found = []
    for one, other in combinations(people, 2):
        both = [said for said in several.values() if one in said and other in said]
        if len(both) < _FEWEST:
            continue
        a, b = ([_value(target, said[by]) for said in both] for by in (one, other))
        if target == "issues":
            found.append({"labellers": [one, other], "n": len(both),
                          "micro_f1": _number(figures.set_f1(a, b))})  # fmt: skip
        else:
            found.append({"labellers": [one, other], **figures.pair(a, b).to_plain()})
    return found


def _value(target: str, value: Any) -> Any:
    return frozenset(value) if target == "issues" else str(value)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _out(row: Any) -> dict[str, Any]:
    return {
        "target": row.target,
        "value": row.value,
        "said": row.said,
        "by": row.by,
        "at": row.at.isoformat(),
        "source": row.source,
        "reason": row.reason,
        "model": row.model,
    }
