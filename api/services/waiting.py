"""Jobs as their owners see them: how far they are, and ended when nobody wants them any more."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Connection

from api.services import imports
from api.services.access import Caller, Scope
from api.services.office import Office
from api.store import jobs
from api.store.complaints import audit_row
from domain.errors import Conflict, NotFound, RoleRefused

_SHOWN = ("id", "kind", "state", "done", "total", "attempts", "created_at", "finished_at")


async def shown(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """How far a job is."""
    work = partial(jobs.find, identifier=identifier, departments=caller.departments)
    row = await office.read(work)
    if row is None:
        raise NotFound("there is no job of this id")
    return {name: getattr(row, name) for name in _SHOWN} | {"reason": row.failure}


async def cancel(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """End a job that one has ordered; its process is gone within seconds."""
    await office.write(partial(_cancel, office=office, caller=caller, identifier=identifier))
    return await shown(office, caller, identifier)


def _cancel(connection: Connection, office: Office, caller: Caller, identifier: str) -> None:
    row = jobs.find(connection, identifier, caller.departments)
    if row is None:
        raise NotFound("there is no job of this id")
    if row.by != caller.id and not caller.may(Scope.OPERATE):
        raise RoleRefused("only who ordered a job, or an administrator, may cancel it")
    if not jobs.cancel(connection, identifier, caller.id, office.clock()):
        raise Conflict(f"the job is {row.state}; only one that waits or runs can be cancelled")
    if row.kind == imports.KIND:
        imports.discard(office, row.input)
    audit_row(connection, office.clock(), caller.id, "job.cancel", identifier, {})
