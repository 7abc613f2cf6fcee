"""Reports that come by themselves, webhooks, and what was sent."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.bodies import json_object
from api.routes.replies import checked, documented, json_reply, takes
from api.schemas.deliveries import (
    DeliveryList,
    NewWebhook,
    RotatedKey,
    ScheduleIn,
    ScheduleList,
    ScheduleOut,
    WebhookIn,
    WebhookList,
    WebhookOut,
)
from api.services import schedule
from api.services.delivery import subscriptions

router = APIRouter(tags=["deliveries"])
Identifier = Annotated[str, Path(alias="id", min_length=1, max_length=60)]


@router.post(
    "/schedules",
    status_code=201,
    responses=documented({201: ScheduleOut}, 400, 409),
    openapi_extra=takes(ScheduleIn),
)
async def plan(request: Request, office: TheOffice, caller: TheCaller) -> Response:
    """Have a report made of every week, month, quarter or year, once each."""
    wanted = checked(ScheduleIn, await json_object(request)).model_dump()
    return json_reply(await schedule.plan(office, caller, wanted), 201)


@router.get("/schedules", responses=documented({200: ScheduleList}))
async def list_schedules(office: TheOffice, caller: TheCaller) -> Response:
    """Every schedule that goes on, with the reports it made."""
    return json_reply(await schedule.listed(office, caller))


@router.delete("/schedules/{id}", status_code=204, responses=documented({}, 404))
async def end_schedule(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """Stop a schedule; its reports stay."""
    await schedule.end(office, caller, identifier)
    return Response(status_code=204)


@router.post(
    "/webhooks",
    status_code=201,
    responses=documented({201: NewWebhook}, 400),
    openapi_extra=takes(WebhookIn),
)
async def subscribe(request: Request, office: TheOffice, caller: TheCaller) -> Response:
    """Have events sent to an address, signed; the key is shown this once."""
    asked = checked(WebhookIn, await json_object(request)).model_dump()
    return json_reply(await subscriptions.subscribe(office, caller, asked), 201)


@router.get("/webhooks", responses=documented({200: WebhookList}))
async def list_webhooks(office: TheOffice) -> Response:
    """Every webhook, without its key."""
    return json_reply(await subscriptions.listed(office))


@router.post("/webhooks/{id}/rotate", responses=documented({200: RotatedKey}, 404))
async def rotate(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """Give a webhook a new key; for a day both sign."""
    return json_reply(await subscriptions.rotate(office, caller, identifier))


@router.post("/webhooks/{id}/enable", responses=documented({200: WebhookOut}, 404))
async def enable(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """Switch a webhook on again that its receiver switched off with 410."""
    return json_reply(await subscriptions.enable(office, caller, identifier))


@router.delete("/webhooks/{id}", status_code=204, responses=documented({}, 404))
async def end_webhook(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """Forget a webhook and what was still to be sent to it."""
    await subscriptions.end(office, caller, identifier)
    return Response(status_code=204)


@router.get("/deliveries", responses=documented({200: DeliveryList}))
async def list_deliveries(
    office: TheOffice,
    state: Literal["waiting", "sent", "failed"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """What was sent, what waits and why, what was given up; newest first."""
    return json_reply(await subscriptions.deliveries(office, state, limit))
