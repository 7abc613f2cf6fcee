"""Work that goes on by itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.replies import documented, json_reply
from api.schemas.operations import JobOut
from api.services import waiting

router = APIRouter(tags=["jobs"])
Identifier = Annotated[str, Path(alias="id", min_length=1, max_length=60)]


@router.get("/jobs/{id}", responses=documented({200: JobOut}, 404))
async def show(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """How far a job is."""
    return json_reply(await waiting.shown(office, caller, identifier))


@router.delete("/jobs/{id}", responses=documented({200: JobOut}, 404, 409))
async def cancel(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """End a job that waits or runs; who ordered it may, and administrators."""
    return json_reply(await waiting.cancel(office, caller, identifier))
