"""Volumes by week."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.replies import documented, json_reply
from api.schemas.warnings import TrendsOut
from api.services import trends
from api.services.trends import Asked

router = APIRouter(tags=["trends"])
Name = Annotated[str | None, Query(min_length=1, max_length=200)]
Day = Annotated[
    str | None,
    Query(pattern=r"^(19|20|21)\d\d-\d\d-\d\d$", json_schema_extra={"format": "date"}),
]


@router.get("/trends", responses=documented({200: TrendsOut}))
async def by_week(
    office: TheOffice,
    caller: TheCaller,
    by: Literal["category", "tier", "queue", "department"] = "category",
    weeks: Annotated[int, Query(ge=1, le=260)] = 53,
    to: Day = None,
    department: Name = None,
) -> Response:
    """Complaints by week and group up to a day, and a forecast of the whole."""
    return json_reply(await trends.trends(office, caller, Asked(by, weeks, to, department)))
