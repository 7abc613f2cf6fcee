"""Warnings of a report put beside those that are known: the same thing stays one warning."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from api.services.warnings.found import Found
from api.store import delivery, warnings
from api.store.delivery import Message
from domain.calendar import china_day

_APART_WEEKS = 8


@dataclass(frozen=True)
class Sighting:
    """What one report saw: of which scope, until which week, when."""

    scope: str
    department: str | None
    report: str | None
    last_week: str
    at: datetime


def keep(connection: Connection, found: Sequence[Found], sighting: Sighting) -> list[str]:
    """Store what is new, follow what goes on; the ids of the new ones that are news."""
    seen, news = [], []
    foremost = sorted(found, key=lambda each: not each.active)
    for one in reversed(foremost):  # a list shows the last one first
        known = warnings.alike(connection, sighting.scope, one.key)
        same = next((row for row in known if _is_same(row, one)), None)
        if same is not None:
            seen.append(same.id)
            _follow(connection, same, one, sighting)
        elif made := _raise(connection, one, known, sighting):
            seen.append(made["id"])
            if one.active and not _is_quiet(made, sighting.at):
                news.append(made["id"])
                _announce(connection, made, sighting)
    warnings.rest(connection, sighting.scope, seen, sighting.last_week)
    return news


def _is_same(row: Row[Any], found: Found) -> bool:
    """Whether a sighting belongs to a warning: their weeks overlap or nearly touch."""
    reach = timedelta(weeks=_APART_WEEKS)
    ends_before = _monday(row.last_week) + reach < _monday(found.first_week)
    begins_after = _monday(row.first_week) - reach > _monday(found.last_week)
    return not ends_before and not begins_after


def _monday(week: str) -> date:
    year, _, number = week.partition("-W")
    return date.fromisocalendar(int(year), int(number), 1)


def _follow(connection: Connection, row: Row[Any], found: Found, sighting: Sighting) -> None:
    """A later look tells more; one at an earlier period changes nothing."""
    if found.last_week < row.last_week:
        return
    values = {
        "last_week": found.last_week,
        "active": found.active,
        "content": dict(found.content),
        "report": sighting.report,
        "seen_at": sighting.at,
    }
    warnings.change(connection, row.id, values)


def _raise(
    connection: Connection, found: Found, known: Sequence[Row[Any]], sighting: Sighting
) -> dict[str, Any] | None:
    """A new warning; it keeps quiet as long as people asked the last one of its kind to."""
    muted = next((row for row in known if row.muted_until), None)
    values = {
        "id": f"wrn_{secrets.token_hex(16)}",
        "department": sighting.department,
        "scope": sighting.scope,
        "key": found.key,
        "signature": found.signature,
        "kind": found.kind,
        "first_week": found.first_week,
        "last_week": found.last_week,
        "active": found.active,
        "content": dict(found.content),
        "report": sighting.report,
        "raised_at": sighting.at,
        "seen_at": sighting.at,
        "muted_until": muted.muted_until if muted else None,
        "muted_by": muted.muted_by if muted else None,
    }
    return values if warnings.add(connection, values) else None


def _is_quiet(values: dict[str, Any], at: datetime) -> bool:
    until = values["muted_until"]
    return until is not None and until >= china_day(at).isoformat()


def _announce(connection: Connection, values: dict[str, Any], sighting: Sighting) -> None:
    content = values["content"]
    told = {name: values[name] for name in ("id", "signature", "kind", "first_week", "report")}
    told |= {"department": sighting.department, "issue": content.get("issue")}
    told["calls_emergency_plan"] = bool(content.get("calls_emergency_plan"))
    identifier = values["id"]
    message = Message(
        f"evt_{secrets.token_hex(16)}",
        "warning.raised",
        identifier,
        sighting.department,
        told,
        sighting.at,
    )
    delivery.announce(connection, message)
