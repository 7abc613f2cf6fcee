"""Labels and what they teach: who gave them, which to give next, what changes."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.bodies import json_object
from api.routes.replies import checked, documented, json_reply, takes
from api.schemas.learning import (
    AgreementOut,
    DecisionHistory,
    DriftOut,
    LabelHistory,
    QueueOut,
    ReviewIn,
    SuspectsIn,
    SuspectsOut,
)
from api.schemas.operations import Accepted
from api.services.learning import drift, hindsight, labels, queue

router = APIRouter(tags=["learning"])
Identifier = Annotated[str, Path(alias="id", min_length=1, max_length=200)]


@router.get("/labels/queue", responses=documented({200: QueueOut}))
async def next_labels(
    office: TheOffice, caller: TheCaller, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Response:
    """Which complaints to label next, and why those."""
    return json_reply(await queue.next_labels(office, caller, limit))


@router.get("/labels/agreement", responses=documented({200: AgreementOut}))
async def agreement(office: TheOffice, caller: TheCaller) -> Response:
    """How far those who labelled the same complaints agree."""
    return json_reply(await labels.agreement(office, caller))


@router.get("/labels/suspects", responses=documented({200: SuspectsOut}))
async def suspects(
    office: TheOffice, target: Literal["category", "tier", "sentiment"] = "category"
) -> Response:
    """Labels that are probably wrong, as the newest search found them."""
    return json_reply(await queue.suspects(office, target))


@router.post(
    "/labels/suspects",
    status_code=202,
    responses=documented({202: Accepted}, 400),
    openapi_extra=takes(SuspectsIn),
)
async def search_suspects(request: Request, office: TheOffice, caller: TheCaller) -> Response:
    """Search for labels that are probably wrong; a job does it."""
    target = checked(SuspectsIn, await json_object(request)).target
    return json_reply(await queue.order_suspects(office, caller, target), 202)


@router.get("/labels/of/{id:path}", responses=documented({200: LabelHistory}, 404))
async def label_history(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """Every label that a complaint was given: by whom, when, why."""
    return json_reply(await labels.history(office, caller, identifier))


@router.post(
    "/labels/of/{id:path}",
    responses=documented({200: LabelHistory}, 400, 404, 409),
    openapi_extra=takes(ReviewIn),
)
async def review(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Give one's own opinion; the first one counts, later ones show how far people agree."""
    given = checked(ReviewIn, await json_object(request)).model_dump()
    return json_reply(await labels.review(office, caller, identifier, given))


@router.get("/decisions/{id:path}", responses=documented({200: DecisionHistory}, 404))
async def decision_history(
    office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Which model decided a complaint, and whether today's would agree."""
    return json_reply(await hindsight.decision_history(office, caller, identifier))


@router.get("/drift", responses=documented({200: DriftOut}))
async def drift_found(office: TheOffice) -> Response:
    """What the newest look at the last weeks found."""
    return json_reply(await drift.shown(office))


@router.post("/drift", status_code=202, responses=documented({202: Accepted}))
async def look_for_drift(office: TheOffice, caller: TheCaller) -> Response:
    """Look at the last whole weeks now; a job does it."""
    return json_reply(await drift.order(office, caller), 202)
