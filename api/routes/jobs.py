"""Work that goes on by itself."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.replies import documented, json_reply
from api.schemas.operations import JobOut
from api.store import jobs
from domain.errors import NotFound

router = APIRouter(tags=["jobs"])
_SHOWN = ("id", "kind", "state", "done", "total", "attempts", "created_at", "finished_at")


@router.get("/jobs/{id}", responses=documented({200: JobOut}, 404))
async def show(
    office: TheOffice,
    caller: TheCaller,
    identifier: Annotated[str, Path(alias="id", min_length=1, max_length=60)],
) -> Response:
    """How far a job is."""
    work = partial(jobs.find, identifier=identifier, departments=caller.departments)
    row = await office.read(work)
    if row is None:
        raise NotFound("there is no job of this id")
    return json_reply({name: getattr(row, name) for name in _SHOWN} | {"reason": row.failure})
