"""Frequent problems: owned, acted on, measured, closed by proof."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from api.routes.access import TheCaller, TheOffice
from api.routes.bodies import json_object
from api.routes.replies import checked, documented, json_reply, takes
from api.schemas.operations import Accepted
from api.schemas.problems import (
    Cards,
    DoneIn,
    DropIn,
    DueOut,
    EndIn,
    ExposureIn,
    ExposureOut,
    LinkedList,
    LinkIn,
    MeasureEditIn,
    MeasureIn,
    OwnerIn,
    ProblemEditIn,
    ProblemFull,
    ProblemIn,
    ProblemList,
    ProblemMergeIn,
    ReopenIn,
    SheetOut,
    SplitIn,
    VersionIn,
)
from api.services.improvement import (
    denominators,
    endings,
    measures,
    papers,
    proof,
    register,
)

router = APIRouter(tags=["problems"])
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Identifier = Annotated[str, Path(alias="id", min_length=1, max_length=60)]
Name = Annotated[str | None, Query(min_length=1, max_length=200)]
Month = Annotated[str | None, Query(pattern=r"^(19|20|21)\d\d-(0[1-9]|1[0-2])$", max_length=7)]
Cursor = Annotated[str | None, Query(min_length=1, max_length=60)]
Limit = Annotated[int, Query(ge=1, le=200)]
State = Literal["open", "owned", "acting", "watching", "closed", "known", "accepted", "merged"]


@router.post(
    "/problems",
    status_code=201,
    responses=documented({201: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(ProblemIn),
)
async def raise_problem(request: Request, office: TheOffice, caller: TheCaller) -> Response:
    """Make a problem of a finding, a warning, a frequent issue, or of what somebody saw."""
    asked = checked(ProblemIn, await json_object(request)).model_dump()
    return json_reply(await register.raise_problem(office, caller, asked), 201)


@router.get("/problems", responses=documented({200: ProblemList}))
async def list_problems(
    office: TheOffice,
    caller: TheCaller,
    state: State | None = None,
    issue: Name = None,
    owner: Name = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Newest first."""
    wanted = {"state": state, "issue": issue, "owner": owner}
    return json_reply(await register.page(office, caller, wanted, cursor, limit))


@router.get("/problems.xlsx", responses=documented({}), response_class=Response)
async def export(office: TheOffice, caller: TheCaller) -> Response:
    """Problems and measures as an Excel file, every text typed as text."""
    content = await papers.workbook(office, caller)
    return Response(content, 200, {"content-disposition": _named("problems.xlsx")}, _XLSX)


@router.get("/improvement/due", responses=documented({200: DueOut}))
async def due(office: TheOffice, caller: TheCaller) -> Response:
    """Measures that are due within a week, and those whose day has passed."""
    return json_reply(await measures.due(office, caller))


@router.get("/improvement/lessons", responses=documented({200: Cards}))
async def lessons(
    office: TheOffice,
    caller: TheCaller,
    issue: Annotated[str, Query(min_length=1, max_length=200)],
) -> Response:
    """What worked against an issue, as cards."""
    return json_reply(await measures.lessons(office, caller, issue))


@router.get("/improvement/sheet", responses=documented({200: SheetOut}))
async def sheet(office: TheOffice, caller: TheCaller, month: Month = None) -> Response:
    """What the monthly improvement meeting looks at."""
    return json_reply(await papers.sheet(office, caller, month))


@router.get("/improvement/sheet.html", responses=documented({}), response_class=Response)
async def sheet_page(office: TheOffice, caller: TheCaller, month: Month = None) -> Response:
    """The meeting's sheet, printable."""
    return _page(await papers.sheet_page(office, caller, month))


@router.post(
    "/improvement/exposure",
    responses=documented({200: ExposureOut}, 400),
    openapi_extra=takes(ExposureIn),
)
async def exposure(request: Request, office: TheOffice, caller: TheCaller) -> Response:
    """Store units sold or served by week and place, which rates are then counted over."""
    asked = checked(ExposureIn, await json_object(request)).model_dump()
    return json_reply(
        await denominators.store_units(office, caller, asked["department"], asked["rows"])
    )


