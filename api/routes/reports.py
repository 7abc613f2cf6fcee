"""Root-cause reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.bodies import json_object
from api.routes.replies import checked, documented, json_reply, takes
from api.schemas.operations import Accepted
from api.schemas.reports import ReportIn, ReportList, ReportOut
from api.services import analysis

router = APIRouter(tags=["reports"])
Identifier = Annotated[str, Path(alias="id", min_length=1, max_length=60)]


@router.post(
    "/reports",
    status_code=202,
    responses=documented({202: Accepted}, 400),
    openapi_extra=takes(ReportIn),
)
async def order(request: Request, office: TheOffice, caller: TheCaller) -> Response:
    """Ask for a report; a job makes it."""
    asked = checked(ReportIn, await json_object(request)).model_dump()
    return json_reply(await analysis.order(office, caller, asked), 202)


@router.get("/reports", responses=documented({200: ReportList}))
async def recent(office: TheOffice, caller: TheCaller) -> Response:
    """The newest reports."""
    return json_reply(await analysis.recent(office, caller))


@router.get("/reports/{id}.json", responses=documented({}, 404), response_class=Response)
async def as_json(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """A finished report as data; its schema is published."""
    content = await analysis.document(office, caller, identifier, "json")
    return Response(content, media_type="application/json")


@router.get("/reports/{id}.html", responses=documented({}, 404), response_class=Response)
async def as_page(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """A finished report as one page, under a policy that allows its own style and nothing else."""
    content = await analysis.document(office, caller, identifier, "html")
    policy = {"content-security-policy": analysis.page_policy()}
    return Response(content, 200, policy, "text/html; charset=utf-8")


@router.get("/reports/{id}.xlsx", responses=documented({}, 404), response_class=Response)
async def as_workbook(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """A finished report as an Excel workbook with charts and filters."""
    return _file(await analysis.document(office, caller, identifier, "xlsx"), "xlsx")


@router.get("/reports/{id}.pdf", responses=documented({}, 404), response_class=Response)
async def as_paper(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """A finished report for print."""
    return _file(await analysis.document(office, caller, identifier, "pdf"), "pdf")


@router.get("/reports/{id}.md", responses=documented({}, 404), response_class=Response)
async def as_summary(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """The main points of a finished report, for a chat."""
    return _file(await analysis.document(office, caller, identifier, "md"), "md")


@router.get("/reports/{id}/public.html", responses=documented({}, 404), response_class=Response)
async def as_public_page(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """The version for the public (白皮书): nothing personal, no texts, no places."""
    content = await analysis.document(office, caller, identifier, "html", public=True)
    policy = {"content-security-policy": analysis.page_policy()}
    return Response(content, 200, policy, analysis.FORMATS["html"])


@router.get("/reports/{id}/public.pdf", responses=documented({}, 404), response_class=Response)
async def as_public_paper(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """The version for the public (白皮书) for print."""
    return _file(await analysis.document(office, caller, identifier, "pdf", public=True), "pdf")


def _file(content: bytes, suffix: str) -> Response:
    disposition = f'attachment; filename="report.{suffix}"'
    headers = {"content-disposition": disposition}
    return Response(content, 200, headers, analysis.FORMATS[suffix])


@router.get("/reports/{id}", responses=documented({200: ReportOut}, 404))
async def show(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """How far a report is."""
    return json_reply(await analysis.shown(office, caller, identifier))
