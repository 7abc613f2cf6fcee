"""What keeps the service running looks here."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.routes.access import TheOffice
from api.routes.replies import documented, json_reply
from api.schemas.operations import Health
from api.services.health import readiness
from api.services.metrics import CONTENT_TYPE

router = APIRouter(tags=["operations"])


@router.get("/livez")
async def alive() -> Response:
    """The process answers."""
    return json_reply({"status": "ok"})


@router.get("/healthz", responses={200: {"model": Health}})
async def healthy(office: TheOffice) -> Response:
    """What works and what does not; 200 as long as the process answers."""
    ready, found = await readiness(office)
    return json_reply(found if ready else {**found, "status": "degraded"})


@router.get("/readyz", responses={200: {"model": Health}, 503: {"model": Health}})
async def ready(office: TheOffice) -> Response:
    """503 while anything that requests need does not work, naming it."""
    is_ready, found = await readiness(office)
    return json_reply(found, 200 if is_ready else 503)


@router.get("/metrics", responses=documented({}), response_class=Response)
async def metrics(office: TheOffice) -> Response:
    """Figures for Prometheus."""
    return Response(office.metrics.text(), headers={"content-type": CONTENT_TYPE})
