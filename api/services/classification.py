"""Decisions on rows that are not stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.services.judgement import judge, judge_many
from api.services.office import Office
from api.services.rows import PLACEHOLDER, parse_row
from domain.complaint import Complaint
from domain.errors import ModelMissing, SuyuanError

_SLICE = 25


def classify(office: Office, row: Mapping[str, Any]) -> dict[str, Any]:
    """The decision on one row."""
    complaint = _complaint(office, row)
    judgement = judge(office.desks, complaint, _received(office, complaint))
    return _said(complaint, judgement.decision, judgement.failure)


async def classify_many(
    office: Office, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any] | SuyuanError]:
    """Decisions or refusals in the order of the rows; other requests run between slices."""
    outcomes: list[dict[str, Any] | SuyuanError] = []
    for start in range(0, len(rows), _SLICE):
        outcomes += _slice(office, rows[start : start + _SLICE])
        await asyncio.sleep(0)
    return outcomes


def _slice(office: Office, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | SuyuanError]:
    parsed = [_parsed(office, row) for row in rows]
    good = [complaint for complaint in parsed if isinstance(complaint, Complaint)]
    judged = iter(judge_many(office.desks, good, [_received(office, one) for one in good]))
    return [_outcome(one, judged) for one in parsed]


def _outcome(parsed: Complaint | SuyuanError, judged: Any) -> dict[str, Any] | SuyuanError:
    if isinstance(parsed, SuyuanError):
        return parsed
    judgement = next(judged)
    try:
        return _said(parsed, judgement.decision, judgement.failure)
    except SuyuanError as error:
        return error


def _parsed(office: Office, row: Mapping[str, Any]) -> Complaint | SuyuanError:
    try:
        return _complaint(office, row)
    except SuyuanError as error:
        return error


def _complaint(office: Office, row: Mapping[str, Any]) -> Complaint:
    given = row if row.get("id") is not None else {**row, "id": PLACEHOLDER}
    return parse_row(given, office.settings.attributes)


def _received(office: Office, complaint: Complaint) -> datetime:
    received = complaint.values.get("received_at")
    return received if isinstance(received, datetime) else office.clock()


def _said(
    complaint: Complaint, decision: Mapping[str, Any] | None, failure: str | None
) -> dict[str, Any]:
    if decision is None:
        raise ModelMissing(f"nothing can decide now ({failure}); try again, or store it")
    identifier = None if complaint.id == PLACEHOLDER else complaint.id
    return {**decision, "id": identifier}
