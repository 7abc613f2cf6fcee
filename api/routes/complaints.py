"""Complaints: taken in, listed, corrected, exported, unmasked."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from api.errors import Problem
from api.routes.access import TheCaller, TheOffice
from api.routes.bodies import json_object
from api.routes.replies import checked, documented, json_reply, takes
from api.schemas.complaints import (
    ComplaintIn,
    ComplaintList,
    ComplaintOut,
    LabelsIn,
    Original,
    ReasonIn,
    Waiting,
)
from api.schemas.decision import Decision
from api.services import cases
from api.services.cases import Wanted

router = APIRouter(tags=["complaints"])
_KEY = re.compile(r"[A-Za-z0-9._~:+/=@-]{1,255}")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Name = Annotated[str | None, Query(min_length=1, max_length=200)]
Moment = Annotated[
    str | None, Query(min_length=1, max_length=40, json_schema_extra={"format": "date-time"})
]


Identifier = Annotated[str, Path(alias="id", min_length=1, max_length=200)]


async def _wanted(
    category: Name = None,
    tier: Literal["普通", "紧急", "重大"] | None = None,
    queue: Name = None,
    state: Literal["decided", "pending", "failed"] | None = None,
    department: Name = None,
    received_from: Moment = None,
    received_to: Moment = None,
) -> Wanted:
    return Wanted(category, tier, queue, state, department, received_from, received_to)


Filters = Annotated[Wanted, Depends(_wanted)]


@router.post(
    "/complaints",
    status_code=201,
    responses=documented({201: Decision, 200: Decision, 202: Waiting}, 400, 409, 507),
    openapi_extra=takes(ComplaintIn),
)
async def take_in(
    request: Request,
    office: TheOffice,
    caller: TheCaller,
    idempotency_key: Annotated[str | None, Header(max_length=2_000)] = None,
) -> Response:
    """Classify, store and route a complaint; repeated with the same key or id, only once."""
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise Problem(400, "an Idempotency-Key has 1 to 255 letters, digits or . _ ~ : + / = @ -")
    row = await json_object(request)
    checked(ComplaintIn, row)
    reply = await office.intake.take(caller, row, idempotency_key)
    office.metrics.intake.labels(str(reply.status)).inc()
    return json_reply(reply.body, reply.status)


@router.get("/complaints", responses=documented({200: ComplaintList}))
async def list_complaints(
    office: TheOffice,
    caller: TheCaller,
    filters: Filters,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(min_length=1, max_length=60)] = None,
    changed_since: Annotated[str | None, Query(min_length=1, max_length=60)] = None,
) -> Response:
    """Newest first; with `changed_since` what changed after a cursor, oldest change first."""
    if changed_since is not None:
        return json_reply(await cases.changes(office, caller, filters, changed_since, limit))
    return json_reply(await cases.page(office, caller, filters, cursor, limit))


@router.get("/complaints.csv", responses=documented({}), response_class=Response)
async def export_csv(office: TheOffice, caller: TheCaller, filters: Filters) -> Response:
    """The complaints as CSV, masked, with nothing that a spreadsheet would run."""
    return _file(
        await cases.export(office, caller, filters, "csv"), "csv", "text/csv; charset=utf-8"
    )


@router.get("/complaints.xlsx", responses=documented({}), response_class=Response)
async def export_xlsx(office: TheOffice, caller: TheCaller, filters: Filters) -> Response:
    """The complaints as an Excel file, masked, every text typed as text."""
    return _file(await cases.export(office, caller, filters, "xlsx"), "xlsx", _XLSX)


@router.put(
    "/complaints/{id:path}/labels",
    responses=documented({200: ComplaintOut}, 400, 404, 409),
    openapi_extra=takes(LabelsIn),
)
async def relabel(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Correct what the model said; route and deadlines follow."""
    labels = checked(LabelsIn, await json_object(request)).model_dump()
    return json_reply(await cases.relabel(office, caller, identifier, labels))


@router.post(
    "/complaints/{id:path}/unmask",
    responses=documented({200: Original}, 400, 404),
    openapi_extra=takes(ReasonIn),
)
async def unmask(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """The original text, for a reason that is written down."""
    reason = checked(ReasonIn, await json_object(request)).reason
    return json_reply(await cases.unmask(office, caller, identifier, reason))


@router.get("/complaints/{id:path}", responses=documented({200: ComplaintOut}, 404))
async def show(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """One complaint, masked, with its history."""
    return json_reply(await cases.shown(office, caller, identifier))


def _file(content: bytes, suffix: str, media_type: str) -> Response:
    disposition = f'attachment; filename="complaints.{suffix}"'
    return Response(content, 200, {"content-disposition": disposition}, media_type)
