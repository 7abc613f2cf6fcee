"""Warnings, and judgements of findings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.bodies import json_object
from api.routes.replies import checked, documented, json_reply, takes
from api.schemas.warnings import (
    AcknowledgeIn,
    JudgementIn,
    JudgementList,
    JudgementOut,
    MergeIn,
    MuteIn,
    Signature,
    WarningList,
    WarningOut,
    WarningState,
)
from api.services import judgements
from api.services.warnings import handling

router = APIRouter(tags=["warnings"])
Identifier = Annotated[str, Path(alias="id", min_length=1, max_length=60)]
Name = Annotated[str | None, Query(min_length=1, max_length=200)]


@router.get("/warnings", responses=documented({200: WarningList}))
async def list_warnings(
    office: TheOffice,
    caller: TheCaller,
    state: WarningState | None = None,
    signature: Signature | None = None,
    department: Name = None,
    active: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(min_length=1, max_length=60)] = None,
) -> Response:
    """Rises that chance does not explain, and the other signatures of a problem, newest first."""
    asked = handling.wanted(office, state, signature, department, active)
    return json_reply(await handling.page(office, caller, asked, cursor, limit))


@router.get("/warnings/{id}", responses=documented({200: WarningOut}, 404))
async def show(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """One warning with its figures."""
    return json_reply(await handling.shown(office, caller, identifier))


@router.get("/warnings/{id}/chart.svg", responses=documented({}, 404), response_class=Response)
async def chart(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """The weeks of a rise beside what was to be expected, as a drawing."""
    drawn = await handling.chart(office, caller, identifier)
    return Response(drawn, media_type="image/svg+xml")


@router.post(
    "/warnings/{id}/acknowledge",
    responses=documented({200: WarningOut}, 400, 404, 409),
    openapi_extra=takes(AcknowledgeIn),
)
async def acknowledge(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Say that somebody looks into it."""
    note = checked(AcknowledgeIn, await json_object(request)).note
    return json_reply(await handling.acknowledge(office, caller, identifier, note))


@router.post(
    "/warnings/{id}/mute",
    responses=documented({200: WarningOut}, 400, 404, 409),
    openapi_extra=takes(MuteIn),
)
async def mute(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """No news of the same thing until a day."""
    asked = checked(MuteIn, await json_object(request))
    return json_reply(await handling.mute(office, caller, identifier, asked.until, asked.reason))


@router.post(
    "/warnings/{id}/merge",
    responses=documented({200: WarningOut}, 400, 404, 409),
    openapi_extra=takes(MergeIn),
)
async def merge(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Let another warning about the same thing speak for both."""
    into = checked(MergeIn, await json_object(request)).into
    return json_reply(await handling.merge(office, caller, identifier, into))


@router.post(
    "/judgements",
    status_code=201,
    responses=documented({201: JudgementOut}, 400),
    openapi_extra=takes(JudgementIn),
)
async def judge(request: Request, office: TheOffice, caller: TheCaller) -> Response:
    """Say that a finding is known, or no cause; later reports don't bring it as news."""
    said = checked(JudgementIn, await json_object(request)).model_dump()
    return json_reply(await judgements.give(office, caller, said), 201)


@router.get("/judgements", responses=documented({200: JudgementList}))
async def list_judgements(office: TheOffice, caller: TheCaller) -> Response:
    """Every judgement that stands, newest first."""
    return json_reply(await judgements.listed(office, caller))


@router.delete("/judgements/{id}", status_code=204, responses=documented({}, 404))
async def withdraw(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """Take a judgement back."""
    await judgements.withdraw(office, caller, identifier)
    return Response(status_code=204)
