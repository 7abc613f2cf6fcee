"""Which model decides."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.bodies import json_object
from api.routes.replies import checked, documented, json_reply, takes
from api.schemas.models import ActivateIn, ModelList, ModelOut
from api.services import models

router = APIRouter(tags=["models"])


@router.get("/models", responses=documented({200: ModelList}))
async def listed(office: TheOffice, caller: TheCaller) -> Response:
    """The versions on the shelf, and the one at work."""
    return json_reply({"items": await models.listed(office)})


@router.post(
    "/models/{name}/activate",
    responses=documented({200: ModelOut}, 400, 404),
    openapi_extra=takes(ActivateIn),
)
async def activate(
    request: Request,
    office: TheOffice,
    caller: TheCaller,
    name: Annotated[str, Path(min_length=1, max_length=60)],
) -> Response:
    """Put a version to work; requests that run finish on the old one."""
    version = checked(ActivateIn, await json_object(request)).version
    return json_reply(await models.activate(office, caller, name, version))
