"""Decisions on complaints that are not stored."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.errors import problem_of
from api.routes.access import TheOffice
from api.routes.bodies import json_object, refuse_unstorable
from api.routes.replies import checked, documented, json_reply, takes
from api.schemas.complaints import BatchIn, BatchOut, ComplaintIn
from api.schemas.decision import Decision
from api.services.classification import classify, classify_many
from api.services.judgement import dumps

router = APIRouter(tags=["classify"])


@router.post(
    "/classify", responses=documented({200: Decision}, 400), openapi_extra=takes(ComplaintIn)
)
async def classify_one(request: Request, office: TheOffice) -> Response:
    """Decide one complaint; nothing is stored."""
    row = await json_object(request)
    checked(ComplaintIn, row)
    return json_reply(dumps(classify(office, row)))


@router.post(
    "/classify/batch", responses=documented({200: BatchOut}, 400), openapi_extra=takes(BatchIn)
)
async def classify_batch(request: Request, office: TheOffice) -> Response:
    """Decide up to 1,000 complaints; a bad row gets its own problem, the others their decision."""
    rows = checked(BatchIn, await json_object(request, storable=False)).complaints
    good: list[tuple[int, dict[str, Any]]] = []
    results: list[dict[str, Any]] = [{"row": place} for place in range(len(rows))]
    for place, row in enumerate(rows):
        try:
            refuse_unstorable(row)
            checked(ComplaintIn, row)
            good.append((place, row))
        except Exception as error:
            results[place]["problem"] = _problem(error)
    outcomes = await classify_many(office, [row for _, row in good])
    for (place, _), outcome in zip(good, outcomes, strict=True):
        refused = isinstance(outcome, Exception)
        name = "problem" if refused else "decision"
        results[place][name] = _problem(outcome) if isinstance(outcome, Exception) else outcome
    return json_reply(dumps({"results": results}))


def _problem(error: Exception) -> dict[str, Any]:
    return problem_of(error).document()