@router.put(
    "/problems/{id}",
    responses=documented({200: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(ProblemEditIn),
)
async def edit(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Change what is written of a problem; what is not given stays."""
    asked = checked(ProblemEditIn, await json_object(request)).model_dump()
    return json_reply(await register.edit(office, caller, identifier, asked))


@router.post(
    "/problems/{id}/owner",
    responses=documented({200: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(OwnerIn),
)
async def assign(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Give a problem an owner."""
    asked = checked(OwnerIn, await json_object(request))
    return json_reply(await register.assign(office, caller, identifier, asked.owner, asked.version))


@router.post(
    "/problems/{id}/end",
    responses=documented({200: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(EndIn),
)
async def end(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Close a problem by its proof, or say that it is known or accepted."""
    asked = checked(EndIn, await json_object(request)).model_dump()
    return json_reply(await endings.end(office, caller, identifier, asked))


@router.post(
    "/problems/{id}/reopen",
    responses=documented({200: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(ReopenIn),
)
async def reopen(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Take an ended problem up again."""
    asked = checked(ReopenIn, await json_object(request))
    return json_reply(await endings.reopen(office, caller, identifier, asked.reason, asked.version))


@router.post(
    "/problems/{id}/merge",
    responses=documented({200: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(ProblemMergeIn),
)
async def merge(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Make two problems one: measures and complaints move over."""
    asked = checked(ProblemMergeIn, await json_object(request))
    return json_reply(await endings.merge(office, caller, identifier, asked.into, asked.version))


@router.post(
    "/problems/{id}/split",
    status_code=201,
    responses=documented({201: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(SplitIn),
)
async def split(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Make a problem of its own of some of a problem's places."""
    asked = checked(SplitIn, await json_object(request)).model_dump()
    return json_reply(await endings.split(office, caller, identifier, asked), 201)


@router.get("/problems/{id}/complaints", responses=documented({200: LinkedList}, 404))
async def linked(
    office: TheOffice,
    caller: TheCaller,
    identifier: Identifier,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Complaints of a problem, masked, newest first."""
    return json_reply(await register.linked(office, caller, identifier, cursor, limit))


@router.post(
    "/problems/{id}/complaints",
    responses=documented({200: ProblemFull}, 400, 404),
    openapi_extra=takes(LinkIn),
)
async def relink(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Hang a complaint on a problem or take it off, whatever its pattern says."""
    asked = checked(LinkIn, await json_object(request))
    return json_reply(
        await register.relink(office, caller, identifier, asked.complaint, asked.belongs)
    )


@router.get("/problems/{id}/suggestions", responses=documented({200: Cards}, 404))
async def suggestions(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """Measures that worked on the same issue elsewhere."""
    return json_reply(await measures.suggestions(office, caller, identifier))


@router.post(
    "/problems/{id}/measures",
    status_code=201,
    responses=documented({201: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(MeasureIn),
)
async def propose(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Suggest a measure."""
    asked = checked(MeasureIn, await json_object(request)).model_dump()
    return json_reply(await measures.propose(office, caller, identifier, asked), 201)


@router.post(
    "/problems/{id}/effects",
    status_code=202,
    responses=documented({202: Accepted}, 404, 409),
)
async def measure_effects(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """Have the effects of a problem's measures measured now; a job does it."""
    return json_reply(await proof.order(office, caller, identifier), 202)


@router.get("/problems/{id}/chart.svg", responses=documented({}, 404), response_class=Response)
async def chart(
    office: TheOffice,
    caller: TheCaller,
    identifier: Identifier,
    measure: Annotated[str | None, Query(min_length=1, max_length=60)] = None,
) -> Response:
    """The effect of a measure as a chart; of the last one measured when none is named."""
    content = await papers.chart(office, caller, identifier, measure)
    return Response(content, media_type="image/svg+xml")


@router.get("/problems/{id}/8d.html", responses=documented({}, 404), response_class=Response)
async def eight_disciplines(
    office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """The problem as an 8D report, printable."""
    return _page(await papers.eight_disciplines(office, caller, identifier))


@router.get("/problems/{id}/8d.pdf", responses=documented({}, 404), response_class=Response)
async def eight_disciplines_pdf(
    office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """The problem as an 8D report in PDF."""
    content = await papers.eight_disciplines_pdf(office, caller, identifier)
    return Response(content, 200, {"content-disposition": _named("8d.pdf")}, "application/pdf")


@router.get("/problems/{id}", responses=documented({200: ProblemFull}, 404))
async def show(office: TheOffice, caller: TheCaller, identifier: Identifier) -> Response:
    """A problem with its evidence, measures, effects and history."""
    return json_reply(await register.shown(office, caller, identifier))


@router.put(
    "/measures/{id}",
    responses=documented({200: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(MeasureEditIn),
)
async def edit_measure(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Change a measure that is not carried out; it then needs to be approved again."""
    asked = checked(MeasureEditIn, await json_object(request)).model_dump()
    return json_reply(await measures.edit(office, caller, identifier, asked))


@router.post(
    "/measures/{id}/approve",
    responses=documented({200: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(VersionIn),
)
async def approve(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Agree to what another person suggested."""
    asked = checked(VersionIn, await json_object(request))
    return json_reply(await measures.approve(office, caller, identifier, asked.version))


@router.post(
    "/measures/{id}/done",
    responses=documented({200: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(DoneIn),
)
async def carry_out(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Say on which day a measure was carried out, and what shows it."""
    asked = checked(DoneIn, await json_object(request)).model_dump()
    return json_reply(await measures.carry_out(office, caller, identifier, asked))


@router.post(
    "/measures/{id}/drop",
    responses=documented({200: ProblemFull}, 400, 404, 409),
    openapi_extra=takes(DropIn),
)
async def drop(
    request: Request, office: TheOffice, caller: TheCaller, identifier: Identifier
) -> Response:
    """Give a measure up, for a reason."""
    asked = checked(DropIn, await json_object(request))
    return json_reply(await measures.drop(office, caller, identifier, asked.reason, asked.version))


def _page(made: tuple[str, str]) -> Response:
    """A printable page under a policy that allows its own style sheet and nothing else."""
    content, policy = made
    headers = {"content-security-policy": policy}
    return Response(content, 200, headers, "text/html; charset=utf-8")


def _named(name: str) -> str:
    return f'attachment; filename="{name}"'
