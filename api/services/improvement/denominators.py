"""Units sold or served by week and place, which rates are counted over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from api.services.access import Caller
from api.services.improvement.weeks import EXPOSED
from api.services.office import Office
from api.services.queries import day_of
from api.store import problems
from api.store.complaints import audit_row


async def store_units(
    office: Office, caller: Caller, department: str | None, rows: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """Store units; the newest figure for a week and place stands."""
    named = caller.department_of(department) or ""
    stored = {}
    for row in rows:
        places = {name: office.masker.short(row.get(name) or "") for name in EXPOSED}
        week = {
            "department": named,
            "week_start": day_of(row["week_start"], "week_start"),
            **places,
        }
        stored[tuple(week.values())] = week | {"units": row["units"]}
    await office.write(
        partial(_store, office=office, caller=caller, rows=list(stored.values()), department=named)
    )
    return {"rows": len(rows)}


def _store(
    connection: Connection,
    office: Office,
    caller: Caller,
    rows: Sequence[Mapping[str, Any]],
    department: str,
) -> None:
    problems.put_exposures(connection, rows)
    now, detail = office.clock(), {"rows": len(rows)}
    audit_row(connection, now, caller.id, "exposure.store", department or "all", detail)
