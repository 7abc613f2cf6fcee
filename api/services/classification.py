"""Decisions on rows that are not stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.services.judgement import Judgement, judge, judge_many
from api.services.office import Office
from api.services.rows import PLACEHOLDER, parse_row
from domain.complaint import Complaint
from domain.errors import ModelMissing, SuyuanError

_SLICE = 25


@dataclass(frozen=True)
class _Asked:
    """A row as it was sent, as it was read, and as the desk sees it: masked, as in intake."""

    sent: str
    read: Complaint
    masked: Complaint


def classify(office: Office, row: Mapping[str, Any]) -> dict[str, Any]:
    """The decision on one row."""
    asked = _asked(office, row)
    return _said(office, asked, judge(office.desks, asked.masked, _received(office, asked.read)))


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
    good = [one for one in parsed if isinstance(one, _Asked)]
    times = [_received(office, one.read) for one in good]
    judged = iter(judge_many(office.desks, [one.masked for one in good], times))
    return [_outcome(office, one, judged) for one in parsed]


def _outcome(
    office: Office, parsed: _Asked | SuyuanError, judged: Iterator[Judgement]
) -> dict[str, Any] | SuyuanError:
    if isinstance(parsed, SuyuanError):
        return parsed
    try:
        return _said(office, parsed, next(judged))
    except SuyuanError as error:
        return error


def _parsed(office: Office, row: Mapping[str, Any]) -> _Asked | SuyuanError:
    try:
        return _asked(office, row)
    except SuyuanError as error:
        return error


def _asked(office: Office, row: Mapping[str, Any]) -> _Asked:
    given = row if row.get("id") is not None else {**row, "id": PLACEHOLDER}
    read = parse_row(given, office.settings.attributes)
    return _Asked(str(row["text"]), read, office.masker.complaint(read))


def _received(office: Office, complaint: Complaint) -> datetime:
    received = complaint.values.get("received_at")
    return received if isinstance(received, datetime) else office.clock()


def _said(office: Office, asked: _Asked, judgement: Judgement) -> dict[str, Any]:
    decision = judgement.decision
    if decision is None:
        raise ModelMissing(f"nothing can decide now ({judgement.failure}); try again, or store it")
    if asked.masked.text != asked.sent:
        decision = office.masker.pointed(decision, asked.read.text, asked.sent)
    return {**decision, "id": None if asked.read.id == PLACEHOLDER else asked.read.id}
