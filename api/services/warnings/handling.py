"""Warnings as people deal with them: listed, acknowledged, muted, merged."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.judgements import reason_of
from api.services.office import Office
from api.services.queries import day_of, row_after
from api.store import warnings
from api.store.complaints import audit_row
from api.store.warnings import Wanted
from domain.calendar import china_day
from domain.errors import Conflict, NotFound, RowRefused

_SHOWN = ("id", "department", "signature", "kind", "first_week", "last_week", "active", "report",
          "raised_at", "seen_at", "acknowledged_at", "acknowledged_by", "note", "muted_until",
          "muted_by", "merged_into")  # fmt: skip


def wanted(
    office: Office,
    state: str | None,
    signature: str | None,
    department: str | None,
    active: bool | None,
) -> Wanted:
    """What a list shows, as of today."""
    return Wanted(
        today=china_day(office.clock()).isoformat(),
        department=department,
        state=state,
        signature=signature,
        active=active,
    )


async def page(
    office: Office, caller: Caller, asked: Wanted, cursor: str | None, limit: int
) -> dict[str, Any]:
    """Warnings, newest first, and the cursor of the next page."""
    within = replace(asked, departments=caller.departments)
    after = row_after(cursor)
    rows = await office.read(partial(warnings.page, wanted=within, after=after, limit=limit + 1))
    shown = rows[:limit]
    following = str(shown[-1].number) if len(rows) > limit else None
    return {"items": [_out(row, asked.today) for row in shown], "next": following}


async def shown(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """One warning."""
    work = partial(warnings.find, identifier=identifier, departments=caller.departments)
    row = await office.read(work)
    if row is None:
        raise NotFound("there is no warning of this id")
    return _out(row, china_day(office.clock()).isoformat())


async def chart(office: Office, caller: Caller, identifier: str) -> str:
    """The drawing of a rise."""
    content = (await shown(office, caller, identifier))["content"]
    if "weekly" not in content:
        raise NotFound("only a rise (异动) has a drawing")
    return await asyncio.to_thread(_drawn, content)


def _drawn(content: Mapping[str, Any]) -> str:
    from api.services.report.drawings.columns import rise_columns

    days = [date.fromisoformat(day) for day in content["weeks"]]
    return str(
        rise_columns(
            [f"{day.month}月{day.day}日" for day in days],
            content["weekly"],
            content["weekly_expected"],
            content["weekly_upper"],
            content["weekly_alarm"],
            "每周件数与应有件数",
        )
    )


async def acknowledge(
    office: Office, caller: Caller, identifier: str, note: str | None
) -> dict[str, Any]:
    """Somebody has seen it and looks into it."""
    values = {"acknowledged_at": office.clock(), "acknowledged_by": caller.id}
    values["note"] = office.masker.short(note, 500) if note else None
    return await _changed(office, caller, identifier, "acknowledge", values)


async def mute(
    office: Office, caller: Caller, identifier: str, until: str | None, reason: str
) -> dict[str, Any]:
    """No news of it, nor of the same thing anew, until a day; without a day the muting ends."""
    day = day_of(until, "until")
    if day is not None and day < china_day(office.clock()):
        raise RowRefused("lies in the past; give a day from today on, or null to end it", "until")
    values = {"muted_until": day and day.isoformat(), "muted_by": caller.id if day else None}
    values["note"] = reason_of(office, reason)
    return await _changed(office, caller, identifier, "mute" if day else "unmute", values)


async def merge(office: Office, caller: Caller, identifier: str, into: str) -> dict[str, Any]:
    """It is about the same thing as another one, which speaks for both from now on."""
    await office.write(
        partial(_merge, office=office, caller=caller, identifier=identifier, into=into)
    )
    return await shown(office, caller, identifier)


def _merge(
    connection: Connection, office: Office, caller: Caller, identifier: str, into: str
) -> None:
    row = _found(connection, caller, identifier)
    other = warnings.find(connection, into, caller.departments)
    if other is None:
        raise RowRefused("names no warning; give the id of one", "into")
    if other.id == row.id or other.merged_into is not None:
        raise Conflict("merge it into a warning that stands for itself")
    if other.department != row.department:
        raise Conflict("the two belong to different departments")
    warnings.change(connection, row.id, {"merged_into": other.id})
    warnings.follow_merge(connection, row.id, other.id)
    audit_row(connection, office.clock(), caller.id, "warning.merge", row.id, {"into": other.id})


async def _changed(
    office: Office, caller: Caller, identifier: str, action: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    def work(connection: Connection) -> None:
        row = _found(connection, caller, identifier)
        if row.merged_into is not None:
            raise Conflict("it was merged into another warning; go on with that one")
        warnings.change(connection, row.id, values)
        audit_row(connection, office.clock(), caller.id, f"warning.{action}", row.id, {})

    await office.write(work)
    return await shown(office, caller, identifier)


def _found(connection: Connection, caller: Caller, identifier: str) -> Row[Any]:
    row = warnings.find(connection, identifier, caller.departments)
    if row is None:
        raise NotFound("there is no warning of this id")
    return row


def _out(row: Row[Any], day: str) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in _SHOWN}
    return {**kept, "state": _state(row, day), "content": row.content}


def _state(row: Row[Any], day: str) -> str:
    if row.merged_into is not None:
        return warnings.MERGED
    if row.muted_until is not None and row.muted_until >= day:
        return warnings.MUTED
    return warnings.OPEN if row.acknowledged_at is None else warnings.ACKNOWLEDGED
