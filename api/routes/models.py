"""Which model decides, and how another one takes its place."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.bodies import json_object
from api.routes.replies import checked, documented, json_reply, takes
from api.schemas.models import (
    ActivateIn,
    CandidateList,
    CandidateWhole,
    LiveModels,
    ModelList,
    ModelOut,
    NewCandidate,
    ShadowIn,
    ShadowList,
    TrainIn,
    WhyIn,
)
from api.services import models
from api.services.learning import promotion, shadow, training

router = APIRouter(tags=["models"])
Name = Annotated[str, Path(min_length=1, max_length=60)]
Version = Annotated[str, Path(min_length=1, max_length=40)]
_CANDIDATE = documented({200: CandidateWhole}, 400, 404, 409)


@router.get("/models", responses=documented({200: ModelList}))
async def listed(office: TheOffice, caller: TheCaller) -> Response:
    """The versions on the shelf, and the one at work."""
    return json_reply({"items": await models.listed(office)})


@router.post(
    "/models/{name}/activate",
    responses=documented({200: ModelOut}, 400, 404, 409),
    openapi_extra=takes(ActivateIn),
)
async def activate(request: Request, office: TheOffice, caller: TheCaller, name: Name) -> Response:
    """Put a version to work that is on the shelf; requests that run finish on the old one."""
    version = checked(ActivateIn, await json_object(request)).version
    return json_reply(await models.activate(office, caller, name, version))


@router.post(
    "/models/{name}/rollback",
    responses=documented({200: LiveModels}, 400, 404, 409),
    openapi_extra=takes(WhyIn),
)
async def roll_back(request: Request, office: TheOffice, caller: TheCaller, name: Name) -> Response:
    """Put the version before back to work, in one step."""
    reason = checked(WhyIn, await json_object(request)).reason
    return json_reply(await promotion.roll_back(office, caller, name, reason))


@router.get("/models/{name}/history", responses=documented({200: LiveModels}, 404))
async def history(office: TheOffice, name: Name) -> Response:
    """What was live when, by whom and why."""
    return json_reply(await promotion.history(office, name))


@router.post(
    "/models/{name}/candidates",
    status_code=202,
    responses=documented({202: NewCandidate}, 400, 404),
    openapi_extra=takes(TrainIn),
)
async def train(request: Request, office: TheOffice, caller: TheCaller, name: Name) -> Response:
    """Train a candidate on the labelled complaints; a job does it, compares and judges."""
    asked = checked(TrainIn, await json_object(request)).model_dump()
    return json_reply(await training.order(office, caller, name, asked), 202)


@router.get("/models/{name}/candidates", responses=documented({200: CandidateList}, 404))
async def candidates(office: TheOffice, name: Name) -> Response:
    """The newest candidates, with what the gate said."""
    return json_reply(await training.candidates(office, name))


@router.get("/models/{name}/candidates/{version}", responses=_CANDIDATE)
async def candidate(office: TheOffice, name: Name, version: Version) -> Response:
    """A candidate with its comparison, its card and what it says in the shadow."""
    return json_reply(await training.shown(office, name, version))


@router.get(
    "/models/{name}/candidates/{version}/chart.svg",
    responses=documented({}, 404),
    response_class=Response,
)
async def chart(office: TheOffice, name: Name, version: Version) -> Response:
    """The differences from the model in use as a picture, with their intervals."""
    drawn = await training.chart(office, name, version)
    return Response(drawn, media_type="image/svg+xml")


@router.post(
    "/models/{name}/candidates/{version}/shadow",
    responses=_CANDIDATE,
    openapi_extra=takes(ShadowIn),
)
async def set_shadow(
    request: Request, office: TheOffice, caller: TheCaller, name: Name, version: Version
) -> Response:
    """Let a candidate answer beside the live model, deciding nothing; or stop it."""
    on = checked(ShadowIn, await json_object(request)).on
    return json_reply(await shadow.set_shadow(office, caller, name, version, on))


@router.get(
    "/models/{name}/candidates/{version}/shadow", responses=documented({200: ShadowList}, 404)
)
async def differences(office: TheOffice, name: Name, version: Version) -> Response:
    """Complaints on which the candidate in the shadow would decide otherwise."""
    return json_reply(await shadow.differences(office, name, version))


@router.post(
    "/models/{name}/candidates/{version}/promotion",
    responses=_CANDIDATE,
    openapi_extra=takes(WhyIn),
)
async def ask(
    request: Request, office: TheOffice, caller: TheCaller, name: Name, version: Version
) -> Response:
    """Ask that a candidate goes live; another person must confirm it."""
    reason = checked(WhyIn, await json_object(request)).reason
    return json_reply(await promotion.ask(office, caller, name, version, reason))


@router.delete("/models/{name}/candidates/{version}/promotion", responses=_CANDIDATE)
async def withdraw(office: TheOffice, caller: TheCaller, name: Name, version: Version) -> Response:
    """Take the question back."""
    return json_reply(await promotion.withdraw(office, caller, name, version))


@router.post("/models/{name}/candidates/{version}/promotion/confirm", responses=_CANDIDATE)
async def confirm(office: TheOffice, caller: TheCaller, name: Name, version: Version) -> Response:
    """Put a candidate to work that somebody else asked for."""
    return json_reply(await promotion.confirm(office, caller, name, version))
